"""Cohorts: who stays, how much of the revenue, what a couple brings in; each cell down to its payments."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import cohort_couples, cohort_table, cohorts, figures, revenue

ui.page("Cohorts", Permission.REVENUE_READ)

couple_id = ui.opened()
if couple_id is not None:
    ui.couple_payments(couple_id, back_to="All cohorts")
    st.stop()

with ui.filters():
    since, until = ui.cohort_span()
    currency = ui.one_of("Currency", ui.read(revenue.currencies) or ["USD"], key="currency")
with ui.filters():
    plan_id = ui.pick_named("Joined with", ui.read(cohorts.plans), key="plan")
    joined_via = ui.pick("Came via", cohorts.VIAS, key="via", shown_as=ui.words)
with ui.filters():
    policy = ui.policy()

section = ui.sections("Couples kept", "Revenue kept", "Lifetime value", "Stored by the app")
match section:
    case "Couples kept" | "Revenue kept":
        found = ui.read(
            cohorts.retention_by_cohort,
            since,
            until,
            currency,
            policy,
            plan_id=plan_id,
            joined_via=joined_via,
        )
        by_couples = section == "Couples kept"
        ui.chart(
            figures.retention_grid(found, "logo" if by_couples else "revenue"),
            title=section,
            about="Couples that pay / couples that first paid in the month"
            if by_couples
            else "Annualised revenue of the cohort / what it was when its couples first paid",
            basis=found.basis,
            rows=cohort_table.retention_rows(found),
            columns=cohort_table.RETENTION_COLUMNS,
            key="grid",
            why_not=found.why_not,
            picks=("cohort", "age"),
        )
        st.caption(
            "Hatched: the month goes on, so far. The average counts months that are over, weighted by "
            f"{'couples' if by_couples else 'opening revenue'}."
        )
        with st.expander("What the averages stand on"):
            ui.frame(found.averages, cohort_table.AVERAGE_COLUMNS, key="averages", alt="Averages by age")
    case "Lifetime value":
        worth = ui.read(
            cohorts.realised_ltv, since, until, currency, policy, plan_id=plan_id, joined_via=joined_via
        )
        ui.chart(
            figures.ltv_grid(worth),
            title="Realised lifetime value",
            about="Money in, for everything, less refunds / couples that first paid in the month",
            basis=worth.basis,
            rows=cohort_table.worth_rows(worth),
            columns=cohort_table.WORTH_COLUMNS,
            key="worth",
            why_not=worth.why_not,
            picks=("cohort", "age"),
        )
        st.caption("Hatched: the month goes on, so far. The average is weighted by couples.")
    case _:
        st.caption(
            "What the app stored in `user_cohorts` beside what payments and subscriptions say, once a day. "
            "Its cohorts are people by the month of sign-up. Of it this page uses only how couples came."
        )
        ui.table(cohort_table.stored_by_the_app, key="stored", opens=None, empty="Nothing was compared yet.")
        st.stop()

if not ui.may(Permission.REVENUE_COUPLES):
    st.info("Your role sees sums, not the couples behind them.", icon=":material/block:")
    st.stop()
cell = ui.cohort_cell(since, until)
if cell:
    standing = ui.choose("Show", cohort_couples.STANDINGS, key="standing")
    ui.table(
        cohort_couples.couples_of_cell,
        key="couples",
        opens="relationship_id",
        empty="No couple of this cell fits.",
        cohort=cell[0],
        month=cell[1],
        standing=standing,
        currency=currency,
        plan_id=plan_id,
        joined_via=joined_via,
        policy=policy.name,
        **ui.policy_settings(),
    )
