"""A month's recurring revenue by policy and currency, read from `admin_metric_daily` alone.

It is what the Revenue page shows: a month that the roll-ups do not hold in full is not there, and says why.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core import moments
from lib.metrics.exchange import BEGAN_HERE, Rates, ReportedMonth, reported
from lib.metrics.policies import HOUSE, POLICIES
from lib.metrics.series import Month, Moved
from lib.models import MetricDay, SubscriptionChange
from lib.services.month_close.lines import Line, Section

MONTHS_BEFORE: Final = 12
_MOVED: Final = tuple(field.name for field in fields(Moved))
_AMOUNTS: Final = tuple(name for name in _MOVED if name.endswith("_cents"))
# In the order in which they are read: who churned, and of them those whose payment failed, last.
_COUNTS: Final = (
    "new_couples",
    "reactivated_couples",
    "expanded_couples",
    "contracted_couples",
    "churned_couples",
    "involuntary_churned_couples",
)


@dataclass(frozen=True, slots=True)
class Counted:
    """One policy and currency in a month: the month itself, and how many stood at its end."""

    policy: str
    month: Month
    couples: int
    subscriptions: int


@dataclass(frozen=True, slots=True)
class MonthRead:
    """The roll-ups of a month: what was counted by policy and currency, and why it cannot be frozen yet."""

    counted: Sequence[Counted]
    why_not: str | None


def read(session: Session, month: date, zone: str = "UTC") -> MonthRead:
    """The roll-ups of the month that begins with `month`; their days end in a zone. Two statements."""
    first, last = month, moments.next_month(month) - timedelta(days=1)
    rows = session.scalars(
        select(MetricDay).where(
            MetricDay.day.between(first - timedelta(days=1), last),
            MetricDay.plan_id == "",
            MetricDay.billing_period == "",
            MetricDay.source == "",
        )
    ).all()
    by_pair: dict[tuple[str, str], list[MetricDay]] = defaultdict(list)
    for row in sorted(rows, key=lambda each: each.day):
        by_pair[row.policy, row.currency].append(row)
    before = {row.policy for row in rows if row.day < first}
    counted = [
        _counted(pair[0], pair[1], days, first, began=pair[0] in before)
        for pair, days in sorted(by_pair.items(), key=lambda each: _order(*each[0]))
        if any(day.day >= first for day in days)
    ]
    return MonthRead(counted, _why_not(session, rows, first, last, zone) or _why_no_tie(counted))


def lines(counted: Sequence[Counted]) -> Iterator[Line]:
    """The lines of each policy and currency."""
    for each in counted:
        values: dict[str, int | None] = {
            "opening_arr_cents": each.month.opening_arr_cents,
            **{name: getattr(each.month, name) for name in _AMOUNTS},
            "closing_arr_cents": each.month.closing_arr_cents,
            "opening_couples": each.month.couples_at_start,
            **{name: getattr(each.month, name) for name in _COUNTS},
            "closing_couples": each.couples,
            "closing_subscriptions": each.subscriptions,
        }
        yield from _lines("recurring", each.policy, each.month.currency, values, BEGAN_HERE)


def reported_lines(counted: Sequence[Counted], rates: Rates) -> Iterator[Line]:
    """The lines of each policy in the reporting currency, where there is another one."""
    by_policy: dict[str, list[Month]] = defaultdict(list)
    for each in counted:
        by_policy[each.policy].append(each.month)
    for policy, months in by_policy.items():
        if {month.currency for month in months} != {rates.reporting}:
            yield from _reported(policy, reported(months, rates))


def history(session: Session, month: date) -> list[Line]:
    """What stood at the end of the month and of the twelve before it, by the house policy."""
    ends = [moments.next_month(month) - timedelta(days=1)]
    for _ in range(MONTHS_BEFORE):
        ends.append(moments.month_start(ends[-1]) - timedelta(days=1))
    rows = session.execute(
        select(MetricDay.currency, MetricDay.day, MetricDay.arr_cents)
        .where(
            MetricDay.day.in_(ends),
            MetricDay.policy == HOUSE.name,
            MetricDay.plan_id == "",
            MetricDay.billing_period == "",
            MetricDay.source == "",
        )
        .order_by(MetricDay.currency, MetricDay.day)
    )
    return [Line("history", HOUSE.name, currency, f"{day:%Y-%m}", arr) for currency, day, arr in rows]


def _order(policy: str, currency: str) -> tuple[int, str, str]:
    known = list(POLICIES)
    return (known.index(policy) if policy in known else len(known)), policy, currency


def _counted(policy: str, currency: str, days: list[MetricDay], first: date, *, began: bool) -> Counted:
    inside = [day for day in days if day.day >= first]
    opening = next((day for day in days if day.day < first), None)
    sums = {name: sum(getattr(day, name) for day in inside) for name in _MOVED}
    end = inside[-1]
    month = Month(
        month=first,
        currency=currency,
        # A currency that came while others were counted opened with nothing.
        opening_arr_cents=opening.arr_cents if opening else 0 if began else None,
        closing_arr_cents=end.arr_cents,
        couples_at_start=(opening.couples or 0) if opening else 0 if began else None,
        complete=True,
        missing_days=0,
        churn=None,
        why_not=None,
        **sums,
    )
    return Counted(policy, month, end.couples or 0, end.subscriptions)


def _reported(policy: str, month: ReportedMonth) -> Iterator[Line]:
    values: dict[str, int | None] = {
        "opening_arr_cents": month.opening_arr_cents,
        **{name: None if month.closing_arr_cents is None else getattr(month, name) for name in _AMOUNTS},
        "fx_arr_cents": month.fx_arr_cents,
        "closing_arr_cents": month.closing_arr_cents,
    }
    yield from _lines("reported", policy, month.currency, values, month.why_not or BEGAN_HERE)


def _lines(
    section: Section, policy: str, currency: str, values: dict[str, int | None], why_not: str
) -> Iterator[Line]:
    for measure, value in values.items():
        yield Line(section, policy, currency, measure, value, why_not if value is None else None)


def _why_not(session: Session, rows: Sequence[MetricDay], first: date, last: date, zone: str) -> str | None:
    """Why the roll-ups do not hold the month in full, as a sentence."""
    for name in POLICIES:
        days = {row.day for row in rows if row.policy == name}
        inside = sorted(day for day in days if day >= first)
        if not inside:
            return f"No day of {first:%B %Y} was counted{_by(name)}. {_COUNT_THEM}"
        since = first if any(day < first for day in days) else inside[0]
        missing = (last - since).days + 1 - len(inside)
        if missing:
            return f"Days of {first:%B %Y} that were not counted{_by(name)}: {missing}. {_COUNT_THEM}"
    early = next(
        (row.day for row in rows if row.day >= first and row.computed_at < _end(row.day, zone)), None
    )
    if early is not None:
        return f"{early} was counted before it was over. {_COUNT_THEM}"
    counted_at = min(row.computed_at for row in rows if row.day == last)
    if _came_later(session, counted_at, _end(last, zone)):
        return f"Entries of the ledger came after {first:%B %Y} was counted. {_COUNT_THEM}"
    return None


_COUNT_THEM: Final = "The worker does it within the hour; `python -m lib jobs run daily` does it now."


def _by(policy: str) -> str:
    return "" if policy == HOUSE.name else f" under the policy “{POLICIES[policy].title}”"


def _end(day: date, zone: str) -> datetime:
    return moments.day_bounds(day, zone)[1]


def _came_later(session: Session, counted_at: datetime, end: datetime) -> bool:
    entry = SubscriptionChange
    late = select(entry.seq).where(entry.recorded_at > counted_at, entry.effective_at < end).limit(1)
    return session.scalar(late) is not None


def _why_no_tie(counted: Sequence[Counted]) -> str | None:
    loose = next((each for each in counted if each.month.ties is False), None)
    if loose is None:
        return None
    title = POLICIES[loose.policy].title
    return (
        f"The movements under the policy “{title}” in {loose.month.currency} do not give the closing. "
        "Count the month anew: `python -m lib jobs backfill --from --to`."
    )
