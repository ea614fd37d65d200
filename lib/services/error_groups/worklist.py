"""The list of groups of errors, the dearest first, and what came since they were counted."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import View, query
from lib.jobs import error_groups as grouping
from lib.metrics.error_fingerprints import PREFIX
from lib.models import AdminUser, ErrorFacet, ErrorGroup, ErrorOccurrence, ErrorSufferer, JobRun, masks
from lib.services.error_groups.asking import Wanted, understood

ORDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cost": "Cost",
        "mrr": "MRR hit",
        "errors": "Errors",
        "last": "Last seen",
        "first": "First seen",
    }
)
TAIL: Final = 200
_NOBODY: Final = "nobody"

COLUMNS: Final = (
    Column("error_type", "Type"),
    Column("cost_cents", "Cost, 48 h", "money"),
    Column("state", "State", "status"),
    Column("trend", "14 days", "trend"),
    Column("mrr_cents", "MRR hit", "money"),
    Column("couples", "Couples", "count"),
    Column("title", "Message"),
    Column("errors", "Errors", "count"),
    Column("last_seen", "Last seen", "moment"),
    Column("first_seen", "First seen", "moment"),
    Column("severity", "Severity", "status"),
    Column("assigned_email", "Assigned to"),
    Column("culprit", "Where"),
)
TAIL_COLUMNS: Final = (
    Column("error_type", "Type"),
    Column("title", "Message"),
    Column("errors", "Errors", "count"),
    Column("is_new", "Never seen before", "flag"),
    Column("last_seen", "Last seen", "moment"),
)


def is_group(key: str | None) -> bool:
    """Whether an id is that of a group rather than of a single error."""
    return key is not None and key.startswith(PREFIX)


@listing(Permission.ERRORS_READ, columns=COLUMNS)
def error_groups(*, q: str = "is:unresolved", order: str = "cost", me: str = "") -> AnySelect:
    """Groups of errors that a search asks for (see `asking`), in one of the `ORDERS`; `me` is who asks.

    Raises Invalid for what cannot be searched by, and for an order that does not exist.
    """
    group = ErrorGroup
    orders: dict[str, tuple[ColumnElement[Any], ...]] = {
        "cost": (group.cost_cents.desc(), group.arr_cents.desc(), group.id.desc()),
        "mrr": (group.arr_cents.desc(), group.id.desc()),
        "errors": (group.errors.desc(), group.id.desc()),
        "last": (group.last_seen.desc(), group.id.desc()),
        "first": (group.first_seen.desc(), group.id.desc()),
    }
    if order not in orders:
        raise Invalid(f"Groups are ordered by {', '.join(orders)}, not “{order[:40]}”.")
    return (
        select(
            group.id,
            group.error_type,
            group.title,
            group.state,
            group.currency,
            group.cost_cents,
            ((group.arr_cents + 6) // 12).label("mrr_cents"),
            group.couples,
            group.errors,
            group.trend,
            group.last_seen,
            group.first_seen,
            group.severity,
            group.assigned_email,
            group.culprit,
        )
        .where(*_conditions(understood(q), me))
        .order_by(*orders[order])
    )


def _conditions(wanted: Wanted, me: str) -> list[ColumnElement[bool]]:
    group = ErrorGroup
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(group.state.in_(wanted.states))
    if wanted.severities:
        conditions.append(group.severity.in_(wanted.severities))
    if wanted.users:
        hit = ErrorSufferer
        either = or_(hit.user_id.in_(wanted.users), hit.relationship_id.in_(wanted.users))
        conditions.append(group.id.in_(select(hit.group_id).where(either)))
    if wanted.pages:
        facet = ErrorFacet
        here = or_(*(_has(facet.value, page) for page in wanted.pages))
        conditions.append(
            select(facet.group_id).where(facet.group_id == group.id, facet.kind == "page", here).exists()
        )
    if wanted.assigned:
        conditions.append(or_(*(_assigned(said, me) for said in wanted.assigned)))
    if wanted.types:
        conditions.append(or_(*(_has(group.error_type, said) for said in wanted.types)))
    conditions += [_says(word) for word in wanted.words]
    return conditions


def _assigned(said: str, me: str) -> ColumnElement[bool]:
    group = ErrorGroup
    if said == _NOBODY:
        return group.assigned_to.is_(None)
    if said == "me":
        return group.assigned_to == me if me else false()
    named = select(AdminUser.id).where(AdminUser.email == said).scalar_subquery()
    return group.assigned_to == named


def _says(word: str) -> ColumnElement[bool]:
    """The word stands in type, message or place; or it is the id of the group or of one of its errors."""
    group = ErrorGroup
    of_error = select(ErrorOccurrence.group_id).where(ErrorOccurrence.error_id == word)
    return or_(
        *(_has(text, word) for text in (group.error_type, group.title, group.culprit)),
        group.id == word,
        group.id.in_(of_error),
    )


def _has(text: Any, part: str) -> ColumnElement[bool]:
    """Whether a text has a part, in either case. LIKE would do, but D1 refuses patterns over 50 bytes."""
    lowered = func.lower(func.coalesce(text, ""))
    return and_(func.replace(lowered, part.lower(), "") != lowered)


@dataclass(frozen=True, slots=True)
class TailGroup:
    """Errors of one group that came since the groups were counted; `is_new`: of a kind never seen before."""

    id: str
    error_type: str
    title: str
    errors: int
    is_new: bool
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Tail:
    """What came since the groups were counted, at `since` (None: never); it looks at 200 errors at most."""

    since: datetime | None
    groups: Sequence[TailGroup]

    @property
    def errors(self) -> int:
        """How many errors that is."""
        return sum(group.errors for group in self.groups)

    @property
    def new(self) -> int:
        """How many of the groups were never seen before."""
        return sum(group.is_new for group in self.groups)

    @property
    def more(self) -> bool:
        """Whether there may be more than were looked at."""
        return self.errors >= TAIL


@query(Permission.ERRORS_READ)
def tail(view: View) -> Tail:
    """Group what the job has not counted yet, without keeping it. Three statements."""
    summary = view.session.scalar(
        select(JobRun.summary)
        .where(JobRun.name == grouping.NAME, JobRun.state == "done")
        .order_by(JobRun.started_at.desc(), JobRun.id.desc())
        .limit(1)
    )
    read_until = datetime.fromisoformat(json.loads(summary)["read_until"]) if summary else None
    found = grouping.newcomers(view, since=grouping.watermark(read_until, view.now), limit=TAIL)
    numbers = Counter(each.made.group_id for each in found)
    newest = {each.made.group_id: each for each in sorted(found, key=lambda each: each.seen_at)}
    # Ninety at a time, for D1 takes 100 parameters; more kinds than that in the tail count as known.
    asked = list(numbers)[:90]
    known = (
        set(view.session.scalars(select(ErrorGroup.id).where(ErrorGroup.id.in_(asked)))) if asked else set()
    )
    return Tail(
        read_until,
        [
            TailGroup(
                key,
                newest[key].made.error_type,
                _masked(newest[key].made.title),
                number,
                key in asked and key not in known,
                newest[key].seen_at,
            )
            for key, number in numbers.most_common()
        ],
    )


def _masked(title: str) -> str:
    """A message that did not come out of a column, as the column of it is shown."""
    return (masks.mask("log", title) or "") if masks.personal_data_is_masked() else title
