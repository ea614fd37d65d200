"""Revenue: what recurs, why it moved, who left; each figure down to its couples."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import behind, figures, revenue, series
from lib.metrics.mrr import MOVEMENTS

ui.page("Revenue", Permission.REVENUE_READ)

known = ui.read(revenue.currencies)
with ui.filters():
    since, until = ui.period()
    currency = ui.one_of("Currency", known or ["USD"], key="currency")

now = ui.read(revenue.summary, until, currency)
ui.tiles(
    [
        ui.figure_tile(
            "MRR", now.mrr, now.growth, "Monthly recurring revenue; change against 30 days before"
        ),
        ui.figure_tile("ARR", now.arr, note="12 × MRR, exact"),
        ui.figure_tile("Paying couples", now.couples),
        ui.figure_tile("ARPA", now.arpa, note="MRR for each paying couple"),
    ]
)
ui.stands_on(now.mrr.basis)

match ui.sections("MRR", "Movements", "Plan mix", "Churn", "Couples"):
    case "MRR":
        days = ui.read(revenue.mrr_by_day, since, until, currency)
        ui.chart(
            figures.mrr_line(days),
            title="MRR by day",
            about="What recurs each month, as it stood at the end of each UTC day",
            basis=days.basis,
            rows=days.days,
            columns=series.MRR_COLUMNS,
            key="mrr",
            why_not=days.why_not,
        )
    case "Movements":
        months = ui.read(revenue.churn_by_month, since, until, currency)
        ui.chart(
            figures.movement_bars(months),
            title="What moved MRR",
            about="New, reactivated, expanded, contracted and churned MRR of each month",
            basis=months.basis,
            rows=months.months,
            columns=series.MONTH_COLUMNS,
            key="movements",
            why_not=months.why_not,
        )
    case "Plan mix":
        mix = ui.read(revenue.plan_mix, until, currency)
        ui.chart(
            figures.plan_mix_bars(mix),
            title="MRR by plan",
            about="What each plan and billing period bring in",
            basis=mix.basis,
            rows=mix.plans,
            columns=series.PLAN_COLUMNS,
            key="mix",
            why_not=mix.why_not,
        )
    case "Churn":
        months = ui.read(revenue.churn_by_month, since, until, currency)
        ui.chart(
            figures.churn_bars(months),
            title="Customer churn by month",
            about="Couples that churned in the month / couples active at its start",
            basis=months.basis,
            rows=months.months,
            columns=series.MONTH_COLUMNS,
            key="churn",
            why_not=months.why_not,
        )
    case _ if not ui.may(Permission.REVENUE_COUPLES):
        st.info("Your role sees sums, not the couples behind them.", icon=":material/block:")
    case _:
        with ui.filters():
            first, last = ui.month(since, until)
            moved = ui.choose("Moved by", MOVEMENTS, key="moved")
        st.caption(
            "Couples whose MRR moved in the month, by the day; all of them until a movement is chosen."
        )
        ui.table(
            behind.couples_behind,
            key="behind",
            opens=None,
            empty="No couple moved in this month.",
            since=first,
            until=last,
            movement=moved,
            currency=currency,
        )
