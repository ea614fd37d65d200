"""How values look: one way for money, moments, statuses and people's own words, on every page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from lib.core import money
from lib.core.listing import COUNTED_UP_TO

Colour = Literal["red", "orange", "blue", "green", "violet", "gray"]

# Colour never carries meaning alone: each status comes with its word and an icon.
_LOOKS: Final[dict[str, tuple[Colour, str]]] = {
    **dict.fromkeys(
        ("active", "succeeded", "processed", "done", "applied", "resolved", "completed"),
        ("green", ":material/check_circle:"),
    ),
    **dict.fromkeys(("paid", "won", "issued"), ("green", ":material/check_circle:")),
    **dict.fromkeys(("trialing", "received", "sending", "answered", "running"), ("blue", ":material/sync:")),
    **dict.fromkeys(
        ("pending", "prepared", "approved", "paused", "planned", "under_review", "warning_under_review"),
        ("violet", ":material/schedule:"),
    ),
    **dict.fromkeys(
        ("past_due", "incomplete", "unmatched", "unknown", "high", "refused", "denied", "uncollectible"),
        ("orange", ":material/warning:"),
    ),
    **dict.fromkeys(
        ("failed", "parked", "critical", "lost", "needs_response", "warning_needs_response"),
        ("red", ":material/error:"),
    ),
}
_UNREMARKABLE: Final[tuple[Colour, str]] = ("gray", ":material/circle:")
_MARKDOWN: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]()<>#+-.!|$:~&@"})


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure at the top of a page: the answer before the detail."""

    label: str
    value: str
    change: str | None = None
    help: str | None = None
    good: Literal["up", "down", "neither"] = "up"


def plain(text: Any) -> str:
    """A text as a reader sees it typed: Markdown and HTML in it mean nothing."""
    return str(text).translate(_MARKDOWN).replace("\n", " ")


def words(code: str | None) -> str:
    """A code as words: `past_due` -> `Past due`; a dash for None."""
    return code.replace("_", " ").capitalize() if code else "–"


def zone() -> str:
    """The reader's time zone, by its name; UTC when the browser does not say."""
    name = st.context.timezone or "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"
    return name


def moment(value: datetime | None) -> str:
    """A moment in the reader's zone, with its name: `2026-11-22 16:04 CET`; a dash for None."""
    return "–" if value is None else value.astimezone(ZoneInfo(zone())).strftime("%Y-%m-%d %H:%M %Z")


def utc(value: datetime | None) -> str | None:
    """A moment in UTC, for a tooltip."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def look(status: str) -> tuple[Colour, str]:
    """The colour and the icon that go with a status."""
    return _LOOKS.get(status, _UNREMARKABLE)


def badge(status: str | None, *, note: str | None = None) -> None:
    """Show a status as a badge."""
    if status:
        colour, icon = look(status)
        st.badge(words(status), color=colour, icon=icon, help=note)


def value(item: Any) -> str:
    """Any value as text for a reader."""
    match item:
        case None | "":
            return "–"
        case bool():
            return "Yes" if item else "No"
        case datetime():
            return moment(item)
        case _:
            return str(item)


def facts(items: Mapping[str, Any], *, columns: int = 4) -> None:
    """Show labelled values in a grid that folds on a narrow screen."""
    pairs = list(items.items())
    for start in range(0, len(pairs), columns):
        for cell, (label, item) in zip(st.columns(columns), pairs[start : start + columns], strict=False):
            with cell.container(gap=None):
                st.caption(label, help=utc(item) if isinstance(item, datetime) else None)
                st.text(value(item))


def tiles(figures: Sequence[Tile]) -> None:
    """Show figures side by side."""
    directions: dict[str, Any] = {"up": "normal", "down": "inverse", "neither": "off"}
    with st.container(horizontal=True):
        for figure in figures:
            st.metric(
                figure.label,
                figure.value,
                figure.change,
                delta_color=directions[figure.good],
                help=figure.help,
                border=True,
                width="stretch",
                height="stretch",
            )


def amount(cents: int | None, currency: str | None) -> str:
    """Money for a reader."""
    return money.show(cents, currency)


def limit(label: str, used_cents: int, limit_cents: int, currency: str) -> None:
    """Show how much of an allowance is used up."""
    share = 1.0 if limit_cents <= 0 else min(1.0, used_cents / limit_cents)
    st.progress(
        share,
        text=f"{label}: {plain(amount(used_cents, currency))} of {plain(amount(limit_cents, currency))}",
    )


def shortened(text: str, longest: int = 20_000) -> str:
    """A long text cut to what a browser shows quickly, saying so."""
    return text if len(text) <= longest else f"{text[:longest]}\n… {len(text) - longest:,} more characters"


def counted(number: int) -> str:
    """A count that was not taken further than lists count: `1,234`, `over 10,000`."""
    return f"over {COUNTED_UP_TO:,}" if number > COUNTED_UP_TO else f"{number:,}"


def document(content: Any, *, missing: str) -> None:
    """Show a JSON document, folded; `missing` is the sentence for none."""
    if content is None:
        st.caption(missing)
    else:
        st.json(content, expanded=2)


def changes(changed: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
    """Show what was changed, row by row: `{"table/id": {"column": [before, after]}}`."""
    if not changed:
        st.caption("Nothing was changed.")
    for where, columns in changed.items():
        st.markdown(f"**{plain(where)}**")
        st.dataframe(
            [
                {"Column": name, "Before": value(before), "After": value(after)}
                for name, (before, after) in columns.items()
            ],
            hide_index=True,
            alt=f"What changed in {where}",
        )
