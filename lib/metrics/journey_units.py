"""The people and couples behind a step or a cell, by the names that the reader may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import literal, select
from sqlalchemy.orm import aliased

from lib.core.access import Permission
from lib.core.listing import PAGE_SIZE, Column, Page
from lib.core.work import View, query
from lib.metrics.funnels import Unit
from lib.metrics.funnels_table import AtStep
from lib.models import Relationship, User

_PAGES: Final = {"couple": "relationships", "person": "users"}
COLUMNS: Final = (
    Column("name", "Who"),
    Column("partner", "Partner"),
    Column("entered_at", "Entered", "moment"),
    Column("last_at", "Last step", "moment"),
    Column("steps", "Steps done", "count"),
    Column("id", "Id", "id"),
    Column("address", "Page", "link"),
)
COLUMNS_OF_A_COHORT: Final = (
    Column("name", "Who"),
    Column("partner", "Partner"),
    Column("entered_at", "Began", "moment"),
    Column("id", "Id", "id"),
    Column("address", "Page", "link"),
)


@dataclass(frozen=True, slots=True)
class Named:
    """One couple or person of a list; `address` is that of its page: a visitor has none."""

    id: str
    address: str | None
    name: str
    partner: str | None
    entered_at: datetime
    last_at: datetime
    steps: int


@query(Permission.PEOPLE_READ)
def names(view: View, unit: Unit, found: Sequence[AtStep], number: int = 1) -> Page:
    """One page of those that were found, with names, masked unless revealed. One statement.

    A number past the end gives the last page.
    """
    number = max(1, min(number, -(-len(found) // PAGE_SIZE)))
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    known = _known(view, unit, [each.unit for each in shown])
    rows: list[Any] = []
    for each in shown:
        name, partner = known.get(each.unit, ("A visitor without an account", None))
        address = f"/{_PAGES[unit]}?{urlencode({'id': each.unit})}" if each.unit in known else None
        rows.append(Named(each.unit, address, name, partner, each.entered_at, each.last_at, each.steps))
    return Page(rows, number, PAGE_SIZE, len(found))


def _known(view: View, unit: Unit, ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    first, second = aliased(User, name="first_partner"), aliased(User, name="second_partner")
    if unit == "person":
        chosen = select(User.id, User.name, literal("").label("partner")).where(User.id.in_(ids))
    else:
        chosen = (
            select(Relationship.id, first.name, second.name.label("partner"))
            .outerjoin(first, first.id == Relationship.user_1_id)
            .outerjoin(second, second.id == Relationship.user_2_id)
            .where(Relationship.id.in_(ids))
        )
    return {row.id: (row.name or "–", row.partner or None) for row in view.session.execute(chosen)}
