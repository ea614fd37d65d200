"""Column types for a database that two programs write and three engines hold.

The production app stores its rows in SQLite (Cloudflare D1): moments and days as text in more than one form,
JSON as text. PostgreSQL has types of its own for them. These types read every form that is there, write one,
and mask personal data on the way out (`masks.py`). What cannot be read is None, never an exception: the
dashboard must open on dirty data, and the data-quality desk lists it.
"""

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import DECIMAL, BigInteger, Date, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from lib.models import masks

__all__ = ["Day", "Json", "Moment", "Personal", "TotalCents", "read_moment", "sortable"]

# A sum over all customers: 2³¹ cents are 21 million dollars, less than a year of a good company.
TotalCents = BigInteger().with_variant(Integer(), "sqlite")

SQLITE_FORM = "%Y-%m-%d %H:%M:%S"
# These have types for moments and days; DuckDB holds the copy that figures are worked out from.
TYPED = frozenset({"postgresql", "duckdb"})


class _SqliteText(UserDefinedType[str]):
    """A column that SQLite declares under another name (`DATETIME`, `DATE`) and stores as text."""

    cache_ok = True

    def __init__(self, declared: str) -> None:
        self.declared = declared

    def get_col_spec(self, **_: Any) -> str:
        return self.declared


class Moment(TypeDecorator[datetime]):
    """A moment, aware and in UTC.

    SQLite holds it as `2026-01-30 09:00:00` (CURRENT_TIMESTAMP) or `2026-01-30T08:00:00.000Z` (JavaScript);
    both are read, the first is written. As text the two do not sort together within a day, so SQL that
    orders or compares goes through `sortable(column)`.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in TYPED:
            # DuckDB would need an extension for zones: there, moments are UTC without saying so.
            return dialect.type_descriptor(TIMESTAMP(timezone=dialect.name == "postgresql"))
        return dialect.type_descriptor(_SqliteText("DATETIME"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"A moment needs a zone: {value!r}")
        moment = value.astimezone(UTC)
        if dialect.name == "duckdb":
            return moment.replace(tzinfo=None)
        return moment if dialect.name == "postgresql" else moment.strftime(SQLITE_FORM)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return read_moment(value)


class Day(TypeDecorator[date]):
    """A calendar day; a text that carries a time as well is read by its first ten characters."""

    impl = Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in TYPED:
            return dialect.type_descriptor(Date())
        return dialect.type_descriptor(_SqliteText("DATE"))

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name in TYPED else value.isoformat()[:10]

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        if value is None or isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value)[:10])
        except ValueError:
            return None


class Json(TypeDecorator[Any]):
    """A JSON document: text on SQLite, jsonb on PostgreSQL.

    With `personal=True` the values of personal keys are masked. Text that is not JSON is read as
    `{"unreadable": text}`, so that a person can still see what is there.
    """

    impl = Text
    cache_ok = True

    def __init__(self, *, personal: bool = False) -> None:
        super().__init__()
        self.personal = personal

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(
            # None is SQL's NULL, as on SQLite, not a JSON document that says null.
            JSONB(none_as_null=True) if dialect.name == "postgresql" else Text()
        )

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        if isinstance(value, str | bytes) and dialect.name != "postgresql":
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                value = {"unreadable": str(value)}
        return masks.redact(value) if self.personal and masks.personal_data_is_masked() else value


class Personal(TypeDecorator[str]):
    """Text about a person, masked when read unless the reader asked for it (see `masks`)."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: masks.Kind) -> None:
        super().__init__()
        self.kind = kind

    def process_result_value(self, value: str | bytes | None, dialect: Dialect) -> str | None:
        if isinstance(value, bytes):  # binary in a column of texts, which SQLite takes
            value = value.decode("utf-8", "replace")
        return masks.mask(self.kind, value) if masks.personal_data_is_masked() else value


def read_moment(value: Any) -> datetime | None:
    """Read a moment from either text form or a driver's datetime; None when it is neither."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and last hours of the calendar do not exist in every zone
        return None


class sortable(FunctionElement[datetime]):  # noqa: N801 - reads as a SQL function, like `func.lower`
    """A Moment column in the one form that sorts: for ORDER BY, ranges and equality.

    On SQLite and D1 it is `replace(substr(column, 1, 19), 'T', ' ')`, which revision 0101 indexes where lists
    need it; on PostgreSQL it is the column. (`datetime(column)` would do as well, but an index on it makes the
    app's own INSERT of an odd text fail.)
    """

    name = "sortable"
    type = Moment()
    inherit_cache = True


@compiles(sortable)
def _sortable(element: sortable, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(sortable, "sqlite")
def _sortable_text(element: sortable, compiler: SQLCompiler, **options: Any) -> str:
    return f"replace(substr({compiler.process(element.clauses, **options)}, 1, 19), 'T', ' ')"


@compiles(DECIMAL, "sqlite")
def _decimal_as_production_writes_it(element: DECIMAL[Any], _compiler: Any, **_: Any) -> str:
    return f"DECIMAL({element.precision},{element.scale})"
