"""The planner of tests: baseline, effect and power give the size and the days."""

import streamlit as st

from lib.metrics.stats import power
from lib.ui.filters import filters
from lib.ui.show import Tile, plain, tiles

_MOST_ARMS = 8


def plan_test() -> None:
    """Ask for what a test is planned from, and show its size and how long it takes."""
    with filters():
        baseline = st.number_input("Baseline, %", 0.1, 99.9, 5.0, step=0.5, format="%.1f", key="baseline")
        lift = st.number_input("Least lift to find, %", 1, 500, 10, step=1, key="lift")
        surely = st.slider("Power, %", 50, 99, 80, key="power", width=240)
        arms = st.number_input("Arms", 2, _MOST_ARMS, 2, step=1, key="arms")
        per_day = st.number_input("Couples a day", 1, 1_000_000, 100, step=10, key="per_day")
    found = power.planned(baseline / 100, lift / 100, per_day, [1] * arms, power=surely / 100)
    if found.why_not:
        st.info(plain(found.why_not), icon=":material/query_stats:")
        return
    tiles(
        [
            Tile("Couples per arm", f"{found.per_arm:,}"),
            Tile("Couples in all", f"{found.total:,}"),
            Tile("Days", f"{found.days:,}", help="At least 14 are advised: weekdays and weekends differ."),
        ]
    )
    st.caption(
        "Two-sided pooled z-test at 5 %, of each arm against the control (Fleiss, without correction). The "
        "baseline is the share of couples that convert in the control; a lift of 10 % takes 5 % to 5.5 %."
    )
