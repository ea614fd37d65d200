"""The desk of credits: the ledger and its check, grants by a second person within limits, taking back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.access import Actor, Permission
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import Work, action, reading
from lib.models import AiCredit, CreditAttempt, CreditGrant, CreditLimit, Payment, UserAddon
from lib.services import limit_use
from lib.services.credits import grants, ledger, opened, take_back
from tests.factories import (
    NOW,
    make_addon,
    make_couple,
    make_credit,
    make_payment,
    make_purchase,
    make_staff,
    make_subscription,
    make_user,
    write,
)
from tests.staff import FINANCE, OTHER_FINANCE, PRODUCT, SUPPORT, do, read


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened_database = Database(database_url)
    yield opened_database
    opened_database.dispose()


@pytest.fixture
def person(database: Database) -> str:
    return make_user(database)


@pytest.fixture
def couple(database: Database, person: str) -> str:
    return make_couple(database, user_1_id=person)


def rows(database: Database, model: Any) -> list[Any]:
    with reading(database, FINANCE) as view:
        return list(view.session.scalars(select(model)))


def asked(
    database: Database, couple: str, person: str, amount: int = 20, by: Actor = SUPPORT, **over: Any
) -> str:
    wish = {"for_user": person, "amount": amount, "reason": "The answer never came", **over}
    key: str = do(database, by, grants.request_credits, couple, **wish)
    return key


def approve(database: Database, grant: str, by: Actor = FINANCE) -> str:
    shown = read(database, by, grants.one, grant).digest
    row: str = do(database, by, grants.approve, grant, shown=shown, reason="Fair")
    return row


def test_a_ledger_is_traced_checked_and_shown_newest_first(database: Database, couple: str) -> None:
    start = moments.now() - timedelta(days=100)
    make_credit(
        database,
        couple,
        id="a",
        transaction_type="grant",
        credits_amount=25,
        credits_balance=25,
        created_at=start,
        expires_at=start + timedelta(days=90),
    )
    make_credit(database, couple, id="b", credits_balance=75, created_at=start + timedelta(days=1))
    make_credit(
        database,
        couple,
        id="c",
        transaction_type="usage",
        credits_amount=-30,
        credits_balance=47,
        created_at=start + timedelta(days=2),
    )

    found = read(database, SUPPORT, ledger.of_couple, couple)

    assert [line.id for line in found.lines] == ["c", "b", "a"]
    day = f"{start:%Y-%m-%d}"
    assert (
        found.lines[0].paid_by
        == f"25 of the grant of {day}, 5 of the purchase of {start + timedelta(days=1):%Y-%m-%d}"
    )
    assert (found.balance, found.stored, found.lines[0].difference) == (45, 47, 2)
    assert (found.bought, found.granted, found.used) == (50, 25, 30)
    assert found.oddities[0].startswith("The app's balance is 47; its own movements add up to 45.")


def test_credits_past_their_day_and_soon_due_are_counted(database: Database, couple: str) -> None:
    now = moments.now()
    make_credit(database, couple, credits_amount=5, credits_balance=5, expires_at=now - timedelta(days=1))
    make_credit(database, couple, credits_amount=7, credits_balance=12, expires_at=now + timedelta(days=20))
    make_credit(database, couple, credits_amount=9, credits_balance=21, expires_at=now + timedelta(days=40))

    found = read(database, SUPPORT, ledger.of_couple, couple)

    assert (found.expired, found.expiring) == (5, 7)


def test_movements_are_found_by_kind_couple_and_payment(database: Database, couple: str) -> None:
    bought = make_credit(database, couple, stripe_payment_id="pi_9")
    make_credit(database, couple, transaction_type="usage", credits_amount=-1, credits_balance=49)
    make_credit(database, make_couple(database))

    def ids(**filters: Any) -> list[str]:
        return [row.id for row in read(database, SUPPORT, ledger.movements.page, **filters).rows]

    assert len(ids()) == 3
    assert len(ids(q=couple)) == 2
    assert ids(q=couple, kind="purchase") == ids(q="pi_9") == [bought]
    with pytest.raises(Invalid, match="Credits move by"):
        ids(kind="gift")


def test_a_grant_is_written_once_after_somebody_else_has_approved_it(
    database: Database, couple: str, person: str
) -> None:
    make_credit(database, couple, credits_balance=50)
    grant = asked(database, couple, person, 20, lasts_days=30)

    before = rows(database, AiCredit)
    row = approve(database, grant)

    written = next(each for each in rows(database, AiCredit) if each.id == row)
    assert len(before) == 1
    assert (written.transaction_type, written.credits_amount, written.credits_balance) == ("grant", 20, 70)
    assert (written.user_id, written.relationship_id) == (person, couple)
    assert written.expires_at - written.created_at == timedelta(days=30)
    case = read(database, FINANCE, grants.one, grant)
    assert (case.grant.status, case.grant.row_id, case.grant.decided_by) == ("given", row, FINANCE.id)
    with pytest.raises(Refused, match="given already"):
        approve(database, grant)
    assert len(rows(database, AiCredit)) == 2


def test_whoever_asked_does_not_decide_whatever_their_role(
    database: Database, couple: str, person: str
) -> None:
    grant = asked(database, couple, person, by=FINANCE)

    with pytest.raises(Refused, match="somebody else has to decide"):
        approve(database, grant)

    assert rows(database, AiCredit) == []
    assert approve(database, grant, OTHER_FINANCE)


def test_support_asks_and_does_not_decide_and_product_does_neither(
    database: Database, couple: str, person: str
) -> None:
    grant = asked(database, couple, person)

    with pytest.raises(NotAllowed):
        approve(database, grant, SUPPORT)
    with pytest.raises(NotAllowed):
        asked(database, couple, person, by=PRODUCT)


def test_a_denied_grant_gives_nothing_and_keeps_the_reason(
    database: Database, couple: str, person: str
) -> None:
    grant = asked(database, couple, person)
    shown = read(database, FINANCE, grants.one, grant).digest

    do(database, FINANCE, grants.deny, grant, shown=shown, reason="No ground")

    case = read(database, FINANCE, grants.one, grant)
    assert (case.grant.status, case.grant.decision, rows(database, AiCredit)) == ("denied", "No ground", [])
    with pytest.raises(Refused, match="denied already"):
        approve(database, grant)


def test_an_add_on_is_given_once_free_of_charge(database: Database, couple: str, person: str) -> None:
    box = make_addon(database, price_cents=2500)
    grant = do(
        database, SUPPORT, grants.request_addon, couple, for_user=person, addon_id=box, reason="Came broken"
    )

    row = approve(database, grant)

    [given] = rows(database, UserAddon)
    assert (given.id, given.addon_id, given.status, given.price_cents) == (row, box, "active", 0)
    assert given.stripe_subscription_id is None
    [attempt] = rows(database, CreditAttempt)
    assert (attempt.currency, attempt.amount_cents, attempt.allowed) == ("USD", 2500, True)


@pytest.mark.parametrize(
    ("over", "error", "sentence"),
    [
        ({"amount": 0}, Invalid, "1 to 1,000 credits"),
        ({"amount": 1_001}, Invalid, "1 to 1,000 credits"),
        ({"lasts_days": 0}, Invalid, "1 to 730 days"),
        ({"for_user": "somebody"}, Refused, "one of the two partners"),
        ({"reason": " "}, Invalid, "Say why"),
    ],
)
def test_a_wish_out_of_bounds_is_turned_down(
    database: Database, couple: str, person: str, over: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        asked(database, couple, **{"person": person, **over})

    assert rows(database, CreditGrant) == []


def test_nothing_is_asked_for_a_couple_that_ended_or_is_not_there(database: Database) -> None:
    person = make_user(database)
    ended = make_couple(database, user_1_id=person, status="ended")

    with pytest.raises(Refused, match="has ended"):
        asked(database, ended, person)
    with pytest.raises(NotFound):
        asked(database, "nobody", person)


def test_a_button_pressed_twice_asks_once(database: Database, couple: str, person: str) -> None:
    asked(database, couple, person, 20)

    with pytest.raises(Refused, match="asked for this already"):
        asked(database, couple, person, 20)
    assert asked(database, couple, person, 30)


def test_the_limit_counts_what_one_person_gave_within_24_hours_and_keeps_every_try(
    database: Database, couple: str, person: str
) -> None:
    write(
        database, CreditLimit, holder="finance", unit="credits", most=100, updated_at=NOW, updated_by="test"
    )
    first, second = asked(database, couple, person, 60), asked(database, couple, person, 50)
    approve(database, first)

    with pytest.raises(Refused, match="100 credits within 24 hours, of which 60 credits are used"):
        approve(database, second)

    tries = sorted(rows(database, CreditAttempt), key=lambda each: each.allowed)
    assert [(each.allowed, each.amount_cents, each.used_cents) for each in tries] == [
        (False, 50, 60),
        (True, 60, 0),
    ]
    assert "beyond your limit" in tries[0].refusal
    assert [each.used_cents for each in read(database, FINANCE, limit_use.mine, "grants")] == [60, 0]
    assert approve(database, second, OTHER_FINANCE)


def test_a_limit_of_ones_own_goes_before_the_roles(database: Database) -> None:
    for holder, most in (("finance", 100), (FINANCE.id, 40)):
        write(database, CreditLimit, holder=holder, unit="credits", most=most, updated_at=NOW, updated_by="t")

    assert read(database, FINANCE, limit_use.mine, "grants")[0].limit_cents == 40
    assert read(database, OTHER_FINANCE, limit_use.mine, "grants")[0].limit_cents == 100
    assert read(database, SUPPORT, limit_use.mine, "grants") == []


def test_of_decisions_at_one_moment_only_as_many_pass_as_the_limit_allows(
    database: Database, couple: str, person: str
) -> None:
    key = make_staff(database, "finance")
    decider = Actor(key, "f@example.org", FINANCE.role)
    write(database, CreditLimit, holder=key, unit="credits", most=50, updated_at=NOW, updated_by="test")
    waiting = [asked(database, couple, person, amount) for amount in (20, 21, 22, 23)]

    def decide(grant: str) -> bool:
        try:
            approve(database, grant, decider)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        passed = list(pool.map(decide, waiting))

    given = [each.credits_amount for each in rows(database, AiCredit)]
    newest = max(rows(database, AiCredit), key=lambda each: each.credits_balance)
    assert sum(passed) == len(given) == 2
    assert sum(given) == newest.credits_balance <= 50


def test_an_id_opens_what_it_is_of(database: Database, couple: str, person: str) -> None:
    grant, purchase = asked(database, couple, person), make_purchase(database)
    gift = make_subscription(database, is_gift=True, stripe_subscription_id=None)

    keys = (grant, purchase, gift, couple)
    kinds = [read(database, SUPPORT, opened.kind_of, key) for key in keys]

    assert kinds == ["grant", "purchase", "gift", "couple"]
    with pytest.raises(NotFound, match="no grant, purchase, gift or couple"):
        read(database, SUPPORT, opened.kind_of, make_subscription(database))


@action(Permission.REFUNDS_DECIDE)
def refunded(work: Work, payment_id: str) -> str:
    """What a plan of the refund desk does inside an action of its own."""
    work.about("payment_transactions", payment_id)
    return take_back.take_back(work, work.session.get_one(Payment, payment_id), words="Money given back")


def bought(database: Database, couple: str, person: str, **over: Any) -> str:
    return make_payment(database, user_id=person, relationship_id=couple, transaction_type="credits", **over)


def test_credits_that_nobody_used_are_taken_back_once(database: Database, couple: str, person: str) -> None:
    payment = bought(database, couple, person, stripe_payment_intent_id="pi_back")
    make_credit(database, couple, stripe_payment_id="pi_back", credits_balance=50)

    row = do(database, FINANCE, refunded, payment)

    movement = next(each for each in rows(database, AiCredit) if each.id == row)
    assert (movement.transaction_type, movement.credits_amount, movement.credits_balance) == (
        "refund",
        -50,
        0,
    )
    assert read(database, FINANCE, ledger.of_couple, couple).balance == 0
    with pytest.raises(Refused, match="taken back already"):
        do(database, FINANCE, refunded, payment)


def test_credits_of_which_some_were_used_stay(database: Database, couple: str, person: str) -> None:
    payment = bought(database, couple, person, stripe_payment_intent_id="pi_used")
    make_credit(database, couple, stripe_payment_id="pi_used", credits_balance=50)
    make_credit(
        database,
        couple,
        transaction_type="usage",
        credits_amount=-8,
        credits_balance=42,
        created_at=NOW,
    )

    with pytest.raises(Refused, match="8 of the 50 credits of this payment are used"):
        do(database, FINANCE, refunded, payment)


def test_an_add_on_bought_once_is_taken_back_and_one_that_goes_on_is_not(
    database: Database, couple: str, person: str
) -> None:
    at = NOW - timedelta(days=3)
    paid = {"user_id": person, "relationship_id": couple, "transaction_type": "box"}
    once = make_payment(database, **paid, created_at=at)
    later = make_payment(database, **paid, created_at=NOW)
    mine = {"user_id": person, "relationship_id": couple}
    box = make_purchase(database, **mine, purchase_date=at)
    make_purchase(database, **mine, purchase_date=NOW, stripe_subscription_id="sub_x")

    assert do(database, FINANCE, refunded, once) == box

    taken = next(each for each in rows(database, UserAddon) if each.id == box)
    assert (taken.status, taken.canceled_at is not None) == ("canceled", True)
    for payment, why in ((once, "taken back already"), (later, "cancel it there first")):
        with pytest.raises(Refused, match=why):
            do(database, FINANCE, refunded, payment)


def test_a_subscriptions_payment_bought_nothing_to_take_back(database: Database) -> None:
    with pytest.raises(Refused, match="bought nothing"):
        do(database, FINANCE, refunded, make_payment(database))
