"""How each month's MRR came from the one before: opening, movements, closing, as exact and as printed cents.

From the roll-ups as the pages show it, or from the ledger as it was known at a moment. Annualised cents tie
by themselves; a twelfth of them does not when each is rounded alone. So opening and closing are rounded, and
the movements share what lies between them by their largest remainders.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.moments import month_start, next_month
from lib.core.work import View, query
from lib.metrics import ledger_segments, mrr, reported, revenue
from lib.metrics.exchange import ReportedMonth
from lib.metrics.ledger_segments import By, Parts, SegmentForward, moved_rows
from lib.metrics.mrr import MOVEMENTS, Movement
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.series import Month, Moved

_COUPLES: Final[Mapping[Movement, str]] = MappingProxyType(
    {
        "new": "new_couples",
        "reactivation": "reactivated_couples",
        "expansion": "expanded_couples",
        "contraction": "contracted_couples",
        "churn": "churned_couples",
    }
)
_LOST: Final = frozenset({"contraction", "churn"})


@dataclass(frozen=True, slots=True)
class MonthForward:
    """A month's roll-forward in annualised cents and couples; `complete` when the month was over.

    `segments`: the same of each segment, which add up to it; none where it was not asked for.
    """

    month: date
    opening_arr_cents: int
    moved: Moved
    fx_arr_cents: int
    closing_arr_cents: int
    opening_couples: int
    closing_couples: int
    complete: bool
    segments: Mapping[str, SegmentForward]

    @property
    def printed(self) -> dict[str, int]:
        """Monthly cents of the opening, each movement in its own direction, fx and the closing, which tie."""
        return printed(self.opening_arr_cents, self.moved, {"fx": self.fx_arr_cents}, self.closing_arr_cents)


def printed(opening: int, moved: Moved, more: Mapping[str, int], closing: int) -> dict[str, int]:
    """Monthly cents of annualised ones that tie: opening, each movement in its direction, `more`, closing."""
    signed = [-arr_of(moved, each) if each in _LOST else arr_of(moved, each) for each in MOVEMENTS]
    first, *shares, last = monthly_forward(opening, [*signed, *more.values()], closing)
    names = (*MOVEMENTS, *more)
    directed = {name: -cents if name in _LOST else cents for name, cents in zip(names, shares, strict=True)}
    return {"opening": first, **directed, "closing": last}


def arr_of(moved: Moved, movement: Movement) -> int:
    """Annualised cents of one movement, in its own direction."""
    return int(getattr(moved, f"{movement}_arr_cents"))


def couples_of(moved: Moved, movement: Movement) -> int:
    """Couples that moved this way."""
    return int(getattr(moved, _COUPLES[movement]))


def monthly_forward(opening: int, signed: Sequence[int], closing: int) -> list[int]:
    """Opening, signed movements and closing as monthly cents that add up, out of annualised ones that do.

    Opening and closing are rounded half up. Each movement is a twelfth, rounded down or up: up for those with
    the largest remainders, as many as the sum needs; what is nothing stays nothing.
    """
    first, last = money.monthly(opening), money.monthly(closing)
    shares = [cents // 12 for cents in signed]
    short = last - first - sum(shares)
    by_remainder = sorted(range(len(signed)), key=lambda each: -Fraction(signed[each] % 12, 12))
    for each in by_remainder[:short]:
        shares[each] += 1
    return [first, *shares, last]


@query(Permission.REVENUE_READ)
def from_roll_up(
    view: View, since: date, until: date, currency: str = "USD", policy: Policy = HOUSE
) -> list[MonthForward]:
    """The months from that of `since` to that of `until`, of one currency, as the Revenue page has them.

    Raises NotFound when days were never counted, or the months' opening is not known.
    """
    series = revenue.churn_by_month(view, since, until, currency, policy)
    found = {month.month: month for month in series.months}
    return [_stored(month, found.get(month)) for month in _months(since, until)]


@query(Permission.REVENUE_READ)
def in_reporting(
    view: View, since: date, until: date, reporting: str, policy: Policy = HOUSE
) -> list[MonthForward]:
    """The same of all currencies in the reporting one; raises NotFound when days or a rate are missing."""
    series = reported.reported_months(view, since, until, policy, reporting)
    found = {month.month: month for month in series}
    return [_stored(month, found.get(month)) for month in _months(since, until)]


@query(Permission.REVENUE_READ)
def from_ledger(
    view: View,
    since: date,
    until: date,
    currency: str = "USD",
    policy: Policy = HOUSE,
    *,
    as_of: datetime | None = None,
    by: By | None = None,
) -> list[MonthForward]:
    """The months from that of `since` to `until`, of one currency, counted anew; the last may be a part.

    `as_of`: by what was recorded then. `by`: with each segment.
    """
    first, ledger = month_start(since), view.session
    before = first - timedelta(days=1)
    stood = mrr.segments_at(ledger, before, policy, as_of=as_of)
    arr = sum(cents for segment, (cents, _) in stood.items() if segment.currency == currency)
    couples = mrr.couples_at(ledger, before, policy, as_of=as_of).get(currency, 0)
    rows = [row for row in moved_rows(ledger, first, until, policy, by, as_of=as_of) if row[1] == currency]
    parts = Parts.at(ledger, first, until, currency, policy, by, as_of=as_of) if by else None
    found = []
    for month in _months(since, until):
        end = next_month(month) - timedelta(days=1)
        inside = [row for row in rows if month <= row[0] <= end]
        moved = _sum(inside)
        closing = arr + moved.net_arr_cents
        remaining = couples + moved.new_couples + moved.reactivated_couples - moved.churned_couples
        found.append(
            MonthForward(
                month,
                arr,
                moved,
                0,
                closing,
                couples,
                remaining,
                end <= until,
                parts.of_month(month, _by(inside, parts.by)) if parts else {},
            )
        )
        arr, couples = closing, remaining
    return found


def _months(since: date, until: date) -> list[date]:
    month, found = month_start(since), []
    while month <= until:
        found.append(month)
        month = next_month(month)
    return found


def _stored(month: date, stored: Month | ReportedMonth | None) -> MonthForward:
    if stored is None or (isinstance(stored, Month) and stored.missing_days):
        raise NotFound(f"{month:%B %Y} was not counted, or not every day of it. {revenue.NOTHING_YET}")
    opening, closing, couples = stored.opening_arr_cents, stored.closing_arr_cents, stored.couples_at_start
    if opening is None or closing is None or couples is None:
        raise NotFound(f"{month:%B %Y}: {stored.why_not}")
    moved = Moved(**{name: getattr(stored, name) for name in Moved.__dataclass_fields__})
    return MonthForward(
        month,
        opening,
        moved,
        (stored.fx_arr_cents or 0) if isinstance(stored, ReportedMonth) else 0,
        closing,
        couples,
        couples + moved.new_couples + moved.reactivated_couples - moved.churned_couples,
        stored.complete,
        {},
    )


def _by(rows: Sequence[Any], by: By) -> dict[str, Moved]:
    inside: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        inside[ledger_segments.segment_of(row, by)].append(row)
    return {segment: _sum(inside[segment]) for segment in inside}


def _sum(rows: Sequence[Any]) -> Moved:
    """Rows of `mrr.amounts` added up."""
    sums: dict[str, int] = defaultdict(int)
    for _, _, movement, *_, involuntary, arr, couples in rows:
        sums[f"{movement}_arr_cents"] += int(arr)
        sums[_COUPLES[movement]] += int(couples)
        if movement == "churn" and involuntary:
            sums["involuntary_churn_arr_cents"] += int(arr)
            sums["involuntary_churned_couples"] += int(couples)
    return replace(Moved(), **sums)
