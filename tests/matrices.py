"""Tables that tests fill cell by cell: a test records its cell, the run prints each table at its end."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pytest

_PREFIX: Final = "cell of "


def cell(record_property: Callable[[str, object], None], table: str, row: str, column: str) -> None:
    """Say which cell of a table this test fills; its outcome becomes the mark."""
    record_property(f"{_PREFIX}{table}", [row, column])


def tables(reports: Iterable[tuple[str, pytest.TestReport]]) -> Iterator[tuple[str, list[str]]]:
    """Each table's title and lines, from the reports of the tests with their outcomes."""
    filled: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for outcome, report in reports:
        for name, value in report.user_properties:
            if name.startswith(_PREFIX):
                row, column = value  # type: ignore[misc]
                filled[name.removeprefix(_PREFIX)][row, column] = outcome
    for title, cells in sorted(filled.items()):
        yield title, _lines(cells)


def _lines(cells: dict[tuple[str, str], str]) -> list[str]:
    rows = sorted({row for row, _ in cells})
    columns = sorted({column for _, column in cells})
    widest = max(map(len, rows))
    lines = [" " * widest + "  " + "  ".join(columns)]
    for row in rows:
        marks = (_mark(cells.get((row, column))).center(len(column)) for column in columns)
        lines.append(f"{row:{widest}}  " + "  ".join(marks))
    wrong = sum(outcome != "passed" for outcome in cells.values())
    return [*lines, f"{len(cells)} cells, {wrong} wrong"]


def _mark(outcome: str | None) -> str:
    return {"passed": "ok", None: "-"}.get(outcome, "WRONG")
