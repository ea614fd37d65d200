"""Revenue: what recurs, why it moved, who left, what was paid; each figure down to its payments."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import cohorts, recurring_rates, revenue, revenue_figures
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
worth = ui.read(cohorts.realised_ltv, currency=currency, policy=policy)
ui.revenue_tiles(now, days, held, worth, before, earlier)
ui.stands_on(now.mrr.basis)
ui.ways_down()
# A click on a bar leads to the couples behind it, for those who may see them.
may_see = ui.may(Permission.REVENUE_COUPLES)
way_down = ("month", "moved", "behind", "section") if may_see else ()
looked = ui.Looked(since, until, currency, policy, earlier, ui.read(remarks.between, since, until))

match ui.sections(
    "MRR", "Movements", "Plan mix", "Churn", "Payments", revenue_figures.BEHIND, "Stored by the app"
):
    case "MRR":
        ui.mrr_section(looked, days, before, ("day", "behind", "section") if may_see else ())
    case "Movements":
        ui.movements_section(looked, way_down)
    case "Plan mix":
        ui.plan_mix_section(looked, ("plan", "billed", "behind", "section") if may_see else ())
    case "Churn":
        ui.churn_section(looked, held, way_down)
    case "Payments":
        ui.payments_section(looked)
    case "Stored by the app":
        ui.stored_section(looked)
    case _ if not may_see:
        st.info("Your role sees sums, not the couples behind them.", icon=":material/block:")
    case _:
        ui.couples_behind(since, until, currency, policy)
