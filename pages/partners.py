"""Partners: what couples book with partner businesses, what it earns, and who came through them."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import partners, usage_figures

ui.page("Partners", Permission.USAGE_READ, about="Businesses that couples book with, and what it earns")

section = ui.sections("Performance", "By month", "How couples came", "Stored by the app")
if section == "Stored by the app":
    ui.stored_by_the_app("partner_analytics")
    st.caption(partners.NO_TABLE_OF_BOOKINGS)
    st.stop()

since, until = ui.days_over(usual="12 months")
match section:
    case "How couples came":
        st.caption("Couples that first paid in these months, by what the app noted of how they came.")
        ui.frame(
            ui.read(partners.ways, since, until),
            partners.VIA_COLUMNS,
            key="ways",
            alt="How couples came",
            empty="Nobody began to pay in these months.",
        )
        st.stop()

found = ui.read(partners.performance, since, until)
ui.tiles(
    [
        ui.Tile("Commission", ui.amount(found.total.commission_cents, found.total.currency)),
        ui.Tile("Revenue of partners", ui.amount(found.total.revenue_cents, found.total.currency)),
        ui.Tile("Bookings", f"{found.total.bookings:,}"),
        ui.Tile("Cancelled", ui.share(found.total.cancelled), good="down"),
        ui.Tile("Rating", ui.decimal(found.total.rating), help="1 to 5, weighted by bookings"),
    ]
)
by_month = section == "By month"
ui.chart(
    usage_figures.partner_months(found) if by_month else usage_figures.commission_bars(found),
    title="Commission by month" if by_month else "Commission by partner",
    about="What partners pay for bookings made through the app, in US dollars",
    basis=found.basis,
    rows=found.months[::-1] if by_month else found.partners,
    columns=partners.MONTH_COLUMNS if by_month else partners.COLUMNS,
    key="commission",
    why_not=found.why_not,
)
ui.definitions(partners.MEANINGS)
