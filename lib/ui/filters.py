"""Filters above a list, kept in the address."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Final

import streamlit as st

from lib.core import moments, money
from lib.core.errors import Invalid
from lib.ui.show import plain, words

_SEARCH_WIDTH: Final = 320  # pixels, of a box beside other filters
_WITHIN: Final[Mapping[str, int]] = {"7 days": 7, "30 days": 30, "90 days": 90, "12 months": 365}


@contextmanager
def filters() -> Iterator[None]:
    """The row in which filters stand side by side, and one below the other on a narrow screen."""
    with st.container(horizontal=True, vertical_alignment="top"):
        yield


def search_box(label: str, *, placeholder: str, key: str = "q", wide: bool = False) -> str:
    """A search box whose text lives in the address; typing starts from the first page again.

    `wide` makes it as wide as the page: it is what the page is for.
    """
    typed = st.text_input(
        label,
        key=key,
        type="search",
        bind="query-params",
        placeholder=placeholder,
        max_chars=200,
        live="400ms",
        on_change=first_page,
        width="stretch" if wide else _SEARCH_WIDTH,
    )
    return (typed or "").strip()


def choose(label: str, options: Sequence[str], *, key: str, default: str | None = None) -> str | None:
    """One of a few options, in the address; None when nothing is chosen.

    The address has the option's words; a link may name its code.
    """
    named = st.query_params.get(key)
    if named in options:
        st.session_state[key] = named
    return st.segmented_control(
        label,
        list(options),
        key=key,
        default=None if named in options else default,
        format_func=words,
        bind="query-params",
        on_change=first_page,
        wrap=True,
    )


def one_of(label: str, options: Sequence[str], *, key: str, shown_as: Callable[[str], str] = str) -> str:
    """Exactly one of a few options, in the address; the first one until another is chosen.

    The address has the option's spelling; a link may name its code. One that is neither is said.
    """
    named = st.query_params.get(key)
    if named in options:
        st.session_state[key] = named
    elif named is not None and named not in {shown_as(option) for option in options}:
        st.warning(f"There is no {label.lower()} “{plain(named[:40])}”: this is {shown_as(options[0])}.")
    chosen = st.segmented_control(
        label,
        list(options),
        key=key,
        default=None if named in options else options[0],
        format_func=shown_as,
        required=True,
        bind="query-params",
        on_change=first_page,
        wrap=True,
    )
    return chosen or options[0]


def toggle(label: str, *, key: str, help: str | None = None) -> bool:  # noqa: A002 - Streamlit's word
    """A switch that lives in the address."""
    with st.container(width="content", height="stretch", vertical_alignment="bottom"):
        return st.toggle(label, key=key, help=help, bind="query-params", on_change=first_page)


def pick(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    shown_as: Callable[[str], str] = str,
    unpicked: str = "Any",
) -> str | None:
    """One of many options, found by typing; None while nothing is picked, which `unpicked` puts in words.

    `shown_as` spells an option.
    The address has the option's spelling; a link may name its code.
    """
    named = st.query_params.get(key)
    if named in options:
        st.session_state[key] = named
    return st.selectbox(
        label,
        list(options),
        index=None,
        key=key,
        format_func=shown_as,
        placeholder=unpicked,
        bind="query-params",
        on_change=first_page,
    )


def pick_named(label: str, options: Mapping[str, str], *, key: str) -> str | None:
    """One of many options by the name that stands for it, found by typing; None while nothing is picked."""
    return st.selectbox(
        label,
        list(options),
        index=None,
        key=key,
        placeholder="Any",
        format_func=lambda option: options[option],
        bind="query-params",
        on_change=first_page,
    )


def since(label: str, *, key: str) -> date | None:
    """The first day (UTC) of the time that is looked at; None for all of it."""
    chosen = st.segmented_control(
        label, list(_WITHIN), key=key, bind="query-params", on_change=first_page, wrap=True
    )
    return moments.now().date() - timedelta(days=_WITHIN[chosen]) if chosen else None


def day_of(label: str, latest: date, *, key: str) -> date:
    """A day up to `latest`, from the address; `latest` until another is chosen."""
    named = _day(st.query_params.get(key, ""))
    if named is not None and named <= latest and key not in st.session_state:
        st.session_state[key] = named  # a click that led here left it in the address alone
    st.session_state.setdefault(key, latest)
    chosen = st.date_input(
        label, max_value=latest, key=key, bind="query-params", on_change=first_page, width=160
    )
    return chosen if isinstance(chosen, date) else latest


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def money_box(label: str, currency: str, default_cents: int | None, *, key: str) -> int | None:
    """An amount that the page needs before it can show an effect, in minor units.

    None while nothing is typed, and, with the sentence shown, for what is no amount.
    """
    default = "" if default_cents is None else money.typed(default_cents, currency)
    typed = st.text_input(
        f"{label} ({currency.upper()})", default, key=key, max_chars=20, width=_SEARCH_WIDTH
    )
    if not (typed or "").strip():
        return None
    try:
        return money.parse(typed, currency)
    except Invalid as error:
        st.error(str(error))
        return None


def lead(**values: str | None) -> None:
    """Set filters, of this page or of the section that comes next, as if they had been chosen."""
    for name, value in values.items():
        if value is None:
            st.session_state.pop(name, None)
            st.query_params.pop(name, None)
        elif name in st.session_state:
            st.session_state[name] = value
        else:  # its widget is not there yet, and takes what the address says
            st.query_params[name] = value
    first_page()


def forget_what_is_not_there(key: str, options: Sequence[str]) -> None:
    """Let go of a choice that is none of the options: a click on a row of averages, or an old address."""
    if st.session_state.get(key) not in (None, *options):
        st.session_state.pop(key)
    if st.query_params.get(key) not in (None, *options):
        st.query_params.pop(key)


def first_page() -> None:
    """Go back to the first page of the list, as a changed filter must."""
    st.session_state.pop("page", None)
    st.query_params.pop("page", None)
