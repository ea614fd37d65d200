"""Payments: found by whatever is known of them, with what is owed, why, and what can be done."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.models import Operation
from lib.payments.events import ChargeFacts
from lib.services.payments import case, credit, disputes, failed, invoices, transactions
from lib.services.payments.reasons import reason_of
from tests.factories import (
    NOW,
    make_couple,
    make_dispute,
    make_invoice,
    make_payment,
    make_refund,
    make_subscription,
    make_user,
)
from tests.staff import FINANCE, PRODUCT, SUPPORT, do, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def found(database: Database, **filters: Any) -> list[str]:
    return [row.id for row in read(database, SUPPORT, transactions.payments.page, **filters).rows]


def one(database: Database, payment: str) -> case.PaymentCase:
    shown: case.PaymentCase = read(database, FINANCE, case.case, payment)
    return shown


def act(database: Database, action: Any, payment: str, by: Any = FINANCE, **given: Any) -> Operation:
    owed = one(database, payment).owed
    assert owed is not None
    done: Operation = do(database, by, action, payment, shown=owed.digest, reason="They called", **given)
    return done


def test_a_payment_is_found_by_every_id_and_by_the_payers_address(database: Database) -> None:
    payer = make_user(database, email="Ana@example.org")
    couple = make_couple(database, user_1_id=payer)
    subscription = make_subscription(database, user_id=payer, relationship_id=couple)
    wanted = make_invoice(
        database,
        stripe_invoice_id="in_wanted",
        payment_id=make_payment(
            database,
            user_id=payer,
            subscription_id=subscription,
            relationship_id=couple,
            stripe_payment_intent_id="pi_wanted",
            stripe_charge_id="ch_wanted",
        ),
    )
    make_dispute(database, stripe_dispute_id="dp_wanted", payment_id=wanted)
    make_payment(database)

    keys = (
        *(wanted, payer, subscription, couple, " pi_wanted ", "ch_wanted", "in_wanted", "dp_wanted"),
        "ana@EXAMPLE.org",
    )
    assert [found(database, q=key) for key in keys] == [[wanted]] * len(keys)
    assert found(database, q="nobody@example.org") == []


def test_filters_narrow_the_list_and_it_is_newest_first(database: Database) -> None:
    old = make_payment(database, amount_cents=900, transaction_type="credits", created_at=NOW)
    new = make_payment(database, amount_cents=3000, status="failed", created_at=NOW + timedelta(days=9))

    assert found(database) == [new, old]
    assert found(database, status="failed") == [new]
    assert found(database, kind="credits") == [old]
    assert found(database, since=(NOW + timedelta(days=9)).date()) == [new]
    assert found(database, amount="9") == [old]
    assert found(database, amount="9.01 - 30.00") == [new]
    assert found(database, amount="$5–$40") == [new, old]


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"status": "paid"}, "Payments are succeeded"),
        ({"kind": "gifts"}, "Kinds of payments are subscription"),
        ({"amount": "many"}, "not an amount of money"),
        ({"amount": "30-20"}, "write the smaller amount first"),
    ],
)
def test_a_filter_that_is_none_gets_a_sentence(
    database: Database, filters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        found(database, **filters)


def test_the_work_list_has_what_stripe_gave_up_on_first_and_then_the_next_try(database: Database) -> None:
    later = make_invoice(database, next_attempt_at=NOW + timedelta(days=5))
    given_up = make_invoice(database, next_attempt_at=None, attempt_count=4)
    soon = make_invoice(database, next_attempt_at=NOW + timedelta(hours=5))
    make_invoice(database, status="paid")

    rows = read(database, SUPPORT, failed.invoices.page).rows

    assert [row.payment_id for row in rows] == [given_up, soon, later]
    assert (rows[0].attempt_count, rows[0].amount_remaining_cents) == (4, 3000)
    assert rows[0].failure_reason == "insufficient_funds: Your card has insufficient funds."


def test_disputes_stand_by_their_deadline_and_by_what_they_wait_for(database: Database) -> None:
    later = make_dispute(database, evidence_due_at=NOW + timedelta(days=9))
    near = make_dispute(database, evidence_due_at=NOW + timedelta(days=1))
    lost = make_dispute(database, status="lost", evidence_due_at=NOW - timedelta(days=30))

    def ids(state: str | None) -> list[str]:
        return [
            row.stripe_dispute_id for row in read(database, SUPPORT, disputes.disputes.page, state=state).rows
        ]

    assert ids("waiting") == [near, later]
    assert ids("decided") == [lost]
    assert ids(None) == [lost, near, later]
    with pytest.raises(Invalid, match="Disputes are waiting"):
        ids("open")


def test_one_payment_says_why_it_failed_what_is_owed_and_what_was_asked_back(database: Database) -> None:
    payment = make_invoice(database, attempt_count=3)
    make_refund(database, transaction_id=payment, status="denied")
    make_dispute(database, payment_id=payment)

    shown = one(database, payment)

    assert shown.reason is not None
    assert shown.reason.why == "There was not enough money in the account."
    assert shown.owed is not None
    assert (shown.owed.attempts, shown.owed.creditable_cents) == (3, 3000)
    assert [refund.status for refund in shown.refunds] == ["denied"]
    assert [dispute.waits for dispute in shown.disputes] == [True]


def test_an_earlier_try_of_an_invoice_leads_to_the_same_invoice_and_its_operations(
    database: Database,
) -> None:
    newest = make_invoice(database, stripe_invoice_id="in_two_tries")
    earlier = make_payment(database, status="failed", metadata={"stripe_invoice_id": "in_two_tries"})
    act(database, invoices.retry, earlier)

    assert [step.kind for step in one(database, newest).operations] == ["invoice_retry"]
    with pytest.raises(Refused, match="already under way"):
        act(database, invoices.void, newest)


@pytest.mark.parametrize(
    ("status", "possible"),
    [
        ("open", {"retry", "send", "void", "write_off", "credit_note"}),
        ("paid", {"send", "credit_note"}),
        ("uncollectible", {"send", "void"}),
        ("void", set()),
    ],
)
def test_what_can_be_done_follows_from_the_state_of_the_invoice(
    database: Database, status: str, possible: set[str]
) -> None:
    shown = one(database, make_invoice(database, status=status))

    assert {wish for wish, why in shown.why_not.items() if why is None} == possible


@pytest.mark.parametrize("status", ["paid", "void", "uncollectible"])
def test_an_invoice_that_is_not_open_is_not_retried(database: Database, status: str) -> None:
    payment = make_invoice(database, status=status)

    with pytest.raises(Refused, match="Only an open invoice can be collected"):
        act(database, invoices.retry, payment)


def test_a_payment_whose_invoice_nobody_knows_is_not_collected(database: Database) -> None:
    payment = make_payment(database, status="failed")

    with pytest.raises(Refused, match="No invoice of this payment is known here"):
        do(database, FINANCE, invoices.retry, payment, shown="", reason="They called")


def test_an_invoice_that_changed_since_it_was_shown_is_left_alone(database: Database) -> None:
    payment = make_invoice(database)

    with pytest.raises(Refused, match="changed"):
        do(database, FINANCE, invoices.void, payment, shown="another digest", reason="They called")


@pytest.mark.parametrize("action", [invoices.void, invoices.write_off])
def test_support_collects_and_finance_gives_up(database: Database, action: Any) -> None:
    payment = make_invoice(database)

    with pytest.raises(NotAllowed):
        act(database, action, payment, by=SUPPORT)
    assert act(database, invoices.retry, payment, by=SUPPORT).kind == "invoice_retry"


def test_product_sees_no_payments(database: Database) -> None:
    payment = make_payment(database)

    for question, args in (
        (case.case, (payment,)),
        (transactions.payments.page, ()),
        (failed.invoices.page, ()),
    ):
        with pytest.raises(NotAllowed):
            read(database, PRODUCT, question, *args)


def test_a_payment_that_is_not_there_gets_a_sentence(database: Database) -> None:
    with pytest.raises(NotFound, match="There is no payment “nothing”"):
        read(database, FINANCE, case.case, "nothing")


def change(database: Database, payment: str, direction: str, cents: int, there: int) -> Operation:
    queued: Operation = do(
        database,
        FINANCE,
        credit.change_balance,
        payment,
        direction=direction,
        amount_cents=cents,
        credit_cents=there,
        reason="Sync was down",
    )
    return queued


def test_no_more_credit_is_taken_than_there_is(database: Database) -> None:
    payment = make_invoice(database)

    with pytest.raises(Refused, match=r"They have \$5.00 of credit"):
        change(database, payment, "take", 501, 500)
    assert '"amount_cents":500' in change(database, payment, "take", 500, 500).params


@pytest.mark.parametrize(("direction", "cents"), [("give", 100), ("add", 0), ("take", -1)])
def test_credit_that_makes_no_sense_is_invalid(database: Database, direction: str, cents: int) -> None:
    with pytest.raises(Invalid):
        change(database, make_invoice(database), direction, cents, 500)


def test_credit_goes_to_the_customer_of_the_subscription_where_no_invoice_is_known(
    database: Database,
) -> None:
    payer = make_user(database)
    make_subscription(database, user_id=payer, stripe_customer_id="cus_other")
    subscription = make_subscription(database, user_id=payer, stripe_customer_id="cus_of_payer")
    payment = make_payment(database, user_id=payer, subscription_id=subscription)
    nobody = make_payment(database)

    assert '"customer_id":"cus_of_payer"' in change(database, payment, "add", 100, 0).params
    with pytest.raises(Refused, match="no customer at Stripe"):
        change(database, nobody, "add", 100, 0)


@pytest.mark.parametrize(("status", "left"), [("open", 3000), ("paid", 2500)])
def test_a_credit_note_is_of_no_more_than_is_left(database: Database, status: str, left: int) -> None:
    over = {"amount_paid_cents": 2500, "amount_remaining_cents": 0} if status == "paid" else {}
    payment = make_invoice(database, status=status, **over)

    with pytest.raises(Refused, match="at most"):
        act(database, credit.issue_note, payment, amount_cents=left + 1, note_reason="duplicate")
    with pytest.raises(Invalid, match="Stripe knows order_change"):
        act(database, credit.issue_note, payment, amount_cents=left, note_reason="goodwill")
    issued = act(database, credit.issue_note, payment, amount_cents=left, note_reason="duplicate")
    assert f'"to_balance":{str(status == "paid").lower()}' in issued.params


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            "insufficient_funds: Your card has insufficient funds.",
            "There was not enough money in the account.",
        ),
        ("Your card has expired.", "The card has expired."),
        ("Your card was declined.", "The bank refused and does not say why."),
        ("stolen_card: Your card was declined.", "The card was reported stolen."),
    ],
)
def test_a_reason_is_read_from_a_code_or_from_stripes_words(said: str, why: str) -> None:
    reason = reason_of(said)

    assert reason is not None
    assert reason.why == why


@pytest.mark.parametrize("said", [None, "", "The moon was full."])
def test_what_nobody_can_explain_has_no_reason(said: str | None) -> None:
    assert reason_of(said) is None


def test_of_a_card_only_brand_and_last_four_digits_are_read() -> None:
    assert {name for name in ChargeFacts.__dataclass_fields__ if "card" in name} == {
        "card_brand",
        "card_last4",
    }
