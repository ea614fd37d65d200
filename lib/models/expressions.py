"""SQL that each engine spells its own way, so that an index serves it."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Text, and_
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


class moved(FunctionElement[datetime]):  # noqa: N801 - reads as a SQL function
    """The moment so many days (of 24 hours, before where negative) after a sortable moment; sortable, too."""

    name = "moved"
    type = Moment()
    inherit_cache = True


@compiles(moved, "sqlite")
def _moved_text(element: moved, compiler: SQLCompiler, **options: Any) -> str:
    moment, days = (compiler.process(clause, **options) for clause in element.clauses)
    return f"datetime({moment}, {days} || ' days')"


@compiles(moved, "postgresql")
def _moved_interval(element: moved, compiler: SQLCompiler, **options: Any) -> str:
    moment, days = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({moment} + CAST({days} AS INTEGER) * INTERVAL '24 hours')"


class seconds_of(FunctionElement[int]):  # noqa: N801 - reads as a SQL function
    """A Moment as whole seconds since 1970, whichever text form it has on SQLite."""

    name = "seconds_of"
    type = Integer()
    inherit_cache = True


@compiles(seconds_of, "sqlite")
def _unixepoch(element: seconds_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"unixepoch({compiler.process(element.clauses, **options)})"


@compiles(seconds_of, "postgresql")
def _extracted(element: seconds_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(FLOOR(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **options)})) AS BIGINT)"


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


class json_text(FunctionElement[str]):  # noqa: N801 - reads as a SQL function
    """What a JSON document holds under a key, as text; NULL where there is no such key, or no JSON at all."""

    name = "json_text"
    type = Text()
    inherit_cache = False

    def __init__(self, document: Any, key: str) -> None:
        if not key.isidentifier():
            raise ValueError(f"{key!r} is no key that can stand in a path.")
        super().__init__(document)
        self.key_in_document = key


@compiles(json_text, "sqlite")
def _json_extract(element: json_text, compiler: SQLCompiler, **options: Any) -> str:
    document = compiler.process(element.clauses, **options)
    path = f"json_extract({document}, '$.{element.key_in_document}')"
    return f"CASE WHEN json_valid({document}) THEN {path} END"


@compiles(json_text, "postgresql")
def _json_member(element: json_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} ->> '{element.key_in_document}')"
