"""Drift: what differs from Stripe, as the last walks found it, and asking for a safe repair.

    open --repair--> asked --(the worker)--> repaired, or open again with the reason

The page reads our own table only; Stripe is asked by the nightly walk and by the worker that repairs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, func, select

from lib.core.access import Permission
from lib.core.errors import NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.moments import ago
from lib.core.work import Digest, View, Work, action, query
from lib.models import DriftFinding, DriftWalk
from lib.payments import reconcile
from lib.payments.reconcile import CLASSES
from lib.payments.reconcile import SEVERITIES as SEVERITIES

STATES: Final = ("open", "asked", "repaired", "gone")
KINDS: Final = tuple(CLASSES)
"""The classes, in the order of their parts."""

AT_ONCE: Final = 500
"""So many repairs are asked for at a time; the worker does one after the other."""

LATE_AFTER: Final = timedelta(days=2)

CLASS_COLUMNS: Final = (
    Column("title", "Class"),
    Column("severity", "Severity", "status"),
    Column("open", "Open", "count"),
    Column("money", "At stake"),
    Column("remedy", "Repair"),
)


@dataclass(frozen=True, slots=True)
class ClassLine:
    """A class with open findings: how many, and the sum at stake in its most frequent currency."""

    kind: str
    title: str
    severity: str
    open: int
    repairable: int
    money_cents: int
    currency: str | None
    remedy: str


@dataclass(frozen=True, slots=True)
class Overview:
    """`counts` are of open findings by severity. `walk` says in a sentence how fresh they are."""

    counts: dict[str, int]
    asked: int
    classes: Sequence[ClassLine]
    compared_at: datetime | None
    walk: str
    late: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One finding with what its class means. `why_not_repair` is None when it may be asked for."""

    id: str
    kind: str
    title: str
    explanation: str
    severity: str
    state: str
    ours: str | None
    theirs: str | None
    object_type: str | None
    object_id: str | None
    stripe_id: str | None
    relationship_id: str | None
    money_cents: int | None
    currency: str | None
    since: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime
    gone_at: datetime | None
    repaired_at: datetime | None
    asked_by: str | None
    remedy: str
    effect: str
    outcome: str | None
    why_not_repair: str | None
    shown: Digest


@listing(
    Permission.DRIFT_READ,
    columns=(
        Column("title", "Class"),
        Column("severity", "Severity", "status"),
        Column("ours", "Here"),
        Column("theirs", "At Stripe"),
        Column("money_cents", "At stake", "money"),
        Column("since", "Since", "moment"),
        Column("first_seen_at", "First seen", "moment"),
        Column("state", "State", "status"),
        Column("stripe_id", "Stripe object", "id"),
        Column("object_id", "Our row", "id"),
    ),
)
def findings(
    *, state: str | None = None, kind: str | None = None, severity: str | None = None, q: str | None = None
) -> AnySelect:
    """Findings, the worst first. `q`: the id of a row of ours, or of an object of Stripe's."""
    statement = select(
        DriftFinding.id,
        DriftFinding.kind,
        _title().label("title"),
        _severity().label("severity"),
        DriftFinding.ours,
        DriftFinding.theirs,
        DriftFinding.money_cents,
        DriftFinding.currency,
        DriftFinding.since,
        DriftFinding.first_seen_at,
        DriftFinding.state,
        DriftFinding.stripe_id,
        DriftFinding.object_id,
    ).order_by(DriftFinding.rank, DriftFinding.first_seen_at, DriftFinding.id)
    if state:
        statement = statement.where(DriftFinding.state == state)
    if kind:
        statement = statement.where(DriftFinding.kind == kind)
    if severity:
        rank = SEVERITIES.index(severity) if severity in SEVERITIES else -1
        statement = statement.where(DriftFinding.rank == rank)
    if q and q.strip():
        wanted = q.strip()[:255]
        statement = statement.where((DriftFinding.object_id == wanted) | (DriftFinding.stripe_id == wanted))
    return statement


def title_of(kind: str) -> str:
    """The title of a class."""
    return CLASSES[kind].title


@query(Permission.DRIFT_READ)
def overview(view: View) -> Overview:
    """How much differs, class by class, and when everything was last compared. Three statements."""
    rows = view.session.execute(
        select(
            DriftFinding.kind,
            DriftFinding.state,
            func.count().label("number"),
            func.count(DriftFinding.why_not).label("without"),
            func.coalesce(func.sum(DriftFinding.money_cents), 0).label("cents"),
            func.min(DriftFinding.currency).label("currency"),
        )
        .where(DriftFinding.state.in_(("open", "asked")))
        .group_by(DriftFinding.kind, DriftFinding.state)
    ).all()
    lines = [
        ClassLine(
            row.kind,
            CLASSES[row.kind].title,
            CLASSES[row.kind].severity,
            row.number,
            row.number - row.without,
            int(row.cents),
            row.currency,
            CLASSES[row.kind].repair or CLASSES[row.kind].why_none or "",
        )
        for row in rows
        if row.state == "open" and row.kind in CLASSES
    ]
    lines.sort(key=lambda line: (CLASSES[line.kind].rank, -line.open, line.title))
    counts: dict[str, int] = {
        severity: sum(line.open for line in lines if line.severity == severity) for severity in SEVERITIES
    }
    compared_at, walk = _freshness(view)
    late = compared_at is None or view.now - compared_at > LATE_AFTER
    asked = sum(row.number for row in rows if row.state == "asked")
    return Overview(counts, asked, lines, compared_at, walk, late)


