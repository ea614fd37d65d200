"""The list of those behind a step or a cell, for the roles that may see it."""

from collections.abc import Sequence

import streamlit as st

from lib.core.access import Permission
from lib.core.listing import Column
from lib.metrics import journey_units
from lib.metrics.funnels import Unit
from lib.metrics.funnels_table import AtStep
from lib.ui import desk
from lib.ui.table import page_number, paged


def may_see_units() -> bool:
    """Whether the role sees who is behind a figure; says so where it does not."""
    if desk.may(Permission.PEOPLE_READ):
        return True
    st.info("Your role sees sums, not the people behind them.", icon=":material/block:")
    return False


def units_table(found: Sequence[AtStep], columns: Sequence[Column], unit: Unit, *, empty: str) -> None:
    """Couples or people by pages; their own page opens in a tab beside, so that the figure stays."""
    page = desk.read(journey_units.names, unit, found, page_number())
    paged(page, columns, key="units", empty=empty)
