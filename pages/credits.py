"""Credits & gifts: grants that wait for a decision, the AI-credit ledger, add-ons, and gifts."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import addons, gifts
from lib.services.credits import grants, ledger, opened

ui.page("Credits & gifts", Permission.CREDITS_READ)

key = ui.opened()
if key is not None:
    ui.back("Back to the list")
    match ui.read(opened.kind_of, key):
        case "grant":
            ui.grant(key)
        case "couple":
            ui.couple_credits(key)
        case "purchase":
            ui.purchase(key)
        case "gift":
            ui.gift(key)
    st.stop()

match ui.one_of("Show", ("Grants", "AI credits", "Add-ons", "Gifts"), key="section"):
    case "Grants":
        status = ui.choose("Status", grants.STATUSES, key="status", default="pending")
        ui.table(grants.requests, key="grants", empty=f"No {status or ''} grants.", status=status)
        ui.own_limits("grants", "Your grants within 24 hours")
    case "AI credits":
        with ui.filters():
            q = ui.search_box("Find", placeholder="Id of the couple or person, pi_…")
            kind = ui.choose("Movement", ledger.KINDS, key="kind")
        ui.table(
            ledger.movements,
            key="movements",
            empty="No movement fits these filters.",
            opens="relationship_id",
            kind=kind,
            q=q,
        )
    case "Add-ons":
        with ui.filters():
            q = ui.search_box("Find", placeholder="Id of the couple, the buyer or the purchase, sub_…")
            status = ui.choose("Status", addons.STATUSES, key="addon_status")
            kind = ui.choose("Kind", addons.KINDS, key="addon_kind")
        ui.table(
            addons.purchases,
            key="purchases",
            empty="No add-on fits these filters.",
            status=status,
            kind=kind,
            q=q,
        )
    case "Gifts":
        with ui.filters():
            q = ui.search_box("Find", placeholder="Id of the couple, the giver or the gift")
            state = ui.choose("State", gifts.STATES, key="state")
            ending = ui.toggle("Ends within 14 days", key="ending")
        ui.table(
            gifts.gifts, key="gifts", empty="No gift fits these filters.", state=state, ending=ending, q=q
        )
