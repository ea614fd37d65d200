"""Search from anywhere: what a search found, and the dialog that one key opens on every page."""

from typing import Final

import streamlit as st

from lib.core.access import Permission
from lib.services import search
from lib.ui import desk
from lib.ui.links import link
from lib.ui.show import badge, plain

PLACEHOLDER: Final = "E-mail, name, partner, any id, discount code"
# A dialog takes the focus itself; who has pressed the key wants to type.
FOCUS: Final = """document.querySelector('[role="dialog"] input')?.focus()"""


def results(typed: str) -> None:
    """Show what fits a text, by kind, each with a link; nothing typed says what can be."""
    if not typed:
        st.caption(
            "Any part of a name will do, with a typing error too. A partner's name finds the couple. "
            "An id, ours or Stripe's (cus_, sub_, pi_, ch_, in_, re_, evt_), finds exactly its row."
        )
        return
    found = desk.read(search.everything, typed)
    if found.note:
        st.info(found.note, icon=":material/hourglass:")
    if not found.hits:
        st.info(f"Nothing fits “{plain(typed)}”.", icon=":material/search_off:")
    for title, hits in found.groups:
        st.subheader(title, anchor=False)
        for hit in hits:
            with st.container(horizontal=True, vertical_alignment="center", border=True):
                link(hit.title, hit.page, hit.opens, icon=":material/arrow_forward:")
                st.text(hit.subtitle, width="stretch")
                badge(hit.status)


def button() -> None:
    """Offer the search from anywhere, by its key too, to who may find people."""
    if desk.may(Permission.PEOPLE_READ) and st.button(
        "Find anything", key="find", icon=":material/search:", shortcut="Mod+K", width="stretch"
    ):
        _dialog()


@st.dialog("Find anything", width="large")
def _dialog() -> None:
    typed = st.text_input(
        "Find anything",
        key="find:typed",
        type="search",
        placeholder=PLACEHOLDER,
        max_chars=search.LONGEST,
        live="400ms",
        label_visibility="collapsed",
    )
    st.html(f"<script>{FOCUS}</script>", unsafe_allow_javascript=True)
    st.caption("Tab goes to what was found, Enter opens it, Escape closes this.")
    results((typed or "").strip())
