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

import pandas as pd

from lib.core.errors import Invalid
from lib.core.moments import day_bounds

Order = Literal["ordered", "strict", "any"]
Unit = Literal["person", "couple"]
Rows: TypeAlias = pd.DataFrame

ORDERS: Final[tuple[Order, ...]] = ("ordered", "strict", "any")
UNITS: Final[tuple[Unit, ...]] = ("couple", "person")
FEWEST, MOST = 2, 6
NO_STEP: Final = -1
_DAY: Final = 86_400
# In one number a line, a moment and the order of steps sort at once: up to 16 steps, and moments until 2242.
_TIES, _MOMENTS = 1 << 4, 1 << 33


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
    """Events as the columns person, couple, what and at (seconds since 1970, UTC)."""
    rows = [(each.person, each.couple, each.what, int(each.at.timestamp())) for each in events]
    return pd.DataFrame(rows, columns=["person", "couple", "what", "at"])


def walks(question: Question, events: Rows, since: date, until: date, *, by_day: bool = False) -> Rows:
    """How far each unit came that entered from `since` to `until` (UTC days, both included).

    `events` as `frame` has them; for a strict order all there are, else those of the steps. Gives the columns
    unit, reached (steps), at_1 ... at_n (seconds since 1970, missing where it did not come). With `by_day`
    also `day` (number since 1970), and a unit once for each day on which it entered.
    """
    rows = _lined_up(question, events, by_day=by_day)
    begin, end = (int(moment.timestamp()) for moment in (day_bounds(since)[0], day_bounds(until)[1]))
    window = None if question.window is None else int(question.window.total_seconds())
    may_begin = (rows["at"] >= begin) & (rows["at"] < end)
    if by_day:
        may_begin &= rows["at"] // _DAY == rows["day"]
    if question.of_both:
        may_begin &= rows["own"]
    find = _in_any_order if question.order == "any" else _in_order
    found = find(rows, may_begin, len(question.steps), window, strict=question.order == "strict")
    return _best(found, ["unit", "day"] if by_day else ["unit"])


def count(question: Question, found: Rows) -> tuple[StepCount, ...]:
    """The figures of each step from `walks`; in any order the nth step is the nth that was done."""
    first = len(found)
    counts: list[StepCount] = []
    before = first
    for number, step in enumerate(question.steps, 1):
        came = found[found["reached"] >= number]
        seconds = came[f"at_{number}"] - came[f"at_{number - 1}"] if number > 1 and len(came) else None
        counts.append(
            StepCount(
                step,
                len(came),
                before - len(came),
                share(len(came), first),
                share(len(came), before),
                None if seconds is None else Fraction(int(seconds.sum()), len(came)),
                None if seconds is None else Fraction(float(seconds.median())),
            )
        )
        before = len(came)
    return tuple(counts)


def share(part: int, whole: int) -> Fraction | None:
    """A part of a whole, exact; None of nothing."""
    return Fraction(part, whole) if whole else None


