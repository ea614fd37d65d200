"""Forecast: MRR of the next twelve months, its range, and how far off such forecasts were."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import forecast, outlook_figures, revenue

ui.page(
    "Forecast", Permission.REVENUE_READ, about="MRR of the next twelve months, if things go on as they went"
)

with ui.filters():
    currency = ui.one_of("Currency", ui.read(revenue.currencies) or ["USD"], key="currency")
    policy = ui.policy()

found = ui.read_shared(forecast.mrr_forecast, currency, policy)
ui.tiles(
    [
        ui.figure_tile("Newest complete month", found.in_months(0)),
        ui.figure_tile("In 3 months", found.in_months(3), note=found.range_in(3)),
        ui.figure_tile("In 6 months", found.in_months(6), note=found.range_in(6)),
        ui.figure_tile("In 12 months", found.in_months(12), note=found.range_in(12)),
    ]
)
ui.chart(
    outlook_figures.forecast_line(found),
    title="MRR at the end of each month",
    about="Exponential smoothing with a damped trend (ETS, statsmodels), without a season; 80 % range",
    basis=found.basis,
    rows=found.months,
    columns=forecast.COLUMNS,
    key="forecast",
    why_not=found.why_not,
)
if not found.why_not:
    st.subheader(
        "How far off it was",
        anchor=False,
        help="The method, fitted anew at each earlier month's end to what was known then, against the truth",
    )
    st.markdown(ui.plain(found.verdict))
    ui.frame(found.errors, forecast.ERROR_COLUMNS, key="errors", alt="Errors of past forecasts")
    st.caption(
        "Error: the mean distance from the true value, as a share of it. MASE: the same in steps from month "
        "to month. Naive: MRR stays as it is. In the range: true values that lay within the 80 % range."
    )
