"""What pages show about Stripe's events: replays and their dry run, ageing ones, a searched payload."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import streamlit as st

from lib.core.access import Permission
from lib.services import inbox_replays
from lib.services.inbox_replays import Replay
from lib.services.stripe_inbox import Ageing
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.forms import action
from lib.ui.show import badge, changes, document, moment, plain
from lib.ui.table import frame

_FOUND_AT_MOST = 100


def ageing(old: Ageing) -> None:
    """Warn of events that Stripe soon stops listing, or has stopped to, and that were never applied."""
    if old.near:
        st.warning(
            f"Not applied and more than 25 days old: {_events(old.near)}. Stripe lists events for 30 days. "
            "Apply again, or ignore, before they can no longer be fetched.",
            icon=":material/hourglass_bottom:",
        )
    if old.over:
        st.info(
            f"Not applied and older than the 30 days that Stripe keeps: {_events(old.over)}. Drift shows "
            "what is left of it.",
            icon=":material/history:",
        )


def replays(rows: Sequence[Replay]) -> None:
    """Offer a dry run of everything since a day, and show the latest replays."""
    st.subheader("Replays", anchor=False)
    action(
        "Apply all again since …",
        inbox_replays.rehearse_since,
        key="rehearse_since",
        needs=Permission.INBOX_REPLAY,
        ask=(Ask("since", "Received since", "date"), REASON),
        effect="First a dry run. Nothing changes until you have seen what would.",
        done="The dry run is on its way; it is the first one of the list below.",
        icon=":material/replay:",
    )
    frame(
        rows,
        inbox_replays.REPLAY_COLUMNS,
        key="replays",
        opens="id",
        parameter="replay",
        alt="The latest replays",
        empty="Nothing was replayed yet.",
    )


def replay(shown: Replay | None) -> None:
    """One replay: how far it is, what the dry run showed, and the word to do exactly that."""
    if shown is None:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Replay of {plain(shown.about)}**", width="content")
            badge(shown.state)
        st.caption(f"{plain(shown.asked_by_email)} · {moment(shown.asked_at)} · {plain(shown.reason)}")
        if shown.under_way:
            _progress(shown)
        elif shown.state == "rehearsed":
            _decide(shown)
        else:
            st.text(_summary(shown))
        if not shown.under_way:
            changes(shown.changes)


def searched_document(content: Any, *, missing: str) -> None:
    """A JSON document with a box that finds its parts by name or value."""
    if content is None:
        st.caption(missing)
        return
    wanted = st.text_input("Find in the payload", key="payload:find", max_chars=100).strip().lower()
    if not wanted:
        document(content, missing=missing)
        return
    found = [
        {"Field": path, "Value": str(item)}
        for path, item in _leaves(content)
        if wanted in path.lower() or wanted in str(item).lower()
    ]
    if found:
        st.dataframe(found[:_FOUND_AT_MOST], hide_index=True, alt="Fields of the payload that fit")
    else:
        st.caption("Nothing in the payload fits.")


def _events(number: int) -> str:
    return "1 event" if number == 1 else f"{number:,} events"


def _progress(shown: Replay) -> None:
    @st.fragment(run_every=1.0)
    def look() -> None:
        current = desk.read(inbox_replays.one, shown.id)
        if not current.under_way:
            st.rerun()
        total = current.total
        said = "Dry run" if current.state == "rehearsing" else "Applying"
        share = min(1.0, current.done / total) if total else 0.0
        st.progress(share, text=f"{said}: {current.done:,} of {'…' if total is None else f'{total:,}'}")

    look()


def _decide(shown: Replay) -> None:
    st.text(_summary(shown))
    with st.container(horizontal=True):
        action(
            "Do exactly this",
            inbox_replays.replay,
            shown.id,
            key=f"replay:{shown.id}",
            needs=Permission.INBOX_REPLAY,
            ask=(),
            effect="What would change something else by now is left as it is, and said so.",
            done="On its way.",
            icon=":material/check:",
            primary=True,
            shown=shown.shown,
        )
        action(
            "Leave it",
            inbox_replays.drop,
            shown.id,
            key=f"drop:{shown.id}",
            needs=Permission.INBOX_REPLAY,
            ask=(),
            done="Nothing was changed.",
            icon=":material/close:",
        )


def _summary(shown: Replay) -> str:
    total = shown.total or 0
    objects = "1 object" if total == 1 else f"{total:,} objects"
    steps = ", ".join(f"{number:,} {state}" for state, number in sorted(shown.steps.items()))
    if shown.state == "rehearsed":
        return f"{objects} asked for; {shown.changing:,} would change rows of ours."
    return f"{objects}: {steps}." if steps else f"{objects}."


def _leaves(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, Mapping):
        for name, item in content.items():
            yield from _leaves(item, f"{path}.{name}" if path else str(name))
    elif isinstance(content, list):
        for number, item in enumerate(content):
            yield from _leaves(item, f"{path}[{number}]")
    else:
        yield path, content
