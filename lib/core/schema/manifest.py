"""What a database's schema is, as plain data.

Production's own ships as `lib/models/production-schema.json`: 37 tables of a SQLite database (Cloudflare D1),
read with PRAGMAs. `manifest_of` reads the same from any SQLite file, and its counterpart from PostgreSQL.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final, TypedDict, cast

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.engine.reflection import Inspector

from lib.core.settings import ROOT


class Column(TypedDict):
    """A column as it was declared; `pk` says whether it belongs to the primary key."""

    name: str
    type: str
    notnull: bool
    default: str | None
    pk: bool


class ForeignKey(TypedDict):
    """A reference to `table.column`."""

    column: str
    references: str
    on_delete: str


class NamedIndex(TypedDict):
    """An index that was created by name; an expression among its columns is None."""

    name: str
    columns: list[str | None]
    unique: bool
    partial: bool


class Table(TypedDict):
    """One table; `unique` lists the columns of each UNIQUE, `checks` the text of each CHECK."""

    columns: list[Column]
    foreign_keys: list[ForeignKey]
    unique: list[list[str]]
    checks: list[str]
    indexes: list[NamedIndex]


Manifest = dict[str, Table]

OUR_INDEXES: Final = "idx_admin_"
"""How the names of the indexes begin that revision 0101 adds to production's tables."""

# Alembic's, Cloudflare's and SQLite's own tables; `_` stands for any character in LIKE, hence ESCAPE.
_TABLES = r"""
    SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
    AND name NOT LIKE 'd1\_%' ESCAPE '\' AND name NOT LIKE '\_cf\_%' ESCAPE '\' AND name <> 'alembic_version'
    ORDER BY rowid
"""


@cache
def production() -> Manifest:
    """Production's schema after its revision 0003."""
    text = (ROOT / "lib" / "models" / "production-schema.json").read_text(encoding="utf-8")
    return cast(Manifest, json.loads(text))


def manifest_of(engine: Engine) -> Manifest:
    """Read the schema of a database; the bookkeeping tables of SQLite, D1 and Alembic are left out."""
    with engine.execution_options(writes=False).connect() as connection:
        return read_manifest(connection)


def read_manifest(connection: Connection) -> Manifest:
    """Read the schema over a connection that is open already."""
    if connection.dialect.name == "sqlite":
        return {name: _sqlite_table(connection, name, sql) for name, sql in _rows(connection, _TABLES)}
    inspector = inspect(connection)
    return {
        name: _reflected_table(inspector, name)
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def without_our_additions(manifest: Manifest) -> Manifest:
    """The part of a schema that production's is compared with: its tables, less the indexes that we add."""
    return {
        name: {**table, "indexes": [i for i in table["indexes"] if not i["name"].startswith(OUR_INDEXES)]}
        for name, table in manifest.items()
        if name in production()
    }


def _rows(connection: Connection, statement: str) -> Sequence[Any]:
    return connection.exec_driver_sql(statement).all()


def _sqlite_table(connection: Connection, name: str, sql: str) -> Table:
    quoted = '"' + name.replace('"', '""') + '"'
    unique: list[list[str]] = []
    indexes: list[NamedIndex] = []
    for _, index, is_unique, origin, partial in _rows(connection, f"PRAGMA index_list({quoted})"):
        columns = [row[2] for row in _rows(connection, f'PRAGMA index_info("{index}")')]
        if origin == "u":
            unique.append(columns)
        elif origin == "c":
            indexes.append(
                {"name": index, "columns": columns, "unique": bool(is_unique), "partial": bool(partial)}
            )
    columns_of = [
        Column(name=row[1], type=row[2], notnull=bool(row[3]), default=row[4], pk=bool(row[5]))
        for row in _rows(connection, f"PRAGMA table_info({quoted})")
    ]
    keys = [
        ForeignKey(column=row[3], references=f"{row[2]}.{row[4]}", on_delete=row[6])
        for row in _rows(connection, f"PRAGMA foreign_key_list({quoted})")
    ]
    return {
        "columns": columns_of,
        "foreign_keys": sorted(keys, key=lambda key: key["column"]),
        "unique": sorted(unique),
        "checks": sorted(_checks(re.sub(r"--[^\n]*", "", sql))),
        "indexes": sorted(indexes, key=lambda index: index["name"]),
    }


def _checks(sql: str) -> Iterator[str]:
    """The text of each CHECK of a CREATE TABLE: SQLite keeps it nowhere else."""
    for found in re.finditer(r"\bCHECK\s*\(", sql, re.IGNORECASE):
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        yield re.sub(r"\s+", " ", sql[found.end() : end - 1]).strip()


def _reflected_table(inspector: Inspector, name: str) -> Table:
    keys = set(inspector.get_pk_constraint(name)["constrained_columns"])
    unique = [c["column_names"] for c in inspector.get_unique_constraints(name)]
    return {
        "columns": [
            {
                "name": column["name"],
                "type": str(column["type"].compile(inspector.dialect)).removesuffix(" WITH TIME ZONE"),
                "notnull": not column["nullable"],
                "default": column["default"],
                "pk": column["name"] in keys,
            }
            for column in inspector.get_columns(name)
        ],
        "foreign_keys": sorted(
            (
                ForeignKey(
                    column=key["constrained_columns"][0],
                    references=f"{key['referred_table']}.{key['referred_columns'][0]}",
                    on_delete=key["options"].get("ondelete", "NO ACTION"),
                )
                for key in inspector.get_foreign_keys(name)
            ),
            key=lambda key: key["column"],
        ),
        "unique": sorted(unique),
        "checks": sorted(check["sqltext"] for check in inspector.get_check_constraints(name)),
        "indexes": sorted(
            (
                NamedIndex(
                    name=str(index["name"]),
                    columns=list(index["column_names"]),
                    unique=bool(index["unique"]),
                    partial="postgresql_where" in index.get("dialect_options", {}),
                )
                for index in inspector.get_indexes(name)
                if "duplicates_constraint" not in index
            ),
            key=lambda index: index["name"],
        ),
    }
