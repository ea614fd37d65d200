"""Refunds: support requests, finance decides, the worker pays, and everybody sees how far it is."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import refund_case, refunds

ui.page("Refunds", Permission.REFUNDS_READ)

refund_id = ui.opened()
if refund_id is None:
    section = ui.sections("Requests", "Limits") if ui.may(Permission.REFUNDS_DECIDE) else "Requests"
    if section == "Limits":
        ui.limits_section()
        st.stop()
    status = ui.choose("Show", refunds.STATUSES, key="status", default="pending")
    ui.table(refunds.requests, key="refunds", empty=f"No {status or ''} refunds.", status=status)
    ui.own_limits("refunds", "Your approvals within 24 hours")
    st.stop()

ui.back("All refunds")
case = ui.read(refunds.one, refund_id)
money = ui.plain(ui.amount(case.amount_cents, case.currency))

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(money, anchor=False, width="content")
    ui.badge(case.status)
    ui.link("The couple", "relationships", case.relationship_id, icon=":material/group:")
    ui.link("The person", "users", case.user_id, icon=":material/person:")
    ui.link("The plan", "plans", case.plan_id, icon=":material/checklist:")

ui.facts(
    {
        "Person": case.person,
        "Reason": ui.words(case.reason),
        "Requested": case.requested_at,
        "Requested by": case.requested_by and case.requested_by.email,
        "Of a payment of": ui.amount(case.payment.amount_cents, case.currency),
        "Paid": case.payment.created_at,
        "Left of it for this refund": ui.amount(case.left_cents, case.currency),
        "Stripe refund": case.stripe_refund_id,
        "Note": case.notes,
    }
)
if case.hand_on:
    st.info(
        f"{ui.plain(case.hand_on.from_email)} asked {ui.plain(case.hand_on.to_email)} to decide, "
        f"{ui.moment(case.hand_on.at)}: {ui.plain(case.hand_on.message)}",
        icon=":material/forward_to_inbox:",
    )

if case.status == "pending" and case.why_not_decide:
    st.info(case.why_not_decide, icon=":material/info:")
with st.container(horizontal=True):
    if case.status == "pending":
        ui.action(
            "Approve and pay",
            refunds.approve,
            case.id,
            key="approve",
            needs=Permission.REFUNDS_DECIDE,
            why_not=case.why_not_decide,
            effect=f"{money} go back to the card. {case.overruling('approved')}",
            done="Approved. The payment is on its way.",
            icon=":material/check:",
            primary=True,
            shown=case.digest,
        )
        ui.action(
            "Deny",
            refunds.deny,
            case.id,
            key="deny",
            needs=Permission.REFUNDS_DECIDE,
            why_not=case.why_not_decide,
            ask=[ui.Ask("reason", "Words to who asked for it", "area", placeholder="Why, and what to tell")],
            effect=f"No money moves. {case.overruling('denied')}",
            done="Denied.",
            icon=":material/close:",
            shown=case.digest,
        )
        ui.hand_on(case)
    if case.can_try_again:
        ui.action(
            "Try the payment again",
            refunds.try_again,
            case.id,
            key="again",
            needs=Permission.REFUNDS_DECIDE,
            effect="Stripe is asked first whether it paid after all; nothing is paid twice.",
            done="On its way again.",
            icon=":material/replay:",
            shown=case.digest,
        )

ui.watch(refunds.progress, case.id, case.operations)
if case.recommendation:
    ui.recommendation(case.recommendation)
ui.recommended_then(case.kept)
ui.for_customer(case.for_customer)

if case.earlier:
    st.subheader("Other refunds of this payment", anchor=False)
    ui.frame(case.earlier, refund_case.EARLIER_COLUMNS, key="earlier", alt="Other refunds of this payment")
if case.attempts:
    with st.expander(f"Tries to approve ({len(case.attempts)})"):
        ui.frame(case.attempts, refund_case.ATTEMPT_COLUMNS, key="attempts", alt="Tries to approve")
