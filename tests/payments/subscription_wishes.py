"""Everything that can be asked for a subscription, as data, and a desk to ask it at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading
from lib.models import Operation, Subscription, SubscriptionChange
from lib.payments import operations
from lib.payments.events import SubscriptionFacts
from lib.services import subscriptions
from lib.services.subscriptions import codes, ends, goodwill, pauses, plan_changes
from tests import local_stripe
from tests.factories import make_plan, write
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, do, read

LATER = timedelta(hours=1)
FRIDAY = (moments.now() + timedelta(days=12)).date()


@dataclass(frozen=True)
class Wish:
    """One thing to ask for: how things have to stand at Stripe before, and what Stripe shows afterwards."""

    action: Callable[..., Operation]
    shows: Callable[[SubscriptionFacts], bool]
    given: Callable[["Desk"], Mapping[str, Any]] = lambda _: {}
    before: Callable[[LocalStripe, str], object] = lambda *_: None
    row: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Desk:
    """One subscription, ours and Stripe's."""

    database: Database
    stripe: LocalStripe
    id: str
    stripe_id: str

    @property
    def theirs(self) -> SubscriptionFacts:
        return self.stripe.gateway.subscriptions.retrieve(self.stripe_id)

    @property
    def ours(self) -> Subscription:
        with reading(self.database, FINANCE) as view:
            return view.session.get_one(Subscription, self.id)

    def question(self, plan_id: str, settlement: str) -> plan_changes.PlanQuestion:
        """What the page asks Stripe before the plan is changed."""
        case = read(self.database, FINANCE, subscriptions.one, self.id)
        offered = read(self.database, FINANCE, plan_changes.choices, case.plan_id, case.currency)
        return plan_changes.question(case, offered, plan_id, settlement)

    @property
    def ledger(self) -> SubscriptionChange:
        with reading(self.database, FINANCE) as view:
            newest = select(SubscriptionChange).order_by(SubscriptionChange.seq.desc()).limit(1)
            return view.session.scalars(newest).one()

    def ask(self, action: Callable[..., Operation], **given: Any) -> Operation:
        shown = read(self.database, FINANCE, subscriptions.one, self.id).digest
        asked: Operation = do(
            self.database, FINANCE, action, self.id, shown=shown, reason="Asked for", **given
        )
        return asked

    def work_off(self, after: timedelta = timedelta()) -> None:
        """One turn of a worker."""
        now = moments.now() + after
        for operation_id in operations.due(self.database, now):
            operations.run(self.database, self.stripe.gateway, operation_id, "worker 1", now=now)
            operations.settle(self.database, self.stripe.gateway, operation_id, now=now)

    def operation(self, queued: Operation) -> Operation:
        with reading(self.database, FINANCE) as view:
            return view.session.get_one(Operation, queued.id)

    @property
    def changes(self) -> int:
        """How many requests were to change the subscription."""
        return len(self.stripe.writes(self.stripe_id))


def desk_of(database: Database, stripe: LocalStripe, wish: Wish | None = None) -> Desk:
    plan = make_plan(database, stripe_price_id="price_of_tests", plan_name="Try It Out")
    make_plan(database, id="dearer", stripe_price_id="price_dearer", price_cents=5000, plan_name="Dearer")
    yearly = {"billing_period": "annual", "price_cents": 24_000, "plan_name": "Yearly"}
    make_plan(database, id="yearly", stripe_price_id="price_yearly", **yearly)
    subscription = stripe.subscription(database, plan_id=plan, **(wish.row if wish else {}))
    with reading(database, FINANCE) as view:
        key = view.session.get_one(Subscription, subscription).stripe_subscription_id
    assert key is not None
    if wish is not None:
        wish.before(stripe, key)
    found = stripe.gateway.subscriptions.retrieve(key)
    with database.primary.begin() as connection:
        connection.execute(
            update(Subscription).values(
                current_period_start=found.current_period_start, current_period_end=found.current_period_end
            )
        )
    return Desk(database, stripe, subscription, key)


def make_code(database: Database, **over: Any) -> str:
    now = moments.now()
    values = {
        "id": "disc_spring",
        "code": "Spring20",
        "discount_type": "percentage",
        "discount_value": 20,
        "applies_to": "all",
        "stripe_coupon_id": "co_spring",
        "valid_from": now - timedelta(days=1),
        "valid_until": now + timedelta(days=30),
        "is_active": True,
        "current_uses": 0,
    }
    return write(database, codes.DiscountCode, **values | over)


def _trial(stripe: LocalStripe, key: str) -> None:
    end = moments.now() + timedelta(days=7)
    stripe.gateway.subscriptions.extend_trial(key, end, mark="the app", key=f"trial:{key}")


