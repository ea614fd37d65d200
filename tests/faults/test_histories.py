"""Any interleaving of what people, workers, Stripe and the network do ends with our rows equal to Stripe's.

Hypothesis draws a history: several people act on one couple's subscription and payment, somebody works in
Stripe's dashboard, periods end, the bank sends money back, a worker is killed, requests fail, events come
twice, late and out of order. At its end everything that is open is worked off; then nothing may differ from
Stripe, and no money may have moved twice.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, update

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import reading, working
from lib.models import AuditEntry, AuditHead, InboxEvent, Operation, Payment, Refund, Subscription
from lib.models.machines import MACHINES
from lib.payments import inbox, operations
from lib.payments.rows import STATUSES
from lib.services import limits, refunds, subscriptions
from tests import local_stripe
from tests.local_stripe import LocalStripe
from tests.payments.outbox import dies_with_the_answer
from tests.sized import times
from tests.staff import ADMIN, FINANCE, OTHER_FINANCE, SUPPORT, do, read

pytestmark = pytest.mark.sized

GROUPS: Final = times(2, 8)
HISTORIES: Final = times(15, 1250)
STEPS: Final = 12
DECISIONS: Final = (refunds.approve, refunds.approve, refunds.deny, refunds.try_again)
PICK: Final = st.integers(0, 99)
"""One of what there is, counted round: what Hypothesis draws must not depend on how much there is."""
FAULTS: Final = (None, None, "500", "drop_before", "drop_after", "invalid_json", "429")
ALREADY: Final = ("approved", "asked for", "set to cancel", "nothing")
"""How a history begins: left to the draws alone, few would get as far as a refund that is paid."""
ACTS: Final = (subscriptions.cancel_at_period_end, subscriptions.cancel_now, subscriptions.keep)


class History(RuleBasedStateMachine):
    """One couple with a subscription and a payment of $30.00, and all that can happen to them."""

    stripe: ClassVar[LocalStripe]
    database: ClassVar[Database]
    paid: ClassVar[int]
    """In how many histories a refund of ours was paid, in the end or for a while."""

    @initialize(already=st.sampled_from(ALREADY), cents=st.sampled_from([500, 3000]))
    def begin(self, already: str, cents: int) -> None:
        self.stripe.goes_right()
        self.newest_before = self.stripe.newest_event()
        self.payment = self.stripe.payment(self.database)
        self.subscription = self.stripe.subscription(self.database)
        self.now, self.changes_there = moments.now(), 0
        with reading(self.database, FINANCE) as view:
            self.at_stripe = view.session.get_one(Subscription, self.subscription).stripe_subscription_id
            self.intent = view.session.get_one(Payment, self.payment).stripe_payment_intent_id
            self.audited = view.session.scalar(select(AuditHead.seq))
        facts = self.facts()
        with self.database.primary.begin() as connection:
            connection.execute(
                update(Subscription)
                .where(Subscription.id == self.subscription)
                .values(
                    current_period_start=facts.current_period_start,
                    current_period_end=facts.current_period_end,
                )
            )
        if already in {"asked for", "approved"}:
            self.request_a_refund(cents)
        if already == "approved":
            self.decide_on_a_refund(0, refunds.approve, FINANCE)
        if already == "set to cancel":
            self.act_on_the_subscription(subscriptions.cancel_at_period_end, SUPPORT)

    # What people do.

    @rule(cents=st.sampled_from([500, 1000, 3000]))
    def request_a_refund(self, cents: int) -> None:
        with reading(self.database, SUPPORT) as view:
            user = view.session.get_one(Payment, self.payment).user_id
        self.attempt(
            SUPPORT,
            refunds.request,
            self.payment,
            amount_cents=cents,
            reason="requested_by_customer",
            note="",
            for_user=user,
        )

    @rule(pick=PICK, act=st.sampled_from(DECISIONS), who=st.sampled_from([FINANCE, OTHER_FINANCE]))
    def decide_on_a_refund(self, pick: int, act: Callable[..., Any], who: Any) -> None:
        asked = self.refunds()
        if asked:
            chosen = asked[pick % len(asked)].id
            shown = read(self.database, who, refunds.one, chosen).digest
            self.attempt(who, act, chosen, shown=shown, reason="Decided")

    @rule(act=st.sampled_from(ACTS), who=st.sampled_from([SUPPORT, FINANCE]))
    def act_on_the_subscription(self, act: Callable[..., Any], who: Any) -> None:
        shown = read(self.database, who, subscriptions.one, self.subscription).digest
        self.attempt(who, act, self.subscription, shown=shown, reason="They asked")

    # What happens at Stripe without us.

    @rule(cents=st.sampled_from([500, 3000]))
    def refund_in_stripes_dashboard(self, cents: int) -> None:
        charge = self.stripe.gateway.charges.of_payment(self.intent)
        assert charge is not None
        if cents <= (charge.amount or 0) - (charge.amount_refunded or 0):
            self.stripe.gateway.refunds.create(
                payment_intent_id=self.intent,
                amount_cents=cents,
                reason=None,
                metadata={},
                key=f"dashboard:{len(self.stripe.refunds(self.intent))}:{self.intent}",
            )

    @rule(ends=st.booleans())
    def somebody_changes_the_subscription_in_stripes_dashboard(self, ends: bool) -> None:
        if self.facts().status != "canceled":
            there = self.stripe.gateway.subscriptions
            change = there.cancel_at_period_end if ends else there.keep
            self.changes_there += 1
            change(self.at_stripe, key=f"dashboard:{self.changes_there}:{self.at_stripe}")

    @rule(outcome=st.sampled_from(["succeed", "succeed", "fail"]))
    def a_period_ends(self, outcome: str) -> None:
        if self.facts().status in {"active", "past_due"}:
            self.stripe.renews(self.at_stripe, outcome)

    @rule()
    def the_bank_sends_a_refund_back(self) -> None:
        paid = [each for each in self.stripe.refunds(self.intent) if each.status == "succeeded"]
        if paid:
            self.stripe.sends_back(paid[0].id)

    # What our processes do, and what goes wrong.

    @rule(pick=PICK, fault=st.sampled_from(FAULTS), settles=st.booleans())
    def a_worker_takes_a_turn(self, pick: int, fault: str | None, settles: bool) -> None:
        due = operations.due(self.database, self.now)
        if due:
            chosen = due[pick % len(due)]
            with self.going_wrong(fault):
                operations.run(self.database, self.stripe.gateway, chosen, "worker", now=self.now)
            if settles:
                operations.settle(self.database, self.stripe.gateway, chosen, now=self.now)

    @rule()
    def a_worker_is_killed_with_stripes_answer_in_its_hand(self) -> None:
        for operation_id in operations.due(self.database, self.now, limit=1):
            dies_with_the_answer(self.database, self.stripe, operation_id, self.now)

    @rule(minutes=st.sampled_from([1, 10, 60]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(picks=st.lists(PICK, min_size=1, max_size=6))
    def events_arrive(self, picks: list[int]) -> None:
        happened = self.happened()
        for pick in picks if happened else ():
            event = happened[pick % len(happened)]
            inbox.receive(self.database, event, livemode_expected=False, now=self.now)

    @rule(fault=st.sampled_from(FAULTS))
    def events_are_applied(self, fault: str | None) -> None:
        with self.going_wrong(fault, method="GET"):
            inbox.apply_due(self.database, self.stripe.gateway, now=self.now)

    # How it ends.

    def teardown(self) -> None:
        if hasattr(self, "now"):  # it began
            self.stripe.goes_right()
            self.work_everything_off()
            self.nothing_differs()

    def work_everything_off(self) -> None:
        for _ in range(40):
            self.now += timedelta(hours=7)
            for operation_id in operations.due(self.database, self.now):
                operations.run(self.database, self.stripe.gateway, operation_id, "last", now=self.now)
                operations.settle(self.database, self.stripe.gateway, operation_id, now=self.now)
            for event in self.happened():
                inbox.receive(self.database, event, livemode_expected=False, now=self.now)
            applied = inbox.apply_due(self.database, self.stripe.gateway, now=self.now, limit=200)
            if not applied and not self.open():
                return
        raise AssertionError(f"still open: {self.open()}")

    def nothing_differs(self) -> None:
        facts, charge = self.facts(), self.stripe.gateway.charges.of_payment(self.intent)
        assert charge is not None
        with reading(self.database, FINANCE) as view:
            row = view.session.get_one(Subscription, self.subscription)
            payment = view.session.get_one(Payment, self.payment)
            told = [event["id"] for event in self.happened()]
            states = set(view.session.scalars(select(InboxEvent.state).where(InboxEvent.event_id.in_(told))))
            mine = select(Payment).where(Payment.subscription_id == self.subscription)
            renewals = [(each.amount_cents, each.status) for each in view.session.scalars(mine)]
        set_to_cancel = row.status != "canceled" and row.canceled_at is not None

        assert row.status == STATUSES[facts.status or ""]
        assert set_to_cancel == (facts.status != "canceled" and facts.cancel_at_period_end is True)
        assert row.current_period_end == facts.current_period_end
        assert (payment.refund_amount_cents or 0) == charge.amount_refunded
        assert (payment.status == "refunded") == charge.refunded
        assert states <= {"applied", "ignored"}
        assert sorted(renewals) == sorted(self.stripe.invoices_of(self.at_stripe))
        self.no_money_moved_twice()
        self.every_move_was_allowed()

    def every_move_was_allowed(self) -> None:
        """Read off the audit, which has each changed field of each row before and after."""
        with reading(self.database, FINANCE) as view:
            payloads = view.session.scalars(select(AuditEntry.payload).where(AuditEntry.seq > self.audited))
            changes = [json.loads(payload or "{}").get("changes", {}) for payload in payloads]
        for where, fields in ((where, fields) for entry in changes for where, fields in entry.items()):
            machine = MACHINES.get(where.partition("/")[0])
            if machine is not None and machine.column in fields:
                before, after = fields[machine.column]
                assert after in machine.begins if before is None else machine.may(before, after), where

    def no_money_moved_twice(self) -> None:
        given = [each for each in self.stripe.refunds(self.intent) if each.status == "succeeded"]
        ours = {row.id: row for row in self.refunds()}
        type(self).paid += any("operation_id" in each.metadata for each in self.stripe.refunds(self.intent))
        for_rows = Counter(each.metadata["refund_id"] for each in given if "refund_id" in each.metadata)

        assert all(number == 1 for number in for_rows.values())
        for key in for_rows:
            assert ours[key].status == "processed"
        processed = Counter(row.stripe_refund_id for row in ours.values() if row.status == "processed")
        assert processed == Counter(each.id for each in given)

    # Ways to look.

    def attempt(self, who: Any, act: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        try:
            with working(self.database, who) as work:
                act(work, *args, **kwargs)
        except Refused:
            pass  # a rule says no, which is an answer

    def going_wrong(self, fault: str | None, method: str = "*") -> Any:
        return self.stripe.going_wrong(fault, method=method)

    def refunds(self) -> list[Refund]:
        with reading(self.database, FINANCE) as view:
            mine = select(Refund).where(Refund.transaction_id == self.payment).order_by(Refund.id)
            return list(view.session.scalars(mine))

    def open(self) -> list[str]:
        with reading(self.database, FINANCE) as view:
            return [
                key for (key,) in view.session.query(Operation.id).filter(Operation.open_key.is_not(None))
            ]

    def happened(self) -> list[dict[str, Any]]:
        return self.stripe.events(since=self.newest_before)

    def facts(self) -> Any:
        return self.stripe.gateway.subscriptions.retrieve(self.at_stripe)


@pytest.fixture(scope="module")
def plenty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    """A local Stripe with a payment and a subscription for each history."""
    with local_stripe.running(
        tmp_path_factory.mktemp("plenty"), supply=GROUPS * HISTORIES * 2 + 500
    ) as running:
        yield running


@pytest.fixture
def without_limits(sqlite: Database) -> Database:
    """Finance may approve all that comes: of a day's limit the first thirty histories would leave nothing."""
    given = {"holder": FINANCE.role.value, "currency": "USD", "limit_cents": 10**9, "reason": "Histories"}
    do(sqlite, ADMIN, limits.set_limit, "refunds", **given)
    return sqlite


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_history_ends_with_our_rows_equal_to_stripes(
    group: int, plenty: LocalStripe, without_limits: Database
) -> None:
    machine = type(f"History{group}", (History,), {"stripe": plenty, "database": without_limits, "paid": 0})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            print_blob=True,
        ),
    )
    # About one in four: histories in which a rule always says no would prove nothing.
    assert machine.paid >= HISTORIES // 20
