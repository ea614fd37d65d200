"""Campaigns: what e-mails brought, clicks and conversions first; opens are told as what they are."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import campaigns, usage_figures

ui.page("Campaigns", Permission.USAGE_READ, about="What e-mails brought: clicks and conversions first")

with ui.filters():
    since, until = ui.days_over(usual="12 months")
    kind = ui.pick("Kind", campaigns.KINDS, key="kind", shown_as=ui.words)
found = ui.read(campaigns.results, since, until, kind=kind)
total = found.total
ui.tiles(
    [
        ui.Tile("Clicks / delivered", ui.share(total.click_rate), help=f"{total.clicked:,} clicks"),
        ui.Tile("Conversions / clicks", ui.share(total.conversion_rate)),
        ui.Tile("Conversions", f"{total.conversions:,}"),
        ui.Tile("Value", ui.amount(total.value_cents, total.currency)),
        ui.Tile("Unsubscribed", ui.share(total.unsubscribed_rate), good="down"),
    ]
)
ui.chart(
    usage_figures.click_lines(found),
    title="Clicks by kind",
    about="Clicks of what was delivered, by the month of sending",
    basis=found.basis,
    rows=found.kinds,
    columns=campaigns.COLUMNS,
    key="clicks",
    why_not=found.why_not,
)
st.subheader("Sendings", anchor=False)
ui.table(
    campaigns.sendings,
    key="sendings",
    opens=None,
    empty="No campaign of this kind was sent in this time.",
    kind=kind,
    since=since,
)
ui.definitions(campaigns.MEANINGS)
