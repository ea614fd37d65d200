"""Our rows follow Stripe's facts."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from lib.core.access import system
from lib.core.database import Database
from lib.core.work import Work, job, working
from lib.models import (
    AuditEntry,
    DiscountCode,
    DiscountTerms,
    MadeCode,
    Payment,
    Refund,
    Subscription,
    SubscriptionChange,
)
from lib.payments import rows as ours
from lib.payments.events import ChargeFacts, InvoiceFacts, RefundFacts, SubscriptionFacts, read_object
from lib.payments.rows import Changes
from tests.factories import make_payment, make_plan, make_refund, make_subscription, write
from tests.payments import told
from tests.payments.told import NOW, START, day, only, rows, seconds

FROM_EVENT: dict[str, Any] = {"source": "event", "source_id": "evt_1"}


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@job
def _do(work: Work, follow: Callable[[Work], Changes | None]) -> Changes | None:
    return follow(work)


def following(database: Database, follow: Callable[[Work], Changes | None]) -> Changes | None:
    with working(database, system("inbox"), now=NOW) as work:
        return _do(work, follow)


def subscribe(database: Database, **over: Any) -> str:
    plan = make_plan(database, id="plan_try", stripe_price_id="price_try")
    values = {"stripe_subscription_id": "sub_1", "plan_id": plan, "created_at": START, "updated_at": START}
    return make_subscription(database, **values | over)


def follow_subscription(database: Database, **over: Any) -> Changes | None:
    facts = read_object(told.subscription("sub_1", over.pop("price", "price_try"), **over))
    assert isinstance(facts, SubscriptionFacts)
    return following(database, lambda work: ours.follow_subscription(work, facts, at=day(2), **FROM_EVENT))


def follow_invoice(
    database: Database, *, succeeded: bool = True, intent: str | None = "pi_1", at: Any = None, **over: Any
) -> Changes | None:
    over = {"status": "paid" if succeeded else "open"} | over
    facts = read_object(told.invoice("in_1", "sub_1", "pi_1", old=True, **over))
    assert isinstance(facts, InvoiceFacts)
    return following(
        database,
        lambda work: ours.follow_invoice(
            work, facts, succeeded=succeeded, payment_intent_id=intent, at=at or day(4), **FROM_EVENT
        ),
    )


def follow_refund(database: Database, *args: Any, **over: Any) -> Changes | None:
    facts = read_object(told.refund(*args, **over))
    assert isinstance(facts, RefundFacts)
    return following(database, lambda work: ours.follow_refund(work, facts, at=day(7), **FROM_EVENT))


def follow_charge(database: Database, *refunds: dict[str, Any], amount_refunded: int) -> Changes | None:
    facts = read_object(told.charge("pi_1", amount_refunded=amount_refunded))
    sent = [read_object(each) for each in refunds]
    assert isinstance(facts, ChargeFacts)
    return following(
        database,
        lambda work: ours.follow_charge(work, facts, sent, at=day(6), **FROM_EVENT),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("stripes", "status"),
    [
        ("active", "active"),
        ("trialing", "trialing"),
        ("past_due", "past_due"),
        ("unpaid", "past_due"),
        ("paused", "paused"),
        ("incomplete", "incomplete"),
        ("incomplete_expired", "canceled"),
        ("canceled", "canceled"),
        ("a status of next year", "active"),
    ],
)
def test_every_status_of_stripes_has_one_that_production_has_room_for(
    database: Database, stripes: str, status: str
) -> None:
    subscribe(database)
    follow_subscription(database, status=stripes)

    assert only(database, Subscription).status == status


def test_what_changed_is_returned_with_before_and_after(database: Database) -> None:
    subscription = subscribe(database)
    changed = follow_subscription(database, status="past_due")

    assert changed is not None
    assert changed[f"subscriptions/{subscription}"]["status"] == ["active", "past_due"]
    assert follow_subscription(database, status="past_due") == {}


def test_nothing_is_returned_for_an_object_that_is_not_ours(database: Database) -> None:
    assert follow_subscription(database) is None
    assert follow_invoice(database) is None
    assert follow_refund(database, "re_1", "pi_1", 500) is None
    assert follow_charge(database, amount_refunded=500) is None


def test_one_that_will_end_with_its_period_stays_active_with_its_cancellation_dated(
    database: Database,
) -> None:
    subscribe(database)
    asked = {"cancel_at_period_end": True, "canceled_at": seconds(day(1))}
    follow_subscription(database, **asked, cancellation_details={"feedback": "too_expensive"})

    row = only(database, Subscription)
    assert (row.status, row.canceled_at, row.cancel_reason) == ("active", day(1), "too_expensive")
    assert rows(database, SubscriptionChange)[-1].set_to_cancel is True


def test_a_cancellation_that_was_taken_back_leaves_no_trace_on_the_row(database: Database) -> None:
    subscribe(database, canceled_at=day(1), cancel_reason="too_expensive")
    follow_subscription(database)

    row = only(database, Subscription)
    assert (row.canceled_at, row.cancel_reason) == (None, None)
    assert [change.set_to_cancel for change in rows(database, SubscriptionChange)] == [False, True, False]


def test_the_end_counts_from_the_moment_that_stripe_names(database: Database) -> None:
    subscribe(database)
    ended = {"status": "canceled", "canceled_at": seconds(day(1)), "ended_at": seconds(day(9))}
    follow_subscription(database, **ended, cancellation_details={"reason": "payment_failed"})

    last = rows(database, SubscriptionChange)[-1]
    assert (last.effective_at, last.status, last.cause) == (day(9), "canceled", "involuntary")


def test_the_reason_that_staff_wrote_is_kept(database: Database) -> None:
    subscribe(database, canceled_at=day(1), cancel_reason="moved abroad")
    follow_subscription(
        database, status="canceled", cancellation_details={"reason": "cancellation_requested"}
    )

    assert only(database, Subscription).cancel_reason == "moved abroad"


def test_a_known_price_changes_plan_price_and_period(database: Database) -> None:
    subscribe(database)
    make_plan(database, id="plan_year", stripe_price_id="price_year", billing_period="annual")
    source = told.subscription("sub_1", "price_year")
    source["items"]["data"][0]["price"] |= {"unit_amount": 24_000, "recurring": {"interval": "year"}}
    follow_subscription(database, price="price_year", items=source["items"])

    row = only(database, Subscription)
    assert (row.plan_id, row.price_cents, row.billing_period) == ("plan_year", 24_000, "annual")
    assert rows(database, SubscriptionChange)[-1].list_arr_cents == 24_000


def test_a_price_that_is_not_in_the_list_changes_no_plan(database: Database) -> None:
    subscribe(database)
    source = told.subscription("sub_1", "price_unheard_of")
    source["items"]["data"][0]["price"]["unit_amount"] = 1
    follow_subscription(database, items=source["items"])

    row = only(database, Subscription)
    assert (row.plan_id, row.price_cents) == ("plan_try", 3000)


def test_two_seats_cost_twice_the_price(database: Database) -> None:
    subscribe(database)
    source = told.subscription("sub_1", "price_try")
    source["items"]["data"][0]["quantity"] = 2
    follow_subscription(database, items=source["items"])

    assert only(database, Subscription).price_cents == 6000


def test_a_pause_of_collection_is_in_the_ledger_and_the_row_stays_active(database: Database) -> None:
    subscribe(database)
    follow_subscription(database, pause_collection={"behavior": "void"})

    assert only(database, Subscription).status == "active"
    assert rows(database, SubscriptionChange)[-1].collection_paused is True


@pytest.mark.parametrize(
    ("kind", "value", "net"),
    [("percentage", 25, 27_000), ("fixed_amount", 1000, 24_000), ("trial_extension", 14, 36_000)],
)
def test_a_coupon_of_ours_lowers_what_is_paid_and_not_the_list_price(
    database: Database, kind: str, value: int, net: int
) -> None:
    subscribe(database)
    codes = {"id": "code", "code": "SPRING", "valid_from": START, "valid_until": NOW}
    kinds = {"discount_type": kind, "discount_value": value, "stripe_coupon_id": "co_1"}
    write(database, DiscountCode, **codes, **kinds)
    follow_subscription(database, discounts=[{"id": "di_1", "source": {"coupon": "co_1"}}])

    last = rows(database, SubscriptionChange)[-1]
    assert (last.list_arr_cents, last.net_arr_cents) == (36_000, net)


@pytest.mark.parametrize(
    ("duration", "forever"), [("forever", 9_000), ("repeating", 0), ("once", 0), (None, 0)]
)
@pytest.mark.parametrize("told_by", ["Stripe", "the terms of the code"])
def test_a_coupon_without_an_end_is_told_apart_in_the_ledger(
    database: Database, duration: str | None, forever: int, told_by: str
) -> None:
    subscribe(database)
    terms = {"valid_from": START, "valid_until": NOW, "discount_type": "percentage", "discount_value": 25}
    write(database, DiscountCode, id="code", code="SPRING", stripe_coupon_id="co_1", **terms)
    coupon: Any = "co_1"
    if told_by == "Stripe":
        coupon = {"id": "co_1", "object": "coupon", "duration": duration}
    elif duration is not None:
        made = {"currency": "USD", "created_at": START, "created_by": "staff_1"}
        write(database, DiscountTerms, id="code", duration=duration, **made)
        write(database, MadeCode, discount_id="code", terms_id="code")
    follow_subscription(database, discounts=[{"id": "di_1", "source": {"coupon": coupon}}])

    last = rows(database, SubscriptionChange)[-1]
    assert (last.net_arr_cents, last.forever_arr_cents) == (27_000, forever)


def test_a_payment_is_made_once_per_payment_intent(database: Database) -> None:
    subscribe(database)
    follow_invoice(database, succeeded=False, at=day(3))
    follow_invoice(database, at=day(4))
    unchanged = follow_invoice(database, at=day(4))

    payment = only(database, Payment)
    assert (payment.status, payment.amount_cents, payment.currency) == ("succeeded", 3000, "USD")
    assert (payment.stripe_payment_intent_id, payment.processed_at) == ("pi_1", day(4))
    assert unchanged == {}


def test_a_failed_payment_says_why_and_makes_the_subscription_past_due(database: Database) -> None:
    subscribe(database)
    follow_invoice(database, succeeded=False, last_finalization_error={"message": "The card has expired."})

    payment = only(database, Payment)
    assert (payment.status, payment.failure_reason) == ("failed", "The card has expired.")
    assert only(database, Subscription).status == "past_due"


def test_an_older_failure_does_not_undo_a_success(database: Database) -> None:
    subscribe(database)
    follow_invoice(database, at=day(4))
    follow_invoice(database, succeeded=False, at=day(3))

    assert only(database, Payment).status == "succeeded"
    assert only(database, Subscription).status == "active"


@pytest.mark.parametrize("status", ["canceled", "paused", "trialing", "incomplete"])
def test_a_failed_payment_moves_no_other_status_than_active(database: Database, status: str) -> None:
    subscribe(database, status=status)
    follow_invoice(database, succeeded=False)

    assert only(database, Subscription).status == status


def test_an_invoice_of_nothing_makes_no_payment(database: Database) -> None:
    subscribe(database, status="trialing")
    changed = follow_invoice(database, amount_paid=0, amount_due=0, intent=None)

    assert (changed, rows(database, Payment)) == ({}, [])


def test_a_payment_that_was_known_by_its_invoice_gets_its_payment_intent_later(database: Database) -> None:
    subscribe(database)
    follow_invoice(database, succeeded=False, intent=None, at=day(3))
    follow_invoice(database, succeeded=False, intent=None, at=day(3) + timedelta(hours=1))
    follow_invoice(database, intent="pi_1", at=day(4))

    payment = only(database, Payment)
    assert (payment.status, payment.stripe_payment_intent_id) == ("succeeded", "pi_1")


def pay_and_ask(database: Database, **over: Any) -> str:
    payment = make_payment(database, stripe_payment_intent_id="pi_1")
    values = {"transaction_id": payment, "refund_amount_cents": 1000, "status": "approved"}
    return make_refund(database, id="our_refund", **values | over)


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_a_refund_under_way_is_not_processed(database: Database, status: str) -> None:
    pay_and_ask(database)
    follow_refund(database, "re_1", "pi_1", 1000, status, metadata={"refund_id": "our_refund"})

    refund = only(database, Refund)
    assert (refund.status, refund.stripe_refund_id, refund.processed_at) == ("approved", "re_1", None)
    assert only(database, Payment).refund_amount_cents is None


def test_a_refund_is_processed_when_stripe_says_succeeded(database: Database) -> None:
    pay_and_ask(database)
    changed = follow_refund(database, "re_1", "pi_1", 1000, metadata={"refund_id": "our_refund"})

    refund, payment = only(database, Refund), only(database, Payment)
    assert (refund.status, refund.stripe_refund_id, refund.processed_at) == ("processed", "re_1", day(6))
    assert (payment.status, payment.refund_amount_cents, payment.refunded_at) == ("succeeded", 1000, day(6))
    assert changed is not None
    assert changed["refunds/our_refund"]["status"] == ["approved", "processed"]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_came_back_is_approved_again_with_a_note(database: Database, status: str) -> None:
    pay_and_ask(database, notes="Goodwill.")
    mine = {"metadata": {"refund_id": "our_refund"}}
    follow_refund(database, "re_1", "pi_1", 1000, **mine)
    for _ in range(2):
        follow_refund(database, "re_1", "pi_1", 1000, status, failure_reason="expired_card", **mine)

    refund, payment = only(database, Refund), only(database, Payment)
    assert (refund.status, refund.processed_at) == ("approved", None)
    assert refund.notes.splitlines()[0] == "Goodwill."
    assert refund.notes.count(f"re_1 {status} at Stripe (expired_card)") == 1
    assert (payment.status, payment.refund_amount_cents, payment.refunded_at) == ("succeeded", None, None)


def test_a_second_try_takes_the_place_of_one_that_failed(database: Database) -> None:
    pay_and_ask(database)
    mine = {"metadata": {"refund_id": "our_refund"}}
    follow_refund(database, "re_1", "pi_1", 1000, "failed", **mine)
    follow_refund(database, "re_2", "pi_1", 1000, **mine)
    follow_refund(database, "re_1", "pi_1", 1000, "failed", **mine)

    refund = only(database, Refund)
    assert (refund.status, refund.stripe_refund_id) == ("processed", "re_2")


def test_money_that_left_twice_for_one_refund_is_shown_as_two(database: Database) -> None:
    pay_and_ask(database)
    mine = {"metadata": {"refund_id": "our_refund"}}
    follow_refund(database, "re_1", "pi_1", 1000, **mine)
    follow_refund(database, "re_2", "pi_1", 1000, **mine)

    assert len(rows(database, Refund)) == 2
    (second,) = rows(database, Refund, stripe_refund_id="re_2")
    assert second.notes.startswith("Stripe paid this a second time for refund our_refund")
    assert only(database, Payment).refund_amount_cents == 2000


def test_a_refund_that_was_made_in_stripe_gets_a_row_once_it_succeeded(database: Database) -> None:
    make_payment(database, id="pay", stripe_payment_intent_id="pi_1")
    follow_refund(database, "re_1", "pi_1", 700, "pending")
    before = rows(database, Refund)
    follow_refund(database, "re_1", "pi_1", 700)

    refund = only(database, Refund)
    assert before == []
    assert (refund.transaction_id, refund.refund_amount_cents, refund.status) == ("pay", 700, "processed")
    assert refund.notes == "Made in Stripe, not here. (event evt_1)"


def test_the_metadata_of_another_payments_refund_is_not_believed(database: Database) -> None:
    make_refund(database, id="of_another", status="approved")
    make_payment(database, id="pay", stripe_payment_intent_id="pi_1")
    follow_refund(database, "re_1", "pi_1", 700, metadata={"refund_id": "of_another"})

    assert only(database, Refund, id="of_another").status == "approved"
    assert only(database, Refund, transaction_id="pay").status == "processed"


def test_amounts_of_a_charge_are_set_and_never_added(database: Database) -> None:
    make_payment(database, stripe_payment_intent_id="pi_1")
    one, two = told.refund("re_1", "pi_1", 1000), told.refund("re_2", "pi_1", 1000)
    seen = []
    for sent, total in (((one,), 1000), ((one,), 1000), ((one, two), 2000), ((one, two), 2000)):
        follow_charge(database, *sent, amount_refunded=total)
        seen.append(only(database, Payment).refund_amount_cents)

    assert seen == [1000, 1000, 2000, 2000]
    assert [row.refund_amount_cents for row in rows(database, Refund)] == [1000, 1000]
    assert only(database, Payment).status == "succeeded"


def test_a_payment_is_refunded_only_when_all_of_it_went_back(database: Database) -> None:
    make_payment(database, stripe_payment_intent_id="pi_1")
    follow_charge(database, amount_refunded=2999)
    almost = only(database, Payment).status
    follow_charge(database, amount_refunded=3000)

    assert (almost, only(database, Payment).status) == ("succeeded", "refunded")


def test_following_twice_changes_nothing_and_says_so(database: Database) -> None:
    pay_and_ask(database)
    sent = told.refund("re_1", "pi_1", 1000, metadata={"refund_id": "our_refund"})
    first = follow_charge(database, sent, amount_refunded=1000)
    second = follow_charge(database, sent, amount_refunded=1000)

    assert first
    assert second == {}
    assert len(rows(database, AuditEntry)) == 2
