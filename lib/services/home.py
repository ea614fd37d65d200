"""Home: what waits for the reader, the few figures they watch, and what is wrong with the machinery.

Each thing stands with the page, and its filter, where something is done about it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal, select, union_all

from lib.core import moments, money
from lib.core.access import Permission
from lib.core.listing import AnyRow
from lib.core.work import View, query
from lib.metrics import revenue
from lib.models import (
    ActionPlan,
    AuditEntry,
    CreditGrant,
    Dispute,
    DriftFinding,
    ErrorLog,
    Heartbeat,
    InboxEvent,
    Invoice,
    JobRun,
    Operation,
    Payment,
    Refund,
    RefundHandOn,
    Subscription,
    User,
    Variant,
    sortable,
)
from lib.payments.reconcile import CLASSES
from lib.services.refund_hand_ons import newest_to

A_DAY: Final = timedelta(days=1)
A_WEEK: Final = timedelta(days=7)
WORKER_SILENT_AFTER: Final = timedelta(minutes=2)
ROLL_UP_STALE_AFTER: Final = timedelta(hours=3)
EVENT_LATE_AFTER: Final = timedelta(minutes=10)


_MY_REQUESTS: Final = {
    "denied": ("denied", "Tell the customer why: the reason stands with the refund."),
    "processed": ("paid back", "Tell the customer that the money is on its way."),
}


_PLANS: Final = {
    "proposed": ("to decide", "Refund, cancellation and the rest in one, decided as a whole."),
    "stopped": ("stopped half-way", "A step was not done. Continue the plan, or give it up."),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for the reader, and the page where it is done."""

    title: str
    detail: str
    page: str
    urgent: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its change against the time before, both as text. `good`: which way is good."""

    title: str
    value: str
    change: str | None
    good: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Today:
    """What Home shows. `alerts` are sentences about the dashboard's own machinery."""

    waiting: Sequence[Waiting]
    figures: Sequence[Figure]
    alerts: Sequence[Waiting]


@query(Permission.HOME_READ)
def today(view: View) -> Today:
    """What the reader's role has to do with, urgent things first. Eight statements at most."""
    counts = _counts(view)
    waiting = [
        *_refunds_to_decide(view),
        *_refund_desk(view),
        *_my_requests(view),
        *_collecting(view),
        *_from_counts(view, counts),
        *_running_tests(view),
    ]
    return Today(
        sorted(waiting, key=lambda each: not each.urgent),
        [*_mrr(view), *_figures(view, counts)],
        list(_alerts(view, counts)),
    )


def _counts(view: View) -> AnyRow:
    """Every count that the role may see, in one row; each is read from an index."""
    now, day, week = view.now, view.now - A_DAY, view.now - A_WEEK
    failed = Payment.status == "failed"
    # Spelled out, because a partial index does not serve a parameter.
    critical = ErrorLog.severity == literal("critical", literal_execute=True)
    wanted: Sequence[tuple[str, Permission, Any, ColumnElement[bool]]] = (
        ("past_due", Permission.SUBSCRIPTIONS_READ, Subscription, Subscription.status == "past_due"),
        ("failed_now", Permission.REFUNDS_READ, Payment, and_(failed, _within(Payment, day, now))),
        ("failed_before", Permission.REFUNDS_READ, Payment, and_(failed, _within(Payment, day - A_DAY, day))),
        ("critical", Permission.ERRORS_READ, ErrorLog, and_(critical, ErrorLog.resolved.is_(False))),
        (
            "critical_new",
            Permission.ERRORS_READ,
            ErrorLog,
            and_(critical, ErrorLog.resolved.is_(False), _within(ErrorLog, day, now)),
        ),
        ("joined_now", Permission.PEOPLE_READ, User, _within(User, week, now)),
        ("joined_before", Permission.PEOPLE_READ, User, _within(User, week - A_WEEK, week)),
        (
            "operations_failed",
            Permission.REFUNDS_READ,
            Operation,
            and_(
                Operation.state == "failed",
                Operation.prepared_at > week,
                # A card that was refused again is no accident: it stands among the failed payments.
                Operation.object_type != "payment_transactions",
            ),
        ),
        (
            "grants",
            Permission.CREDITS_DECIDE,
            CreditGrant,
            and_(CreditGrant.status == "pending", CreditGrant.requested_by != view.actor.id),
        ),
        ("parked", Permission.INBOX_READ, InboxEvent, InboxEvent.state.in_(("failed", "parked"))),
        (
            "drift",
            Permission.DRIFT_READ,
            DriftFinding,
            and_(DriftFinding.state == "open", DriftFinding.rank == CLASSES["subscription_gone"].rank),
        ),
        (
            "late",
            Permission.INBOX_READ,
            InboxEvent,
            and_(InboxEvent.state == "received", InboxEvent.received_at < now - EVENT_LATE_AFTER),
        ),
    )
    return view.session.execute(
        select(
            *(
                select(func.count()).select_from(model).where(condition).scalar_subquery().label(name)
                for name, needs, model, condition in wanted
                if view.actor.may(needs)
            ),
            literal(1).label("always"),  # a role may see none of them
        )
    ).one()


