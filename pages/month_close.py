"""Month close: a month's figures frozen and restated, its payments tied to Stripe's balance, the rates."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import month_close
from lib.services.month_close import late, rates, reconciliation

ui.page("Month close", Permission.REVENUE_CLOSE)

if ui.behind_open():
    st.stop()

months = ui.read(month_close.closable_months, zone=ui.business_zone())
section = ui.sections("Figures", "Payments at Stripe", "Exchange rates")
if section == "Exchange rates":
    st.caption(f"Rates into {ui.reporting_currency()}. None is ever changed: a newer one takes its place.")
    ui.enter_rate()
    empty = "No rate was entered. None is needed while everything is in one currency."
    ui.table(rates.rates, key="rates", opens=None, empty=empty, reporting=ui.reporting_currency())
    st.stop()
if not months:
    st.info("No month is over yet since the first subscription began.", icon=":material/calendar_month:")
    st.stop()
month = ui.closing_month(months)

if section == "Payments at Stripe":
    known = ui.read(reconciliation.payments_tied, month)
    ui.reconcile_head(month, known)
    if known.through_id is None:
        st.stop()
    st.subheader("Totals", anchor=False)
    columns = reconciliation.TOTAL_COLUMNS
    ui.frame(known.totals, columns, key="totals", alt="Totals", empty="Nothing moved in this month.")
    st.subheader("Rows", anchor=False)
    state = ui.choose("State", reconciliation.CHOICES, key="state")
    st.caption(reconciliation.explained(state))
    ui.table(
        reconciliation.reconciled,
        key="reconciled",
        opens="key",
        parameter="row",
        empty="There is no such row in this month.",
        reconciliation_id=known.through_id,
        state=state,
    )
    st.stop()

shown = ui.read(
    month_close.of_month,
    month,
    version=ui.chosen_version(),
    reporting=ui.reporting_currency(),
    zone=ui.business_zone(),
)
ui.close_head(shown)
if not shown.policies:
    st.info(ui.plain(shown.now.why_not), icon=":material/query_stats:")
    st.stop()
with ui.filters():
    policy = ui.one_of("Policy", shown.policies, key="policy", shown_as=ui.policy_title)
    currency = ui.one_of("Currency", shown.currencies, key="currency")
    only = ui.toggle("Only what differs", key="only") if shown.chosen else False
ui.close_tiles(shown, policy, currency)
with st.container(horizontal=True):
    ui.close_actions(shown)
    ui.close_files(shown.chosen)
ui.close_figures(shown, policy, currency, all_lines=not only)
if shown.chosen is None or not shown.changed:
    st.stop()

st.subheader("What came after the freeze", anchor=False)
match ui.sections("Ledger", "Payments", key="behind"):
    case "Ledger":
        ui.table(
            late.late_entries,
            key="late_entries",
            opens=None,
            empty="No entry of the ledger came after the freeze.",
            month=month,
            after=shown.chosen.ledger_seq,
            zone=ui.business_zone(),
        )
    case _:
        ui.table(
            late.late_payments,
            key="late_payments",
            opens="payment_id",
            parameter="payment",
            empty="No payment, refund or dispute of the month was changed here after the freeze.",
            month=month,
            after=shown.chosen.audit_seq,
            zone=ui.business_zone(),
        )
