"""Discounts: codes, what they give, who used them."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import discounts

ui.page("Discounts", Permission.DISCOUNTS_READ)

code_id = ui.opened()
if code_id is None:
    with ui.filters():
        q = ui.search_box("Find", placeholder="Beginning of the code")
        switched = ui.choose("Switched", discounts.SWITCHES, key="switched")
    ui.table(discounts.codes, key="codes", empty="No code fits these filters.", q=q, switched=switched)
    st.stop()

ui.back("All codes")
code = ui.read(discounts.one, code_id)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(code.code), anchor=False, width="content")
    ui.badge(code.state)
for oddity in code.oddities:
    st.warning(ui.plain(oddity), icon=":material/warning:")

ui.tiles(
    [
        ui.Tile("Redemptions", ui.counted(code.redemptions)),
        ui.Tile("Couples", ui.counted(code.couples)),
        ui.Tile("Given away", ui.amount(code.given_cents, "USD")),
        ui.Tile("Left", "no limit" if code.left is None else ui.counted(code.left)),
    ]
)
ui.facts(
    {
        "Gives": code.gives,
        "Applies to": ui.words(code.applies_to),
        "From": code.valid_from,
        "Until": code.valid_until,
        "Last used": code.last_used_at,
        "Stripe coupon": code.stripe_coupon_id,
        "Made by": code.created_by,
        "Made": code.created_at,
    }
)
st.subheader("Redemptions", anchor=False)
ui.table(discounts.redemptions, key="redemptions", opens=None, empty="Nobody used it yet.", code_id=code_id)
