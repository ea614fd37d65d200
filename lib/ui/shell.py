"""The frame around every page, run by Streamlit on each rerun: who is here, the menu, then the page.

It lies outside the folder of `pages/` on purpose: beside it, Streamlit would serve those files by itself,
before anybody has signed in.
"""

import streamlit as st

from lib.core.access import Actor
from lib.ui import desk, finder, links, navigation, resources, sign_in
from lib.ui.sign_in import ICON, PRODUCT


def run() -> None:
    """Draw one run."""
    st.set_page_config(page_title=PRODUCT, page_icon=ICON, layout="wide")
    actor = sign_in.current_actor()
    if isinstance(actor, Actor):
        _open(actor)
    else:
        st.navigation(navigation.closed(lambda: sign_in.page(actor)), position="hidden").run()


def _open(actor: Actor) -> None:
    with sign_in.at_the_desk(actor):
        menu = navigation.menu(actor, not_allowed=links.not_allowed, missing=links.missing)
        page = st.navigation(menu, expanded=True)
        desk.arrive(page.url_path)
        st.set_page_config(page_title=f"{page.title} · {PRODUCT}", page_icon=ICON)
        st.logo(ICON, size="large")
        with st.sidebar:
            finder.button()
            _person(actor)
        page.run()


def _person(actor: Actor) -> None:
    with st.container(gap="xxsmall"):
        st.text(actor.name)
        st.caption(actor.role.value.capitalize())
    if resources.settings().demo:
        st.caption(":material/science: Demo: invented people, Stripe on this machine")
    st.button(
        "Sign out", key="sign_out", icon=":material/logout:", on_click=sign_in.sign_out, width="stretch"
    )


run()
