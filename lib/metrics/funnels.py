"""Funnels: how far people or couples came through some steps, and how long each step took them.

Pure: from events to counts. A unit is a person or a couple. It enters with the first step, and the others
must follow until the window ends; one that happens exactly at its end still counts.

    ordered   in this order; whatever else happens in between does not matter
    strict    in this order, and nothing else in between
    any       in whatever order; it enters with whichever step comes first

Of several tries the one that got furthest counts, of equal ones the first that got there, timed from its
last beginning. What happens twice within a second counts once. A step *by the partner* is done by the other
person of the couple than the one who began; other steps are done by who began where people are counted, and
by either where couples are, except the first. A couple counts with the better try of the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.core.errors import Invalid
from lib.core.moments import day_bounds
from lib.metrics.figure import share_of

Order = Literal["ordered", "strict", "any"]
Unit = Literal["person", "couple"]
Rows: TypeAlias = pd.DataFrame
Numbers: TypeAlias = npt.NDArray[Any]

ORDERS: Final[tuple[Order, ...]] = ("ordered", "strict", "any")
UNITS: Final[tuple[Unit, ...]] = ("couple", "person")
FEWEST, MOST = 2, 6
NO_STEP = NOBODY = -1
_DAY: Final = 86_400
# In one number a line, a moment and what comes first within a second sort at once; moments until 2242.
_TIES, _MOMENTS = 1 << 6, 1 << 33


@dataclass(frozen=True, slots=True)
class Step:
    """What has to happen, by its name; `by_partner`: to the partner of the one who began."""

    what: str
    by_partner: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What a funnel asks; without a `window` there is no end to the time.

    Raises Invalid, with a sentence for the person at the screen, for what cannot be asked.
    """

    steps: tuple[Step, ...]
    window: timedelta | None = timedelta(days=7)
    order: Order = "ordered"
    unit: Unit = "couple"

    def __post_init__(self) -> None:
        """Check that it can be answered."""
        if not FEWEST <= len(self.steps) <= MOST:
            raise Invalid(f"A funnel has {FEWEST} to {MOST} steps; this one has {len(self.steps)}.")
        if self.window is not None and self.window < timedelta(seconds=1):
            raise Invalid("Nothing can follow within a window of 0. Choose a window of a second or more.")
        if self.order not in ORDERS or self.unit not in UNITS:
            raise Invalid(f"A funnel is {', '.join(ORDERS)} and counts a {' or a '.join(UNITS)}.")
        if self.steps[0].by_partner:
            raise Invalid("The first step cannot be the partner's: the partner is the one who did not begin.")
        if self.order != "ordered" and len({step.what for step in self.steps}) < len(self.steps):
            raise Invalid("Two steps are the same event. That can be asked only in order, not strictly.")

    @property
    def of_both(self) -> bool:
        """Whether it tells the partners of a couple apart."""
        return any(step.by_partner for step in self.steps)


class Event(NamedTuple):
    """Something that happened; without a couple the person counts for itself where couples are counted."""

    person: str | None
    couple: str | None
    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StepCount:
    """One step: how many came to it, how many of those of the step before did not, and how long it took.

    `of_first` and `of_previous` are shares, None of nobody; seconds since the step before are None for the
    first step and where nobody came.
    """

    step: Step
    reached: int
    dropped: int
    of_first: Fraction | None
    of_previous: Fraction | None
    average_seconds: Fraction | None
    median_seconds: Fraction | None


def frame(events: Iterable[Event]) -> Rows:
    """Events as the columns person, couple and what (categories), and at (seconds since 1970, UTC)."""
    rows = [(each.person, each.couple, each.what, int(each.at.timestamp())) for each in events]
    named = pd.DataFrame(rows, columns=["person", "couple", "what", "at"])
    return named.astype({"person": "category", "couple": "category", "what": "category", "at": "int64"})


