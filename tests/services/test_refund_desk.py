"""The refund desk: what is recommended and kept, decisions that are handed on, words for the customer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lib.core import moments
from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, Refused
from lib.models import AiCredit, AnalyticsEvent
from lib.services import refund_recommendations, refunds
from tests.factories import make_couple, make_payment, make_refund, make_staff, make_user, write
from tests.staff import FINANCE, OTHER_FINANCE, SUPPORT, do, read

NOW = moments.now()


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    for actor in (FINANCE, OTHER_FINANCE):
        make_staff(opened, "finance", id=actor.id, email=actor.email)
    make_staff(opened, "support", id=SUPPORT.id, email=SUPPORT.email)
    yield opened
    opened.dispose()


def pay(database: Database, *, days: int, **over: object) -> str:
    when = NOW - timedelta(days=days)
    return make_payment(database, **{"created_at": when, "processed_at": when} | over)


def use(database: Database, user: str, days: int, category: str = "user_action") -> None:
    """Two events on each of so many days."""
    for day in range(days):
        for n in range(2):
            write(
                database,
                AnalyticsEvent,
                id=f"{user}:{category}:{day}:{n}",
                event_name="checkin",
                event_category=category,
                user_id=user,
                created_at=NOW - timedelta(days=day, minutes=n),
            )


def move_credits(
    database: Database, couple: str, user: str, amount: int, balance: int, **over: object
) -> None:
    given = {
        "id": f"credits_{amount}_{balance}",
        "relationship_id": couple,
        "user_id": user,
        "transaction_type": "usage",
        "credits_amount": amount,
        "credits_balance": balance,
        "created_at": NOW - timedelta(days=1),
    }
    write(database, AiCredit, **given | over)


def sentences(database: Database, payment: str) -> dict[str, str]:
    made = read(database, SUPPORT, refund_recommendations.for_payment, payment)
    return {ground.code: ground.sentence for ground in made.grounds}


def decide(database: Database, verb, refund: str, actor: Actor = FINANCE, **given: object) -> object:
    shown = read(database, actor, refunds.one, refund).digest
    return do(database, actor, verb, refund, shown=shown, **given or {"reason": "Fair"})


def test_both_partners_days_of_use_are_counted_and_what_happens_to_them_is_not(database: Database) -> None:
    payer, partner = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=partner, user_2_id=payer)
    use(database, payer, 12)
    use(database, partner, 5)
    use(database, partner, 25, category="system")

    said = sentences(database, pay(database, days=5, user_id=payer, relationship_id=couple))

    assert said["used a lot"] == "Who paid used the app on 12 of the last 30 days."
    assert said["use"] == "The partner used the app on 5 of the last 30 days."


def test_somebody_alone_is_counted_alone(database: Database) -> None:
    person = make_user(database)
    couple = make_couple(database, user_1_id=person, user_2_id=person)

    made = read(
        database,
        SUPPORT,
        refund_recommendations.for_payment,
        pay(database, days=5, user_id=person, relationship_id=couple),
    )

    assert [ground.sentence for ground in made.grounds if "used the app" in ground.sentence] == [
        "Who paid used the app on 0 of the last 30 days."
    ]


def test_credits_from_before_are_used_before_those_that_the_payment_bought(database: Database) -> None:
    person = make_user(database)
    couple = make_couple(database, user_1_id=person)
    payment = pay(
        database,
        days=3,
        user_id=person,
        relationship_id=couple,
        transaction_type="credits",
        stripe_payment_intent_id="pi_credits",
    )
    bought = {"transaction_type": "purchase", "stripe_payment_id": "pi_credits"}
    move_credits(database, couple, person, 50, 60, created_at=NOW - timedelta(days=2), **bought)
    move_credits(database, couple, person, -14, 46)

    assert sentences(database, payment)["credits"] == "4 of the 50 credits that it bought are used."


def test_earlier_refunds_and_like_payments_are_counted(database: Database) -> None:
    person = make_user(database)
    couple = make_couple(database, user_1_id=person)
    of_them = {"user_id": person, "relationship_id": couple}
    payment = pay(database, days=5, **of_them)
    pay(database, days=6, **of_them)
    pay(database, days=40, **of_them)
    for number, status in enumerate(("processed", "approved", "denied")):
        make_refund(
            database,
            status=status,
            requested_at=NOW - timedelta(days=100 + number),
            **of_them,
        )

    said = sentences(database, payment)

    assert said["many refunds"] == "The couple got 2 refunds within the last year."
    assert said["charged twice"].startswith("Another payment of the same amount")


def test_what_was_recommended_is_kept_with_the_request_and_with_the_decision(database: Database) -> None:
    payment = pay(database, days=1)
    refund = do(database, SUPPORT, refunds.request, payment, amount_cents=500, reason="duplicate")

    decide(database, refunds.deny, refund, reason="They used it all the time")

    kept = read(database, SUPPORT, refunds.one, refund).kept
    assert [(each.stage, each.recommendation.verdict, each.decision, each.overruled) for each in kept] == [
        ("request", "refund", None, False),
        ("decision", "refund", "denied", True),
    ]
    assert kept[1].decided_by_email == FINANCE.email
    assert kept[1].recommendation.grounds[0].sentence == "Paid 24 hours ago."


def test_approving_in_line_with_the_recommendation_overrules_nothing(database: Database) -> None:
    refund = make_refund(database, transaction_id=pay(database, days=1))
    case = read(database, FINANCE, refunds.one, refund)

    decide(database, refunds.approve, refund)

    assert (case.overruling("approved"), "goes against" in case.overruling("denied")) == ("", True)
    [kept] = read(database, FINANCE, refunds.one, refund).kept
    assert (kept.decision, kept.overruled) == ("approved", False)


def test_a_recommendation_names_nobody(database: Database) -> None:
    person = make_user(database, name="Mara Keller")
    payment = pay(database, days=1, user_id=person)

    assert "Mara" not in " ".join(sentences(database, payment).values())


def test_a_decision_is_handed_on_with_a_message_and_anybody_else_still_may_decide(database: Database) -> None:
    refund = make_refund(database)

    decide(database, refunds.hand_on, refund, to=OTHER_FINANCE.email, message="Beyond my limit")

    case = read(database, FINANCE, refunds.one, refund)
    [line] = read(database, SUPPORT, refunds.requests.page).rows
    assert (case.hand_on.to_email, case.hand_on.message) == (OTHER_FINANCE.email, "Beyond my limit")
    assert line.handed_to == OTHER_FINANCE.email
    decide(database, refunds.approve, refund)


def test_a_decision_is_handed_only_to_somebody_else_who_may_decide(database: Database) -> None:
    refund = do(
        database, OTHER_FINANCE, refunds.request, make_payment(database), amount_cents=500, reason="duplicate"
    )
    case = read(database, FINANCE, refunds.one, refund)

    assert case.colleagues == ()
    for address in (SUPPORT.email, FINANCE.email, OTHER_FINANCE.email, "nobody@example.org"):
        with pytest.raises(Invalid, match="cannot decide on this refund"):
            do(database, FINANCE, refunds.hand_on, refund, to=address, message="Please", shown=case.digest)


def test_handing_on_takes_words_and_the_right_to_decide(database: Database) -> None:
    refund = make_refund(database)
    shown = read(database, FINANCE, refunds.one, refund).digest

    with pytest.raises(Invalid, match="a few words"):
        do(database, FINANCE, refunds.hand_on, refund, to=OTHER_FINANCE.email, message=" ", shown=shown)
    with pytest.raises(NotAllowed):
        do(database, SUPPORT, refunds.hand_on, refund, to=FINANCE.email, message="Please", shown=shown)
    decide(database, refunds.deny, refund)
    with pytest.raises(Refused, match="denied already"):
        decide(database, refunds.hand_on, refund, to=OTHER_FINANCE.email, message="Please")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("pending", "A colleague is looking at it"),
        ("approved", "on its way to your card"),
        ("processed", "sent $30.00 back to the card that you paid with on 15 June 2026"),
        ("denied", "we cannot give it back"),
    ],
)
def test_there_are_words_for_the_customer_in_each_state(database: Database, status: str, words: str) -> None:
    paid_at = datetime(2026, 6, 15, tzinfo=UTC) if status == "processed" else None
    refund = make_refund(database, status=status, processed_at=paid_at)

    assert words in read(database, SUPPORT, refunds.one, refund).for_customer


def test_an_admin_decides_but_not_on_what_they_asked_for(database: Database) -> None:
    admin = Actor("staff_admin", "admin@example.org", Role.ADMIN)
    refund = do(
        database, admin, refunds.request, make_payment(database), amount_cents=500, reason="duplicate"
    )

    with pytest.raises(Refused, match="somebody else has to decide"):
        decide(database, refunds.approve, refund, actor=admin)
