"""Filters with many options, days and amounts, kept in the address."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import streamlit as st

from lib.core import moments, money
from lib.core.errors import Invalid
from lib.ui.table import first_page

_WITHIN: Final[Mapping[str, int]] = {"7 days": 7, "30 days": 30, "90 days": 90, "12 months": 365}


def pick(label: str, options: Sequence[str], *, key: str, shown_as: Callable[[str], str] = str) -> str | None:
    """One of many options, found by typing; None while nothing is picked."""
    return st.selectbox(
        label,
        list(options),
        index=None,
        key=key,
        format_func=shown_as,
        placeholder="Any",
        bind="query-params",
        on_change=first_page,
    )


def since(label: str, *, key: str) -> date | None:
    """The first day (UTC) of the time that is looked at; None for all of it."""
    chosen = st.segmented_control(label, list(_WITHIN), key=key, bind="query-params", on_change=first_page)
    return moments.now().date() - timedelta(days=_WITHIN[chosen]) if chosen else None


def money_box(label: str, currency: str, default_cents: int | None, *, key: str) -> int | None:
    """An amount that the page needs before it can show an effect, in minor units.

    None while nothing is typed, and, with the sentence shown, for what is no amount.
    """
    default = "" if default_cents is None else money.typed(default_cents, currency)
    typed = st.text_input(f"{label} ({currency.upper()})", default, key=key, max_chars=20, width=320)
    if not (typed or "").strip():
        return None
    try:
        return money.parse(typed, currency)
    except Invalid as error:
        st.error(str(error))
        return None
