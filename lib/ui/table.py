"""Lists on a page: a page of rows, filters in the address, one click to open a row, an export."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from lib.core.listing import COUNTED_UP_TO, Column, Listing
from lib.services import exports
from lib.ui import desk
from lib.ui.show import amount, look, value, words, zone

_ROW_HEIGHT: Final = 35


def search_box(label: str, *, placeholder: str, key: str = "q") -> str:
    """A search box whose text lives in the address; typing starts from the first page again."""
    typed = st.text_input(
        label,
        key=key,
        type="search",
        bind="query-params",
        placeholder=placeholder,
        max_chars=200,
        live="400ms",
        on_change=first_page,
    )
    return (typed or "").strip()


def choose(label: str, options: Sequence[str], *, key: str, default: str | None = None) -> str | None:
    """One of a few options, in the address; None when nothing is chosen."""
    return st.segmented_control(
        label,
        list(options),
        key=key,
        default=default,
        format_func=words,
        bind="query-params",
        on_change=first_page,
    )


def one_of(label: str, options: Sequence[str], *, key: str, shown_as: Callable[[str], str] = str) -> str:
    """Exactly one of a few options, in the address; the first one until another is chosen."""
    chosen = st.segmented_control(
        label,
        list(options),
        key=key,
        default=options[0],
        format_func=shown_as,
        required=True,
        bind="query-params",
        on_change=first_page,
    )
    return chosen or options[0]


def toggle(label: str, *, key: str, help: str | None = None) -> bool:  # noqa: A002 - Streamlit's word
    """A switch that lives in the address."""
    return st.toggle(label, key=key, help=help, bind="query-params", on_change=first_page)


def sections(*names: str, key: str = "section") -> str:
    """Sections of a page, one shown at a time and named in the address; gives the one that is open.

    Only the open one is read from the database.
    """
    with st.container(horizontal=True):
        chosen = st.segmented_control(
            "Section",
            list(names),
            key=key,
            default=names[0],
            required=True,
            bind="query-params",
            label_visibility="collapsed",
        )
    return chosen or names[0]


def first_page() -> None:
    """Go back to the first page of the list, as a changed filter must."""
    st.session_state.pop("page", None)
    st.query_params.pop("page", None)


def opened(parameter: str = "id") -> str | None:
    """The id in the address, if a row is open."""
    return st.query_params.get(parameter)


def open_row(key: str, parameter: str = "id") -> None:
    """Put an id into the address, which opens its row."""
    st.query_params[parameter] = key


def back(label: str, parameter: str = "id") -> None:
    """A button that closes the open row and gives the list back, filters and all."""

    def close() -> None:
        st.query_params.pop(parameter, None)

    st.button(label, icon=":material/arrow_back:", on_click=close, type="tertiary", shortcut="Escape")


def table(
    source: Listing, *, key: str, empty: str, opens: str | None = "id", export: bool = True, **filters: Any
) -> None:
    """Show one page of a list; a click on the first column opens the row by its `opens` value.

    The page's number is `page` in the address. `empty` is the sentence for a list without rows.
    """
    number = _page_number()
    page = desk.read(source.page, number=number, **filters)
    if not page.rows:
        st.info(empty, icon=":material/inbox:")
        return
    frame(page.rows, source.columns, key=key, opens=opens, alt=f"{words(key)}, page {page.number}")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        total = f"more than {COUNTED_UP_TO:,}" if page.more_than_counted else f"{page.total:,}"
        shown = f"{(page.number - 1) * page.size + 1:,}–{(page.number - 1) * page.size + len(page.rows):,}"
        st.caption(f"{shown} of {total}", width="content")
        if page.pages > 1:
            st.pagination(page.pages, key="page", bind="query-params")
        if export:
            _export(source, key, filters)


def frame(
    rows: Sequence[Any],
    columns: Sequence[Column],
    *,
    key: str,
    alt: str,
    opens: str | None = None,
    empty: str = "Nothing here yet.",
) -> None:
    """Show rows as a table. With `opens`, the first column is a button that opens the row."""
    if not rows:
        st.caption(empty)
        return
    data = pd.DataFrame({column.name: [_cell(row, column) for row in rows] for column in columns})
    config: dict[str, Any] = {column.name: _config(column, rows) for column in columns}
    if opens:
        first = columns[0]
        keys = [getattr(row, opens) for row in rows]
        click = f"{key}:click"
        config[first.name] = st.column_config.ButtonColumn(
            first.title,
            type="tertiary",
            alignment="left",
            pinned=True,
            key=click,
            on_click=_open,
            args=(click, keys),
        )
        data[first.name] = [_label(row, first) for row in rows]
    st.dataframe(
        data,
        key=key,
        hide_index=True,
        column_config=config,
        height=min(len(rows) + 1, 16) * _ROW_HEIGHT + 3,
        row_height=_ROW_HEIGHT,
        placeholder="–",
        alt=alt,
    )


def _label(row: Any, column: Column) -> str:
    """What the button of a row says."""
    item = getattr(row, column.name)
    shown = item if column.kind == "moment" else _cell(row, column)
    return f"{value(shown)} ›"


def _open(click: str, keys: Sequence[str | None]) -> None:
    key = keys[st.session_state[click].row]
    if key is not None:
        open_row(key)


def _page_number() -> int:
    typed = st.session_state.get("page") or st.query_params.get("page", "1")
    return max(1, int(typed)) if str(typed).isdecimal() else 1


def _cell(row: Any, column: Column) -> Any:
    item = getattr(row, column.name)
    match column.kind:
        case "money":
            return amount(item, getattr(row, "currency", None) or "USD")
        case "status":
            return [words(item)] if item else []
        case "code":
            return words(item) if item else None
        case "percent" | "decimal":
            return None if item is None else float(item)
        case "text" | "id":
            return item if item is None else str(item)
        case _:
            return item


def _config(column: Column, rows: Sequence[Any]) -> Any:
    titles = st.column_config
    match column.kind:
        case "moment":
            return titles.DatetimeColumn(column.title, format="YYYY-MM-DD HH:mm", timezone=zone())
        case "day":
            return titles.DateColumn(column.title, format="YYYY-MM-DD")
        case "money":
            return titles.TextColumn(column.title, alignment="right")
        case "count":
            return titles.NumberColumn(column.title, format="localized")
        case "decimal":
            return titles.NumberColumn(column.title, format="%.1f")
        case "percent":
            return titles.NumberColumn(column.title, format="percent")
        case "flag":
            return titles.CheckboxColumn(column.title)
        case "status":
            return titles.MultiselectColumn(column.title, **_chips(rows, column))
        case _:
            return titles.TextColumn(column.title)


def _chips(rows: Sequence[Any], column: Column) -> Mapping[str, Any]:
    codes = sorted({getattr(row, column.name) for row in rows} - {None})
    colours = [look(code)[0] for code in codes]
    return {"options": [words(code) for code in codes], "color": colours}


def _export(source: Listing, key: str, filters: Mapping[str, Any]) -> None:
    with st.popover("Export", icon=":material/download:", key=f"{key}:export", on_change="rerun") as unfolded:
        if unfolded.open:
            st.caption("The whole list, filtered and masked as on screen. The link works once, for a minute.")
            ticket = desk.attempt(exports.ticket, source.name, dict(filters))
            if ticket.result:
                address = f"/export/{ticket.result}"
                st.link_button("Download CSV", address, icon=":material/download:", type="primary")
            else:
                st.error(ticket.why_not)
