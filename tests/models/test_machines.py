"""States as data: closed, known to the database, told in the documentation, and kept to by every write."""

import re

import pytest
from sqlalchemy import CheckConstraint, Table

from lib.core.database import Database
from lib.core.guard import ImpossibleMove
from lib.core.settings import ROOT
from lib.core.work import Work, job, working
from lib.models import Base, Refund
from lib.models.machines import MACHINES, Machine
from lib.payments.operations import WORKER
from tests.factories import make_refund

EVERY = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES.keys())


def states_of(table: Table, column: str) -> set[str]:
    """The states that the table's CHECK has room for."""
    checks = [
        str(constraint.sqltext)
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint) and str(constraint.sqltext).startswith(f"{column} IN")
    ]
    return set(re.findall(r"'(\w+)'", checks[0]))


@EVERY
def test_a_machine_has_the_states_of_its_table_and_no_others(machine: Machine) -> None:
    known = states_of(Base.metadata.tables[machine.table], machine.column)

    assert machine.moves.keys() == known
    assert machine.begins <= known
    assert {after for following in machine.moves.values() for after in following} <= known


@EVERY
def test_every_state_can_be_reached(machine: Machine) -> None:
    reached = set(machine.begins)
    while more := {after for state in reached for after in machine.moves[state]} - reached:
        reached |= more

    assert reached == machine.moves.keys()


def test_the_documentation_tells_every_move() -> None:
    told = (ROOT / "docs" / "operations.md").read_text()
    moves = [
        f"| `{machine.table}` | {before} | {after} | {why} |"
        for machine in MACHINES.values()
        for before, following in machine.moves.items()
        for after, why in following.items()
    ]

    assert told[told.index("## States") :].splitlines()[6:] == moves


def test_a_move_that_is_none_is_a_bug_and_writes_nothing(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    refund = make_refund(database, status="processed")

    @job
    def deny(work: Work) -> None:
        work.session.get_one(Refund, refund).status = "denied"

    with (
        pytest.raises(ImpossibleMove, match="'denied' cannot follow 'processed'"),
        working(database, WORKER) as work,
    ):
        deny(work)
    with database.primary.connect() as connection:
        assert connection.exec_driver_sql("SELECT status FROM refunds").scalar() == "processed"
    database.dispose()
