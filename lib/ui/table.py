"""Lists on a page: a page of rows, one click to open a row, an export."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from lib.core.listing import COUNTED_UP_TO, Column, Listing, Page
from lib.services import exports
from lib.ui import cells, desk
from lib.ui.show import value, words, zone

_ROW_HEIGHT: Final = 35  # pixels, like the widths below
_BORDERS: Final = 2
_PAGE_BUTTON_WIDTH: Final = 36


def sections(*names: str, key: str = "section") -> str:
    """Sections of a page, one shown at a time and named in the address; gives the one that is open.

    Only the open one is read from the database. A link may name it as a code: `single_errors`.
    """
    named = st.query_params.get(key)
    if named not in names and words(named) in names:
        st.session_state[key] = words(named)
    chosen = st.segmented_control(
        "Section",
        list(names),
        key=key,
        default=None if words(named) in names and named not in names else names[0],
        required=True,
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )
    return chosen or names[0]


def opened(parameter: str = "id") -> str | None:
    """The id in the address, if a row is open."""
    return st.query_params.get(parameter)


def open_row(key: str, parameter: str = "id") -> None:
    """Put an id into the address, which opens its row; the list's filters come back with the list.

    Left in the address they would be taken out by the next run: one more step for the browser's Back.
    """
    st.query_params.from_dict({parameter: key})


def back(label: str, parameter: str = "id") -> None:
    """A button that closes the open row and gives the list back, filters and all.

    Its key is a letter, which a text field keeps for itself: Escape would reach it from inside a form, and
    what was typed there would be gone.
    """

    def close() -> None:
        st.query_params.pop(parameter, None)

    st.button(label, icon=":material/arrow_back:", on_click=close, type="tertiary", shortcut="U")


def table(
    source: Listing,
    *,
    key: str,
    empty: str,
    opens: str | None = "id",
    parameter: str = "id",
    export: bool = True,
    **filters: Any,
) -> None:
    """Show one page of a list; a click on the first column opens the row by its `opens` value.

    The page's number is `page` in the address, the open row's value `parameter`. `empty` is the sentence for
    a list without rows.
    """
    page = desk.read(source.page, number=page_number(), **filters)
    export_of = partial(_export, source, key, filters) if export else None
    paged(page, source.columns, key=key, empty=empty, opens=opens, parameter=parameter, export=export_of)


def paged(
    page: Page,
    columns: Sequence[Column],
    *,
    key: str,
    empty: str,
    opens: str | None = None,
    parameter: str = "id",
    export: Callable[[], None] | None = None,
) -> None:
    """Show one page of rows that were read already, as `table` does; `export` shows its button."""
    if not page.rows:
        st.info(empty, icon=":material/inbox:")
        return
    alt = f"{words(key)}, page {page.number}"
    frame(page.rows, columns, key=key, opens=opens, parameter=parameter, alt=alt)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        total = f"more than {COUNTED_UP_TO:,}" if page.more_than_counted else f"{page.total:,}"
        shown = f"{(page.number - 1) * page.size + 1:,}–{(page.number - 1) * page.size + len(page.rows):,}"
        clock = f" · times in {zone()}" if any(column.kind == "moment" for column in columns) else ""
        st.caption(f"{shown} of {total}{clock}", width="content")
        if page.pages > 1:
            # Its two arrows and its pages; by itself it leaves pages out although there is room.
            width = (min(page.pages, 7) + 4) * _PAGE_BUTTON_WIDTH
            st.pagination(page.pages, key="page", bind="query-params", width=width)
        if export is not None:
            export()


def frame(
    rows: Sequence[Any],
    columns: Sequence[Column],
    *,
    key: str,
    alt: str,
    opens: str | None = None,
    parameter: str = "id",
    empty: str = "Nothing here yet.",
) -> None:
    """Show rows as a table. With `opens`, the first column is a button that opens the row.

    `parameter` is where the address names it.
    """
    if not rows:
        st.caption(empty)
        return
    widths = cells.widths(rows, columns)
    config: dict[str, Any] = {
        column.name: cells.config(column, rows, widths.get(column.name)) for column in columns
    }
    buttons = None
    if opens:
        first = columns[0]
        buttons = [_label(row, first) for row in rows]
        keys = [getattr(row, opens) for row in rows]
        click = f"{key}:click"
        config[first.name] = st.column_config.ButtonColumn(
            first.title,
            type="tertiary",
            alignment="left",
            width=widths.get(first.name),
            pinned=True,
            key=click,
            on_click=_open,
            args=(click, keys, parameter),
        )
    st.dataframe(
        cells.grid(rows, columns, buttons),
        key=key,
        hide_index=True,
        column_config=config,
        height=min(len(rows) + 1, 16) * _ROW_HEIGHT + _BORDERS,
        row_height=_ROW_HEIGHT,
        placeholder=cells.NOTHING,
        alt=alt,
    )


def _label(row: Any, column: Column) -> str:
    """What the button of a row says."""
    return f"{cells.written(row, column) or value(None)} ›"


def _open(click: str, keys: Sequence[str | None], parameter: str) -> None:
    key = keys[st.session_state[click].row]
    if key is not None:
        open_row(key, parameter)


def page_number() -> int:
    """The number of the page in the address; 1 for what is none."""
    typed = st.session_state.get("page") or st.query_params.get("page", "1")
    return max(1, int(typed)) if str(typed).isdecimal() else 1


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
