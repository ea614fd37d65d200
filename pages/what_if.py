"""What if: MRR of the next twelve months with other prices, another mix, other churn or sign-ups."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import outlook_figures, revenue, scenario

ui.page("What if", Permission.REVENUE_READ, about="Twelve months with other prices, plans, churn or sign-ups")

with ui.filters():
    currency = ui.one_of("Currency", ui.read(revenue.currencies) or ["USD"], key="currency")
    policy = ui.policy()

start = ui.read(scenario.now, currency, policy)
if start.why_not:
    st.info(start.why_not, icon=":material/query_stats:")
    st.stop()

found = ui.project(start, ui.wish_for(start))
ui.tiles(
    [
        ui.figure_tile("MRR in 12 months, if changed", found.figure(found.last.mrr_cents)),
        ui.figure_tile("As it goes now", found.figure(found.last.usual_cents)),
        ui.figure_tile("Difference", found.figure(found.last.difference_cents)),
        ui.figure_tile(
            "Over the 12 months",
            found.figure(found.within_a_year),
            note="The twelve months' MRR if changed, less the twelve months' as it goes now",
        ),
    ]
)
ui.chart(
    outlook_figures.projection_lines(found),
    title="MRR if changed, and as it goes now",
    about="Each month like the average of the last twelve complete ones, but for what was changed; the range "
    "is what 80 % of a thousand draws of those months give",
    basis=found.basis,
    rows=found.months,
    columns=scenario.COLUMNS,
    key="projection",
)
st.caption(
    "A price changes neither churn nor sign-ups by itself: say above what you expect of both. Annual plans "
    "take a new price as they renew, a twelfth each month."
)
