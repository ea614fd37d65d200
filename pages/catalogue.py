"""Catalogue: plans and add-ons against Stripe's products and prices, and how to bring them into step."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import catalogue

ui.page("Catalogue", Permission.CATALOGUE_READ, about=catalogue.ABOUT)

ref = ui.opened()
if ref is None:
    ours = ui.read(catalogue.entries)
    held = ui.ask_stripe(catalogue.compare, ours) or catalogue.unasked(ours)
    ui.tiles(
        [
            ui.Tile("In step", f"{held.number('in_step'):,} of {len(held.lines):,}"),
            ui.Tile("Not at Stripe", f"{held.number('missing'):,}", good="down"),
            ui.Tile("Differ or archived", f"{held.out_of_step:,}", good="down"),
            ui.Tile("Only at Stripe", f"{len(held.strays):,}", good="down"),
        ]
    )
    ui.frame(held.lines, catalogue.LINE_COLUMNS, key="entries", opens="ref", alt="Plans and add-ons")
    if held.strays:
        st.subheader("Only at Stripe", anchor=False, help=catalogue.STRAYS)
        ui.frame(held.strays, catalogue.STRAY_COLUMNS, key="strays", alt="Products that are only at Stripe")
    st.stop()

ui.back("The whole catalogue")
# Read before Stripe is asked: what is done by then is in the answer, what is not is watched.
operations = ui.read(catalogue.progress, ref)
entry = ui.read(catalogue.one, ref)
line = ui.ask_stripe(catalogue.compare_one, entry)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(entry.name), anchor=False, width="content")
    ui.badge(line.state if line else "not_asked")
if line and line.said:
    st.warning(ui.plain(line.said), icon=":material/warning:")

price = ui.amount(entry.price_cents, entry.currency)
ui.tiles(
    [
        ui.Tile("Price here", price),
        ui.Tile("Price at Stripe", line.stripe_price if line else "–"),
        ui.Tile("Who has it", f"{entry.holders:,}"),
    ]
)
ui.facts(
    {
        "What": ui.words(entry.what),
        "Billed": ui.words(entry.billing_period),
        "On offer": entry.is_active,
        "Id": entry.id,
        "Stripe product": entry.stripe_product_id,
        "Stripe price": entry.stripe_price_id,
    }
)
keep = f"The **{entry.holders:,}** who have it keep the price that they were sold at; MRR stays as it is."
with st.container(horizontal=True):
    ui.action(
        "Make it at Stripe",
        catalogue.create,
        entry.table,
        entry.id,
        key="create",
        needs=Permission.CATALOGUE_WRITE,
        why_not=catalogue.why_not(line, "create"),
        effect=f"What is missing is made: the product and a price of **{ui.plain(price)}**. No money moves.",
        done="Queued: it is made at Stripe.",
        icon=":material/add:",
        shown=entry.digest,
    )
    ui.action(
        "New price",
        catalogue.new_price,
        entry.table,
        entry.id,
        key="new_price",
        needs=Permission.CATALOGUE_WRITE,
        why_not=catalogue.why_not(line, "new_price"),
        ask=[
            ui.Ask("price_cents", "Price", "money", default=entry.typed, currency=entry.currency),
            ui.REASON,
        ],
        effect="A price never changes at Stripe: a new one is made, and the one before is archived. Whoever "
        f"buys it **from now on** pays the new one. {keep}",
        done="Queued: the new price is made at Stripe.",
        icon=":material/price_change:",
        shown=entry.digest,
    )
    ui.action(
        "Take over Stripe's price",
        catalogue.adopt_price,
        entry.table,
        entry.id,
        key="adopt",
        needs=Permission.CATALOGUE_WRITE,
        why_not=catalogue.why_not(line, "adopt"),
        effect=f"Our row will say what Stripe charges. Nothing changes at Stripe. {keep}",
        done="Queued: our row follows Stripe.",
        icon=":material/download:",
        shown=entry.digest,
    )
ui.watch(catalogue.progress, ref, operations)
