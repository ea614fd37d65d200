"""Retention read from the database: any definition from raw rows, the usual ones as the job counted them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal

import pandas as pd
from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.work import View, query
from lib.metrics import funnels_steps, retention
from lib.metrics.figure import Basis
from lib.metrics.funnels import UNITS, Rows, Unit, moment_of
from lib.metrics.funnels_steps import PAID_BACK
from lib.metrics.funnels_table import AtStep
from lib.metrics.retention import Average, Cohort, Counts, Definition
from lib.models import RetentionCell

Beginning = Literal["account", "first_use", "every_use"]
BEGINNINGS: Final[tuple[Beginning, ...]] = ("account", "first_use", "every_use")
MOST_COHORTS: Final = 60
NOT_COUNTED: Final = (
    "These cohorts were not counted yet. The worker counts them after midnight; "
    "`python -m lib jobs run retention` does it now."
)
NOBODY: Final = "Nobody began in this time."


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose coming back is asked for: by what (`funnels_steps`), since what beginning, by which definition.

    The newest of the `cohorts` is the one that today lies in. `definition.cohort` follows from the beginning.
    Raises Invalid for what cannot be asked.
    """

    what: str = "visit"
    beginning: Beginning = "account"
    definition: Definition = field(default_factory=Definition)
    unit: Unit = "couple"
    cohorts: int = 12

    def __post_init__(self) -> None:
        """Check that it can be answered."""
        if self.beginning not in BEGINNINGS or self.unit not in UNITS:
            raise Invalid(f"A cohort begins with {', '.join(BEGINNINGS)}, and counts a couple or a person.")
        if not 1 <= self.cohorts <= MOST_COHORTS:
            raise Invalid(f"Ask for 1 to {MOST_COHORTS} cohorts, not {self.cohorts}.")
        if (self.definition.cohort == "recurring") != (self.beginning == "every_use"):
            raise Invalid("Only who begins with every use is in more than one cohort.")

    def first(self, today: date) -> date:
        """The first day of the oldest cohort."""
        return retention.start_of(today, self.definition, self.cohorts - 1)


@dataclass(frozen=True, slots=True)
class Kept:
    """Who is in which cohort and who came back when (`retention.members`, `retention.returned`)."""

    asked: Asked
    members: Rows
    came: Rows
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Retention:
    """Cohorts with their averages; `why_not` where there is nothing to show."""

    asked: Asked
    cohorts: tuple[Cohort, ...]
    averages: tuple[Average, ...]
    basis: Basis
    why_not: str | None


READY: Final = {
    f"{unit} {period}": Asked(definition=Definition(period), unit=unit, cohorts=24)
    for unit in UNITS
    for period in retention.PERIODS
    if period != "day"
}
"""What is asked every day: visits since the account was made, by calendar weeks and months."""


def ready_name(asked: Asked) -> str | None:
    """The name under which the job counted what is asked; None where it did not."""
    for name, ready in READY.items():
        if asked.cohorts <= ready.cohorts and asked == Asked(
            ready.what, ready.beginning, ready.definition, ready.unit, asked.cohorts
        ):
            return name
    return None


@query(Permission.RETENTION_READ)
def kept(view: View, asked: Asked) -> Kept:
    """Answer from the raw rows. Two statements, three where payments may be paid back.

    Raises Invalid for a `what` that nothing notes.
    """
    first, couples = asked.first(view.now.date()), asked.unit == "couple"
    definition = asked.definition
    returns = _happened(view, asked.what, first, couples=couples)
    if asked.beginning == "every_use":
        beginnings = returns
    else:
        what = "signed_up" if asked.beginning == "account" else asked.what
        beginnings = funnels_steps.firsts(view.session, what, first, view.now, couples=couples)
    losses = _happened(view, PAID_BACK, first, couples=couples) if asked.what == "paid" else None
    members = retention.members(definition, beginnings, first, asked.cohorts)
    came = retention.returned(definition, members, returns, first, asked.cohorts, losses)
    return Kept(asked, members, came, view.now)


def counted(found: Kept) -> Retention:
    """The table of what was read from the raw rows."""
    counts = retention.counts_of(found.asked.definition, found.came)
    return _table(found.asked, counts, found.read_at, NOBODY)


@query(Permission.RETENTION_READ)
def ready(view: View, asked: Asked) -> Retention:
    """The table as the job counted it. One statement.

    Raises Invalid for what the job does not count (`ready_name`).
    """
    name = ready_name(asked)
    if name is None:
        raise Invalid("The job does not count retention by this definition.")
    cell, first = RetentionCell, asked.first(view.now.date())
    rows = view.session.execute(
        select(cell.cohort, cell.age, cell.returned, cell.computed_at).where(
            cell.definition == name, cell.cohort >= first
        )
    ).all()
    start = retention.number_of(first, asked.definition)
    counts = {
        (retention.number_of(row.cohort, asked.definition) - start, row.age): row.returned for row in rows
    }
    newest = max((row.computed_at for row in rows), default=None)
    return _table(asked, counts, newest or view.now, NOBODY if rows else NOT_COUNTED)


def of_cell(found: Kept, cohort: date, age: int, *, back: bool) -> list[AtStep]:
    """Who of a cohort came back at an age, or who did not, the newest beginning first."""
    definition = found.asked.definition
    first = found.asked.first(found.read_at.date())
    number = retention.number_of(cohort, definition) - retention.number_of(first, definition)
    came = found.came[found.came["cohort"] == number]
    at_age = came["age"] >= age if definition.counting == "on_or_after" and age else came["age"] == age
    members = found.members[found.members["cohort"] == number]
    chosen = members[members["unit"].isin(came.loc[at_age, "unit"]) == back]
    chosen = chosen.sort_values(["at", "unit"], ascending=[False, True])
    return [
        AtStep(str(row["unit"]), moment_of(row["at"]), moment_of(row["at"]), 0)
        for row in chosen.to_dict("records")
    ]


def _table(asked: Asked, counts: Counts, now: datetime, why_not: str) -> Retention:
    first = asked.first(now.date())
    cohorts, averages = retention.table(asked.definition, counts, first, asked.cohorts, now)
    people = sum(cohort.size for cohort in cohorts)
    of_what = "couples" if asked.unit == "couple" else "people"
    basis = Basis(None, people, of_what, now)
    return Retention(asked, cohorts, averages, basis, None if people else why_not)


def _happened(view: View, what: str, since: date, *, couples: bool) -> Rows:
    """When each unit did something since a day: unit, at."""
    events = funnels_steps.happened(
        view.session, [what], since, view.now.date(), view.now, of_both=False, couples=couples
    )
    unit: Any = events["couple"].astype(object)
    unit = unit.where(unit.notna(), events["person"].astype(object))
    found = pd.DataFrame({"unit": unit, "at": events["at"]})
    return found[found["unit"].notna()]