def moment_of(seconds: float) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def _lined_up(question: Question, events: Rows, *, by_day: bool) -> Rows:
    """The events as lines, each in the order of time: what one try can be made of.

    Columns: unit, line (a number), step, at, own (done by who began), and day where lines are by day.
    """
    steps = pd.DataFrame(
        [(step.what, number, step.by_partner) for number, step in enumerate(question.steps)],
        columns=["what", "step", "by_partner"],
    )
    # Two steps of one name: an event must not follow itself, and the later step looks back first.
    steps["tie"] = steps.groupby("what")["step"].transform("min") + 1
    steps = steps.sort_values("step", ascending=False)
    rows = events.merge(steps, on="what", how="left" if question.order == "strict" else "inner")
    rows["step"] = rows["step"].fillna(NO_STEP).astype("int64")
    rows["tie"] = rows["tie"].fillna(len(steps) + 1).astype("int64")
    rows["unit"] = rows["person"] if question.unit == "person" else rows["couple"].fillna(rows["person"])
    rows = rows[rows["unit"].notna()]
    keys = ["unit"]
    if question.of_both:
        rows, keys = _for_each_beginner(question, rows), ["unit", "beginner"]
    if by_day:
        rows, keys = _for_each_day(question, rows, keys), [*keys, "day"]
    rows["line"] = (
        pd.factorize(rows["unit"])[0] if len(keys) == 1 else rows.groupby(keys, sort=False).ngroup()
    )
    order = (rows["line"] * _MOMENTS + rows["at"]) * _TIES + rows["tie"]
    return rows.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def _for_each_beginner(question: Question, rows: Rows) -> Rows:
    """A couple's events once for each partner who may have begun, without those that are no step then."""
    entering = rows["step"] == 0 if question.order != "any" else rows["by_partner"].eq(False)
    begun = rows.loc[entering & rows["person"].notna(), ["couple", "person"]].drop_duplicates()
    begun = begun.rename(columns={"person": "beginner"})
    rows = rows[rows["person"].notna()].merge(begun, on="couple")
    rows["own"] = rows["person"] == rows["beginner"]
    partners = rows["by_partner"].eq(True)
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


def _in_order(rows: Rows, may_begin: Any, steps: int, window: int | None, *, strict: bool) -> Rows:
    """Every row at which a try has got further, with the moments of its steps.

    A row that does a step goes on from the newest try that did the step before: it has the most time left.
    """
    line, at, position = rows["line"], rows["at"], pd.Series(rows.index, index=rows.index, dtype="float64")
    began = at.where((rows["step"] == 0) & may_begin)
    came_from: list[Any] = []
    level = began.notna().astype("int64")
    for number in range(1, steps):
        held = position.where(began.notna())
        before = held.groupby(line).shift() if strict else held.groupby(line).ffill()
        since = began.reindex(before).set_axis(rows.index)
        does = (rows["step"] == number) & since.notna()
        if window is not None:
            does &= at - since <= window
        began = since.where(does)
        came_from.append(before)
        level = level.mask(does, number + 1)
    found = rows[level > 0].assign(reached=level[level > 0])
    here = pd.Series(found.index, index=found.index, dtype="float64")
    for number in range(steps, 0, -1):
        done = found["reached"] >= number
        found[f"at_{number}"] = at.reindex(here).set_axis(found.index).where(done)
        if number > 1:
            here = came_from[number - 2].reindex(here).set_axis(found.index).where(done, here)
    return found


def _in_any_order(rows: Rows, may_begin: Any, steps: int, window: int | None, *, strict: bool) -> Rows:  # noqa: ARG001 - as `_in_order`
    """Every row at which a try may begin, with the moments of the steps that follow, in the order of time."""
    line, at = rows["line"], rows["at"]
    following = pd.DataFrame(
        {number: at.where(rows["step"] == number).groupby(line).bfill() for number in range(steps)}
    )
    if window is not None:
        following = following.where(following.sub(at, axis=0) <= window)
    following = following[may_begin]
    found = rows[may_begin].assign(reached=following.notna().sum(axis=1))
    moments = pd.DataFrame(
        [sorted(row, key=lambda moment: (moment != moment, moment)) for row in following.to_numpy().tolist()],
        index=following.index,
        columns=[f"at_{number}" for number in range(1, steps + 1)],
        dtype="float64",
    )
    joined: Rows = found.join(moments)
    return joined


def _best(found: Rows, keys: list[str]) -> Rows:
    """Of the tries of each unit the one that got furthest, of those the first, of those the last begun."""
    moments = [name for name in found.columns if name.startswith("at_")]
    found = found.assign(arrived=found[moments].max(axis=1))
    found = found.sort_values(["reached", "arrived", "at_1"], ascending=[False, True, False], kind="stable")
    return found.drop_duplicates(keys)[[*keys, "reached", *moments]].reset_index(drop=True)