def walks(question: Question, events: Rows, since: date, until: date, *, by_day: bool = False) -> Rows:
    """How far each unit came that entered from `since` to `until` (UTC days, both included).

    `events` as `frame` has them; for a strict order all there are, else those of the steps. Gives the columns
    unit, reached (steps), at_1 ... at_n (seconds since 1970, missing where it did not come). With `by_day`
    also `day` (number since 1970), and a unit once for each day on which it entered.
    """
    rows, names = _numbered(question, events)
    keys = ["unit"]
    if question.of_both:
        rows, keys = _for_each_beginner(question, rows), ["unit", "beginner"]
    if by_day:
        rows, keys = _for_each_day(question, rows, keys), [*keys, "day"]
    rows["line"] = rows["unit"] if len(keys) == 1 else rows.groupby(keys, sort=False).ngroup()
    rows = _in_time(rows)
    begin, end = (int(moment.timestamp()) for moment in (day_bounds(since)[0], day_bounds(until)[1]))
    may_begin = rows["at"].between(begin, end - 1) & (rows["own"] if question.of_both else True)
    if by_day:
        may_begin &= rows["at"] // _DAY == rows["day"]
    if question.order == "any":
        tries = _in_any_order(question, rows, may_begin.to_numpy())
    else:
        tries = _in_order(question, rows, may_begin.to_numpy())
    found = best(tries, ["unit", "day"] if by_day else ["unit"])
    found["unit"] = names.take(found["unit"])
    return found


def count(question: Question, found: Rows, *, entered: int | None = None) -> tuple[StepCount, ...]:
    """The figures of each step from `walks`; in any order the nth step is the nth that was done.

    `entered`: how many there are, where `found` has only those that came further than the first step.
    """
    first = len(found) if entered is None else entered
    counts: list[StepCount] = []
    before = first
    for number, step in enumerate(question.steps, 1):
        came = found[found["reached"] >= number]
        seconds = came[f"at_{number}"] - came[f"at_{number - 1}"] if number > 1 and len(came) else None
        reached = first if number == 1 else len(came)
        counts.append(
            StepCount(
                step,
                reached,
                before - reached,
                share_of(reached, first),
                share_of(reached, before),
                None if seconds is None else Fraction(int(seconds.sum()), len(came)),
                None if seconds is None else Fraction(float(seconds.median())),
            )
        )
        before = reached
    return tuple(counts)


def moment_of(seconds: float) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def _numbered(question: Question, events: Rows) -> tuple[Rows, Any]:
    """The events that are a step, or stand between steps, with numbers for names; and the units' names.

    Columns: unit, couple, person, step, by_partner, at, and tie: what comes first within one second. Of one
    name for two steps the later one does, so that an event never follows itself.
    """
    person, couple = events["person"].cat, events["couple"].cat
    rows = pd.DataFrame({"person": person.codes.astype("int64"), "couple": couple.codes.astype("int64")})
    names = person.categories
    rows["unit"] = rows["person"]
    if question.unit == "couple":
        alone = (rows["person"] + len(couple.categories)).where(rows["person"] >= 0, NOBODY)
        rows["unit"] = rows["couple"].where(rows["couple"] >= 0, alone)
        names = couple.categories.astype(object).append(person.categories.astype(object))
    rows["at"] = events["at"].to_numpy()
    known, whats = rows["unit"] >= 0, [step.what for step in question.steps]
    parts = [
        rows[known & (events["what"] == step.what).to_numpy()].assign(
            step=number, by_partner=step.by_partner, tie=len(whats) * (whats.index(step.what) + 1) - number
        )
        for number, step in enumerate(question.steps)
    ]
    if question.order == "strict":
        others = rows[known & ~events["what"].isin(whats).to_numpy()]
        parts.append(others.assign(step=NO_STEP, by_partner=False, tie=_TIES - 1))
    return pd.concat(parts, ignore_index=True), names


def _in_time(rows: Rows) -> Rows:
    """Line by line, each in the order of time."""
    order = (rows["line"] * _MOMENTS + rows["at"]) * _TIES + rows["tie"]
    return rows.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def _for_each_beginner(question: Question, rows: Rows) -> Rows:
    """A couple's events once for each partner who may have begun, without those that are no step then."""
    entering = rows["step"] == 0 if question.order != "any" else ~rows["by_partner"]
    known = (rows["person"] >= 0) & (rows["couple"] >= 0)
    begun = rows.loc[entering & known, ["couple", "person"]].drop_duplicates()
    rows = rows[known].merge(begun.rename(columns={"person": "beginner"}), on="couple")
    rows["own"] = rows["person"] == rows["beginner"]
    partners = rows["by_partner"]
    if question.unit == "person":
        rows["unit"] = rows["beginner"]
        fits = rows["own"] != partners
    else:
        fits = ~(partners & rows["own"]) & ~((rows["step"] == 0) & ~rows["own"])
    if question.order != "strict":
        return rows[fits]
    # What the wrong person did is no step, but it stands in between.
    return rows.assign(step=rows["step"].where(fits, NO_STEP))


