"""Runs of a bulk action: what a filter finds is frozen and looked at, a person confirms, the worker does it.

choose --worker froze and looked--> ready --start--> running <--stop / resume--> stopped
                                      |                 +--every row is behind it--> done
                                      +--drop--> dropped
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import View, Work, action, query
from lib.models import BulkRow, BulkRun, Operation, Subscription, new_id
from lib.services import subscriptions
from lib.services.bulk.actions import bulk_action, bulk_actions

LARGEST: Final = 5_000
"""Rows in one run: more would be a campaign, which wants a batch of codes and an e-mail."""

ROW_STATES: Final = ("waiting", "done", "refused", "cannot")

_DROPPABLE: Final = ("choosing", "ready", "stopped")

REASON_COLUMNS: Final = (Column("rows", "Rows", "count"), Column("why", "Why"))


@listing(
    Permission.BULK_RUN,
    columns=(
        Column("action", "Action", "code"),
        Column("state", "State", "status"),
        Column("can", "Can", "count"),
        Column("finished", "Behind it", "count"),
        Column("total", "Chosen", "count"),
        Column("requested_by_email", "By"),
        Column("created_at", "Asked for", "moment"),
        Column("id", "Id", "id"),
    ),
)
def runs() -> AnySelect:
    """Runs, newest first."""
    return select(
        BulkRun.id,
        BulkRun.action,
        BulkRun.state,
        BulkRun.can,
        BulkRun.finished,
        BulkRun.total,
        BulkRun.requested_by_email,
        BulkRun.created_at,
    ).order_by(BulkRun.created_at.desc(), BulkRun.id.desc())


@listing(
    Permission.BULK_RUN,
    columns=(
        Column("number", "No.", "count"),
        Column("state", "State", "status"),
        Column("result", "Result"),
        Column("at_stripe", "At Stripe", "status"),
        Column("said", "Stripe said"),
        Column("at", "When", "moment"),
        Column("relationship_id", "Couple", "id"),
        Column("object_id", "Subscription", "id"),
    ),
)
def rows(*, run_id: str, state: str | None = None) -> AnySelect:
    """The rows of a run in their order, each with what became of its operation; Invalid for another state."""
    statement: AnySelect = (
        select(
            BulkRow.number,
            BulkRow.state,
            BulkRow.result,
            Operation.state.label("at_stripe"),
            Operation.error_message.label("said"),
            BulkRow.at,
            BulkRow.relationship_id,
            BulkRow.object_id,
        )
        .outerjoin(Operation, Operation.id == BulkRow.operation_id)
        .where(BulkRow.run_id == run_id)
        .order_by(BulkRow.number)
    )
    if state:
        if state not in ROW_STATES:
            raise Invalid(f"Rows are {', '.join(ROW_STATES)}, not “{state[:40]}”.")
        statement = statement.where(BulkRow.state == state)
    return statement


@dataclass(frozen=True, slots=True)
class Why:
    """How many rows cannot, or were refused, for one and the same reason."""

    rows: int
    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run with how far it is. `done` of `total_steps` are behind it; while choosing, rows looked at.

    `labels`: what its arguments are called.
    """

    id: str
    action: str
    title: str
    effect: str
    labels: Mapping[str, str]
    filters: Mapping[str, Any]
    arguments: Mapping[str, str]
    state: str
    total: int
    can: int
    done: int
    counts: Mapping[str, int]
    reasons: tuple[Why, ...]
    error: str | None
    requested_by: str
    requested_by_email: str
    reason: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def in_words(self) -> dict[str, str]:
        """What was chosen, by whom and why, with labels."""
        labels = {name: name.replace("_", " ").capitalize() for name in self.filters}
        chosen = {labels[name]: str(value).replace("_", " ") for name, value in self.filters.items()}
        given = {self.labels.get(name, name): value for name, value in self.arguments.items()}
        return {**chosen, **given, "In the name of": self.requested_by_email, "Reason": self.reason}

    @property
    def can_be_dropped(self) -> bool:
        """Whether it can be given up as it stands."""
        return self.state in _DROPPABLE

    @property
    def is_open(self) -> bool:
        """Whether the worker is on it."""
        return self.state in {"choosing", "running"}

    @property
    def total_steps(self) -> int:
        """How many rows are looked at, or tried."""
        return self.total if self.state == "choosing" else self.can


