"""Revenue: what recurs, why it moved, who left; each figure down to its couples."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import behind, figures, recurring_rates, revenue, series
from lib.metrics.mrr import MOVEMENTS

ui.page("Revenue", Permission.REVENUE_READ)

couple_id = ui.opened()
if couple_id is not None:
    ui.couple_payments(couple_id, back_to="Revenue")
    st.stop()

with ui.filters():
    since, until = ui.period()
    currency = ui.one_of("Currency", ui.read(revenue.currencies) or ["USD"], key="currency")
with ui.filters():
    policy = ui.policy()

now = ui.read(revenue.summary, until, currency, policy)
held = ui.read(recurring_rates.recurring_rates, until, currency, policy)
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
ui.tiles([ui.rate_tile(rate, currency) for rate in (held.nrr, held.grr, held.quick_ratio, held.ltv)])
ui.stands_on(now.mrr.basis)
# A click on a bar leads to the couples behind it, for those who may see them.
way_down = ("month", "moved", "section") if ui.may(Permission.REVENUE_COUPLES) else ()

match ui.sections("MRR", "Movements", "Plan mix", "Churn", figures.BEHIND):
    case "MRR":
        days = ui.read(revenue.mrr_by_day, since, until, currency, policy)
        ui.chart(
            figures.mrr_line(days),
            title="MRR by day",
            about="What recurs each month, as it stood at the end of each day",
            basis=days.basis,
            rows=days.days,
            columns=series.MRR_COLUMNS,
            key="mrr",
            why_not=days.why_not,
        )
    case "Movements":
        months = ui.read(revenue.churn_by_month, since, until, currency, policy)
        ui.chart(
            figures.movement_bars(months),
            title="What moved MRR",
            about="New, reactivated, expanded, contracted and churned MRR of each month",
            basis=months.basis,
            rows=months.months,
            columns=series.MONTH_COLUMNS,
            key="movements",
            why_not=months.why_not,
            picks=way_down,
        )
    case "Plan mix":
        mix = ui.read(revenue.plan_mix, until, currency, policy)
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
        months = ui.read(revenue.churn_by_month, since, until, currency, policy)
        ui.chart(
            figures.churn_bars(months),
            title="Customer churn by month",
            about="Couples that churned / couples active at the month's start; involuntary: a payment failed",
            basis=months.basis,
            rows=months.months,
            columns=series.MONTH_COLUMNS,
            key="churn",
            why_not=months.why_not,
            picks=way_down,
        )
        st.subheader(
            "Churn by formula", anchor=False, help="The 30 days up to the newest day that was counted"
        )
        ui.frame(
            held.churn_rows, recurring_rates.CHURN_COLUMNS, key="formulas", alt="Customer churn by formula"
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
            opens="relationship_id",
            empty="No couple moved in this month.",
            since=first,
            until=last,
            movement=moved,
            currency=currency,
            policy=policy.name,
        )
