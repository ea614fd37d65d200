"""Revenue: what recurs, why it moved, who left, what was paid; each figure down to its payments."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import (
    comparison,
    money_in,
    recurring_rates,
    revenue,
    revenue_figures,
    segments,
    series,
)
from lib.services import remarks

ui.page("Revenue", Permission.REVENUE_READ)

couple_id = ui.opened()
if couple_id is not None:
    ui.couple_payments(couple_id, back_to="Revenue")
    st.stop()

ALL = "All currencies"
known = ui.read(revenue.currencies) or ["USD"]
with ui.filters():
    since, until = ui.period()
    currency = ui.one_of("Currency", [*known, ALL] if len(known) > 1 else known, key="currency")
    earlier = ui.compared_with(since, until)
with ui.filters():
    policy = ui.policy()
if currency == ALL:
    ui.all_currencies(since, until, policy)
    st.stop()

now = ui.read(revenue.summary, until, currency, policy)
held = ui.read(recurring_rates.recurring_rates, until, currency, policy)
days = ui.read(revenue.mrr_by_day, since, until, currency, policy)
before = ui.read(revenue.mrr_by_day, earlier.first, earlier.last, currency, policy) if earlier else None
ui.revenue_tiles(now, days, held, before, earlier)
ui.stands_on(now.mrr.basis)
ui.ways_down()
# A click on a bar leads to the couples behind it, for those who may see them.
may_see = ui.may(Permission.REVENUE_COUPLES)
way_down = ("month", "moved", "behind", "section") if may_see else ()
written = ui.read(remarks.between, since, until)
said = remarks.by_day(written)

match ui.sections("MRR", "Movements", "Plan mix", "Churn", "Payments", revenue_figures.BEHIND):
    case "MRR":
        by = ui.choose("Stacked by", segments.CHOICES, key="by")
        if by:
            parts = ui.read(segments.mrr_by_segment, since, until, by, currency, policy)
            ui.chart(
                revenue_figures.segment_areas(parts),
                title=f"MRR by day and {by}",
                about="What recurs each month, at the end of each day, in each segment; they add up to MRR",
                basis=parts.basis,
                rows=parts.days,
                columns=segments.DAY_COLUMNS,
                key="segments",
                why_not=parts.why_not,
            )
        else:
            beside = comparison.days_beside(days.days, before.days, earlier) if before and earlier else ()
            ui.chart(
                revenue_figures.mrr_line(days, beside=beside, remarks=said),
                title="MRR by day",
                about="What recurs each month, as it stood at the end of each day",
                basis=days.basis,
                rows=beside or days.days,
                columns=comparison.DAY_COLUMNS if beside else series.MRR_COLUMNS,
                key="mrr",
                why_not=days.why_not,
            )
        ui.day_remarks(written, until)
    case "Movements":
        by = ui.choose("By", segments.CHOICES, key="by")
        if by:
            parts_moved = ui.read(segments.movements_by_segment, since, until, by, currency, policy)
            ui.chart(
                revenue_figures.segment_bars(parts_moved.months, currency),
                title=f"What moved MRR by {by}",
                about="Gains less losses of MRR of each month in each segment; they add up to the whole",
                basis=parts_moved.basis,
                rows=parts_moved.months,
                columns=segments.MONTH_COLUMNS,
                key="segments",
                why_not=parts_moved.why_not,
            )
        else:
            months = ui.read(revenue.churn_by_month, since, until, currency, policy)
            beside_months = ui.earlier_months(months, earlier, policy)
            ui.chart(
                revenue_figures.movement_bars(months, beside=beside_months, remarks=said),
                title="What moved MRR",
                about="New, reactivated, expanded, contracted and churned MRR of each month",
                basis=months.basis,
                rows=beside_months or months.months,
                columns=comparison.MONTH_COLUMNS if beside_months else series.MONTH_COLUMNS,
                key="movements",
                why_not=months.why_not,
                picks=way_down,
            )
        ui.day_remarks(written, until)
    case "Plan mix":
        mix = ui.read(revenue.plan_mix, until, currency, policy)
        ui.chart(
            revenue_figures.plan_mix_bars(mix),
            title="MRR by plan",
            about="What each plan and billing period bring in",
            basis=mix.basis,
            rows=mix.plans,
            columns=series.PLAN_COLUMNS,
            key="mix",
            why_not=mix.why_not,
            picks=("plan", "billed", "behind", "section") if may_see else (),
        )
    case "Churn":
        months = ui.read(revenue.churn_by_month, since, until, currency, policy)
        beside_months = ui.earlier_months(months, earlier, policy)
        ui.chart(
            revenue_figures.churn_bars(months, beside=beside_months, remarks=said),
            title="Customer churn by month",
            about="Couples that churned / couples active at the month's start; involuntary: a payment failed",
            basis=months.basis,
            rows=beside_months or months.months,
            columns=comparison.MONTH_COLUMNS if beside_months else series.MONTH_COLUMNS,
            key="churn",
            why_not=months.why_not,
            picks=way_down,
        )
        ui.churn_formulas(held)
        ui.day_remarks(written, until)
    case "Payments":
        paid = ui.read(money_in.money_in, since, until, currency, policy)
        ui.chart(
            revenue_figures.money_bars(paid.months, currency),
            title="Payments by month",
            about="What couples paid, by what it was for, and what went back; whatever the policy",
            basis=paid.basis,
            rows=paid.months,
            columns=money_in.COLUMNS,
            key="payments",
            why_not=paid.why_not,
            picks=("month", "kind", "status"),
        )
        ui.refund_reasons(paid)
        if ui.may(Permission.PAYMENTS_READ):
            ui.payments_of_month(since, until)
    case _ if not may_see:
        st.info("Your role sees sums, not the couples behind them.", icon=":material/block:")
    case _:
        ui.couples_behind(since, until, currency, policy)
