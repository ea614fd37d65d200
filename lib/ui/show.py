"""How values look: one way for money, moments, statuses and people's own words, on every page."""

import re
from collections import Counter
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
        (
            "active",
            "applied",
            "clear",
            "completed",
            "converted",
            "done",
            "frozen",
            "in_step",
            "matched",
            "passed",
            "ship",
            "processed",
            "purchase",
            "resolved",
            "succeeded",
            "usable",
        ),
        ("green", ":material/check_circle:"),
    ),
    **dict.fromkeys(("paid", "won", "issued"), ("green", ":material/check_circle:")),
    **dict.fromkeys(
        (
            "answered",
            "choosing",
            "new",
            "grant",
            "making",
            "received",
            "redeemed",
            "running",
            "sending",
            "trialing",
        ),
        ("blue", ":material/sync:"),
    ),
    **dict.fromkeys(
        (
            "approved",
            "given",
            "not_yet",
            "other_month",
            "paused",
            "pending",
            "planned",
            "asked",
            "keep_running",
            "prepared",
            "proposed",
            "ready",
            "to_decide",
            "under_review",
            "waiting",
            "warning_under_review",
        ),
        ("violet", ":material/schedule:"),
    ),
    **dict.fromkeys(
        (
            "amount_differs",
            "archived",
            "harmed",
            "review",
            "roll_back",
            "denied",
            "differs",
            "escalating",
            "given_up",
            "high",
            "incomplete",
            "missing",
            "only_ours",
            "only_theirs",
            "past_due",
            "refused",
            "stopped",
            "uncollectible",
            "unknown",
            "unmatched",
            "used_up",
        ),
        ("orange", ":material/warning:"),
    ),
    **dict.fromkeys(
        ("failed", "parked", "critical", "regressed", "lost", "needs_response", "warning_needs_response"),
        ("red", ":material/error:"),
    ),
}
_FACT_WIDTH: Final = 172  # pixels: two stand side by side on a telephone, four on a desk's screen
_FACT_LENGTH: Final = 20  # characters that fit into it,
_WORD_LENGTH: Final = 17  # and of a single word
_ID_WIDTH: Final = 240
_ID_LENGTH: Final = 25
_GAP: Final = 15  # pixels between two
_TRACE_LINES: Final = 16
_TRACE_HEIGHT: Final = 400  # pixels
_UNREMARKABLE: Final[tuple[Colour, str]] = ("gray", ":material/circle:")
_ZERO: Final = re.compile(r"\D*0[.,0]*(?![.,\d])")  # `+0`, `$0.00 in 30 days`, and not `0.5 %`
_MARKDOWN: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]()<>#+-.!|$:~&@"})


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure at the top of a page: the answer before the detail. `trend` is its past, oldest first."""

    label: str
    value: str
    change: str | None = None
    help: str | None = None
    good: Literal["up", "down", "neither"] = "up"
    trend: Sequence[float] = ()


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


def local(value: datetime) -> datetime:
    """A moment by the reader's clock."""
    return value.astimezone(ZoneInfo(zone()))


def moment(value: datetime | None) -> str:
    """A moment in the reader's zone, with its name: `2026-11-22 16:04 CET`; a dash for None."""
    return "–" if value is None else local(value).strftime("%Y-%m-%d %H:%M %Z")


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


def facts(items: Mapping[str, Any]) -> None:
    """Show labelled values in a grid that folds on a narrow screen; a long value takes more of it."""
    with st.container(horizontal=True, gap="small"):
        for label, item in items.items():
            text = value(item)
            with st.container(gap=None, width=_fact_width(text)):
                st.caption(label, help=utc(item) if isinstance(item, datetime) else None)
                st.text(text)


def _fact_width(text: str) -> int:
    """An id is one word, which breaks anywhere, and badly: it gets the room that it needs."""
    if len(text) <= (_FACT_LENGTH if " " in text else _WORD_LENGTH):
        return _FACT_WIDTH
    return _ID_WIDTH if len(text) <= _ID_LENGTH else 2 * _FACT_WIDTH + _GAP


def tiles(figures: Sequence[Tile]) -> None:
    """Show figures side by side, in columns of one width; one below the other on a narrow screen."""
    if not figures:
        return
    directions: dict[str, Any] = {"up": "normal", "down": "inverse", "neither": "off"}
    for column, figure in zip(st.columns(len(figures)), figures, strict=True):
        # Streamlit knows a loss by the plain hyphen in front of it.
        change = figure.change and figure.change.replace("−", "-", 1)
        stayed = change is not None and _ZERO.match(change) is not None
        with column:
            st.metric(
                figure.label,
                figure.value,
                "no change" if stayed else change,
                delta_color="off" if stayed else directions[figure.good],
                delta_arrow="off" if stayed else "auto",
                help=figure.help,
                chart_data=list(figure.trend) or None,
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


def trace(text: str) -> None:
    """Show a stack as the app wrote it; a long one scrolls in its place."""
    shown = shortened(text)
    height: int | Literal["content"] = _TRACE_HEIGHT if shown.count("\n") > _TRACE_LINES else "content"
    st.code(shown, language=None, wrap_lines=True, height=height)


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels by key, with the key added where several share one: a browser sends back the label alone."""
    shared = Counter(labels.values())
    return {key: f"{label} ({key})" if shared[label] > 1 else label for key, label in labels.items()}


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
