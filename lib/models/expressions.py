"""SQL that each engine spells its own way, so that an index serves it."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from lib.models.types import Day, Moment

_LAST: Final = "\U0010ffff"


class folded(FunctionElement[str]):  # noqa: N801 - reads as a SQL function
    """A text without its case, in the order of bytes: what revision 0101 indexes for e-mails and names.

    `COLLATE NOCASE` on SQLite and D1 (it folds the letters of ASCII only), `lower() COLLATE "C"` on PostgreSQL.
    """

    name = "folded"
    type = Text()
    inherit_cache = True


@compiles(folded, "sqlite")
def _nocase(element: folded, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} COLLATE NOCASE"


@compiles(folded, "postgresql")
def _lower(element: folded, compiler: SQLCompiler, **options: Any) -> str:
    return f'lower({compiler.process(element.clauses, **options)}) COLLATE "C"'


class days_after(FunctionElement[date]):  # noqa: N801 - reads as a SQL function
    """The day so many days, one or more, after a Day."""

    name = "days_after"
    type = Day()
    inherit_cache = True


@compiles(days_after, "sqlite")
def _date_text(element: days_after, compiler: SQLCompiler, **options: Any) -> str:
    day, number = (compiler.process(clause, **options) for clause in element.clauses)
    return f"date({day}, '+' || {number} || ' days')"


@compiles(days_after, "postgresql")
def _date_sum(element: days_after, compiler: SQLCompiler, **options: Any) -> str:
    day, number = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({day} + CAST({number} AS INTEGER))"


class days_later(FunctionElement[datetime]):  # noqa: N801 - reads as a SQL function
    """The moment so many times 24 hours after a sortable one, in the form that sorts."""

    name = "days_later"
    type = Moment()
    inherit_cache = True


@compiles(days_later, "sqlite")
def _moment_text(element: days_later, compiler: SQLCompiler, **options: Any) -> str:
    moment, number = (compiler.process(clause, **options) for clause in element.clauses)
    return f"datetime({moment}, '+' || {number} || ' days')"


@compiles(days_later, "postgresql")
def _moment_sum(element: days_later, compiler: SQLCompiler, **options: Any) -> str:
    moment, number = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({moment} + CAST({number} AS INTEGER) * INTERVAL '24 hours')"


class month_of(FunctionElement[str]):  # noqa: N801 - reads as a SQL function
    """The month of a Day as text: `2026-06`."""

    name = "month_of"
    type = Text()
    inherit_cache = True


@compiles(month_of, "sqlite")
def _month_text(element: month_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 7)"


@compiles(month_of, "postgresql")
def _month_char(element: month_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)}, 'YYYY-MM')"


def starts_with(column: Any, prefix: str) -> ColumnElement[bool]:
    """Whether a text begins with a prefix, whatever the case of its letters.

    A range rather than LIKE: D1 refuses patterns over 50 bytes, and an escaped pattern reads the whole table.
    """
    low = prefix.lower()
    return and_(folded(column) >= low, folded(column) < low + _LAST)
