"""Subscriptions: find one; see what it is, and do what can be done to it, with the effect shown before."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import subscriptions
from lib.ui import subscription

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
subscription.headline(case)

section = ui.sections("Overview", "Change plan", "Pause", "End", "Goodwill", "Discounts", "History")
if section != "History":
    ui.watch(subscriptions.latest, case.id, case.latest)
match section:
    case "Overview":
        ui.own_drift(case.id)
        subscription.overview(case)
    case "Change plan":
        subscription.plan(case)
    case "Pause":
        subscription.pauses(case)
    case "End":
        subscription.ends(case)
        with st.expander("Move to the partner", icon=":material/swap_horiz:", on_change="rerun") as moving:
            if moving.open:
                ui.hand_over(case.id)
    case "Goodwill":
        subscription.goodwill(case)
    case "Discounts":
        subscription.codes(case)
    case _:
        subscription.history(case)
