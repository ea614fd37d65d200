"""Retention: of those who began in one period, how many came back, by the periods since.

Pure: from beginnings and returns to a table, by a definition that names each choice on which vendors differ.

    cohort     first: everybody is in the cohort of their first beginning; recurring: in every period in which
               they began anew
    buckets    calendar: age n is the nth day, week or month of the calendar after that of the beginning;
               rolling: age n is the nth 24 hours, 7 days or 30 days since the beginning itself
    counting   exact: came back at that age; on_or_after: at that age or later, as far as the table goes
    times      at least so often within one period

Age 0 is the cohort itself. A loss (a payment that was paid back) in a period undoes what came back in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

import pandas as pd

from lib.core.errors import Invalid
from lib.core.moments import day_bounds
from lib.metrics.figure import share_of

Period = Literal["day", "week", "month"]
Rows: TypeAlias = pd.DataFrame
Counts: TypeAlias = dict[tuple[int, int], int]

PERIODS: Final[tuple[Period, ...]] = ("week", "month", "day")
COHORTS: Final = ("first", "recurring")
BUCKETS: Final = ("calendar", "rolling")
COUNTINGS: Final = ("exact", "on_or_after")
WEEK_STARTS: Final = ("monday", "sunday")
WEIGHTINGS: Final = ("pooled", "by_size_twice", "plain")
"""pooled: returned / people (Amplitude). by_size_twice: shares weighted by size, above and below the line
(Mixpanel). plain: the mean of the shares."""

_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)
# 1970 began on a Thursday: days since the week's first day then.
_INTO_THE_WEEK: Final = {"monday": 3, "sunday": 4}
_ROLLING_DAYS: Final[dict[Period, int]] = {"day": 1, "week": 7, "month": 30}


@dataclass(frozen=True, slots=True)
class Definition:
    """How retention is counted. Raises Invalid for a word that is none, and for no times at all."""

    period: Period = "week"
    cohort: str = "first"
    buckets: str = "calendar"
    counting: str = "exact"
    times: int = 1
    week_start: str = "monday"

    def __post_init__(self) -> None:
        """Check the words."""
        for word, known in (
            (self.period, PERIODS),
            (self.cohort, COHORTS),
            (self.buckets, BUCKETS),
            (self.counting, COUNTINGS),
            (self.week_start, WEEK_STARTS),
        ):
            if word not in known:
                raise Invalid(f"“{word[:40]}” is not one of {', '.join(known)}.")
        if self.times < 1:
            raise Invalid("Who came back at least 0 times is everybody. Ask for 1 time or more.")

    @property
    def sentences(self) -> str:
        """The definition for a reader."""
        cohort = {
            "first": "Everybody is in one cohort, that of their first beginning.",
            "recurring": "Everybody is in the cohort of every period in which they began anew.",
        }[self.cohort]
        week = f", weeks from {self.week_start.title()}" if self.period == "week" else ""
        length = f"{_ROLLING_DAYS[self.period]} day{'' if self.period == 'day' else 's'}"
        buckets = {
            "calendar": f"Ages are {self.period}s of the calendar (UTC{week}).",
            "rolling": f"Ages are spans of {length} since each one's own beginning.",
        }[self.buckets]
        often = f"{self.times} times or more" if self.times > 1 else "at least once"
        when = {"exact": "at that age", "on_or_after": "at that age or any later one of the table"}
        return f"{cohort} {buckets} They are kept who came back {often} {when[self.counting]}."


@dataclass(frozen=True, slots=True)
class Cell:
    """A cohort at one age; `mature` when the time of the age was over for all of it."""

    age: int
    returned: int
    share: Fraction | None
    mature: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those who began in the period from `start` on, and one cell for each age that the table reaches."""

    start: date
    size: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Average:
    """All cohorts that are mature at an age, as one share by each weighting; None of nobody.

    `returned` by size twice is the count that Mixpanel prints: returns weighted by size.
    """

    age: int
    cohorts: int
    people: int
    pooled: Fraction | None
    by_size_twice: Fraction | None
    plain: Fraction | None
    returned_by_size: Fraction | None


