"""A test's cells as the arms that statistics are made of: whole, by segment, or without some couples."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.metrics.experiment_sums import Summed
from lib.metrics.stats import Arm, BeforeTest, Clusters, Guardrail
from lib.metrics.stats.samples import Unit
from lib.models import ExperimentCell, ExperimentDay
from lib.models.experiments import CELL_KEY, CELL_SUMS

Deciding = Literal["paid", "claimed", "revenue"]
Segment = Literal["plan", "device", "arrival"]

SEGMENTS: Final[Mapping[Segment, str]] = {"plan": "Plan", "device": "Device", "arrival": "New or old"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: what its units have in common, and their sums by the names of `CELL_SUMS`."""

    variant_id: str
    contaminated: bool
    plan: str
    device: str
    arrival: str
    sums: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Day:
    """What the units that came into an arm on a day came to since; cents of their first 30 days."""

    variant_id: str
    day: date
    units: int
    claimed: int
    conversions: int
    cents: int


@dataclass(frozen=True, slots=True)
class Cells:
    """A test's cells and days for one unit."""

    unit: Unit
    cells: Sequence[Cell]
    days: Sequence[Day]

    def total(self, variant_id: str, chosen: Callable[[Cell], bool] = lambda _: True) -> Mapping[str, int]:
        """The sums of an arm's cells that are chosen, all of them if nothing is said."""
        found: dict[str, int] = dict.fromkeys(CELL_SUMS, 0)
        for cell in self.cells:
            if cell.variant_id == variant_id and chosen(cell):
                for name, number in cell.sums.items():
                    found[name] += number
        return found

    def values(self, segment: Segment) -> list[str]:
        """The values of a segment, the one with the most units first."""
        units: dict[str, int] = defaultdict(int)
        for cell in self.cells:
            units[getattr(cell, segment)] += cell.sums["units"]
        return sorted(units, key=lambda value: (-units[value], value))


def of_rows(summed: Summed) -> Cells:
    """Cells that were summed just now."""
    return Cells(
        summed.unit,
        [_cell(row) for row in summed.cells],
        [Day(**{name: row[name] for name in Day.__dataclass_fields__}) for row in summed.days],
    )


def stored(session: Session, test_name: str, unit: Unit) -> Cells:
    """Cells as they were counted last; none for a test that never was. Two statements."""
    cell, day = ExperimentCell, ExperimentDay
    rows = session.execute(select(cell.__table__).where(cell.test_name == test_name, cell.unit == unit))
    days = session.execute(
        select(day.__table__).where(day.test_name == test_name, day.unit == unit).order_by(day.day)
    )
    return of_rows(Summed(unit, [dict(r) for r in rows.mappings()], [dict(r) for r in days.mappings()]))


def stored_of(session: Session, test_names: Collection[str], unit: Unit) -> dict[str, Cells]:
    """The cells of several tests by name, without their days. One statement."""
    found: dict[str, list[Cell]] = defaultdict(list)
    cell = ExperimentCell
    rows = session.execute(select(cell.__table__).where(cell.test_name.in_(test_names), cell.unit == unit))
    for row in rows.mappings():
        found[row["test_name"]].append(_cell(dict(row)))
    return {name: Cells(unit, cells, []) for name, cells in found.items()}


def arms(
    cells: Cells,
    variants: Mapping[str, str],
    deciding: Deciding,
    chosen: Callable[[Cell], bool] = lambda _: True,
) -> list[Arm]:
    """The arms of a test, `variants` being names by id, out of the cells that are chosen.

    Without anybody who paid before the test there is no period before.
    """
    found = [_arm(name, cells.unit, cells.total(key, chosen), deciding) for key, name in variants.items()]
    before = any(arm.before is not None and arm.before.cents for arm in found)
    return found if before else [replace(arm, before=None) for arm in found]


def kept_arms(cells: Cells, variants: Mapping[str, str]) -> list[Arm]:
    """The arms in kept money, of units whose 65 days are over: a conversion is one that kept paying."""
    found = {name: cells.total(key) for key, name in variants.items()}
    return [
        Arm(name, sums["kept_units"], sums["kept_paid"], sums["kept_cents"], sums["kept_squares"])
        for name, sums in found.items()
    ]


def guardrails(cells: Cells, variants: Mapping[str, str]) -> list[Guardrail]:
    """What must not get worse, by variant."""
    found = {name: cells.total(key) for key, name in variants.items()}

    def rail(name: str, title: str, events: str, units: str) -> Guardrail:
        return Guardrail(
            name,
            title,
            {arm: sums[events] for arm, sums in found.items()},
            {arm: sums[units] for arm, sums in found.items()},
        )

    return [
        rail("refunds", "Refunds", "refunded", "units"),
        rail("errors", "Errors", "erred", "units"),
        rail("churn", "Churn", "churned", "subscribed"),
    ]


def _cell(row: Mapping[str, Any]) -> Cell:
    key = {name: row[name] for name in CELL_KEY if name != "unit"}
    return Cell(sums={name: row[name] for name in CELL_SUMS}, **key)


def _arm(name: str, unit: Unit, sums: Mapping[str, int], deciding: Deciding) -> Arm:
    claimed = deciding == "claimed"
    before = BeforeTest(
        sums["before_cents"],
        sums["before_squares"],
        sums["before_cross"],
        sums["before_claimed" if claimed else "before_conversions"],
    )
    clusters = Clusters(
        sums["clusters"],
        sums["users_squared"],
        sums["claimed_squared" if claimed else "conversions_squared"],
        sums["users_by_claimed" if claimed else "users_by_conversions"],
        sums["cents_squared"],
        sums["users_by_cents"],
    )
    return Arm(
        name,
        sums["units"],
        sums["claimed" if claimed else "conversions"],
        sums["cents"],
        sums["squares"],
        before,
        clusters if unit == "user" else None,
    )
