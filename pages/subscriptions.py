"""Subscriptions: find one; end it now or with its period, or keep it, and see first what that does."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import subscription_case, subscriptions

ui.page("Subscriptions", Permission.SUBSCRIPTIONS_READ)

subscription_id = ui.opened()
if subscription_id is None:
    with ui.filters():
        q = ui.search_box("Find", placeholder="sub_…, cus_…, id of couple or payer")
        status = ui.choose("Status", subscriptions.STATUSES, key="status")
        ending = ui.toggle("Set to cancel", key="ending")
    ui.table(
        subscriptions.subscriptions,
        key="subscriptions",
        empty="No subscription fits these filters.",
        q=q,
        status=status,
        set_to_cancel=ending or None,
    )
    st.stop()

ui.back("All subscriptions")
case = ui.read(subscriptions.one, subscription_id)
price = f"{ui.amount(case.price_cents, case.currency)} {case.billing_period}"

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(case.plan_name or case.plan_id), anchor=False, width="content")
    ui.badge(case.status)
    if case.set_to_cancel:
        st.badge("Set to cancel", icon=":material/event_busy:", color="orange")
    if case.is_gift:
        st.badge("Gift", icon=":material/redeem:", color="violet")
    ui.link("The couple", "relationships", case.relationship_id, icon=":material/group:")
    ui.link("The payer", "users", case.user_id, icon=":material/person:")

ui.tiles(
    [
        ui.Tile("MRR today", ui.amount(case.mrr_cents, case.currency), help="House policy"),
        ui.Tile("Access until", ui.moment(case.access_until)),
        ui.Tile("Price", price),
    ]
)
ui.facts(
    {
        "Paid by": case.payer,
        "Partners": " & ".join(name or key for key, name in case.partners),
        "Since": case.created_at,
        "Period began": case.current_period_start,
        "Period ends": case.current_period_end,
        "Trial ends": case.trial_end_date,
        "Cancelled": case.canceled_at,
        "Why": case.cancel_reason,
        "Stripe subscription": case.stripe_subscription_id,
        "Stripe customer": case.stripe_customer_id,
    }
)

lost = ui.plain(ui.amount(case.mrr_cents, case.currency))
with st.container(horizontal=True):
    ui.action(
        "Cancel at period end",
        subscriptions.cancel_at_period_end,
        case.id,
        key="at_period_end",
        needs=Permission.SUBSCRIPTIONS_CANCEL,
        why_not=case.why_not_cancel_at_period_end,
        effect=f"Access stays until **{ui.moment(case.current_period_end)}**. No money moves. "
        f"MRR falls by **{lost}** then.",
        done="Queued: it ends with its period.",
        icon=":material/event_busy:",
        shown=case.digest,
    )
    ui.action(
        "Cancel now",
        subscriptions.cancel_now,
        case.id,
        key="now",
        needs=Permission.SUBSCRIPTIONS_CANCEL,
        why_not=case.why_not_cancel_now,
        effect=f"Access ends **at once**, for both partners. Nothing is paid back by itself. "
        f"MRR falls by **{lost}** today. It cannot be undone.",
        confirm="cancel now",
        done="Queued: it ends now.",
        icon=":material/cancel:",
        shown=case.digest,
    )
    ui.action(
        "Keep it",
        subscriptions.keep,
        case.id,
        key="keep",
        needs=Permission.SUBSCRIPTIONS_CANCEL,
        why_not=case.why_not_keep,
        effect="The cancellation is taken back and the subscription renews.",
        done="Queued: it goes on.",
        icon=":material/favorite:",
        shown=case.digest,
    )

ui.watch(subscriptions.progress, case.id, case.operations)
st.subheader("Payments", anchor=False)
ui.frame(
    case.payments, subscription_case.PAYMENT_COLUMNS, key="paid", alt="Payments", empty="No payments yet."
)
