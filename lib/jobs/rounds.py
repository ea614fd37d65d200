"""Rounds: several jobs, one after the other, for a week or a month that is over.

A round is a run of its own, with what became of each of its steps. A step that fails keeps none of the others
from being done. The next run of the same week or month, after a kill or a failure, does what is missing;
a run by hand after one that is through does everything anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import AdminError, Invalid, Refused
from lib.core.settings import Settings
from lib.jobs import runs

AFTER_A_FAILURE: Final = timedelta(minutes=30)
Outcome = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Going:
    """A round that is under way: the days from `first` to `last` that it is about, and how to tell."""

    database: Database
    settings: Settings
    first: date
    last: date
    now: datetime
    note: Callable[[Outcome], None]
    """Keeps something with the run at once, before the step is done."""
    tell: runs.Tell


Step = Callable[[Going], Outcome]


@dataclass(frozen=True, slots=True)
class Gone:
    """A round for the days from `first` to `last`, and what became of each step."""

    name: str
    first: date
    last: date
    steps: dict[str, Outcome]


@dataclass(frozen=True, slots=True)
class Round:
    """The steps of a round by name, which days it is about, and how long after their end it begins."""

    name: str
    bounds: Callable[[date], tuple[date, date]]
    begins_after: timedelta
    steps: Mapping[str, Step]

    def over(self, day: date, today: date) -> tuple[date, date]:
        """The first and the last day of the period of `day`, or of the one before while that is not over."""
        first, last = self.bounds(day)
        return (first, last) if last < today else self.bounds(first - timedelta(days=1))

    def begun(self, now: datetime) -> tuple[date, date]:
        """The newest period that is over for so long that its round has begun."""
        reached = (now - self.begins_after).date()
        return self.over(reached, reached)

    def is_due(self, database: Database, now: datetime) -> bool:
        """Once for each period when it is over; half an hour after a run that failed or was killed."""
        first, _ = self.begun(now)
        newest = runs.latest(database, self.name)
        if newest is not None and newest.state != "done":
            held = newest.lease_until is not None and newest.lease_until >= now
            return not held and now - newest.started_at >= AFTER_A_FAILURE
        return runs.latest(database, self.name, state="done", argument=first.isoformat()) is None

    def run_for_day(
        self,
        database: Database,
        day: date,
        settings: Settings,
        now: datetime,
        *,
        progress: Callable[[str, int], None] = lambda _step, _done: None,
    ) -> Gone:
        """Do every step that an earlier run of the same period did not; `progress` hears of each.

        Today stands for the newest period whose round has begun, another day for its own if that is over.
        Raises Refused while another process does the same, and when a step failed; what was done stays done.
        Raises Invalid for a day that has not come.
        """
        if day > now.date():
            raise Invalid(f"{day} has not come yet. The {self.name} round is for what is over.")
        first, last = self.begun(now) if day == now.date() else self.over(day, now.date())
        argument = first.isoformat()
        before = runs.latest(database, self.name, argument=argument)
        with runs.running(
            database, self.name, argument=argument, total=len(self.steps), clock=moments.now
        ) as run:
            steps: dict[str, Outcome] = run.summary.setdefault("steps", {})
            if before is not None and before.state != "done":
                steps |= {name: was for name, was in before.summary.get("steps", {}).items() if "done" in was}
            for number, (name, step) in enumerate(self.steps.items()):
                progress(name, number)
                if name not in steps:
                    _do(run, name, number, step, Gone(self.name, first, last, steps), settings, now)
            progress("", len(self.steps))
            failed = [f"{name}: {step['failed']}" for name, step in steps.items() if "failed" in step]
            if failed:
                raise Refused(f"Of the {self.name} round this was not done. {' '.join(failed)}")
        return Gone(self.name, first, last, steps)


def _do(
    run: runs.Run, name: str, number: int, step: Step, round_: Gone, settings: Settings, now: datetime
) -> None:
    outcome = round_.steps.setdefault(name, {})

    def tell(_done: int) -> None:
        run.progress(number)

    def note(found: Outcome) -> None:
        outcome.update(found)
        run.progress(number)

    try:
        outcome |= step(Going(run.database, settings, round_.first, round_.last, now, note, tell))
    except AdminError as error:
        outcome["failed"] = str(error)
    else:
        outcome["done"] = moments.now().isoformat()
    run.progress(number + 1)
