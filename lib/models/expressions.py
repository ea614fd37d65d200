"""SQL that each engine spells its own way, so that an index serves it."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Text, and_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

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


def starts_with(column: Any, prefix: str) -> ColumnElement[bool]:
    """Whether a text begins with a prefix, whatever the case of its letters.

    A range rather than LIKE: D1 refuses patterns over 50 bytes, and an escaped pattern reads the whole table.
    """
    low = prefix.lower()
    return and_(folded(column) >= low, folded(column) < low + _LAST)
