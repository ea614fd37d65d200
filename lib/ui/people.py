"""What pages show about people: the button that reveals them, notes, and the timeline."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

import streamlit as st

from lib.core import money
from lib.core.access import Permission
from lib.core.listing import AnyRow
from lib.services import notes, people
from lib.services.timeline import Entry
from lib.ui import desk
from lib.ui.forms import Ask, action
from lib.ui.links import link
from lib.ui.show import facts, local, moment, plain, words, zone

_CODE: Final = re.compile(r"[a-z]+(_[a-z]+)+")
_ICONS: Final = {
    "payment": "payments",
    "refund": "undo",
    "subscription": "autorenew",
    "credits": "token",
    "code": "sell",
    "message": "mail",
    "error": "bug_report",
    "staff": "badge",
    "life": "favorite",
}


def reveal(person_ids: tuple[str, ...], *, masked: bool, key: str) -> None:
    """Offer to see masked people unmasked for half an hour; or say that they are shown."""
    if not masked:
        st.badge("Shown unmasked for half an hour", icon=":material/visibility:", color="orange")
        return
    action(
        "Show personal data",
        people.reveal,
        person_ids,
        key=key,
        needs=Permission.PEOPLE_REVEAL,
        icon=":material/visibility:",
        effect="Names and contact data are shown to you for 30 minutes. The reason is kept.",
        ask=[Ask("reason", "Reason", "choice", options=people.REVEAL_REASONS)],
        done="Shown for 30 minutes.",
    )


def card(person: Any, *, pays: bool) -> None:
    """Show one partner: who they are, how to reach them, whether they pay."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(person.name)}**", width="content")
            if pays:
                st.badge("Pays", icon=":material/credit_card:", color="green")
            link("Open", "users", person.id, icon=":material/person:")
        facts(
            {
                "E-mail": person.email,
                "Phone": person.phone_number,
                "Last active": person.last_active_at,
                "Joined": person.created_at,
            }
        )


def notebook(kind: str, key: str) -> None:
    """Show the notes about one row, and a form for another."""
    with st.form(f"note:{key}", clear_on_submit=True, border=False):
        body = st.text_area(
            "New note", placeholder="What the next colleague should know", max_chars=notes.LONGEST
        )
        writes = desk.may(Permission.NOTES_WRITE)
        sent = st.form_submit_button("Add note", icon=":material/add:", disabled=not writes)
    if sent:
        attempt = desk.attempt(notes.write, kind, key, body=body or "")
        if attempt.why_not:
            st.error(attempt.why_not)
        else:
            desk.announce("Note added.")
    found = desk.read(notes.about, kind, key)
    if not found:
        st.caption("No notes yet.")
    for note in found:
        _note(note)


def _note(note: AnyRow) -> None:
    with st.container(border=True, gap=None):
        st.text(note.body)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(f"{plain(note.author_email)} · {moment(note.created_at)}", width="content")
            if note.author_id == desk.actor().id and st.button(
                "Remove", key=f"remove:{note.id}", type="tertiary", icon=":material/delete:"
            ):
                desk.attempt(notes.remove, note.id)
                desk.announce("Note removed.")


def timeline(entries: Sequence[Entry], names: dict[str, str]) -> None:
    """Show what happened, newest first, under a heading for each day. `names` are those of the partners."""
    if not entries:
        st.caption("Nothing happened yet.")
    for day, of_day in groupby(entries, key=lambda entry: local(entry.at).date() if entry.at else None):
        heading = f"**{day:%A, %d %B %Y}**" if day else "**Undated**"
        # Two blanks before its end break a line.
        st.markdown("  \n".join([heading, *(_line(entry, names) for entry in of_day)]))
    st.caption(f"Times in {zone()}.")


def _line(entry: Entry, names: dict[str, str]) -> str:
    parts = [f"**{plain(words(entry.what))}**"]
    if entry.cents is not None:
        figure = money.show(entry.cents, entry.currency) if entry.currency else f"{entry.cents:+,}"
        parts.append(plain(figure))
    parts += [plain(_worded(part)) for part in (entry.detail, entry.words) if part]
    if entry.user_id in names:
        parts.append(f"*{plain(names[entry.user_id])}*")
    time = f"`{local(entry.at):%H:%M}`" if entry.at else ""
    return f":material/{_ICONS.get(entry.kind, 'circle')}: {time} {' · '.join(parts)}"


def _worded(text: str) -> str:
    """A code such as `requested_by_customer` as words; people's own text as it is."""
    return text.replace("_", " ") if _CODE.fullmatch(text) else text
