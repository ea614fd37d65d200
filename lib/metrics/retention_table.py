"""Retention in words and as rows of a table and of its CSV: a row for each cell, one for each average."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from lib.core.listing import Column
from lib.metrics.funnels_steps import named
from lib.metrics.retention_read import Asked, Retention

COLUMNS: Final = (
    Column("cohort", "Cohort from", "day"),
    Column("age", "Age", "count"),
    Column("state", "Its time is", "status"),
    Column("size", "Began", "count"),
    Column("returned", "Came back", "count"),
    Column("share", "Share", "percent"),
)
AVERAGE_COLUMNS: Final = (
    Column("age", "Age", "count"),
    Column("pooled", "All as one cohort", "percent"),
    Column("plain", "Each cohort alike", "percent"),
    Column("by_size_twice", "By size, twice (Mixpanel)", "percent"),
    Column("people", "Began, in all", "count"),
    Column("cohorts", "Cohorts that are mature", "count"),
)
_BEGINNINGS: Final = {
    "account": "made an account",
    "first_use": "first did it",
    "every_use": "did it, anew in each period",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One cell with its cohort; `state` is `over`, or `so_far` while its time goes on."""

    cohort: date
    age: int
    state: str
    size: int
    returned: int
    share: Fraction | None


def rows(found: Retention) -> list[Row]:
    """Every cell, the newest cohort first."""
    return [
        Row(
            cohort.start,
            cell.age,
            "over" if cell.mature else "so_far",
            cohort.size,
            cell.returned,
            cell.share,
        )
        for cohort in reversed(found.cohorts)
        for cell in cohort.cells
    ]


def cohort_name(asked: Asked, start: date) -> str:
    """A cohort by its first day; a month's by the month."""
    return f"{start:%Y-%m}" if asked.definition.period == "month" else f"{start:%Y-%m-%d}"


def definition(asked: Asked) -> str:
    """What is counted, as sentences for a reader."""
    who = "Couples, and people without one," if asked.unit == "couple" else "People"
    back = f"Coming back is: {named(asked.what).lower()}."
    refunds = " A period in which a payment was paid back does not count." if asked.what == "paid" else ""
    return f"{who} by when they {_BEGINNINGS[asked.beginning]}. {back} {asked.definition.sentences}{refunds}"
