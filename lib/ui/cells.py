"""Cells and columns of a table: what each kind of column shows, and how wide it has to be."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from lib.core import money
from lib.core.listing import Column
from lib.ui.names import action_name, table_name
from lib.ui.show import amount, local, look, words, zone

# Pixels.
_LETTER_WIDTH: Final = 8
_CELL_PADDING: Final = 20
_CHIP_PADDING: Final = 20
_BUTTON_PADDING: Final = 32
_ID_WIDTH: Final = 180
_TREND_WIDTH: Final = 120
_WIDEST: Final = 360
_PAGE_WIDTH: Final = 840
_OPEN: Final = "Open"
NOTHING: Final = "–"


def cell(row: Any, column: Column) -> Any:
    """What the grid gets for a row's value in a column."""
    item = column.value(row)
    match column.kind:
        case "money":
            return None if item is None else float(money.units(item, _currency(row)))
        case "status":
            return [words(item)] if item else []
        case "flag":
            return ["Yes"] if item else []
        case "code":
            return words(item) if item else None
        case "action":
            return action_name(item)
        case "table":
            return table_name(item)
        case "trend":
            return [int(number) for number in (item or "").split()]
        case "decimal" | "percent":
            return None if item is None else _number(item, column)
        case "text" | "figure" | "id":
            return item if item is None else str(item)
        case _:
            return item


def _number(item: Any, column: Column) -> float:
    """As the grid sorts and shows it: a share of 1 in percent, with two decimals at most."""
    return round(100 * float(item), 2) if column.kind == "percent" else float(item)


def _currency(row: Any) -> str:
    return getattr(row, "currency", None) or "USD"


def grid(
    rows: Sequence[Any], columns: Sequence[Column], buttons: Sequence[str] | None = None
) -> pd.DataFrame | Styler:
    """What the grid gets: money as numbers, which it sorts by the amount, each written in its row's currency.

    `buttons`: what the first column says instead of its own cells.
    """
    data = pd.DataFrame({column.name: [cell(row, column) for row in rows] for column in columns})
    if buttons is not None:
        data[columns[0].name] = list(buttons)
    amounts = [each.name for each in columns[buttons is not None :] if each.kind == "money"]
    if not amounts:
        return data
    data[amounts] = data[amounts].astype(float)
    of_currency: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        of_currency.setdefault(_currency(row), []).append(index)
    styled = data.style
    for currency, indexes in of_currency.items():
        written = partial(_amount, currency=currency)
        styled = styled.format(written, subset=pd.IndexSlice[indexes, amounts], na_rep=NOTHING)
    return styled


def _amount(units: float, currency: str) -> str:
    return amount(money.minor(units, currency), currency)


def written(row: Any, column: Column) -> str:
    """A cell as text."""
    item = column.value(row)
    if column.kind == "moment":
        return f"{local(item):%Y-%m-%d %H:%M}" if item else ""
    if column.kind == "money":
        return amount(item, _currency(row))
    content = cell(row, column)
    if isinstance(content, list):
        return ", ".join(map(str, content))
    return "" if content is None else str(content)


def widths(rows: Sequence[Any], columns: Sequence[Column]) -> Mapping[str, int]:
    """The columns' widths, where the grid's own guess, from its first rows, would cut something off.

    Where all fit beside each other the widest has none: it takes what is left of the page.
    """
    needed = {column.name: _width(column, rows) for column in columns}
    needed[columns[0].name] += _BUTTON_PADDING
    if sum(needed.values()) <= _PAGE_WIDTH:
        needed.pop(max(needed, key=needed.__getitem__))
    return needed


def _width(column: Column, rows: Sequence[Any]) -> int:
    """Wide enough for nine cells of ten: one very long name does not push everything else away."""
    if column.kind == "trend":
        return _TREND_WIDTH
    lengths = sorted(len(_OPEN if column.kind == "link" else written(row, column)) for row in rows)
    chip = _CHIP_PADDING if column.kind in {"status", "flag"} else 0
    letters = max(
        len(column.title) * _LETTER_WIDTH, lengths[(len(lengths) - 1) * 9 // 10] * _LETTER_WIDTH + chip
    )
    return min(letters + _CELL_PADDING, _ID_WIDTH if column.kind == "id" else _WIDEST)


def config(column: Column, rows: Sequence[Any], width: int | None) -> Any:
    """How the grid draws a column; without a width it takes what is left."""
    kinds = st.column_config
    as_numbers = {"count": "localized", "decimal": "%.1f"}
    common: dict[str, Any] = {"label": column.title, "width": width}
    match column.kind:
        case "moment":
            return kinds.DatetimeColumn(
                **common, format="YYYY-MM-DD HH:mm", timezone=zone(), help=f"Time in {zone()}"
            )
        case "day":
            return kinds.DateColumn(**common, format="YYYY-MM-DD")
        case "figure":
            return kinds.TextColumn(**common, alignment="right")
        case "count" | "decimal" | "money":
            return kinds.NumberColumn(**common, format=as_numbers.get(column.kind))
        case "percent":
            return kinds.NumberColumn(**common, format=f"%.{_decimals(rows, column)}f %%")
        case "trend":
            return kinds.BarChartColumn(**common, y_min=0)
        case "link":
            return kinds.LinkColumn(**common, display_text=_OPEN)
        case "flag":
            return kinds.MultiselectColumn(**common, options=["Yes"], color=["blue"])
        case "status":
            return kinds.MultiselectColumn(**common, **_chips(rows, column))
        case _:
            return kinds.TextColumn(**common)


def _chips(rows: Sequence[Any], column: Column) -> Mapping[str, Any]:
    codes = sorted({column.value(row) for row in rows} - {None})
    colours = [look(code)[0] for code in codes]
    return {"options": [words(code) for code in codes], "color": colours}


def _decimals(rows: Sequence[Any], column: Column) -> int:
    """As many as the longest of a column's percentages needs, so that their points stand below each other."""
    shown = [found for row in rows if (found := cell(row, column)) is not None]
    return next((digits for digits in (0, 1) if all(round(each, digits) == each for each in shown)), 2)
