"""Who is at the desk, asked of the database on every run; and the page for who is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import streamlit as st

from lib.core.access import Actor
from lib.core.work import working
from lib.services import sessions
from lib.services.sessions import SignInState
from lib.ui import resources

__all__ = ["SignInState", "at_the_desk", "current_actor", "page", "sign_out"]

PRODUCT: Final = "Better Together admin"
ICON: Final = Path(__file__).with_name("assets") / "icon.svg"
_CARD_WIDTH: Final = 480  # pixels; a narrower screen narrows it

_at_the_desk: ContextVar[Actor | None] = ContextVar("actor_of_this_run", default=None)


def current_actor() -> Actor | SignInState:
    """The member of staff who is signed in, as the database knows them now, or why there is none.

    A withdrawn role, a revoked session and an idle one end on the next run, that of a fragment included.
    """
    return _at_the_desk.get() or _recognise()


@contextmanager
def at_the_desk(actor: Actor) -> Iterator[None]:
    """Remember the actor for the rest of this run of the shell, so that a page does not ask again.

    A fragment or a callback runs without the shell, and so asks for itself.
    """
    token = _at_the_desk.set(actor)
    try:
        yield
    finally:
        _at_the_desk.reset(token)


def sign_out() -> None:
    """End the session here, then at the identity provider."""
    actor = current_actor()
    if isinstance(actor, Actor):
        with working(resources.database(), actor) as work:
            sessions.sign_out(work)
    st.logout()


def page(state: SignInState) -> None:
    """The page at every address for somebody who is not signed in."""
    with (
        st.container(horizontal_alignment="center"),
        st.container(border=True, gap="medium", width=_CARD_WIDTH),
    ):
        st.image(ICON, width=48, alt="")
        st.title(PRODUCT, anchor=False)
        title, text, icon = _SENTENCES[state]
        if title:
            st.warning(f"**{title}** {text}", icon=icon)
            if state in {SignInState.UNKNOWN, SignInState.WITHDRAWN} and (email := st.user.get("email")):
                st.text(f"You are signed in as {email}.")
        else:
            st.markdown(text)
        again = "Sign in as somebody else" if title and state in _WRONG_PERSON else "Sign in"
        st.button(again, type="primary", icon=":material/login:", on_click=st.login, width="stretch")
        if state in _WRONG_PERSON:
            st.button("Sign out", icon=":material/logout:", on_click=sign_out, width="stretch")
        if resources.settings().demo:
            st.caption("A demo on this machine: the next page lists the accounts and their password.")


_WRONG_PERSON: Final = frozenset({SignInState.UNKNOWN, SignInState.WITHDRAWN})
_ASK_AN_ADMIN: Final = (
    "Ask an admin to let you in: they open Operations, Staff, and need your e-mail address."
)
_SENTENCES: Final = {
    SignInState.SIGNED_OUT: ("", "Sign in with your work account to go on.", None),
    SignInState.STALE: ("Please sign in again.", "Your last sign-in is too old.", ":material/schedule:"),
    SignInState.UNKNOWN: ("You have no access yet.", _ASK_AN_ADMIN, ":material/block:"),
    SignInState.WITHDRAWN: ("Your access was withdrawn.", _ASK_AN_ADMIN, ":material/block:"),
    SignInState.ENDED: (
        "Your session has ended.",
        "It ends after a while without a click, and at the end of a working day. Sign in to go on here.",
        ":material/schedule:",
    ),
    SignInState.REVOKED: (
        "You are signed out.",
        "This session was ended by you or by an admin. Sign in to go on.",
        ":material/lock:",
    ),
}


def _recognise() -> Actor | SignInState:
    if not st.user.get("is_logged_in"):
        return SignInState.SIGNED_OUT
    return sessions.recognise(
        resources.database(),
        st.user.to_dict(),
        resources.settings().sign_in,
        user_agent=st.context.headers.get("User-Agent"),
    )
