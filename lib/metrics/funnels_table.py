"""A funnel in words and as rows of a table: its definition, its steps, and who came to one or was lost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from lib.core.listing import Column
from lib.metrics.funnels import Question, Step, StepCount, moment_of
from lib.metrics.funnels_read import Funnel, Walked
from lib.metrics.funnels_steps import named

OUTCOMES: Final = ("came", "lost")
COLUMNS: Final = (
    Column("number", "Step", "count"),
    Column("step", "What"),
    Column("reached", "Came", "count"),
    Column("of_first", "Of the first step", "percent"),
    Column("of_previous", "Of the step before", "percent"),
    Column("dropped", "Lost before it", "count"),
    Column("average", "Time since the step before, average", "figure"),
    Column("median", "Time, median", "figure"),
    Column("median_hours", "Median in hours", "decimal"),
)
_UNITS: Final = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_ORDERS: Final = {
    "ordered": "in this order, whatever else happens in between",
    "strict": "in this order and with no other event of the app in between",
    "any": "in any order: the nth line counts those who did n of them",
}


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step with its figures."""

    number: int
    step: str
    reached: int
    of_first: Fraction | None
    of_previous: Fraction | None
    dropped: int
    average: str | None
    median: str | None
    median_hours: Fraction | None


@dataclass(frozen=True, slots=True)
class AtStep:
    """A unit that came to a step or was lost before it: when it entered, and when it last got further."""

    unit: str
    entered_at: datetime
    last_at: datetime
    steps: int


def step_name(step: Step) -> str:
    """A step in words."""
    return f"{named(step.what)}, by the partner" if step.by_partner else named(step.what)


def step_rows(found: Funnel) -> list[StepRow]:
    """Every step, the first on top."""
    return [_row(number, each, found.question) for number, each in enumerate(found.steps, 1)]


def definition(question: Question) -> str:
    """What the funnel counts, as a sentence or two for a reader."""
    who = "Couples, and people or visitors without one," if question.unit == "couple" else "People"
    within = f"within {span(question.window)} of the first" if question.window else "at any time after it"
    said = f"{who} that enter with a first step on these days (UTC). The others follow {within}, "
    said += f"{_ORDERS[question.order]}. Of several tries the furthest counts, of equal ones the first."
    if question.of_both:
        said += " By the partner: by the other one of the couple than who began."
    return said


def waiting(found: Funnel) -> str:
    """What is still open, or was left out, as a sentence for a reader; empty where it is nothing."""
    said = []
    if found.waiting and found.question.window:
        said.append(
            f"{found.waiting:,} entered less than {span(found.question.window)} ago and may come further yet."
        )
    if found.days_missing > 0:
        said.append(f"{found.days_missing:,} days of the choice are not counted yet.")
    if found.future:
        said.append(f"{found.future:,} rows say that they happen in the future, and are left out.")
    return " ".join(said)


def at_step(walked: Walked, number: int, outcome: str) -> list[AtStep]:
    """Who came to a step (`came`) or got as far as the one before and no further (`lost`), newest first."""
    rows = walked.rows
    chosen = rows[rows["reached"] >= number if outcome == "came" else rows["reached"] == number - 1]
    moments = [name for name in rows.columns if name.startswith("at_")]
    chosen = chosen.assign(last=chosen[moments].max(axis=1)).sort_values(
        ["at_1", "unit"], ascending=[False, True]
    )
    return [
        AtStep(str(row["unit"]), moment_of(row["at_1"]), moment_of(row["last"]), int(row["reached"]))
        for row in chosen.to_dict("records")
    ]


def span(time: timedelta) -> str:
    """A span of time in its two largest units: `3 days 4 h`, `12 min`."""
    seconds = int(time.total_seconds())
    parts = []
    for unit, length in _UNITS:
        number, seconds = divmod(seconds, length)
        if number:
            parts.append(f"{number:,} {unit}{'s' if unit == 'day' and number > 1 else ''}")
    return " ".join(parts[:2]) or "0 s"


def _row(number: int, count: StepCount, question: Question) -> StepRow:
    name = f"{number} of them" if question.order == "any" else step_name(count.step)
    return StepRow(
        number,
        name,
        count.reached,
        count.of_first,
        count.of_previous,
        count.dropped,
        _time(count.average_seconds),
        _time(count.median_seconds),
        None if count.median_seconds is None else count.median_seconds / 3600,
    )


def _time(seconds: Fraction | None) -> str | None:
    return None if seconds is None else span(timedelta(seconds=float(seconds)))
