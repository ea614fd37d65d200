"""Filters with many options, kept in the address."""

from collections.abc import Sequence

import streamlit as st

from lib.ui.table import first_page


def pick(label: str, options: Sequence[str], *, key: str) -> str | None:
    """One of many options, found by typing; None while nothing is picked."""
    return st.selectbox(
        label,
        list(options),
        index=None,
        key=key,
        placeholder="Any",
        bind="query-params",
        on_change=first_page,
    )
