"""Refunds: asked for by one, decided by another, within what is left and within a limit."""

from collections.abc import Iterator

import pytest
from sqlalchemy import update

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.models import Operation, Payment
from lib.services import payments, refunds
from tests.factories import make_couple, make_dispute, make_payment, make_refund, make_user
from tests.services.refund_steps import approve, ask, deny, row
from tests.staff import FINANCE, OTHER_FINANCE, PRODUCT, SUPPORT, do, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def test_a_request_waits_for_a_decision_with_its_payment_and_who_asked(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)

    case = read(database, FINANCE, refunds.one, ask(database, payment, 1200, note="By phone"))

    assert (case.status, case.amount_cents, case.left_cents, case.notes) == (
        "pending",
        1200,
        3000,
        "By phone",
    )
    assert case.requested_by.email == SUPPORT.email
    assert case.payment.promised_cents == 1200
    assert case.why_not_decide is None


def test_a_refund_larger_than_what_is_left_is_refused(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)
    ask(database, payment, 2500)

    with pytest.raises(Refused, match=r"Only \$5\.00 .* is left to refund, and this asks for \$5\.01"):
        ask(database, payment, 501)


@pytest.mark.parametrize("status", ["pending", "approved", "processed"])
def test_what_is_asked_for_approved_or_paid_counts_against_the_payment(
    database: Database, status: str
) -> None:
    payment = make_payment(database, amount_cents=3000)
    make_refund(database, transaction_id=payment, refund_amount_cents=3000, status=status)

    with pytest.raises(Refused, match="Nothing of this payment is left"):
        ask(database, payment, 1)


def test_a_denied_refund_leaves_the_money_to_be_asked_for_again(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)
    make_refund(database, transaction_id=payment, refund_amount_cents=3000, status="denied")

    assert row(database, ask(database, payment, 3000)).status == "pending"


def test_a_refund_that_stripe_made_elsewhere_counts_and_ours_is_not_counted_twice(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000, refund_amount_cents=1500)
    make_refund(
        database,
        transaction_id=payment,
        refund_amount_cents=1000,
        status="processed",
        stripe_refund_id="re_1",
    )

    assert read(database, SUPPORT, payments.one, payment).left_cents == 1500


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"status": "failed"}, "payment failed"),
        ({"status": "pending"}, "still pending"),
        ({"status": "refunded"}, "given back in full"),
        ({"transaction_type": "refund"}, "a refund cannot be refunded"),
        ({"stripe_payment_intent_id": None, "stripe_charge_id": None}, "no Stripe payment"),
    ],
)
def test_a_payment_that_cannot_be_given_back_says_why_in_the_list_and_on_request(
    database: Database, facts: dict, sentence: str
) -> None:
    payment = make_payment(database, **facts)

    assert sentence in read(database, SUPPORT, payments.one, payment).why_not
    with pytest.raises(Refused, match=sentence):
        ask(database, payment, 1)


def test_a_refund_of_somebody_elses_payment_is_refused(database: Database) -> None:
    payment = make_payment(database, relationship_id=make_couple(database))

    with pytest.raises(Refused, match="somebody else's"):
        ask(database, payment, for_user=make_user(database))
    with pytest.raises(Refused, match="somebody else's"):
        ask(database, payment, for_couple=make_couple(database))


@pytest.mark.parametrize("cents", [0, -5])
def test_an_amount_that_is_not_positive_is_invalid(database: Database, cents: int) -> None:
    payment = make_payment(database)

    with pytest.raises(Invalid, match="more than zero"):
        ask(database, payment, cents)


def test_ids_that_do_not_exist_get_a_short_sentence(database: Database) -> None:
    with pytest.raises(NotFound, match="There is no payment"):
        ask(database, "x" * 10_000)
    with pytest.raises(NotFound) as missing:
        read(database, SUPPORT, refunds.one, "y" * 10_000)

    assert len(str(missing.value)) < 100


def test_approving_queues_one_payment_at_stripe_and_keeps_the_attempt(database: Database) -> None:
    payment = make_payment(database)
    refund = ask(database, payment, 1000)

    operation = approve(database, refund)

    case = read(database, FINANCE, refunds.one, refund)
    assert (case.status, case.processed_by) == ("approved", FINANCE.id)
    assert [(step.id, step.state, step.is_open) for step in case.operations] == [
        (operation.id, "prepared", True)
    ]
    assert [(each.allowed, each.admin_user_id) for each in case.attempts] == [(True, FINANCE.id)]


def test_whoever_asked_for_a_refund_does_not_decide_on_it(database: Database) -> None:
    refund = ask(database, make_payment(database), actor=FINANCE)

    for decide in (approve, deny):
        with pytest.raises(Refused, match="somebody else has to decide"):
            decide(database, refund)
    approve(database, refund, actor=OTHER_FINANCE)

    assert row(database, refund).status == "approved"


