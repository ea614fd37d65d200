"""The session that cannot forget: no write outside an action, no lost update, every change noted.

An ORM update is by key alone, and production's tables have no version column: of two people who approve and
deny one refund, both would succeed. So a change is a compare-and-set, here, for every row of every action:

    UPDATE ... WHERE id = ? AND <each changed column, and status> still = <what was read>
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, Table, Update, bindparam, event, inspect, update
from sqlalchemy.orm import InstanceState, Mapper, ORMExecuteState, Session
from sqlalchemy.orm.attributes import set_committed_value

from lib.core.audit import Draft
from lib.core.errors import Refused
from lib.models import AuditedObject, AuditEntry, AuditHead, User
from lib.models.machines import MACHINES
from lib.models.types import Json, Moment, sortable

Phase = Literal["reading", "acting", "job", "auditing"]

_UNAUDITED = (AuditEntry, AuditedObject, AuditHead)


class WriteOutsideAction(RuntimeError):
    """A bug of ours: rows were changed by code that is neither an @action nor a @job."""


class ImpossibleMove(RuntimeError):
    """A bug of ours: a row was to go from a state to one that cannot follow it (`lib.models.machines`)."""


class GuardedSession(Session):
    """A session in one of four phases: reading (nothing may change), acting, job (bulk too), auditing."""

    phase: Phase = "reading"
    draft: Draft | None = None
    moment: datetime | None = None


@event.listens_for(GuardedSession, "before_flush")
def _before_flush(session: GuardedSession, *_: Any) -> None:
    if session.phase == "auditing":
        return
    changed = [row for row in session.dirty if session.is_modified(row)]
    if session.phase == "reading":
        if changed or session.new or session.deleted:
            raise WriteOutsideAction("Rows were changed outside an @action.")
        return
    assert session.draft is not None, "an action has a draft of its audit entry"
    for row in changed:
        _compare_and_set(session, row)
    for row in session.deleted:
        _note_deleted(session.draft, row)


@event.listens_for(GuardedSession, "after_flush")
def _after_flush(session: GuardedSession, *_: Any) -> None:
    """Note what is new: only now is a key known that the database makes."""
    if session.phase in {"acting", "job"} and session.draft is not None:
        for row in session.new:
            _note_new(session.draft, row)


@event.listens_for(GuardedSession, "do_orm_execute")
def _on_execute(execution: ORMExecuteState) -> None:
    session = execution.session
    assert isinstance(session, GuardedSession)
    if not execution.is_select and session.phase not in {"job", "auditing"}:
        raise WriteOutsideAction("Bulk statements would escape the audit: change rows, or write a @job.")


def _compare_and_set(session: GuardedSession, row: Any) -> None:
    state: InstanceState[Any] = inspect(row)
    table = state.mapper.local_table
    assert isinstance(table, Table)
    changes = dict(_changes(state))
    if not changes:
        return
    if "updated_at" in table.c and "updated_at" not in changes and session.moment:
        row.updated_at = session.moment
        changes |= dict(_changes(state, only="updated_at"))
    _hold_to_its_machine(table.name, changes)
    expected = {name: before for name, (before, _) in changes.items() if name != "updated_at"}
    if "status" in table.c:
        expected.setdefault("status", row.status)
    keys = {column.name: state.attrs[_attribute(state.mapper, column)].value for column in table.primary_key}
    result = session.connection().execute(
        _if_still(table, tuple(changes), tuple((name, before is None) for name, before in expected.items())),
        {f"key_{name}": value for name, value in keys.items()}
        | {f"was_{name}": before for name, before in expected.items()}
        | {f"now_{name}": after for name, (_, after) in changes.items()},
    )
    if result.rowcount != 1:
        raise Refused(
            "Somebody changed this while you were looking at it. Nothing was done; reload and look again."
        )
    for name, (_, after) in changes.items():
        set_committed_value(row, _attribute(state.mapper, table.c[name]), after)
    assert session.draft is not None
    noted = session.draft.changes.setdefault(_where(state), {})
    for name, (before, after) in changes.items():
        first = noted[name][0] if name in noted else before
        noted[name] = [first, after]


def _hold_to_its_machine(table: str, changes: Mapping[str, tuple[Any, Any]]) -> None:
    machine = MACHINES.get(table)
    if machine is None or not machine.held or machine.column not in changes:
        return
    before, after = changes[machine.column]
    if not machine.may(before, after):
        raise ImpossibleMove(f"{table}: {after!r} cannot follow {before!r}.")


def _changes(state: InstanceState[Any], only: str | None = None) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Changed columns by name, each with what was read and what is wanted."""
    for attribute in state.mapper.column_attrs:
        name = attribute.columns[0].name
        if only and name != only:
            continue
        history = state.attrs[attribute.key].history
        if not history.has_changes():
            continue
        if not history.deleted:
            raise RuntimeError(f"{_where(state)}: {name} was set before it was read; read the row first.")
        yield name, (next(iter(history.deleted)), next(iter(history.added)))


@lru_cache(maxsize=512)
def _if_still(table: Table, changed: tuple[str, ...], expected: tuple[tuple[str, bool], ...]) -> Update:
    """Sets columns of one row to `now_…` where its key is `key_…` and others are still as in `was_…`.

    `expected`: those other columns, and whether each was NULL. Kept, because to put such a statement together
    takes longer than to carry it out.
    """
    guards = [column == bindparam(f"key_{column.name}") for column in table.primary_key]
    guards += [still for name, was_null in expected if (still := _still(table.c[name], was_null)) is not None]
    return update(table).where(*guards).values({table.c[name]: bindparam(f"now_{name}") for name in changed})


def _still(column: Column[Any], was_null: bool) -> ColumnElement[bool] | None:
    """The condition that a column is as it was read; None where text forms make that unknowable."""
    if was_null:
        return column.is_(None)
    if isinstance(column.type, Json):
        return None
    compared: ColumnElement[Any] = sortable(column) if isinstance(column.type, Moment) else column
    unchanged: ColumnElement[bool] = compared == bindparam(f"was_{column.name}")
    return unchanged


def _note_new(draft: Draft, row: Any) -> None:
    if isinstance(row, _UNAUDITED):
        return
    state: InstanceState[Any] = inspect(row)
    values = {
        attribute.columns[0].name: [None, getattr(row, attribute.key)]
        for attribute in state.mapper.column_attrs
        if attribute.key in state.dict and getattr(row, attribute.key) is not None
    }
    draft.changes[_where(state)] = values


def _note_deleted(draft: Draft, row: Any) -> None:
    if isinstance(row, User):
        raise Refused(
            "A person's row is never deleted: payments must stay seven years. Erase the person instead."
        )
    state: InstanceState[Any] = inspect(row)
    draft.changes[_where(state)] = {
        attribute.columns[0].name: [getattr(row, attribute.key), None]
        for attribute in state.mapper.column_attrs
    }


def _where(state: InstanceState[Any]) -> str:
    keys = [str(state.attrs[_attribute(state.mapper, column)].value) for column in state.mapper.primary_key]
    return f"{state.mapper.local_table.description}/{':'.join(keys)}"


def _attribute(mapper: Mapper[Any], column: Any) -> str:
    return mapper.get_property_by_column(column).key