def _bills_paused(stripe: LocalStripe, key: str) -> None:
    stripe.gateway.subscriptions.pause_collection(key, "void", None, mark="the app", key=f"bills:{key}")


def _paused(stripe: LocalStripe, key: str) -> None:
    stripe.gateway.subscriptions.pause(key, key=f"pause:{key}")


def _ends_on_a_date(stripe: LocalStripe, key: str) -> None:
    end = moments.now() + timedelta(days=7)
    stripe.gateway.subscriptions.cancel_on(key, end, mark="the app", key=f"date:{key}")


def _with_a_code(stripe: LocalStripe, key: str) -> None:
    stripe.gateway.reductions.apply_code(key, "SPRING20", mark="the app", key=f"code:{key}")


def _bills_paused_here(desk: Desk) -> Mapping[str, Any]:
    """Our ledger has to know of the pause first, as from Stripe's event."""
    price = {"list_arr_cents": 36_000, "net_arr_cents": 36_000}
    moment = moments.now() - LATER
    write(
        desk.database,
        SubscriptionChange,
        subscription_id=desk.id,
        relationship_id=desk.ours.relationship_id,
        effective_at=moment,
        recorded_at=moment,
        status="active",
        plan_id=desk.ours.plan_id,
        billing_period="monthly",
        currency="USD",
        is_gift=False,
        collection_paused=True,
        set_to_cancel=False,
        source="event",
        **price,
    )
    return {}


def _code(desk: Desk) -> Mapping[str, Any]:
    make_code(desk.database)
    return {"code": " spring20 "}


def change_in_the_dashboard(stripe: LocalStripe, key: str) -> None:
    """Put the old price back without touching our mark, as a person at Stripe would."""
    item = stripe.gateway.subscriptions.retrieve(key).items[0]
    params = {"items[0][id]": item.id, "items[0][price]": "price_of_tests", "proration_behavior": "none"}
    headers = {"Authorization": f"Bearer {local_stripe.KEY}"}
    httpx.post(f"{stripe.url}/v1/subscriptions/{key}", data=params, headers=headers).raise_for_status()


def has_coupon(facts: SubscriptionFacts, prefix: str) -> bool:
    return any((each.coupon_id or "").startswith(prefix) for each in facts.discounts)


WISHES = {
    "cancel on a date": Wish(
        ends.cancel_on,
        lambda facts: facts.cancel_at == moments.day_bounds(FRIDAY)[1],
        lambda _: {"last_day": FRIDAY},
    ),
    "keep what ends on a date": Wish(
        ends.keep,
        lambda facts: facts.cancel_at is None,
        before=_ends_on_a_date,
        row={"canceled_at": moments.now()},
    ),
    "change the plan": Wish(
        plan_changes.change,
        lambda facts: [item.price_id for item in facts.items] == ["price_dearer"],
        lambda _: {"plan_id": "dearer", "settlement": "now", "moment": moments.now()},
    ),
    "pause the bills": Wish(
        pauses.pause_collection,
        lambda facts: (
            (facts.pause_behavior, facts.pause_resumes_at) == ("keep_as_draft", moments.day_bounds(FRIDAY)[0])
        ),
        lambda _: {"behavior": "keep_as_draft", "until": FRIDAY},
    ),
    "bill again": Wish(
        pauses.resume_collection,
        lambda facts: facts.pause_behavior is None,
        _bills_paused_here,
        before=_bills_paused,
    ),
    "pause": Wish(pauses.pause, lambda facts: facts.status == "paused"),
    "end the pause": Wish(
        pauses.resume, lambda facts: facts.status == "active", before=_paused, row={"status": "paused"}
    ),
    "extend the trial": Wish(
        goodwill.extend_trial,
        lambda facts: facts.trial_end == moments.day_bounds(FRIDAY)[1],
        lambda _: {"last_day": FRIDAY},
        before=_trial,
        row={"status": "trialing"},
    ),
    "free months": Wish(
        goodwill.free_months, lambda facts: has_coupon(facts, "goodwill-"), lambda _: {"months": 2}
    ),
    "for nothing": Wish(goodwill.comp, lambda facts: has_coupon(facts, "goodwill-")),
    "apply a code": Wish(codes.apply, lambda facts: has_coupon(facts, "co_spring"), _code),
    "remove a discount": Wish(
        codes.remove,
        lambda facts: facts.discounts == (),
        lambda desk: {"discount_id": desk.theirs.discounts[0].id},
        before=_with_a_code,
    ),
}
EVERY = pytest.mark.parametrize("wish", list(WISHES.values()), ids=list(WISHES))