def test_a_refund_that_the_app_made_has_no_requester_and_may_be_decided(database: Database) -> None:
    refund = make_refund(database)

    approve(database, refund)

    assert read(database, FINANCE, refunds.one, refund).requested_by is None


def test_only_the_first_decision_counts(database: Database) -> None:
    refund = make_refund(database)
    shown = read(database, FINANCE, refunds.one, refund).digest
    deny(database, refund)

    with pytest.raises(Refused, match="Somebody changed this"):
        do(database, FINANCE, refunds.approve, refund, shown=shown, reason="Fair")
    with pytest.raises(Refused, match="denied already"):
        approve(database, refund)

    assert row(database, refund).status == "denied"
    assert row(database, refund).notes == "Denied: Used it for a year"


def test_support_cannot_decide_and_product_cannot_even_look(database: Database) -> None:
    refund = make_refund(database)
    shown = read(database, FINANCE, refunds.one, refund).digest

    with pytest.raises(NotAllowed):
        do(database, SUPPORT, refunds.approve, refund, shown=shown, reason="Fair")
    with pytest.raises(NotAllowed):
        read(database, PRODUCT, refunds.one, refund)


def test_a_payment_that_shrank_since_the_request_is_not_paid_beyond_what_is_left(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)
    refund = ask(database, payment, 3000)
    with database.primary.begin() as connection:
        connection.execute(update(Payment).values(refund_amount_cents=100))

    with pytest.raises(Refused, match=r"Only \$29\.00"):
        approve(database, refund)


def test_only_an_approved_refund_whose_payment_failed_is_tried_again(database: Database) -> None:
    refund = make_refund(database)
    elsewhere = make_refund(database, status="approved")
    for each, sentence in ((refund, "is pending"), (elsewhere, "outside this dashboard")):
        shown = read(database, FINANCE, refunds.one, each).digest
        with pytest.raises(Refused, match=sentence):
            do(database, FINANCE, refunds.try_again, each, shown=shown, reason="Again")
    operation = approve(database, refund)
    shown = read(database, FINANCE, refunds.one, refund).digest
    with pytest.raises(Refused, match="already under way"):
        do(database, FINANCE, refunds.try_again, refund, shown=shown, reason="Again")

    with database.primary.begin() as connection:
        connection.execute(update(Operation).values(state="failed", open_key=None))
    again = do(database, FINANCE, refunds.try_again, refund, shown=shown, reason="Again")

    assert again.id != operation.id
    assert [step.state for step in read(database, FINANCE, refunds.progress, refund)] == [
        "prepared",
        "failed",
    ]


def test_the_same_request_again_is_refused_while_it_waits(database: Database) -> None:
    payment = make_payment(database, amount_cents=3000)
    note = "Wrote from anna@example.org, +44 20 7946 0000"
    ask(database, payment, note=note)

    with pytest.raises(Refused, match="You have asked for this already"):
        ask(database, payment, note=note)


def test_a_request_that_differs_or_is_somebody_elses_or_was_decided_is_a_new_one(database: Database) -> None:
    payment = make_payment(database, amount_cents=9000)
    first = ask(database, payment, note="The first of two months")
    ask(database, payment, note="The second of two months")
    ask(database, payment, 1001, note="The first of two months")
    ask(database, payment, reason="duplicate", note="The first of two months")
    ask(database, payment, actor=OTHER_FINANCE, note="The first of two months")
    deny(database, first)
    again = ask(database, payment, note="The first of two months")

    assert row(database, again).status == "pending"


@pytest.mark.parametrize("status", ["needs_response", "under_review", "lost"])
def test_a_payment_that_a_bank_took_back_is_not_refunded_as_well(database: Database, status: str) -> None:
    payment = make_payment(database, amount_cents=3000)
    waiting = ask(database, payment, 1000)
    make_dispute(database, payment_id=payment, status=status)

    with pytest.raises(Refused, match="taken this payment back in a dispute"):
        ask(database, payment, 500)
    with pytest.raises(Refused, match="taken this payment back in a dispute"):
        approve(database, waiting)
    assert "dispute" in read(database, SUPPORT, payments.one, payment).why_not


def test_an_inquiry_of_a_bank_and_a_dispute_that_was_won_leave_a_payment_to_be_refunded(
    database: Database,
) -> None:
    payment = make_payment(database, amount_cents=3000)
    make_dispute(database, payment_id=payment, status="warning_needs_response")
    make_dispute(database, payment_id=payment, status="won")

    assert read(database, SUPPORT, payments.one, payment).why_not is None
