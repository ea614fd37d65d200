"""The bridge between two policies: which subscriptions they count at another amount on a day, and why.

From ours to theirs one question after the other is answered their way, in the order of `REASONS`. What each
answer makes of a subscription is that reason's amount. A subscription that differs for several reasons has an
amount for each, and they add up to its difference, as the reasons do to the whole, on annualised cents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, or_, select, union_all

from lib.core.access import Permission
from lib.core.listing import Column
from lib.core.moments import day_bounds
from lib.core.work import View, query
from lib.metrics.figure import Basis
from lib.metrics.policies import Policy, counted
from lib.models import SubscriptionChange

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gift": "A gift",
        "trial": "On a free trial",
        "past_due": "Past due",
        "paused": "Paused",
        "set_to_cancel": "Set to cancel",
        "free_months": "Free months from staff",
        "discount": "A discount",
    }
)
"""Each question on which policies may differ, in words, in the order in which it is asked.

Free months are asked before the price where we count what is paid, after it where only they do: by list price
nobody asks.
"""

STEP_COLUMNS: Final = (
    Column("words", "Reason"),
    Column("couples", "Couples", "count"),
    Column("subscriptions", "Subscriptions", "count"),
    Column("difference_arr_cents", "Difference a year", "money"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one reason makes of the difference: annualised cents, theirs less ours; of whom.

    A subscription that differs for several reasons counts in each of them.
    """

    reason: str
    words: str
    currency: str
    difference_arr_cents: int
    subscriptions: int
    couples: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """From our annualised cents to theirs at a day's end in one currency; both are summed by themselves.

    `subscriptions` is how many stand in the steps, each once for every reason; `theirs_title` is whose the
    other end is.
    """

    day: date
    currency: str
    ours: Policy
    theirs: Policy
    theirs_title: str
    ours_arr_cents: int
    theirs_arr_cents: int
    steps: tuple[Step, ...]
    counted_at: datetime

    @property
    def difference_arr_cents(self) -> int:
        """Theirs less ours."""
        return self.theirs_arr_cents - self.ours_arr_cents

    @property
    def untied_arr_cents(self) -> int:
        """What the reasons leave open between the two ends, in annualised cents: 0 where they tie."""
        return self.difference_arr_cents - sum(step.difference_arr_cents for step in self.steps)

    @property
    def basis(self) -> Basis:
        """What the reasons stand on."""
        rows = sum(step.subscriptions for step in self.steps)
        return Basis(self.ours, rows, "differences", self.counted_at)


@query(Permission.REVENUE_READ)
def bridge(
    view: View,
    day: date,
    ours: Policy,
    theirs: Policy,
    currency: str = "USD",
    *,
    as_of: datetime | None = None,
) -> Bridge:
    """What each reason makes of the difference between two policies, the largest first; two statements.

    Both policies look at the end of the day in the zone of `ours`. `as_of`: by what was recorded then.
    """
    end = day_bounds(day, ours.zone)[1]
    own, other = _ends(view, end, ours, theirs, currency, as_of)
    return Bridge(
        day,
        currency,
        ours,
        theirs,
        theirs.title,
        own,
        other,
        tuple(_steps(view, end, ours, theirs, currency, as_of)),
        view.now,
    )


@query(Permission.REVENUE_COUPLES)
def differing(
    view: View,
    day: date,
    ours: Policy,
    theirs: Policy,
    currency: str = "USD",
    *,
    as_of: datetime | None = None,
) -> list[dict[str, Any]]:
    """The subscriptions that the two policies count at another amount, the largest difference first.

    Each has subscription_id, relationship_id, ours_arr_cents, theirs_arr_cents, difference_arr_cents and
    reasons: annualised cents by reason (of `REASONS`), which add up to the difference.
    """
    change, end = SubscriptionChange, day_bounds(day, ours.zone)[1]
    parts = amounts(ours, theirs)
    own, other = counted(ours), counted(theirs)
    statement = (
        select(
            change.subscription_id,
            change.relationship_id,
            own.label("ours_arr_cents"),
            other.label("theirs_arr_cents"),
            (other - own).label("difference_arr_cents"),
            *(part.label(reason) for reason, part in parts.items()),
        )
        .where(differs(parts), change.currency == currency)
        .order_by(func.abs(other - own).desc(), change.subscription_id)
    )
    return [
        {name: value for name, value in row.items() if name not in REASONS}
        | {"reasons": {reason: row[reason] for reason in parts if row[reason]}}
        for row in view.session.execute(_standing(statement, end, as_of)).mappings()
    ]


def amounts(ours: Policy, theirs: Policy) -> dict[str, ColumnElement[int]]:
    """What each reason for which the two policies may differ makes of an entry: SQL, annualised cents."""
    return {reason: counted(after) - counted(before) for reason, before, after in _way(ours, theirs)}