def _within(model: Any, since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(sortable(model.created_at) > since, sortable(model.created_at) <= until)


def _refunds_to_decide(view: View) -> Iterator[Waiting]:
    if not view.actor.may(Permission.REFUNDS_DECIDE):
        return
    rows = view.session.execute(
        select(
            Payment.currency,
            func.count().label("number"),
            func.sum(Refund.refund_amount_cents).label("cents"),
            func.min(sortable(Refund.requested_at)).label("oldest"),
        )
        .outerjoin(Payment, Payment.id == Refund.transaction_id)
        .where(Refund.status == "pending")
        .group_by(Payment.currency)
        .order_by(func.count().desc())
    ).all()
    if rows:
        number = sum(row.number for row in rows)
        amounts = " + ".join(money.show(int(row.cents), row.currency) for row in rows)
        oldest = min((row.oldest for row in rows if row.oldest), default=None)
        yield Waiting(
            f"{_many(number, 'refund')} to decide",
            f"{amounts} in all. The oldest was requested {moments.ago(oldest, view.now)}.",
            "refunds",
            urgent=oldest is not None and view.now - oldest > A_DAY,
            filters={"status": "pending"},
        )


def _refund_desk(view: View) -> Iterator[Waiting]:
    """Refunds that were handed on to the reader, and plans that wait or have stopped. One statement."""
    if not view.actor.may(Permission.REFUNDS_DECIDE):
        return
    handed_on = (
        select(func.count(RefundHandOn.refund_id.distinct()))
        .join(Refund, Refund.id == RefundHandOn.refund_id)
        .where(
            RefundHandOn.to_id == view.actor.id,
            Refund.status == "pending",
            newest_to() == RefundHandOn.to_email,
        )
    )
    plans = {
        state: select(func.count()).select_from(ActionPlan).where(ActionPlan.state == state)
        for state in _PLANS
    }
    counts = view.session.execute(
        select(
            handed_on.scalar_subquery().label("handed_on"),
            *(count.scalar_subquery().label(state) for state, count in plans.items()),
        )
    ).one()
    if counts.handed_on:
        yield Waiting(
            f"{_many(counts.handed_on, 'refund')} handed on to you",
            "A colleague asks you to decide. Their message stands with the refund.",
            "refunds",
            urgent=True,
            filters={"status": "pending"},
        )
    for state, (title, next_step) in _PLANS.items():
        if number := counts._mapping[state]:
            yield Waiting(
                f"{_many(number, 'plan')} {title}",
                next_step,
                "plans",
                urgent=state == "stopped",
                filters={"state": state},
            )


def _my_requests(view: View) -> Iterator[Waiting]:
    """What became of the refunds that the reader asked for, decided within a week."""
    if not view.actor.may(Permission.REFUNDS_REQUEST):
        return
    rows = view.session.execute(
        select(Refund.status, func.count().label("number"))
        .join(AuditEntry, AuditEntry.object_id == Refund.id)
        .where(
            AuditEntry.actor_id == view.actor.id,
            AuditEntry.action == "refunds.request",
            AuditEntry.outcome == "done",
            AuditEntry.at > view.now - A_WEEK,
            Refund.status.in_(("denied", "processed")),
        )
        .group_by(Refund.status)
        .order_by(Refund.status)
    )
    for status, number in rows:
        outcome, next_step = _MY_REQUESTS[status]
        yield Waiting(
            f"{_many(number, 'refund')} that you asked for: {outcome}",
            next_step,
            "refunds",
            filters={"status": status},
        )


def _collecting(view: View) -> Iterator[Waiting]:
    """What was not collected, and what banks ask back until a deadline; one statement for both."""
    if not view.actor.may(Permission.PAYMENTS_CREDIT):
        return
    given_up = func.count().filter(Invoice.next_attempt_at.is_(None))
    open_invoices = (
        select(
            literal("invoice").label("what"),
            Invoice.currency,
            func.count().label("number"),
            func.sum(Invoice.amount_remaining_cents).label("cents"),
            func.min(Invoice.next_attempt_at).label("soonest"),
            given_up.label("given_up"),
        )
        .where(Invoice.status == "open")
        .group_by(Invoice.currency)
    )
    waiting_disputes = (
        select(
            literal("dispute"),
            Dispute.currency,
            func.count(),
            func.sum(Dispute.amount_cents),
            func.min(Dispute.evidence_due_at),
            literal(0),
        )
        .where(Dispute.status.in_(("needs_response", "warning_needs_response")))
        .group_by(Dispute.currency)
    )
    rows = view.session.execute(union_all(open_invoices, waiting_disputes)).all()
    yield from _deadline([row for row in rows if row.what == "dispute"], view)
    yield from _not_collected([row for row in rows if row.what == "invoice"])


def _deadline(rows: Sequence[AnyRow], view: View) -> Iterator[Waiting]:
    if not rows:
        return
    amounts = " + ".join(money.show(int(row.cents), row.currency) for row in rows)
    soonest = min((row.soonest for row in rows if row.soonest), default=None)
    until = f" Evidence is taken until {soonest:%Y-%m-%d %H:%M} UTC at the earliest." if soonest else ""
    yield Waiting(
        f"{_many(sum(row.number for row in rows), 'dispute')} to answer",
        f"{amounts} asked back by banks.{until}",
        "payments",
        urgent=soonest is not None and soonest - view.now < A_WEEK,
        filters={"show": "Disputes"},
    )


def _not_collected(rows: Sequence[AnyRow]) -> Iterator[Waiting]:
    if not rows:
        return
    amounts = " + ".join(money.show(int(row.cents), row.currency) for row in rows)
    given_up = sum(row.given_up for row in rows)
    gone = f" Stripe has given up on {given_up:,} of them." if given_up else ""
    yield Waiting(
        f"{_many(sum(row.number for row in rows), 'payment')} not collected",
        f"{amounts} at stake.{gone}",
        "payments",
        filters={"show": "Failed"},
    )


def _from_counts(view: View, counts: AnyRow) -> Iterator[Waiting]:
    number = counts._mapping.get
    if count := number("operations_failed"):
        yield Waiting(
            f"{_many(count, 'payment operation')} failed at Stripe",
            "Approved, and not carried out. Open the refund to try again.",
            "refunds",
            urgent=True,
            filters={"status": "approved"},
        )
    if count := number("parked"):
        yield Waiting(
            f"{_many(count, 'Stripe event')} could not be applied",
            "Our rows may say something else than Stripe. Look at the error, then replay.",
            "inbox",
            urgent=True,
            filters={"state": "parked"},
        )
    if count := number("drift"):
        yield Waiting(
            f"{_many(count, 'critical difference')} from Stripe",
            "Money or access is at stake. Each says whether it can be repaired, and how.",
            "drift",
            urgent=True,
            filters={"severity": "critical"},
        )
    if count := number("critical"):
        new = number("critical_new") or 0
        yield Waiting(
            f"{_many(count, 'critical error')} unresolved",
            f"{new} of them within 24 hours." if new else "None of them within 24 hours.",
            "errors",
            urgent=bool(new),
            filters={"severity": "critical"},
        )
    if count := number("grants"):
        yield Waiting(
            f"{_many(count, 'grant')} of credits or an add-on to decide",
            "Asked for by colleagues; nothing is given before somebody else has decided.",
            "credits",
        )
    if count := number("past_due"):
        yield Waiting(
            f"{_many(count, 'subscription')} past due",
            "Their last payment failed and Stripe is trying again. A call may keep them.",
            "subscriptions",
            filters={"status": "past_due"},
        )


def _running_tests(view: View) -> Iterator[Waiting]:
    if not view.actor.may(Permission.EXPERIMENTS_READ):
        return
    running = view.session.execute(
        select(Variant.test_name, func.min(sortable(Variant.start_date)).label("since"))
        .where(Variant.is_active.is_(True), Variant.end_date.is_(None))
        .group_by(Variant.test_name)
        .order_by(Variant.test_name)
    ).all()
    if running:
        names = ", ".join(row.test_name for row in running[:3])
        more = f" and {len(running) - 3} more" if len(running) > 3 else ""
        yield Waiting(f"{_many(len(running), 'test')} running", f"{names}{more}.", "experiments")


def _mrr(view: View) -> Iterator[Figure]:
    if not view.actor.may(Permission.REVENUE_READ):
        return
    summary = revenue.summary(view, view.now.date())
    if summary.mrr.value is not None:
        change = summary.change.value
        yield Figure(
            "MRR",
            money.show(int(summary.mrr.value), "USD"),
            None if change is None else f"{money.show(int(change), 'USD')} in 30 days",
            "up",
            f"House policy, at the end of {summary.day} (UTC), in US dollars.",
        )


def _figures(view: View, counts: AnyRow) -> Iterator[Figure]:
    titles = (
        ("joined", "New people, 7 days", "up", "Accounts made, against the 7 days before."),
        (
            "failed",
            "Failed payments, 24 h",
            "down",
            "Payments that failed, against the 24 hours before.",
        ),
    )
    for name, title, good, meaning in titles:
        current, before = (counts._mapping.get(f"{name}_{when}") for when in ("now", "before"))
        if current is not None and before is not None:
            yield Figure(title, f"{current:,}", f"{current - before:+,}", good, meaning)


def _alerts(view: View, counts: AnyRow) -> Iterator[Waiting]:
    """What is wrong with the machinery, for everybody: figures on any page may be old because of it."""
    beat = view.session.scalar(select(Heartbeat.beat_at).where(Heartbeat.name == "worker"))
    if beat is None or view.now - beat > WORKER_SILENT_AFTER:
        yield Waiting(
            "The worker does not answer",
            f"Its last sign of life: {moments.ago(beat, view.now)}. Approved refunds and Stripe's events "
            "wait, and nothing is lost. Tell an engineer.",
            "inbox",
            urgent=True,
        )
    rolled_up = view.session.scalar(
        select(JobRun.finished_at)
        .where(JobRun.name == "daily", JobRun.state == "done")
        .order_by(JobRun.started_at.desc())
        .limit(1)
    )
    if rolled_up is None or view.now - rolled_up > ROLL_UP_STALE_AFTER:
        yield Waiting(
            "Revenue figures are old",
            f"They were last counted: {moments.ago(rolled_up, view.now)}.",
            "revenue",
        )
    if late := counts._mapping.get("late"):
        yield Waiting(
            f"{_many(late, 'Stripe event')} waiting for more than 10 minutes",
            "The worker is behind, or not running.",
            "inbox",
            urgent=True,
            filters={"state": "received"},
        )


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
