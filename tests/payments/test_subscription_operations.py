"""Everything that is asked of Stripe about a subscription: done once, found again, and told in our rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading
from lib.models import DiscountUsage, Operation, Subscription, SubscriptionChange
from lib.payments import operations
from lib.payments.events import SubscriptionFacts
from lib.services import subscriptions
from lib.services.subscriptions import asking, codes, ends, goodwill, pauses, plan_changes
from tests import local_stripe
from tests.factories import make_plan, write
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, do, read

LATER = timedelta(hours=1)
FRIDAY = (moments.now() + timedelta(days=12)).date()


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe.running(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture(autouse=True)
def _nothing_goes_wrong_by_itself(stripe: LocalStripe) -> None:
    stripe.goes_right()


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
            operations.settle(self.database, operation_id, now=now)

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


def _change_in_the_dashboard(stripe: LocalStripe, key: str) -> None:
    """Put the old price back without touching our mark, as a person at Stripe would."""
    item = stripe.gateway.subscriptions.retrieve(key).items[0]
    params = {"items[0][id]": item.id, "items[0][price]": "price_of_tests", "proration_behavior": "none"}
    headers = {"Authorization": f"Bearer {local_stripe.KEY}"}
    httpx.post(f"{stripe.url}/v1/subscriptions/{key}", data=params, headers=headers).raise_for_status()


def _has_coupon(facts: SubscriptionFacts, prefix: str) -> bool:
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
        goodwill.free_months, lambda facts: _has_coupon(facts, "goodwill-"), lambda _: {"months": 2}
    ),
    "for nothing": Wish(goodwill.comp, lambda facts: _has_coupon(facts, "goodwill-")),
    "apply a code": Wish(codes.apply, lambda facts: _has_coupon(facts, "co_spring"), _code),
    "remove a discount": Wish(
        codes.remove,
        lambda facts: facts.discounts == (),
        lambda desk: {"discount_id": desk.theirs.discounts[0].id},
        before=_with_a_code,
    ),
}
EVERY = pytest.mark.parametrize("wish", list(WISHES.values()), ids=list(WISHES))


@EVERY
def test_it_is_done_once_and_stripe_shows_it(database: Database, stripe: LocalStripe, wish: Wish) -> None:
    desk = desk_of(database, stripe, wish)
    given = wish.given(desk)
    before = desk.changes

    queued = desk.ask(wish.action, **given)
    desk.work_off()
    desk.work_off(LATER)

    done = desk.operation(queued)
    assert (done.state, done.error_message, done.attempts) == ("done", None, 1)
    assert wish.shows(desk.theirs)
    assert desk.changes - before == 1


@EVERY
@pytest.mark.parametrize("fault", ["drop_after", "invalid_json", "drop_before", "500"])
def test_after_an_unknown_outcome_it_is_found_or_sent_again_and_never_done_twice(
    database: Database, stripe: LocalStripe, wish: Wish, fault: str
) -> None:
    desk = desk_of(database, stripe, wish)
    given = wish.given(desk)
    before = desk.changes
    queued = desk.ask(wish.action, **given)
    stripe.goes_wrong(fault, method="POST", path="/v1/subscriptions/*")

    desk.work_off()
    between = desk.operation(queued)
    desk.work_off(LATER)

    happened = fault in {"drop_after", "invalid_json"}
    assert between.state == "unknown"
    assert desk.operation(queued).state == "done"
    assert desk.changes - before == (1 if happened else 2)
    assert wish.shows(desk.theirs)


@pytest.mark.parametrize("name", sorted(WISHES.keys() - {"cancel on a date"}))
def test_what_stripe_refuses_has_failed_with_its_sentence(
    database: Database, stripe: LocalStripe, name: str
) -> None:
    desk = desk_of(database, stripe, WISHES[name])
    queued = desk.ask(WISHES[name].action, **WISHES[name].given(desk))
    stripe.gateway.subscriptions.cancel(desk.stripe_id, key=f"in Stripe's dashboard: {desk.stripe_id}")

    desk.work_off()

    failed = desk.operation(queued)
    assert (failed.state, failed.open_key) == ("failed", None)
    assert (
        "canceled" in failed.error_message
        or "No such" in failed.error_message
        or "paused" in (failed.error_message)
    )


def test_an_end_on_a_date_counts_as_done_when_it_has_ended_meanwhile(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    queued = desk.ask(ends.cancel_on, last_day=FRIDAY)
    stripe.gateway.subscriptions.cancel(desk.stripe_id, key=f"in Stripe's dashboard: {desk.stripe_id}")

    desk.work_off()

    assert desk.operation(queued).state == "done"
    assert desk.ours.status == "canceled"


def test_a_change_that_somebody_undid_at_stripe_is_not_made_again(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    queued = desk.ask(plan_changes.change, plan_id="dearer", settlement="now", moment=moments.now())
    stripe.goes_wrong("drop_after", method="POST", path="/v1/subscriptions/*")
    desk.work_off()
    _change_in_the_dashboard(stripe, desk.stripe_id)
    before = desk.changes

    desk.work_off(LATER)

    assert desk.operation(queued).state == "done"
    assert desk.changes == before
    assert desk.ours.price_cents == 3000


def test_a_change_of_plan_charges_what_stripes_preview_said_and_moves_mrr(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    question = desk.question("dearer", "now")
    preview = plan_changes.preview(stripe.gateway, question)
    untouched = desk.theirs

    desk.ask(plan_changes.change, plan_id="dearer", settlement="now", moment=question.moment)
    desk.work_off()

    charged = stripe.gateway.invoices.retrieve(desk.theirs.latest_invoice_id or "")
    assert [item.price_id for item in untouched.items] == ["price_of_tests"]
    assert preview.now is not None
    assert preview.then is not None
    assert (preview.now.total_cents, preview.then.total_cents) == (charged.total, 5000)
    assert (charged.status, 0 < preview.now.total_cents <= 2000) == ("paid", True)
    assert (question.mrr_before_cents, question.mrr_after_cents) == (3000, 5000)
    assert (desk.ours.plan_id, desk.ours.price_cents) == ("dearer", 5000)
    assert (desk.ledger.net_arr_cents, desk.ledger.source) == (60_000, "action")


@pytest.mark.parametrize(("settlement", "more"), [("next_bill", True), ("not_at_all", False)])
def test_a_change_that_waits_charges_nothing_now_and_the_preview_says_what_comes(
    database: Database, stripe: LocalStripe, settlement: str, more: bool
) -> None:
    desk = desk_of(database, stripe)
    question = desk.question("dearer", settlement)
    preview = plan_changes.preview(stripe.gateway, question)
    invoice = desk.theirs.latest_invoice_id

    desk.ask(plan_changes.change, plan_id="dearer", settlement=settlement, moment=question.moment)
    desk.work_off()

    then = asking.at_stripe(stripe.gateway, desk.stripe_id).next_bill
    assert preview.now is None
    assert preview.then is not None
    assert then is not None
    assert preview.then.total_cents == then.total_cents
    assert (then.total_cents > 5000) is more
    assert desk.theirs.latest_invoice_id == invoice


def test_another_period_begins_at_once_and_is_charged_less_the_rest_of_the_old_one(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    question = desk.question("yearly", "next_bill")
    preview = plan_changes.preview(stripe.gateway, question)

    desk.ask(plan_changes.change, plan_id="yearly", settlement="next_bill", moment=question.moment)
    desk.work_off()

    charged = stripe.gateway.invoices.retrieve(desk.theirs.latest_invoice_id or "")
    assert preview.now is not None
    assert preview.then is not None
    assert preview.now.total_cents == charged.total
    assert charged.total < 24_000 == preview.then.total_cents
    assert preview.then.at is not None
    assert preview.then.at - preview.now.at >= timedelta(days=365)
    assert (desk.ours.billing_period, desk.ledger.net_arr_cents) == ("annual", 24_000)
    assert question.mrr_after_cents == 2000


def test_free_months_are_goodwill_in_the_ledger_and_mrr_stays(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)

    desk.ask(goodwill.free_months, months=2)
    desk.work_off()

    next_bill = asking.at_stripe(stripe.gateway, desk.stripe_id).next_bill
    assert next_bill is not None
    assert next_bill.total_cents == 0
    assert (desk.ledger.list_arr_cents, desk.ledger.net_arr_cents) == (36_000, 0)
    assert desk.ledger.goodwill_arr_cents == 36_000
    assert read(database, FINANCE, subscriptions.one, desk.id).mrr_cents == 3000


def test_a_free_month_of_an_annual_plan_is_a_twelfth_off_the_next_bill(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    desk.ask(plan_changes.change, plan_id="yearly", settlement="now", moment=moments.now())
    desk.work_off()

    desk.ask(goodwill.free_months, months=1)
    desk.work_off()

    next_bill = asking.at_stripe(stripe.gateway, desk.stripe_id).next_bill
    assert next_bill is not None
    assert next_bill.total_cents == 22_000
    assert (desk.ledger.net_arr_cents, desk.ledger.goodwill_arr_cents) == (22_000, 2_000)


def test_a_subscription_for_nothing_adds_nothing_to_mrr(database: Database, stripe: LocalStripe) -> None:
    desk = desk_of(database, stripe)

    desk.ask(goodwill.comp)
    desk.work_off()

    assert (desk.ledger.net_arr_cents, desk.ledger.goodwill_arr_cents) == (0, 0)
    assert read(database, FINANCE, subscriptions.one, desk.id).mrr_cents == 0


def test_a_code_joins_the_discounts_that_are_there_and_counts_as_redeemed_once(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    make_code(database)
    desk.ask(goodwill.free_months, months=1)
    desk.work_off()

    queued = desk.ask(codes.apply, code="SPRING20")
    desk.work_off()
    operations.settle(database, queued.id)

    with reading(database, FINANCE) as view:
        used = view.session.scalars(select(DiscountUsage)).one()
        code = view.session.get_one(codes.DiscountCode, "disc_spring")
    assert len(desk.theirs.discounts) == 2
    assert (used.id, used.discount_amount_cents, code.current_uses) == (queued.id, 600, 1)


def test_removing_one_discount_leaves_the_others(database: Database, stripe: LocalStripe) -> None:
    desk = desk_of(database, stripe)
    make_code(database)
    for action, given in ((codes.apply, {"code": "SPRING20"}), (goodwill.free_months, {"months": 1})):
        desk.ask(action, **given)
        desk.work_off()
    free = next(each for each in desk.theirs.discounts if each.coupon_id != "co_spring")
    without = codes.preview_without(stripe.gateway, desk.stripe_id, free.id or "")

    desk.ask(codes.remove, discount_id=free.id)
    desk.work_off()

    assert without.bill is not None
    assert without.bill.total_cents == 2400
    assert [each.coupon_id for each in desk.theirs.discounts] == ["co_spring"]
    assert (desk.ledger.net_arr_cents, desk.ledger.goodwill_arr_cents) == (28_800, 0)


def test_a_coupon_whose_making_went_unanswered_is_made_once(database: Database, stripe: LocalStripe) -> None:
    desk = desk_of(database, stripe)
    queued = desk.ask(goodwill.comp)
    stripe.goes_wrong("drop_after", method="POST", path="/v1/coupons")

    desk.work_off()
    desk.work_off(LATER)

    assert desk.operation(queued).state == "done"
    assert len(desk.theirs.discounts) == 1


def test_a_code_that_stripe_does_not_have_fails_with_a_sentence(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    make_code(database, code="ONLY-HERE", stripe_coupon_id="co_elsewhere")
    queued = desk.ask(codes.apply, code="ONLY-HERE")

    desk.work_off()

    failed = desk.operation(queued)
    assert failed.state == "failed"
    assert "no active promotion code “ONLY-HERE”" in (failed.error_message or "")


def test_the_two_pauses_differ_in_status_and_both_leave_mrr(database: Database, stripe: LocalStripe) -> None:
    bills = desk_of(database, stripe)
    bills.ask(pauses.pause_collection, behavior="void", until=None)
    bills.work_off()
    paused_bills = (bills.ours.status, bills.ledger.collection_paused)
    bills.ask(pauses.resume_collection)
    bills.work_off()
    whole = bills
    whole.ask(pauses.pause)
    whole.work_off()
    coming = asking.resumption(stripe.gateway, whole.stripe_id)

    assert paused_bills == ("active", True)
    assert (whole.ours.status, whole.ledger.collection_paused) == ("paused", False)
    assert read(database, FINANCE, subscriptions.one, whole.id).mrr_cents == 0
    assert coming.bill is not None
    # What was left of the paid period is a credit, so that nearly nothing is due for the new one.
    assert coming.bill.total_cents < 10