def differs(parts: Mapping[str, ColumnElement[int]]) -> ColumnElement[bool]:
    """The condition that one of the reasons makes something of an entry: never, where the policies agree."""
    asked = _asked()
    # Whom a reason is about is cheap to see; only of them the amounts are worked out.
    about = or_(false(), *(asked[reason] for reason in parts))
    return and_(about, or_(false(), *(part != 0 for part in parts.values())))


def _asked() -> dict[str, ColumnElement[bool]]:
    """Which entries each question is about."""
    change = SubscriptionChange
    return {
        "gift": change.is_gift.is_(True),
        "trial": change.status == "trialing",
        "past_due": change.status == "past_due",
        "paused": (change.status == "paused") | change.collection_paused.is_(True),
        "set_to_cancel": change.set_to_cancel.is_(True),
        "free_months": change.goodwill_arr_cents != 0,
        "discount": (change.net_arr_cents != change.list_arr_cents)
        | (change.forever_arr_cents != 0)
        | (change.goodwill_arr_cents != 0),
    }


def stands_at(end: datetime) -> ColumnElement[bool]:
    """The condition that an entry is its subscription's last one before a moment."""
    change = SubscriptionChange
    # Not an OR, for which SQLite would leave the index that has the rows in order.
    return and_(change.effective_at < end, func.coalesce(change.superseded_at, end) >= end)


def _way(ours: Policy, theirs: Policy) -> Iterator[tuple[str, Policy, Policy]]:
    """The policies on the way, as reason, before and after; the last one counts as `theirs` does."""
    at = ours
    for reason in REASONS if ours.price == "net" else _PRICE_FIRST:
        field = _FIELDS.get(reason, reason)
        if getattr(at, field) == getattr(theirs, field) or (field == "free_months" and at.price != "net"):
            continue
        following = replace(at, **{field: getattr(theirs, field)})
        yield reason, at, following
        at = following


_FIELDS: Final[Mapping[str, str]] = MappingProxyType({"discount": "price"})
_PRICE_FIRST: Final = (
    *(name for name in REASONS if name not in {"free_months", "discount"}),
    "discount",
    "free_months",
)


def _ends(
    view: View, end: datetime, ours: Policy, theirs: Policy, currency: str, as_of: datetime | None
) -> tuple[int, int]:
    change = SubscriptionChange
    sums = select(*(func.coalesce(func.sum(counted(policy)), 0) for policy in (ours, theirs)))
    sums = sums.where(change.currency == currency)
    if as_of is not None:
        own, other = view.session.execute(_standing(sums, end, as_of)).one()
        return int(own), int(other)
    # What began less what is over: two indexes hold all that a policy asks.
    begun = sums.add_columns(literal(1)).where(change.effective_at < end)
    over = sums.add_columns(literal(-1)).where(change.superseded_at < end)
    rows = view.session.execute(union_all(begun, over)).all()
    return sum(int(row[0]) * row[2] for row in rows), sum(int(row[1]) * row[2] for row in rows)


def _steps(
    view: View, end: datetime, ours: Policy, theirs: Policy, currency: str, as_of: datetime | None
) -> Sequence[Step]:
    change, parts = SubscriptionChange, amounts(ours, theirs)
    if not parts:
        return []
    sums = [
        figure
        for part in parts.values()
        for figure in (
            func.sum(part),
            func.sum(case((part != 0, 1), else_=0)),
            func.count(case((part != 0, change.relationship_id)).distinct()),
        )
    ]
    statement = select(*sums).where(differs(parts), change.currency == currency)
    row = [int(figure or 0) for figure in view.session.execute(_standing(statement, end, as_of)).one()]
    steps = [
        Step(reason, REASONS[reason], currency, *row[3 * nth : 3 * nth + 3])
        for nth, reason in enumerate(parts)
    ]
    return sorted(
        (step for step in steps if step.subscriptions),
        key=lambda step: (-abs(step.difference_arr_cents), step.reason),
    )


def _standing(
    statement: Select[*tuple[Any, ...]], end: datetime, as_of: datetime | None
) -> Select[*tuple[Any, ...]]:
    """The statement of the entries that stand at a moment; with `as_of`, by what was recorded then."""
    change = SubscriptionChange
    if as_of is None:
        return statement.where(stands_at(end))
    newest_first = (change.effective_at.desc(), change.seq.desc())
    nth = func.row_number().over(partition_by=change.subscription_id, order_by=newest_first)
    known = (
        select(change.seq, nth.label("nth"))
        .where(change.effective_at < end, change.recorded_at <= as_of)
        .subquery()
    )
    return statement.join(known, known.c.seq == change.seq).where(known.c.nth == 1)
