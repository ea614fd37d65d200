"""Recurring revenue by plan, billing period, how the couple came, or the month in which it first paid.

Segments have what the whole has, and add up to it: opening, movements, closing. A couple's movement belongs
to the segment of its newest entry on the day, with its whole amount. What a couple took with it from one
segment to another, as by a change of plan, is a transfer: it leaves the one and comes to the other, so
transfers add up to nothing. From one plan for $360 a year to another for $240 is a transfer of $360 and, in
the new plan, a contraction of $120. A couple's cohort never changes, so cohorts have no transfers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, Self

from sqlalchemy import func, or_, select

from lib.core.moments import month_start
from lib.metrics import mrr
from lib.metrics.mrr import Ledger, Segment
from lib.metrics.policies import Policy
from lib.metrics.series import Moved
from lib.metrics.spans import spans
from lib.models.expressions import month_of

By = Literal["plan", "period", "source", "cohort"]
SEGMENTS: Final[tuple[By, ...]] = ("plan", "period", "source", "cohort")
# Where rows of `mrr.amounts` have it.
_PLACES: Final[Mapping[By, int]] = {"plan": 3, "period": 4, "source": 5, "cohort": 6}


@dataclass(frozen=True, slots=True)
class SegmentForward:
    """One segment in a month, in annualised cents: opening + movements + transfer = closing.

    `transfer_arr_cents` is signed: what couples brought from other segments, less what they took away.
    """

    opening_arr_cents: int
    moved: Moved
    transfer_arr_cents: int
    closing_arr_cents: int


def standing_by(
    ledger: Ledger, day: date, policy: Policy, by: By, *, as_of: datetime | None = None
) -> dict[str, dict[str, tuple[int, int]]]:
    """Annualised cents and counted subscriptions at a day's end, by currency and segment.

    A segment is a plan's id, a billing period, a code of how couples come (empty where nobody knows), or a
    month such as `2026-06`.
    """
    found: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for currency, name, arr, number in _standing(ledger, day, policy, by, as_of):
        cents, rows = found[currency].get(name, (0, 0))
        found[currency][name] = cents + arr, rows + number
    return dict(found)


def moved_rows(
    ledger: Ledger, since: date, until: date, policy: Policy, by: By | None, *, as_of: datetime | None = None
) -> Sequence[Any]:
    """Rows of `mrr.amounts` from `since` to `until`; by cohort, with its month after how the couple came."""
    if by != "cohort":
        moves = mrr.couple_moves((policy,), since, until, as_of=as_of).subquery()
        return ledger.execute(mrr.amounts(moves.c, policy)).all()
    # Who first paid when is seen by all that ever moved.
    every = mrr.couple_moves((policy,), date.min, until, as_of=as_of).subquery()
    couple = (every.c.relationship_id, every.c.currency)
    known = select(*every.c, func.min(every.c.day).over(partition_by=couple).label("first_paid")).subquery()
    inside = select(known).where(known.c.day >= since).subquery()
    return ledger.execute(mrr.amounts(inside.c, policy, month_of(inside.c.first_paid))).all()


def segment_of(row: Any, by: By) -> str:
    """The segment of a row of `moved_rows`."""
    return str(row[_PLACES[by]] or "")


@dataclass(slots=True)
class Parts:
    """The segments of one currency, moved on from month to month.

    `openings`: annualised cents of each; `changed`: by how much each changed in each month, transfers
    included; None where nothing is transferred.
    """

    by: By
    openings: dict[str, int]
    changed: Mapping[tuple[date, str], int] | None

    @classmethod
    def at(
        cls,
        ledger: Ledger,
        since: date,
        until: date,
        currency: str,
        policy: Policy,
        by: By,
        *,
        as_of: datetime | None = None,
    ) -> Self:
        """What stands when the day `since` begins, and what changes to the end of `until`."""
        standing = standing_by(ledger, since - timedelta(days=1), policy, by, as_of=as_of)
        openings = {name: arr for name, (arr, _) in standing.get(currency, {}).items()}
        if by == "cohort":
            return cls(by, openings, None)
        changed: dict[tuple[date, str], int] = defaultdict(int)
        for _, day, *where, arr, _ in ledger.execute(
            mrr.segment_changes((policy,), since, until, as_of=as_of)
        ):
            if where[0] == currency:
                changed[month_start(day), _name(Segment(*where), by)] += int(arr)
        return cls(by, openings, changed)

    def of_month(self, month: date, moved: Mapping[str, Moved]) -> dict[str, SegmentForward]:
        """Each segment in the month that follows, by what moved in it; months are asked for in order."""
        changed = {name: arr for (when, name), arr in (self.changed or {}).items() if when == month}
        found = {}
        for name in sorted({*self.openings, *moved, *changed}):
            opening, mine = self.openings.get(name, 0), moved.get(name, Moved())
            gained = mine.net_arr_cents if self.changed is None else changed.get(name, 0)
            if opening or gained or mine != Moved():
                transfer = gained - mine.net_arr_cents
                found[name] = SegmentForward(opening, mine, transfer, opening + gained)
        self.openings = {name: each.closing_arr_cents for name, each in found.items()}
        return found


def _standing(
    ledger: Ledger, day: date, policy: Policy, by: By, as_of: datetime | None
) -> Sequence[tuple[str, str, int, int]]:
    if by != "cohort":
        segments = mrr.segments_at(ledger, day, policy, as_of=as_of)
        return [(each.currency, _name(each, by), arr, number) for each, (arr, number) in segments.items()]
    span = spans(policy, None, day, as_of=as_of)
    couple = (span.c.relationship_id, span.c.currency)
    known = (
        select(
            span.c.currency,
            span.c.arr,
            span.c.ends,
            func.min(span.c.begins).over(partition_by=couple).label("first_paid"),
        )
        # What came and went within a day was never there.
        .where(or_(span.c.ends.is_(None), span.c.ends > span.c.begins))
        .subquery()
    )
    cohort = month_of(known.c.first_paid)
    rows = ledger.execute(
        select(known.c.currency, cohort, func.sum(known.c.arr), func.count())
        .where(known.c.ends.is_(None))
        .group_by(known.c.currency, cohort)
    )
    return [(currency, name, int(arr), int(number)) for currency, name, arr, number in rows]


def _name(segment: Segment, by: By) -> str:
    names = {"plan": segment.plan_id, "period": segment.billing_period, "source": segment.source}
    return names[by] or ""
