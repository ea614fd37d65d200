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
from typing import Any, Final, Literal

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.moments import month_start, next_month
from lib.core.work import View, query
from lib.metrics import mrr, reported, revenue
from lib.metrics.exchange import ReportedMonth
from lib.metrics.mrr import MOVEMENTS, Movement
from lib.metrics.policies import HOUSE, Policy
from lib.metrics.series import Month, Moved

By = Literal["plan", "period", "source"]
SEGMENTS: Final[tuple[By, ...]] = ("plan", "period", "source")

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

    `segments`: the movements of each segment, which add up to `moved`. A couple that changed its plan
    moves in the segment of its newer entry, so a segment by itself has movements and no opening.
    """

    month: date
    opening_arr_cents: int
    moved: Moved
    fx_arr_cents: int
    closing_arr_cents: int
    opening_couples: int
    closing_couples: int
    complete: bool
    segments: Mapping[str, Moved]

    @property
    def printed(self) -> dict[str, int]:
        """Monthly cents of the opening, each movement in its own direction, fx and the closing, which tie."""
        signed = [
            -arr_of(self.moved, each) if each in _LOST else arr_of(self.moved, each) for each in MOVEMENTS
        ]
        opening, *shares, fx, closing = monthly_forward(
            self.opening_arr_cents, [*signed, self.fx_arr_cents], self.closing_arr_cents
        )
        directed = (-cents if each in _LOST else cents for each, cents in zip(MOVEMENTS, shares, strict=True))
        return {
            "opening": opening,
            **dict(zip(MOVEMENTS, directed, strict=True)),
            "fx": fx,
            "closing": closing,
        }


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

    `as_of`: by what was recorded then. `by`: with the movements of each segment.
    """
    first, ledger = month_start(since), view.session
    before = first - timedelta(days=1)
    segments = mrr.segments_at(ledger, before, policy, as_of=as_of)
    arr = sum(cents for segment, (cents, _) in segments.items() if segment.currency == currency)
    couples = mrr.couples_at(ledger, before, policy, as_of=as_of).get(currency, 0)
    moves = mrr.couple_moves((policy,), first, until, as_of=as_of).subquery()
    rows = [row for row in ledger.execute(mrr.amounts(moves.c, policy)) if row[1] == currency]
    found = []
    for month in _months(since, until):
        end = next_month(month) - timedelta(days=1)
        inside = [row for row in rows if month <= row[0] <= end]
        moved = _sum(inside)
        closing = arr + moved.net_arr_cents
        remaining = couples + moved.new_couples + moved.reactivated_couples - moved.churned_couples
        found.append(
            MonthForward(
                month, arr, moved, 0, closing, couples, remaining, end <= until, _by(inside, by) if by else {}
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
    place = {"plan": 3, "period": 4, "source": 5}[by]
    inside: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        inside[row[place] or ""].append(row)
    return {segment: _sum(inside[segment]) for segment in sorted(inside)}


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
