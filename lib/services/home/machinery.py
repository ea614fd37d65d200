"""What else waits, the figures, and what is wrong with the machinery."""

from collections.abc import Iterator, Sequence

from sqlalchemy import or_, select

from lib.core import moments, money
from lib.core.access import Permission
from lib.core.listing import AnyRow
from lib.core.work import View, query
from lib.metrics import revenue
from lib.models import ExperimentCount, ExperimentDecision, Heartbeat, JobRun, Variant, sortable
from lib.services.home.counts import ROLL_UP_STALE_AFTER, WORKER_SILENT_AFTER
from lib.services.home.parts import Figure, Good, Waiting, many


@query(Permission.HOME_READ)
def from_counts(view: View, counts: AnyRow) -> Iterator[Waiting]:
    """What waits in other queues that the reader may work on."""
    number = counts._mapping.get
    if count := number("operations_failed"):
        yield Waiting(
            f"{many(count, 'payment operation')} failed at Stripe",
            "Approved, and not carried out. Open the refund to try again.",
            "refunds",
            urgent=True,
            filters={"status": "approved"},
        )
    if count := number("parked"):
        yield Waiting(
            f"{many(count, 'Stripe event')} could not be applied",
            "Our rows may say something else than Stripe. Look at the error, then replay.",
            "inbox",
            urgent=True,
            filters={"state": "parked"},
        )
    if count := number("drift"):
        yield Waiting(
            f"{many(count, 'critical difference')} from Stripe",
            "Money or access is at stake. Each says whether it can be repaired, and how.",
            "drift",
            urgent=True,
            filters={"severity": "critical"},
        )
    if count := number("critical"):
        new = number("critical_new") or 0
        yield Waiting(
            f"{many(count, 'critical error')} unresolved",
            f"{new} of them within 24 hours." if new else "None of them within 24 hours.",
            "errors",
            urgent=bool(new),
            filters={"section": "single_errors", "severity": "critical"},
        )
    if count := number("grants"):
        yield Waiting(
            f"{many(count, 'grant')} of credits or an add-on to decide",
            "Asked for by colleagues; nothing is given before somebody else has decided.",
            "credits",
        )
    if count := number("past_due"):
        yield Waiting(
            f"{many(count, 'subscription')} past due",
            "Their last payment failed and Stripe is trying again. A call may keep them.",
            "subscriptions",
            filters={"status": "past_due"},
        )


@query(Permission.HOME_READ)
def running_tests(view: View) -> Iterator[Waiting]:
    """Tests that wait for a decision or for a second person, and those that just run. One statement."""
    if not view.actor.may(Permission.EXPERIMENTS_READ):
        return
    decided = view.actor.may(Permission.EXPERIMENTS_DECIDE)
    running = view.session.execute(
        select(Variant.test_name, ExperimentCount.card, ExperimentDecision.asked_by)
        .outerjoin(ExperimentCount, ExperimentCount.test_name == Variant.test_name)
        .outerjoin(ExperimentDecision, ExperimentDecision.open_key == Variant.test_name)
        .where(
            Variant.is_active.is_(True),
            or_(Variant.end_date.is_(None), sortable(Variant.end_date) > view.now),
        )
        .distinct()
        .order_by(Variant.test_name)
    ).all()
    asked = [row.test_name for row in running if decided and row.asked_by not in {None, view.actor.id}]
    ready = [row.test_name for row in running if row.card in {"ship", "roll_back"} and row.asked_by is None]
    if asked:
        count = many(len(asked), "decision")
        yield Waiting(f"{count} on a test to agree to", _named(asked), "experiments", urgent=True)
    if ready:
        found = many(len(ready), "test")
        yield Waiting(f"{found} to decide", _named(ready), "experiments", filters={"state": "to_decide"})
    if running:
        names = [row.test_name for row in running]
        yield Waiting(f"{many(len(names), 'test')} running", _named(names), "experiments")


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}."


@query(Permission.HOME_READ)
def mrr(view: View) -> Iterator[Figure]:
    """MRR with its change over 30 days, for who may see it."""
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


@query(Permission.HOME_READ)
def figures(view: View, counts: AnyRow) -> Iterator[Figure]:
    """The counts that the reader watches, each with that of the time before."""
    titles: Sequence[tuple[str, str, Good, str]] = (
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


@query(Permission.HOME_READ)
def alerts(view: View, counts: AnyRow) -> Iterator[Waiting]:
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
            f"{many(late, 'Stripe event')} waiting for more than 10 minutes",
            "The worker is behind, or not running.",
            "inbox",
            urgent=True,
            filters={"state": "received"},
        )
