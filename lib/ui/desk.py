"""The desk a member of staff works at: who they are, a way to read, a way to act.

Actions finish, and are committed, before anything is shown: Streamlit aborts a running script at its next
`st.` call when the person clicks again.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar

import streamlit as st

from lib.core.access import Actor, Permission
from lib.core.errors import AdminError, NotAllowed, NotFound
from lib.core.work import QUERIES, View, Work, name_of, reading, working
from lib.payments.gateway import Gateway
from lib.ui import resources, sign_in

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

_NEWS: Final = "good_news"
_SHOWN: Final = "page_shown"
SHARED_FOR: Final = timedelta(minutes=10)


def actor() -> Actor:
    """Who is at the desk. The run ends here when nobody is."""
    who = sign_in.current_actor()
    if not isinstance(who, Actor):
        st.warning("Your sign-in has ended. Reload the page to sign in again.", icon=":material/lock:")
        st.stop()
    return who


def may(permission: Permission) -> bool:
    """Whether the person at the desk may do something."""
    return actor().may(permission)


def arrive(slug: str) -> None:
    """Come to a page with nothing in its boxes but what the address says.

    Streamlit keeps what is bound to the address by its name alone, and would put what was looked for on the
    page before into the box of the same name on the next one.
    """
    if st.session_state.get(_SHOWN, slug) != slug:
        for key in list(st.session_state):
            if key != _NEWS:
                del st.session_state[key]
    st.session_state[_SHOWN] = slug


def page(title: str, permission: Permission, *, about: str | None = None) -> None:
    """Open a page: the run ends here unless the actor may see it; then its title and the last good news."""
    if not may(permission):
        not_allowed()
        st.stop()
    st.title(title, anchor=False)
    if about:
        st.caption(about)
    if news := st.session_state.pop(_NEWS, None):
        st.toast(news, icon=":material/check:")


def not_allowed() -> None:
    """Say that a page is not for this role, and whom to ask."""
    st.title("Not allowed", anchor=False)
    st.info(
        f"Your role ({actor().role.value}) does not include this page. An admin can change your role "
        "under Operations, Staff.",
        icon=":material/block:",
    )


def read(function: Callable[Concatenate[View, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a query for the person at the desk. What goes wrong is said, and ends the run."""
    with expected_errors(), reading(resources.database(), actor()) as view:
        return function(view, *args, **kwargs)
    raise AssertionError("expected_errors() ends the run")


def read_shared(function: Callable[Concatenate[View, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """As `read`, for what is dear to work out and the same for whoever may see it: kept for ten minutes."""
    with expected_errors():
        actor().must(QUERIES[name_of(function)])
    where = resources.database().primary.url.render_as_string()
    shared: R = _shared(f"{where} {name_of(function)}", function, *args, **kwargs)
    return shared


@st.cache_data(ttl=SHARED_FOR, max_entries=200, show_spinner=False)
def _shared(key: str, /, _function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - the key
    return read(_function, *args, **kwargs)


def ask_stripe(question: Callable[Concatenate[Gateway, P], R], *args: P.args, **kwargs: P.kwargs) -> R | None:
    """What Stripe says to a question that changes nothing; None, with the sentence shown, when it cannot say.

    No transaction is open meanwhile: read what the question needs first.
    """
    try:
        return question(resources.gateway(), *args, **kwargs)
    except AdminError as error:
        st.warning(str(error), icon=":material/cloud_off:")
        return None


def stripe_is_set_up() -> bool:
    """Whether there is a key to ask Stripe with."""
    return resources.settings().stripe_key is not None


@dataclass(frozen=True, slots=True)
class Attempt(Generic[R]):
    """What came of an action: its result, or the sentence that says why it was not done."""

    result: R | None = None
    why_not: str | None = None


def attempt(function: Callable[Concatenate[Work, P], R], *args: P.args, **kwargs: P.kwargs) -> Attempt[R]:
    """Run an action for the person at the desk, in a transaction of its own."""
    try:
        with working(resources.database(), actor()) as work:
            result = function(work, *args, **kwargs)
    except AdminError as error:
        return Attempt(why_not=str(error))
    return Attempt(result)


def announce(news: str) -> None:
    """Run the page again, and say what was done."""
    st.session_state[_NEWS] = news
    st.rerun()


@contextmanager
def expected_errors() -> Iterator[None]:
    """Show an expected error as a sentence and end the run; let a bug pass to the incident page."""
    try:
        yield
    except NotFound as error:
        st.warning(str(error), icon=":material/search_off:")
        st.stop()
    except NotAllowed as error:
        st.info(str(error), icon=":material/block:")
        st.stop()
    except AdminError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
