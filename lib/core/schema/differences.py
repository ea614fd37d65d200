"""How two schemas differ, in sentences that an operator can act on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lib.core.schema.manifest import Column, Manifest, Table


def differences(expected: Manifest, found: Manifest) -> list[str]:
    """Say in one sentence each how a schema differs from what is expected; an empty list when it does not."""
    return [
        *(f"The table {name} is missing." for name in expected if name not in found),
        *(f"There is an unexpected table {name}." for name in found if name not in expected),
        *(
            sentence
            for name in expected
            if name in found
            for sentence in _table_differences(name, expected[name], found[name])
        ),
    ]


def _table_differences(name: str, expected: Table, found: Table) -> Iterator[str]:
    yield from _column_differences(name, expected["columns"], found["columns"])
    keys = _by(expected["foreign_keys"], "column"), _by(found["foreign_keys"], "column")
    yield from _keyed_differences(f"In {name} the foreign key of", *keys)
    indexes = _by(expected["indexes"], "name"), _by(found["indexes"], "name")
    yield from _keyed_differences(f"In {name} the index", *indexes)
    yield from _listed_differences(name, "UNIQUE", _joined(expected["unique"]), _joined(found["unique"]))
    yield from _listed_differences(name, "CHECK", expected["checks"], found["checks"])


def _column_differences(table: str, expected: list[Column], found: list[Column]) -> Iterator[str]:
    wanted, there = _by(expected, "name"), _by(found, "name")
    yield from (f"The column {table}.{name} is missing." for name in wanted if name not in there)
    yield from (f"There is an unexpected column {table}.{name}." for name in there if name not in wanted)
    for name in wanted:
        if name in there and wanted[name] != there[name]:
            is_now, expected_now = _declared(there[name]), _declared(wanted[name])
            yield f"The column {table}.{name} is {is_now} instead of {expected_now}."
    if list(wanted) != list(there) and wanted.keys() == there.keys():
        yield f"The columns of {table} stand in another order."


def _keyed_differences(
    what: str, expected: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    yield from (f"{what} {name} is missing." for name in expected if name not in found)
    yield from (f"{what} {name} is unexpected." for name in found if name not in expected)
    for name, facts in expected.items():
        if name in found and facts != found[name]:
            changed = [
                f"{fact} is {_plain(found[name][fact])} instead of {_plain(value)}"
                for fact, value in facts.items()
                if found[name][fact] != value
            ]
            yield f"{what} {name} differs: {', '.join(changed)}."


def _listed_differences(table: str, what: str, wanted: list[str], there: list[str]) -> Iterator[str]:
    missing, unexpected = Counter(wanted) - Counter(there), Counter(there) - Counter(wanted)
    yield from (f"The table {table} lacks {what} ({item})." for item in missing.elements())
    yield from (f"The table {table} has an unexpected {what} ({item})." for item in unexpected.elements())


def _joined(several: list[list[str]]) -> list[str]:
    return [", ".join(columns) for columns in several]


def _declared(column: Column) -> str:
    words = [column["type"] or "of no type", "NOT NULL" if column["notnull"] else "nullable"]
    words += [f"DEFAULT {column['default']}"] if column["default"] is not None else []
    words += ["PRIMARY KEY"] if column["pk"] else []
    return " ".join(words)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"({', '.join(str(item) for item in value)})" if isinstance(value, list) else str(value)


def _by(items: Sequence[Any], key: str) -> dict[str, Any]:
    return {item[key]: item for item in items}


def portable(manifest: Manifest) -> Manifest:
    """A schema with what PostgreSQL and SQLite spell differently made the same, to compare across the two.

    Types are named as in production (jsonb as TEXT, timestamptz as DATETIME). The texts of defaults and of
    CHECKs are left out, and so is the nullability of keys, which only SQLite leaves open.
    """
    return {
        name: {**table, "columns": [_portable(column) for column in table["columns"]], "checks": []}
        for name, table in manifest.items()
    }


_SPELLINGS: Final = {"TIMESTAMP": "DATETIME", "JSONB": "TEXT", "BIGINT": "INTEGER"}


def _portable(column: Column) -> Column:
    spelled = column["type"].replace("NUMERIC", "DECIMAL").replace(", ", ",")
    return {
        "name": column["name"],
        "type": _SPELLINGS.get(spelled, spelled),
        "notnull": column["notnull"] and not column["pk"],
        "default": None,
        "pk": column["pk"],
    }