@query(Permission.BULK_RUN)
def one(view: View, run_id: str) -> Run:
    """A run with its counts and why rows cannot; raises NotFound."""
    run = _get(view.session, run_id)
    counted = view.session.execute(
        select(BulkRow.state, func.count()).where(BulkRow.run_id == run_id).group_by(BulkRow.state)
    )
    why_not = view.session.execute(
        select(func.count(), BulkRow.result)
        .where(BulkRow.run_id == run_id, BulkRow.state.in_(("cannot", "refused")))
        .group_by(BulkRow.result)
        .order_by(func.count().desc(), BulkRow.result)
        .limit(20)
    )
    known = bulk_actions().get(run.action)
    return Run(
        id=run.id,
        action=run.action,
        title=known.title if known else run.action,
        effect=known.effect if known else "",
        labels=known.asks if known else {},
        filters=run.filters,
        arguments=run.arguments,
        state=run.state,
        total=run.total,
        can=run.can,
        done=run.finished,
        counts=dict(counted.all()),
        reasons=tuple(Why(number, why or "") for number, why in why_not),
        error=run.error,
        requested_by=run.requested_by,
        requested_by_email=run.requested_by_email,
        reason=run.reason,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


@action(Permission.BULK_RUN)
def choose(work: Work, /, name: str, filters: Mapping[str, Any], *, reason: str, **arguments: str) -> str:
    """Ask for an action on all subscriptions that these filters find; returns the run's id.

    The worker freezes what they find and says of each whether it can; nothing is done before `start`.
    Raises NotFound without such an action, NotAllowed without its permission, Invalid or Refused for filters
    or arguments that cannot be accepted.
    """
    chosen = bulk_action(name)
    work.actor.must(chosen.permission)
    given = {key: value for key, value in filters.items() if value not in (None, "")}
    if not given:
        raise Invalid("Choose a filter first: without one it would be about everybody.")
    subscriptions.subscriptions.build(**given)
    chosen.check(work.session, arguments, work.now)
    run = BulkRun(
        id=new_id(),
        action=name,
        filters=given,
        arguments=dict(arguments),
        state="choosing",
        total=0,
        can=0,
        finished=0,
        requested_by=work.actor.id,
        requested_by_email=work.actor.email,
        reason=reason,
        created_at=work.now,
    )
    work.session.add(run)
    work.about("admin_bulk_runs", run.id)
    return run.id


@action(Permission.BULK_RUN, about="admin_bulk_runs")
def start(work: Work, run_id: str, *, number: int, reason: str) -> None:
    """Do it to the `number` rows that can, in the name of the person who starts it.

    Raises Refused when it is not ready, when the number is another one than can, or none can.
    """
    run = _get(work.session, run_id)
    work.actor.must(bulk_action(run.action).permission)
    if run.state != "ready":
        raise Refused(f"This run is {run.state}, so it cannot be started.")
    if not run.can:
        raise Refused("None of these rows can: there is nothing to do.")
    if number != run.can:
        raise Refused(f"It is about {run.can:,} rows, not {number:,}. Look again before you start it.")
    run.state, run.started_at = "running", work.now
    run.requested_by, run.requested_by_email, run.reason = work.actor.id, work.actor.email, reason


@action(Permission.BULK_RUN, about="admin_bulk_runs")
def stop(work: Work, run_id: str, *, reason: str) -> None:
    """Let the worker rest before the next row; what is done stays. Refused when it does not run."""
    run = _get(work.session, run_id)
    if run.state != "running":
        raise Refused(f"This run is {run.state}, so there is nothing to stop.")
    run.state = "stopped"


@action(Permission.BULK_RUN, about="admin_bulk_runs")
def resume(work: Work, run_id: str, *, reason: str) -> None:
    """Go on with the rows that wait, in the name of the person who resumes it. Refused unless stopped."""
    run = _get(work.session, run_id)
    work.actor.must(bulk_action(run.action).permission)
    if run.state != "stopped":
        raise Refused(f"This run is {run.state}, so it cannot be resumed.")
    run.state, run.error = "running", None
    run.requested_by, run.requested_by_email = work.actor.id, work.actor.email


@action(Permission.BULK_RUN, about="admin_bulk_runs")
def drop(work: Work, run_id: str, *, reason: str) -> None:
    """Give a run up: rows that wait are never tried. Refused when it runs, is done or was dropped."""
    run = _get(work.session, run_id)
    if run.state not in _DROPPABLE:
        raise Refused(f"This run is {run.state}. Stop it first, or leave it as it is.")
    run.state, run.finished_at = "dropped", work.now


@action(Permission.BULK_RUN)
def act_on_row(work: Work, run_id: str, number: int) -> None:
    """Do it to one row, and mark it as done, in one transaction; for the worker, in the person's name.

    Raises Refused when the run does not run, when the row is behind it, or when it cannot.
    """
    run = _get(work.session, run_id)
    chosen = bulk_action(run.action)
    work.actor.must(chosen.permission)
    row = work.session.get_one(BulkRow, (run_id, number))
    work.about("subscriptions", row.object_id)
    work.about("admin_bulk_runs", run_id)
    if run.state != "running" or row.state != "waiting":
        raise Refused("This row is not waiting any more.")
    subscription = _subscription(work.session, row.object_id)
    if why := chosen.why_not(work.session, subscription, run.arguments, work.now):
        raise Refused(why)
    result = chosen.act(work, subscription, run.arguments, run.reason)
    row.state, row.result, row.operation_id, row.at = "done", result.sentence, result.operation_id, work.now
    run.finished += 1


def _get(session: Session, run_id: str) -> BulkRun:
    run = session.get(BulkRun, run_id)
    if run is None:
        raise NotFound(f"There is no bulk run {run_id[:60]}. Go back to the list and choose another.")
    return run


def _subscription(session: Session, subscription_id: str) -> Subscription:
    subscription = session.get(Subscription, subscription_id)
    if subscription is None:
        raise NotFound(f"There is no subscription “{subscription_id[:40]}” any more.")
    return subscription
