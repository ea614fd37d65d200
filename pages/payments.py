"""Payments: find one, work through what could not be collected, watch the deadlines of disputes."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services.payments import at_stripe, case, disputes, failed, transactions

ui.page("Payments", Permission.PAYMENTS_READ)

payment_id = ui.opened()
if payment_id is None:
    match ui.sections("All", "Failed", "Disputes", key="show"):
        case "All":
            with ui.filters():
                q = ui.search_box("Find", placeholder="E-mail; pi_…, ch_…, in_…, dp_…; couple or payer")
                amount = ui.search_box("Amount", placeholder="30 or 20-100", key="amount")
                kind = ui.pick("For", transactions.KINDS, key="kind", shown_as=ui.words)
            with ui.filters():
                status = ui.choose("Status", transactions.STATUSES, key="status")
                since = ui.since("Within", key="within")
            ui.table(
                transactions.payments,
                key="payments",
                empty="No payment fits these filters.",
                q=q,
                status=status,
                kind=kind,
                since=since,
                amount=amount,
            )
        case "Failed":
            st.caption("Open invoices: first those that Stripe has given up on, then the next to be tried.")
            ui.table(failed.invoices, key="failed", opens="payment_id", empty="Everything was collected.")
        case _:
            st.caption("Hand the evidence in at Stripe, under Payments, Disputes: it is not done from here.")
            state = ui.choose("State", tuple(disputes.STATES), key="state", default="waiting")
            ui.table(disputes.disputes, key="disputes", opens="payment_id", empty="No disputes.", state=state)
    st.stop()

ui.back("All payments")
payment = ui.read(case.case, payment_id)
line, owed = payment.line, payment.owed

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(ui.amount(line.amount_cents, line.currency)), anchor=False, width="content")
    ui.badge(line.status)
    ui.link("The couple", "relationships", line.relationship_id, icon=":material/group:")
    ui.link("The payer", "users", line.user_id, icon=":material/person:")
    ui.link("The subscription", "subscriptions", payment.subscription_id, icon=":material/autorenew:")

if payment.reason:
    st.warning(f"{payment.reason.why} {payment.reason.helps}", icon=":material/credit_card_off:")
for dispute in payment.disputes:
    ui.dispute(dispute)

ui.facts(
    {
        "Paid by": line.person,
        "For": ui.words(line.transaction_type),
        "When": line.created_at,
        "Paid with": ui.words(payment.payment_method),
        "What the bank said": payment.failure,
        "Description": payment.description,
        "Stripe payment": line.stripe_payment_intent_id,
        "Stripe charge": line.stripe_charge_id,
    }
)
if owed:
    st.subheader("Invoice", anchor=False)
    ui.facts(
        {
            "Number": owed.number,
            "State": ui.words(owed.status),
            "Still owed": ui.amount(owed.remaining_cents, owed.currency),
            "Tries": owed.attempts,
            "Next try": owed.next_try,
            "As Stripe told": owed.told_at,
            "Stripe invoice": owed.id,
        }
    )
ui.collecting(payment)
ui.watch(case.progress, payment.id, payment.operations)

match ui.sections("Refunds", "Tries and fees", "Credit note", "Credit balance", "Notes"):
    case "Refunds":
        ui.frame(
            payment.refunds,
            case.REFUND_COLUMNS,
            key="refunds",
            alt="Refunds",
            empty="Nothing was asked back.",
        )
        ui.refund(line)
    case "Tries and fees":
        at = ui.ask_stripe(at_stripe.collected, payment)
        if at:
            ui.collected(at)
    case "Credit note":
        ui.credit_note(payment)
    case "Credit balance":
        ui.credit_balance(payment)
    case _:
        ui.notebook("payment_transactions", payment.id)
