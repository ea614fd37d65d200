"""Limits: who sets them for whom, whose counts, and what everybody used within 24 hours."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.access import Actor
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading
from lib.models import RefundAttempt, RefundLimit
from lib.services import limit_use, limits, refunds
from lib.services.credits import grants
from lib.services.payments import case, credit
from tests.factories import (
    make_couple,
    make_invoice,
    make_payment,
    make_refund,
    make_staff,
    make_user,
    write,
)
from tests.staff import ADMIN, FINANCE, SUPPORT, do, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    make_staff(opened, "finance", id=FINANCE.id, email=FINANCE.email)
    make_staff(opened, "admin", id=ADMIN.id, email=ADMIN.email)
    make_staff(opened, "support", id=SUPPORT.id, email=SUPPORT.email)
    yield opened
    opened.dispose()


def set_limit(database: Database, holder: str, cents: int, *, by: Actor = ADMIN, **over: str) -> None:
    given = {"currency": "USD", "reason": "Agreed in the weekly"} | over
    do(database, by, limits.set_limit, "refunds", holder=holder, limit_cents=cents, **given)


def approve(database: Database, cents: int) -> None:
    payment = make_payment(database, amount_cents=1_000_000)
    refund = make_refund(database, transaction_id=payment, refund_amount_cents=cents)
    shown = read(database, FINANCE, refunds.one, refund).digest
    do(database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair")


def of_finance(database: Database, by: Actor = ADMIN) -> limit_use.Holder:
    [found] = [each for each in read(database, by, limit_use.holders, "refunds") if each.role == "finance"]
    return found


def test_a_limit_of_a_person_holds_from_the_next_approval_on(database: Database) -> None:
    set_limit(database, FINANCE.email, 1_000)

    approve(database, 1_000)
    with pytest.raises(Refused, match=r"\$10\.00 within 24 hours, of which \$10\.00 are used, and this is"):
        approve(database, 1)
    set_limit(database, FINANCE.email, 2_000)
    approve(database, 1_000)


def test_a_limit_that_is_taken_away_leaves_that_of_the_role(database: Database) -> None:
    set_limit(database, "finance", 7_000)
    set_limit(database, FINANCE.email, 1_000)
    assert (of_finance(database).limit_cents, of_finance(database).source) == (1_000, "their own")

    do(
        database,
        ADMIN,
        limits.remove_limit,
        "refunds",
        holder=FINANCE.email,
        currency="usd",
        reason="As all others",
    )

    assert (of_finance(database).limit_cents, of_finance(database).source) == (7_000, "of finance")


def test_nobody_sets_their_own_limit_or_that_of_their_own_role(database: Database) -> None:
    for holder in (ADMIN.email, "admin"):
        with pytest.raises(Refused, match="Nobody changes"):
            set_limit(database, holder, 1_000_000)
    with pytest.raises(NotAllowed):
        set_limit(database, FINANCE.email, 1_000_000, by=FINANCE)

    with reading(database, ADMIN) as view:
        assert view.session.scalars(select(RefundLimit)).all() == []


@pytest.mark.parametrize(
    ("holder", "cents", "currency", "error", "sentence"),
    [
        ("nobody@example.org", 1, "USD", NotFound, "Nobody with the address"),
        (FINANCE.email, -1, "USD", Invalid, "not below zero"),
        (FINANCE.email, 1, "dollars", Invalid, "three letters"),
        (FINANCE.email, 1, "£££", Invalid, "three letters"),
    ],
)
def test_a_limit_that_makes_no_sense_says_why(
    database: Database, holder: str, cents: int, currency: str, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        set_limit(database, holder, cents, currency=currency)


def test_everybody_who_may_approve_is_listed_with_what_they_used(database: Database) -> None:
    set_limit(database, FINANCE.email, 5_000)
    approve(database, 3_000)
    with pytest.raises(Refused):
        approve(database, 3_000)

    listed = read(database, FINANCE, limit_use.holders, "refunds")

    assert [each.holder for each in listed] == [ADMIN.email, FINANCE.email]
    mine = of_finance(database, FINANCE)
    assert (mine.used_cents, mine.left_cents, mine.refused) == (3_000, 2_000, 1)
    assert mine.free_at is not None
    assert timedelta(hours=23) < mine.free_at - moments.now() <= timedelta(hours=24)


def test_what_is_older_than_24_hours_is_not_used(database: Database) -> None:
    write(
        database,
        RefundAttempt,
        id="old",
        admin_user_id=FINANCE.id,
        refund_id="elsewhere",
        at=moments.now() - timedelta(hours=25),
        amount_cents=40_000,
        currency="USD",
        limit_cents=50_000,
        used_cents=0,
        allowed=True,
    )

    assert (of_finance(database).used_cents, of_finance(database).free_at) == (0, None)


def test_who_may_not_approve_does_not_see_the_limits(database: Database) -> None:
    with pytest.raises(NotAllowed):
        read(database, SUPPORT, limit_use.holders, "refunds")
    with pytest.raises(NotAllowed):
        read(database, SUPPORT, limit_use.refund_attempts.page)


def test_every_try_is_listed_with_the_limit_as_it_was(database: Database) -> None:
    set_limit(database, FINANCE.email, 1_000)
    with pytest.raises(Refused):
        approve(database, 1_001)
    set_limit(database, FINANCE.email, 2_000)
    approve(database, 1_001)

    tries = read(database, FINANCE, limit_use.refund_attempts.page).rows

    assert [(each.who, bool(each.allowed), each.limit_cents) for each in tries] == [
        (FINANCE.email, True, 2_000),
        (FINANCE.email, False, 1_000),
    ]
    assert "beyond your limit" in tries[1].refusal


def add_credit(database: Database, cents: int, direction: str = "add") -> None:
    given = {"direction": direction, "amount_cents": cents, "credit_cents": cents}
    do(database, FINANCE, credit.change_balance, make_invoice(database), reason="Sync was down", **given)


def issue_note(database: Database, cents: int) -> None:
    payment = make_invoice(database)
    owed = read(database, FINANCE, case.case, payment).owed
    given = {"amount_cents": cents, "note_reason": "duplicate", "shown": owed.digest}
    do(database, FINANCE, credit.issue_note, payment, reason="Twice", **given)


def test_credit_notes_and_added_credit_count_against_the_limit_on_refunds(database: Database) -> None:
    set_limit(database, FINANCE.email, 3_000)
    issue_note(database, 1_000)
    add_credit(database, 1_500)

    with pytest.raises(Refused, match=r"of which \$25\.00 are used, and this is \$6\.00"):
        add_credit(database, 600)
    with pytest.raises(Refused, match="beyond your limit"):
        issue_note(database, 501)
    with pytest.raises(Refused, match="beyond your limit"):
        approve(database, 501)
    approve(database, 500)

    tries = read(database, FINANCE, limit_use.refund_attempts.page).rows
    assert sorted((bool(each.allowed), each.amount_cents) for each in tries) == [
        (False, 501),
        (False, 501),
        (False, 600),
        (True, 500),
        (True, 1_000),
        (True, 1_500),
    ]


def test_credit_that_is_taken_back_counts_for_nothing(database: Database) -> None:
    set_limit(database, FINANCE.email, 100)
    add_credit(database, 5_000, "take")

    assert of_finance(database).used_cents == 0


def test_a_limit_on_grants_is_set_in_credits_and_holds_from_the_next_decision_on(database: Database) -> None:
    person = make_user(database)
    couple = make_couple(database, user_1_id=person)
    given = {"holder": FINANCE.email, "currency": "Credits", "limit_cents": 30, "reason": "Agreed"}
    do(database, ADMIN, limits.set_limit, "grants", **given)
    grant = do(database, SUPPORT, grants.request_credits, couple, for_user=person, amount=31, reason="Lost")
    shown = read(database, FINANCE, grants.one, grant).digest

    with pytest.raises(Refused, match="30 credits within 24 hours, of which 0 credits are used, and this is"):
        do(database, FINANCE, grants.approve, grant, shown=shown, reason="Fair")

    listed = [each for each in read(database, ADMIN, limit_use.holders, "grants") if each.role == "finance"]
    [tried] = read(database, FINANCE, limit_use.grant_attempts.page).rows
    assert [(each.currency, each.limit_cents, each.refused) for each in listed] == [
        ("credits", 30, 1),
        ("USD", 20_000, 0),
    ]
    assert (tried.grant_id, tried.amount_cents, bool(tried.allowed)) == (grant, 31, False)


def test_credits_are_no_unit_of_a_limit_on_refunds(database: Database) -> None:
    with pytest.raises(Invalid, match="three letters"):
        set_limit(database, FINANCE.email, 30, currency="credits")