@query(Permission.DRIFT_READ)
def one(view: View, finding_id: str) -> Case:
    """One finding. Raises NotFound when there is none of this id."""
    row = view.session.get(DriftFinding, finding_id)
    if row is None:
        raise NotFound(f"There is no finding {finding_id[:40]}. Check the address.")
    return _case(row)


@query(Permission.DRIFT_READ)
def cases(view: View, *, state: str = "open") -> Iterator[Case]:
    """Every finding in a state, the worst first, a thousand at a time."""
    statement = (
        select(DriftFinding)
        .where(DriftFinding.state == state)
        .order_by(DriftFinding.rank, DriftFinding.first_seen_at, DriftFinding.id)
    )
    return map(_case, view.session.scalars(statement.execution_options(yield_per=1000)))


@query(Permission.SUBSCRIPTIONS_READ)
def question(view: View, subscription_id: str) -> reconcile.Question | None:
    """What to ask Stripe about one subscription; None for one that Stripe does not bill."""
    return reconcile.question_about(view.session, subscription_id, view.now)


@action(Permission.DRIFT_REPAIR, about="admin_drift")
def repair(work: Work, finding_id: str, *, shown: Digest, reason: str) -> None:
    """Ask for the safe repair of one finding; the worker does it within seconds, once.

    Raises NotFound, and Refused when there is no safe repair, it was asked for already, or what differs is
    not what was shown.
    """
    row = work.session.get(DriftFinding, finding_id)
    if row is None:
        raise NotFound(f"There is no finding {finding_id[:40]}. Check the address.")
    why_not = _why_not(row)
    if why_not is not None:
        raise Refused(why_not)
    if row.digest != shown:
        raise Refused("It has changed since it was shown. Nothing was done; look at both values again.")
    _ask(work, row)


@action(Permission.DRIFT_REPAIR)
def repair_class(work: Work, kind: str, *, shown: int, reason: str) -> int:
    """Ask for the repair of every open finding of a class that has one; gives how many, 500 at most.

    `shown`: how many the person saw. Raises Refused when there are more by now, or none.
    """
    rows = work.session.scalars(
        select(DriftFinding)
        .where(DriftFinding.kind == kind, DriftFinding.state == "open", DriftFinding.why_not.is_(None))
        .order_by(DriftFinding.rank, DriftFinding.first_seen_at, DriftFinding.id)
        .limit(AT_ONCE)
    ).all()
    work.about("admin_drift", kind)
    if not rows:
        raise Refused("Nothing of this class is left to repair.")
    if len(rows) > shown:
        raise Refused(f"There are {len(rows)} by now, not {shown}. Look at the new ones first.")
    for row in rows:
        _ask(work, row)
    return len(rows)


def _ask(work: Work, row: DriftFinding) -> None:
    row.state = "asked"
    row.asked_at = work.now
    row.asked_by = work.actor.email
    row.outcome = None


def _why_not(row: DriftFinding) -> str | None:
    if row.state == "asked":
        return "The repair is asked for already. The worker does it within seconds, if it runs."
    if row.state != "open":
        return "It is settled: there is nothing to repair."
    return row.why_not


def _title() -> ColumnElement[str]:
    return case(*((DriftFinding.kind == each.name, each.title) for each in CLASSES.values()))


def _severity() -> ColumnElement[str]:
    return case(*((DriftFinding.rank == rank, name) for rank, name in enumerate(SEVERITIES)))


def _freshness(view: View) -> tuple[datetime | None, str]:
    done = view.session.scalars(
        select(DriftWalk)
        .where(DriftWalk.state == "done", DriftWalk.since.is_(None))
        .order_by(DriftWalk.started_at.desc(), DriftWalk.id.desc())
        .limit(1)
    ).one_or_none()
    running = view.session.scalars(
        select(DriftWalk)
        .where(DriftWalk.state == "running")
        .order_by(DriftWalk.started_at.desc(), DriftWalk.id.desc())
        .limit(1)
    ).one_or_none()
    said = "Nothing was compared with Stripe yet. The worker does it every night."
    if done is not None:
        said = f"{done.compared:,} objects were compared with Stripe {ago(done.started_at, view.now)}."
    if running is not None and view.now - running.started_at < LATE_AFTER:
        said += f" A comparison is under way: {running.compared:,} so far."
    return (None if done is None else done.finished_at), said


def _case(row: DriftFinding) -> Case:
    drift = CLASSES[row.kind]
    return Case(
        id=row.id,
        kind=row.kind,
        title=drift.title,
        explanation=drift.explanation,
        severity=drift.severity,
        state=row.state,
        ours=row.ours,
        theirs=row.theirs,
        object_type=row.object_type,
        object_id=row.object_id,
        stripe_id=row.stripe_id,
        relationship_id=row.relationship_id,
        money_cents=row.money_cents,
        currency=row.currency,
        since=row.since,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        gone_at=row.gone_at,
        repaired_at=row.repaired_at,
        asked_by=row.asked_by,
        remedy=row.why_not or drift.repair or "",
        effect=f"{drift.repair} Here {row.ours or 'nothing'}, at Stripe {row.theirs or 'nothing'}.",
        outcome=row.outcome,
        why_not_repair=_why_not(row),
        shown=Digest(row.digest),
    )
