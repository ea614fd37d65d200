"""Search: one box over people, couples, and everything that has an id."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import search

ui.page("Search", Permission.PEOPLE_READ)

typed = ui.search_box(
    "Search",
    placeholder="E-mail, name, nickname, any id, cus_ sub_ pi_ ch_ in_ re_ evt_, discount code, visit",
)
if not typed:
    st.caption(
        "Any part of a name will do, with a typing error too. A partner's name finds the couple. "
        "An id, ours or Stripe's, finds exactly its row."
    )
    st.stop()

found = ui.read(search.everything, typed)
if found.note:
    st.info(found.note, icon=":material/hourglass:")
if not found.hits:
    st.info(f"Nothing fits “{ui.plain(typed)}”.", icon=":material/search_off:")

for title, hits in found.groups:
    st.subheader(title, anchor=False)
    for hit in hits:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            ui.link(hit.title, hit.page, hit.opens, icon=":material/arrow_forward:")
            st.text(hit.subtitle, width="stretch")
            ui.badge(hit.status)
