"""Funnels read from the database: any question from raw rows, a ready-made one as the job counted it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import pandas as pd
from sqlalchemy import Select, and_, case, func, select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.work import View, query
from lib.metrics import funnels, funnels_ready, funnels_steps
from lib.metrics.figure import Basis
from lib.metrics.funnels import Question, Rows, StepCount
from lib.metrics.funnels_steps import ANY_EVENT
from lib.models import FunnelDay, FunnelEntry
from lib.models.expressions import seconds_of

LONGEST: Final = timedelta(days=732)
NOT_COUNTED: Final = (
    "This funnel was not counted for these days yet. The worker counts it after midnight; "
    "`python -m lib jobs run funnels` does it now."
)
NOBODY: Final = "Nobody entered this funnel in these days."


@dataclass(frozen=True, slots=True)
class Walked:
    """How far each unit came (`funnels.walks`), and `future`: rows left out for a clock that is wrong."""

    question: Question
    rows: Rows
    future: int
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Funnel:
    """The figures of a funnel for some days.

    `waiting`: those that entered so lately that they may still come further. `days_missing`: days of the
    choice that the job has not counted. `why_not` where there is nothing to show.
    """

    question: Question
    since: date
    until: date
    steps: tuple[StepCount, ...]
    waiting: int
    future: int
    days_missing: int
    basis: Basis
    why_not: str | None


@query(Permission.FUNNELS_READ)
def walked(view: View, question: Question, since: date, until: date) -> Walked:
    """Answer a question from the raw rows: who entered on these days (UTC, both included) came how far.

    Two statements. Raises Invalid for days that are turned round, begin in the future or are too many, and
    for a step that nothing notes.
    """
    check_days(view, since, until)
    rows = funnels.walks(question, events_of(view, question, since, until), since, until)
    future = funnels_steps.in_the_future(view.session, whats_of(question), view.now)
    return Walked(question, rows, future, view.now)


@query(Permission.FUNNELS_READ)
def ready_walked(view: View, name: str, since: date, until: date) -> Walked:
    """Who entered a ready-made funnel on these days came how far, as the job counted it. One statement.

    Raises NotFound for a name that is none, and Invalid as `walked` does.
    """
    question = funnels_ready.named(name).question
    check_days(view, since, until)
    return Walked(question, _entries(view, name, question, since, until, at_least=1), 0, view.now)


@query(Permission.FUNNELS_READ)
def ready(view: View, name: str, since: date, until: date) -> Funnel:
    """The figures of a ready-made funnel from what the job counted. Three statements.

    Raises as `ready_walked` does.
    """
    question = funnels_ready.named(name).question
    check_days(view, since, until)
    lately = view.now - (question.window or timedelta(0))
    entry, last = FunnelEntry, len(question.steps)
    may_come = and_(entry.entered_at > lately, entry.reached < last)
    entered, waiting = view.session.execute(
        select(
            func.count(entry.unit_id.distinct()), func.count(case((may_come, entry.unit_id)).distinct())
        ).where(entry.funnel == name, entry.entered_on.between(since, until))
    ).one()
    days, computed_at = view.session.execute(
        select(func.count(), func.max(FunnelDay.computed_at)).where(
            FunnelDay.funnel == name, FunnelDay.day.between(since, until)
        )
    ).one()
    came = _entries(view, name, question, since, until, at_least=2)
    begun = (min(until, view.now.date()) - since).days + 1
    return Funnel(
        question,
        since,
        until,
        funnels.count(question, came, entered=entered),
        waiting,
        0,
        begun - days,
        Basis(None, entered, _units(question), computed_at),
        NOT_COUNTED if not days else NOBODY if not entered else None,
    )


def counted(found: Walked, since: date, until: date) -> Funnel:
    """The figures of a funnel that was read from the raw rows."""
    question, rows = found.question, found.rows
    waiting = 0
    if question.window is not None:
        lately = (found.read_at - question.window).timestamp()
        waiting = int(((rows["at_1"] > lately) & (rows["reached"] < len(question.steps))).sum())
    return Funnel(
        question,
        since,
        until,
        funnels.count(question, rows),
        waiting,
        found.future,
        0,
        Basis(None, len(rows), _units(question), found.read_at),
        None if len(rows) else NOBODY,
    )


@query(Permission.FUNNELS_READ)
def known_whats(view: View) -> list[str]:
    """Everything that can be a step."""
    return funnels_steps.known_whats(view.session)


def check_days(view: View, since: date, until: date) -> None:
    """Raise Invalid for days that nobody can have entered on, or that are more than two years."""
    if since > until:
        raise Invalid(f"The days are turned round: {since} comes after {until}.")
    if since > view.now.date():
        raise Invalid(f"{since} has not begun yet (UTC), so nobody can have entered.")
    if until - since >= LONGEST:
        raise Invalid(f"From {since} to {until} is more than two years. Choose fewer days.")


def whats_of(question: Question) -> list[str]:
    """What the steps are, each once."""
    return list(dict.fromkeys(step.what for step in question.steps))


def events_of(view: View, question: Question, since: date, until: date) -> Rows:
    """What happened from the first day until the last window closes, as far as the question looks at it."""
    whats = whats_of(question)
    last = view.now.date() if question.window is None else until + question.window + timedelta(days=1)
    return funnels_steps.happened(
        view.session,
        [*whats, ANY_EVENT] if question.order == "strict" else whats,
        since,
        min(last, view.now.date()),
        view.now,
        of_both=question.of_both,
        couples=question.unit == "couple",
    )


def _entries(view: View, name: str, question: Question, since: date, until: date, *, at_least: int) -> Rows:
    """What the job stored, as `funnels.walks` has it: each unit with the best of its days."""
    number = len(question.steps)
    entry = FunnelEntry
    seconds = [getattr(entry, f"seconds_{step}") for step in range(2, number + 1)]
    chosen: Select[*tuple[Any, ...]] = select(
        entry.unit_id, entry.reached, seconds_of(entry.entered_at), *seconds
    ).where(entry.funnel == name, entry.entered_on.between(since, until), entry.reached >= at_least)
    moments = [f"at_{step}" for step in range(1, number + 1)]
    rows = [tuple(row) for row in view.session.execute(chosen)]
    found = pd.DataFrame(rows, columns=["unit", "reached", *moments])
    found[moments] = found[moments].astype("float64").cumsum(axis=1, skipna=False)
    return funnels.best(found, ["unit"])


def _units(question: Question) -> str:
    who = "couples" if question.unit == "couple" else "people"
    visitors = any(what.startswith(funnels_steps.STEP) for what in whats_of(question))
    return f"{who} and visitors" if visitors else who