def frame(happened: Iterable[tuple[str, datetime]]) -> Rows:
    """Who and when, as the columns unit and at (seconds since 1970, UTC)."""
    rows = [(unit, int(at.timestamp())) for unit, at in happened]
    return pd.DataFrame({"unit": [unit for unit, _ in rows], "at": [at for _, at in rows]}).astype(
        {"at": "int64"}
    )


def members(definition: Definition, beginnings: Rows, first: date, periods: int) -> Rows:
    """Who is in which cohort of those that begin with the period of `first`: unit, cohort (0 ...), at.

    `beginnings` must hold all there ever were where the cohort is that of the first one.
    """
    start = number_of(first, definition)
    born = beginnings.assign(period=_periods(beginnings["at"], definition))
    keys = ["unit", "period"] if definition.cohort == "recurring" else ["unit"]
    born = born.sort_values("at", kind="stable").drop_duplicates(keys)
    born["cohort"] = born["period"] - start
    return born.loc[born["cohort"].between(0, periods - 1), ["unit", "cohort", "at"]]


def returned(
    definition: Definition,
    cohorts: Rows,
    returns: Rows,
    first: date,
    periods: int,
    losses: Rows | None = None,
) -> Rows:
    """Who came back at which age, age 0 for everybody: unit, cohort, age, each once.

    By the exact age even where the counting is `on_or_after`. `cohorts` as `members` has them.
    """
    kept = _came(definition, cohorts, returns, first, definition.times)
    if losses is not None:
        undone = _came(definition, cohorts, losses, first, 1).assign(lost=True)
        kept = kept.merge(undone, on=["unit", "cohort", "age"], how="left")
        kept = kept.loc[kept["lost"].isna(), ["unit", "cohort", "age"]]
    kept = kept[(kept["age"] > 0) & (kept["cohort"] + kept["age"] < periods)]
    return pd.concat([cohorts[["unit", "cohort"]].assign(age=0), kept], ignore_index=True)


def counts_of(definition: Definition, came: Rows) -> Counts:
    """How many are kept, by the cohort's number and the age, from `returned`."""
    if definition.counting == "on_or_after" and len(came):
        last = came.sort_values("age").drop_duplicates(["unit", "cohort"], keep="last")
        ages = pd.DataFrame({"until": range(int(came["age"].max()) + 1)})
        came = last.merge(ages, how="cross").query("until <= age").drop(columns="age")
        came = came.rename(columns={"until": "age"})
    sizes: Any = came.groupby(["cohort", "age"]).size()
    return {(int(cohort), int(age)): int(number) for (cohort, age), number in sizes.items()}


def table(
    definition: Definition, counts: Counts, first: date, periods: int, now: datetime
) -> tuple[tuple[Cohort, ...], tuple[Average, ...]]:
    """Cohorts in the order of time, and the averages by age, from `counts_of`; nothing later than now."""
    start = number_of(first, definition)
    cohorts = tuple(
        _cohort(definition, counts, number, start, periods, now)
        for number in range(periods)
        if _start_of(start + number, definition) <= now.date()
    )
    return cohorts, tuple(average(age, cohorts) for age in range(len(cohorts)))


def average(age: int, cohorts: Sequence[Cohort]) -> Average:
    """The average of the cohorts that are mature at an age, by each weighting."""
    cells = [
        (cohort.size, cell.returned)
        for cohort in cohorts
        for cell in cohort.cells
        if cell.age == age and cell.mature and cohort.size
    ]
    people = sum(size for size, _ in cells)
    squares = sum(size * size for size, _ in cells)
    by_size = sum(size * came for size, came in cells)
    return Average(
        age,
        len(cells),
        people,
        share_of(sum(came for _, came in cells), people),
        share_of(by_size, squares),
        sum((Fraction(came, size) for size, came in cells), Fraction(0)) / len(cells) if cells else None,
        share_of(by_size, people),
    )


