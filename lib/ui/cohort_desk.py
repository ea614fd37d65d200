"""What the Cohorts page asks for: which cohorts, and which cell's couples."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import streamlit as st

from lib.core import moments
from lib.ui import resources
from lib.ui.filters import filters, forget_what_is_not_there, one_of, pick

_SPANS: Final[Mapping[str, int]] = {"12 months": 365, "24 months": 730, "36 months": 1095}


def cohort_span() -> tuple[date, date]:
    """From which month on cohorts are shown, from the address: its first day, and today."""
    chosen = one_of("Cohorts of", list(_SPANS), key="cohorts")
    today = moments.day_of(moments.now(), resources.settings().business_zone)
    return moments.month_start(today - timedelta(days=_SPANS[chosen])), today


def cohort_cell(since: date, until: date) -> tuple[date, date] | None:
    """The cell clicked in the grid or chosen here: its cohort's month and its own; None for none."""
    months = [moments.month_start(since)]
    while months[-1] < moments.month_start(until):
        months.append(moments.next_month(months[-1]))
    names = [f"{month:%Y-%m}" for month in months]
    ages = [str(age) for age in range(len(months))]
    forget_what_is_not_there("cohort", names)
    forget_what_is_not_there("age", ages)
    with filters():
        name = pick("Cohort", names[::-1], key="cohort")
        age = pick("Age in months", ages, key="age")
    if name is None or age is None:
        st.caption("Click a cell of the grid, or choose one here, for the couples behind it.")
        return None
    number = names.index(name) + int(age)
    if number >= len(months):
        st.info("This cohort is not that old yet.", icon=":material/hourglass_top:")
        return None
    return months[names.index(name)], months[number]
