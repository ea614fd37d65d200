"""What begins for a couple, against a local Stripe: a subscription, a gift, a move; each of them once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import job, reading, working
from lib.models import (
    DiscountCode,
    DiscountUsage,
    Operation,
    Payment,
    Subscription,
    SubscriptionChange,
    UserAddon,
)
from lib.payments import operations, rows
from lib.services import addons, handover, starts
from tests.beginnings import given, moved, started
from tests.factories import make_couple, make_plan, make_purchase, make_user, write
from tests.local_stripe import LocalStripe
from tests.staff import SUPPORT, do, read

LATER = timedelta(hours=1)
FAULTS = ["drop_after", "500", "drop_before", "invalid_json"]


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def plan(database: Database) -> str:
    return make_plan(database, stripe_price_id="price_of_tests", is_active=True)


def work_off(database: Database, stripe: LocalStripe, now: datetime | None = None) -> None:
    """One turn of a worker over the operations."""
    moment = now or moments.now()
    for operation_id in operations.due(database, moment):
        operations.run(database, stripe.gateway, operation_id, "worker 1", now=moment)
        operations.settle(database, stripe.gateway, operation_id, now=moment)


def all_of(database: Database, model: Any) -> list[Any]:
    with reading(database, SUPPORT) as view:
        return list(view.session.scalars(select(model)))


def test_a_subscription_begins_is_paid_and_gets_its_row_and_its_mrr(
    database: Database, stripe: LocalStripe, plan: str
) -> None:
    payer = make_user(database)
    couple = make_couple(database, user_1_id=payer)
    customer = stripe.customer(payer)
    queued = started(database, stripe, couple, payer, plan)

    work_off(database, stripe)
    work_off(database, stripe)

    [row] = all_of(database, Subscription)
    [change] = all_of(database, SubscriptionChange)
    at_stripe = stripe.gateway.subscriptions.retrieve(row.stripe_subscription_id)
    assert (row.status, row.relationship_id, row.user_id) == ("active", couple, payer)
    assert (row.stripe_customer_id, row.price_cents, row.is_gift) == (customer, 3000, False)
    assert row.current_period_end == at_stripe.current_period_end
    assert at_stripe.metadata["subscription_id"] == row.id
    assert (change.net_arr_cents, change.status, change.source) == (36_000, "active", "action")
    assert len(stripe.writes(queued.id)) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_after_an_unknown_outcome_a_start_is_found_by_our_id_and_never_made_twice(
    database: Database, stripe: LocalStripe, plan: str, fault: str
) -> None:
    payer = make_user(database)
    couple = make_couple(database, user_1_id=payer)
    customer = stripe.customer(payer)
    queued = started(database, stripe, couple, payer, plan)
    stripe.goes_wrong(fault)

    work_off(database, stripe)
    between = all_of(database, Operation)[0].state
    work_off(database, stripe, moments.now() + LATER)

    happened = fault in {"drop_after", "invalid_json"}
    assert between == "unknown"
    assert [row.status for row in all_of(database, Subscription)] == ["active"]
    assert stripe.subscriptions_of(customer) == 1
    assert len(stripe.writes(queued.id)) == (1 if happened else 2)


def test_a_declined_card_leaves_no_row_here_and_no_subscription_there(
    database: Database, stripe: LocalStripe, plan: str
) -> None:
    payer = make_user(database)
    couple = make_couple(database, user_1_id=payer)
    customer = stripe.customer(payer, card="pm_card_chargeCustomerFail")
    started(database, stripe, couple, payer, plan)

    work_off(database, stripe)

    [operation] = all_of(database, Operation)
    assert (operation.state, operation.open_key) == ("failed", None)
    assert "declined" in operation.error_message
    assert all_of(database, Subscription) == []
    assert stripe.subscriptions_of(customer) == 0


def test_the_event_may_come_before_the_answer_and_makes_the_same_row(
    database: Database, stripe: LocalStripe, plan: str
) -> None:
    payer = make_user(database)
    couple = make_couple(database, user_1_id=payer)
    customer = stripe.customer(payer)
    queued = started(database, stripe, couple, payer, plan)
    operations.run(database, stripe.gateway, queued.id, "worker 1")
    facts = stripe.gateway.subscriptions.find(customer, "operation_id", queued.id)

    @job
    def event_comes(work: Any) -> Any:
        return rows.follow_subscription(work, facts, source="event", source_id="evt_1")

    with working(database, operations.WORKER) as work:
        event_comes(work)
    operations.settle(database, stripe.gateway, queued.id)

    assert len(all_of(database, Subscription)) == 1
    assert len(all_of(database, SubscriptionChange)) == 1
    assert [each.state for each in all_of(database, Operation)] == ["done"]


def test_a_trial_charges_nothing_and_adds_nothing_to_mrr(
    database: Database, stripe: LocalStripe, plan: str
) -> None:
    payer = make_user(database)
    couple = make_couple(database, user_1_id=payer)
    stripe.customer(payer)
    question = read(database, SUPPORT, starts.question, couple, plan_id=plan, payer_id=payer, trial_days=14)
    preview = starts.preview(stripe.gateway, question)
    started(database, stripe, couple, payer, plan, trial_days=14)

    work_off(database, stripe)

    [row] = all_of(database, Subscription)
    assert (preview.due_cents, row.status) == (0, "trialing")
    assert timedelta(days=13) < row.trial_end_date - moments.now() <= timedelta(days=14)


def test_a_code_lowers_the_first_invoice_in_the_preview_and_is_counted_once(
    database: Database, stripe: LocalStripe, plan: str
) -> None:
    payer = make_user(database)
    couple = make_couple(database, user_1_id=payer)
    stripe.customer(payer)
    coupon = stripe.coupon(percent_off=20)
    now = moments.now()
    write(
        database,
        DiscountCode,
        id="code",
        code="WELCOME20",
        discount_type="percentage",
        discount_value=20,
        applies_to="subscription",
        current_uses=4,
        valid_from=now - LATER,
        valid_until=now + timedelta(days=30),
        stripe_coupon_id=coupon,
        is_active=True,
    )
    wish = {"plan_id": plan, "payer_id": payer, "code": " welcome20 "}
    preview = starts.preview(stripe.gateway, read(database, SUPPORT, starts.question, couple, **wish))
    started(database, stripe, couple, payer, plan, code="WELCOME20")

    work_off(database, stripe)

    [usage] = all_of(database, DiscountUsage)
    [change] = all_of(database, SubscriptionChange)
    assert (preview.due_cents, usage.discount_amount_cents, usage.relationship_id) == (2400, 600, couple)
    assert all_of(database, DiscountCode)[0].current_uses == 5
    assert (change.list_arr_cents, change.net_arr_cents) == (36_000, 28_800)
    with pytest.raises(Refused, match="used by this couple before"):
        read(database, SUPPORT, starts.question, couple, **wish)


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_gift_is_charged_once_to_the_giver_and_begins_for_the_couple(
    database: Database, stripe: LocalStripe, plan: str, fault: str | None
) -> None:
    giver, couple = make_user(database), make_couple(database)
    customer = stripe.customer(giver)
    queued = given(database, stripe, giver, couple, plan)
    if fault:
        stripe.goes_wrong(fault)

    work_off(database, stripe)
    work_off(database, stripe, moments.now() + LATER)

    [gift], [payment] = all_of(database, Subscription), all_of(database, Payment)
    [change] = all_of(database, SubscriptionChange)
    assert stripe.taken_from(customer) == [9000]
    assert (gift.is_gift, gift.status, gift.gift_from_user_id) == (True, "active", giver)
    assert (gift.relationship_id, gift.stripe_subscription_id) == (couple, None)
    assert gift.current_period_end == moments.plus_months(gift.current_period_start, 3)
    assert (payment.transaction_type, payment.user_id, payment.subscription_id) == ("gift", giver, gift.id)
    assert (payment.amount_cents, payment.status) == (9000, "succeeded")
    assert change.is_gift
    assert [each.state for each in all_of(database, Operation)] == ["done"]
    assert len(stripe.writes(queued.id)) <= 2


def test_a_gift_whose_card_is_declined_is_not_given_and_can_be_tried_anew(
    database: Database, stripe: LocalStripe, plan: str
) -> None:
    giver, couple = make_user(database), make_couple(database)
    customer = stripe.customer(giver, card="pm_card_chargeCustomerFail")
    given(database, stripe, giver, couple, plan)

    work_off(database, stripe)

    assert all_of(database, Subscription) == []
    assert all_of(database, Operation)[0].state == "failed"
    assert stripe.taken_from(customer) == []
    given(database, stripe, giver, couple, plan)


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_move_ends_the_old_with_its_period_and_begins_the_partners_free_until_then(
    database: Database, stripe: LocalStripe, plan: str, fault: str | None
) -> None:
    payer, partner = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=payer, user_2_id=partner)
    customer = stripe.customer(partner)
    old = stripe.subscription(database, user_id=payer, relationship_id=couple, plan_id=plan)
    moved(database, stripe, old)
    if fault:
        stripe.goes_wrong(fault, path="/v1/subscriptions")

    for turn in range(4):
        work_off(database, stripe, moments.now() + turn * LATER)

    by_user = {row.user_id: row for row in all_of(database, Subscription)}
    before, after = by_user[payer], by_user[partner]
    assert (before.id, before.status) == (old, "active")
    assert before.canceled_at is not None
    assert (after.status, after.trial_end_date) == ("trialing", before.current_period_end)
    assert (after.stripe_customer_id, after.relationship_id) == (customer, couple)
    assert stripe.subscriptions_of(customer) == 1
    steps = sorted(all_of(database, Operation), key=lambda each: (each.prepared_at, each.id))
    assert [(each.kind, each.state) for each in steps] == [
        ("subscription_hand_over", "done"),
        ("subscription_start", "done"),
    ]
    assert {each.requested_by for each in steps} == {SUPPORT.id}
    assert "goes on already" in read(database, SUPPORT, handover.case, old).why_not


def test_of_a_move_the_second_step_is_prepared_once_however_often_the_first_is_settled(
    database: Database, stripe: LocalStripe, plan: str
) -> None:
    payer, partner = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=payer, user_2_id=partner)
    stripe.customer(partner)
    old = stripe.subscription(database, user_id=payer, relationship_id=couple, plan_id=plan)
    first = moved(database, stripe, old)
    operations.run(database, stripe.gateway, first.id, "worker 1")

    for _ in range(3):
        operations.settle(database, stripe.gateway, first.id)

    assert sorted(each.kind for each in all_of(database, Operation)) == [
        "subscription_hand_over",
        "subscription_start",
    ]
    with pytest.raises(Refused, match="begins for this couple"):
        started(database, stripe, couple, partner, plan)


def test_a_move_of_one_that_ended_meanwhile_begins_nothing(
    database: Database, stripe: LocalStripe, plan: str
) -> None:
    payer, partner = make_user(database), make_user(database)
    couple = make_couple(database, user_1_id=payer, user_2_id=partner)
    customer = stripe.customer(partner)
    old = stripe.subscription(database, user_id=payer, relationship_id=couple, plan_id=plan)
    moved(database, stripe, old)
    with reading(database, SUPPORT) as view:
        stripe.gateway.subscriptions.cancel(
            view.session.get_one(Subscription, old).stripe_subscription_id, key="elsewhere"
        )

    work_off(database, stripe)

    [only] = all_of(database, Operation)
    assert (only.kind, only.state) == ("subscription_hand_over", "failed")
    assert "ended meanwhile" in only.error_message
    assert all_of(database, Subscription)[0].status == "canceled"
    assert stripe.subscriptions_of(customer) == 0


@pytest.mark.parametrize("fault", [None, *FAULTS])
@pytest.mark.parametrize(
    ("action", "status"), [(addons.cancel_now, "canceled"), (addons.cancel_at_period_end, "active")]
)
def test_an_add_on_that_goes_on_is_cancelled_at_stripe_and_our_row_follows(
    database: Database, stripe: LocalStripe, action: Any, status: str, fault: str | None
) -> None:
    purchase = make_purchase(
        database, stripe_subscription_id=stripe.running_subscription(), billing_period="monthly"
    )
    shown = read(database, SUPPORT, addons.one, purchase).digest
    do(database, SUPPORT, action, purchase, shown=shown, reason="Moves abroad")
    if fault:
        stripe.goes_wrong(fault, method="*", path="/v1/subscriptions/*")

    for turn in range(3):
        work_off(database, stripe, moments.now() + turn * LATER)

    [row] = all_of(database, UserAddon)
    assert (row.status, row.canceled_at is not None) == (status, True)
    assert row.expiration_date is not None
    assert [each.state for each in all_of(database, Operation)] == ["done"]