def age_of(definition: Definition, beginning: datetime, came_back: datetime) -> int:
    """The age at which somebody who began at one moment came back at another."""
    both = pd.Series([int(beginning.timestamp()), int(came_back.timestamp())])
    if definition.buckets == "rolling":
        return int((both[1] - both[0]) // (_ROLLING_DAYS[definition.period] * _DAY))
    begun, back = _periods(both, definition)
    return int(back - begun)


def number_of(day: date, definition: Definition) -> int:
    """The number of the period that a day lies in, as periods are counted since 1970."""
    return int(_periods(pd.Series([int(day_bounds(day)[0].timestamp())]), definition).iloc[0])


def start_of(day: date, definition: Definition, back: int = 0) -> date:
    """The first day of the period that a day lies in, or of the one so many periods before."""
    return _start_of(number_of(day, definition) - back, definition)


def _came(definition: Definition, cohorts: Rows, happened: Rows, first: date, times: int) -> Rows:
    """At which ages each member did something so many times: unit, cohort, age."""
    if definition.buckets == "calendar":
        # Counted before they are joined: of many returns in a period one row is left.
        by_period = happened.assign(period=_periods(happened["at"], definition)).groupby(["unit", "period"])
        found = cohorts[["unit", "cohort"]].merge(_at_least(times, by_period), on="unit")
        found["age"] = found["period"] - number_of(first, definition) - found["cohort"]
        return found.loc[found["age"] >= 0, ["unit", "cohort", "age"]]
    found = cohorts.merge(happened, on="unit", suffixes=("_began", ""))
    found = found[found["at"] >= found["at_began"]]
    found["age"] = (found["at"] - found["at_began"]) // (_ROLLING_DAYS[definition.period] * _DAY)
    return _at_least(times, found.groupby(["unit", "cohort", "age"]))


def _at_least(times: int, groups: Any) -> Rows:
    """The keys of the groups that have so many rows."""
    sizes: Any = groups.size()
    return pd.DataFrame(sizes[sizes >= times].index.to_frame(index=False))


def _cohort(
    definition: Definition,
    counts: Counts,
    number: int,
    start: int,
    periods: int,
    now: datetime,
) -> Cohort:
    size = counts.get((number, 0), 0)
    begun = [
        age for age in range(periods - number) if _start_of(start + number + age, definition) <= now.date()
    ]
    cells = tuple(
        Cell(
            age,
            counts.get((number, age), 0),
            share_of(counts.get((number, age), 0), size),
            _over_at(definition, start + number, age) <= now,
        )
        for age in begun
    )
    return Cohort(_start_of(start + number, definition), size, cells)


def _over_at(definition: Definition, cohort: int, age: int) -> datetime:
    """When an age was over for everybody in a cohort."""
    if definition.buckets == "calendar" or age == 0:
        return day_bounds(_start_of(cohort + age + 1, definition))[0]
    last_beginning = day_bounds(_start_of(cohort + 1, definition))[0]
    return last_beginning + timedelta(days=(age + 1) * _ROLLING_DAYS[definition.period])


def _periods(at: Any, definition: Definition) -> Any:
    """The numbers of the periods that moments (seconds since 1970) lie in."""
    days = at // _DAY
    if definition.period == "day":
        return days
    if definition.period == "week":
        return (days + _INTO_THE_WEEK[definition.week_start]) // 7
    moments = pd.to_datetime(at, unit="s")
    return (moments.dt.year - 1970) * 12 + moments.dt.month - 1


def _start_of(number: int, definition: Definition) -> date:
    if definition.period == "day":
        return _EPOCH + timedelta(days=number)
    if definition.period == "week":
        return _EPOCH + timedelta(days=number * 7 - _INTO_THE_WEEK[definition.week_start])
    return date(1970 + number // 12, number % 12 + 1, 1)