def _for_each_day(question: Question, rows: Rows, keys: list[str]) -> Rows:
    """A line's events once for each day on which it may have entered, from that day on."""
    entering = rows if question.order == "any" else rows[rows["step"] == 0]
    days = entering[keys].assign(day=entering["at"] // _DAY).drop_duplicates()
    rows = rows.merge(days, on=keys)
    within = rows["at"] >= rows["day"] * _DAY
    if question.window is not None:
        within &= rows["at"] < (rows["day"] + 1) * _DAY + int(question.window.total_seconds())
    return rows[within]


def _in_order(question: Question, rows: Rows, may_begin: Numbers) -> Rows:
    """Every row at which a try has got further, with the moments of its steps.

    A row that does a step goes on from the newest try that did the step before: it has the most time left.
    """
    line, step, at = (rows[name].to_numpy() for name in ("line", "step", "at"))
    position = np.arange(len(rows))
    does = (step == 0) & may_begin
    began, level = np.where(does, at, 0), does.astype("int64")
    came_from = []
    for number in range(1, len(question.steps)):
        newest = position - 1 if question.order == "strict" else _newest(does)
        before = np.maximum(newest, 0)
        follows = (step == number) & (newest >= 0) & does[before] & (line[before] == line)
        if question.window is not None:
            follows &= at - began[before] <= question.window.total_seconds()
        came_from.append(before)
        began, does = np.where(follows, began[before], 0), follows
        level = np.where(follows, number + 1, level)
    here = np.flatnonzero(level)
    found = rows.iloc[here].assign(reached=level[here])
    for number in range(len(question.steps), 0, -1):
        done = found["reached"].to_numpy() >= number
        found[f"at_{number}"] = np.where(done, at[here], np.nan)
        if number > 1:
            here = np.where(done, came_from[number - 2][here], here)
    return found


def _newest(does: Numbers) -> Numbers:
    """For each row, the position of the last one up to it that does; -1 where there is none."""
    return (
        np.maximum.accumulate(np.where(does, np.arange(len(does)), -1)) if len(does) else does.astype("int64")
    )


def _in_any_order(question: Question, rows: Rows, may_begin: Numbers) -> Rows:
    """Every row at which a try may begin, with the moments of the steps that follow, in the order of time."""
    line, step, at = (rows[name].to_numpy() for name in ("line", "step", "at"))
    moments = np.full((len(rows), len(question.steps)), np.inf)
    for number in range(len(question.steps)):
        # The next one is the newest one, read backwards.
        following = len(rows) - 1 - _newest((step == number)[::-1])[::-1]
        there = np.minimum(following, len(rows) - 1)
        follows = (following < len(rows)) & (line[there] == line)
        if question.window is not None:
            follows &= at[there] - at <= question.window.total_seconds()
        moments[:, number] = np.where(follows, at[there], np.inf)
    moments = np.sort(moments[may_begin], axis=1)
    moments[np.isinf(moments)] = np.nan
    found = rows[may_begin].assign(reached=(~np.isnan(moments)).sum(axis=1))
    return found.assign(**{f"at_{number}": column for number, column in enumerate(moments.T, 1)})


def best(found: Rows, keys: list[str]) -> Rows:
    """Of the tries of each unit the one that got furthest, of those the first, of those the last begun."""
    moments = sorted(name for name in found.columns if name.startswith("at_"))
    found = found.assign(arrived=found[moments].max(axis=1))
    found = found.sort_values(["reached", "arrived", "at_1"], ascending=[False, True, False], kind="stable")
    return found.drop_duplicates(keys)[[*keys, "reached", *moments]].reset_index(drop=True)
