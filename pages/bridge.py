"""Bridge: from our MRR to another policy's and to Stripe's own, reason by reason and row by row."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import at_stripe, bridge, bridge_figures, bridge_rows, revenue

ui.page("Bridge", Permission.REVENUE_READ)

couple_id = ui.opened()
if couple_id is not None:
    ui.couple_payments(couple_id, back_to="The bridge")
    st.stop()

section = ui.sections("Another policy", "Stripe’s own")
with ui.filters():
    ours = ui.policy_named("From", key="from", default="house")
    if section == "Another policy":
        theirs = ui.policy_named("To", key="to", default="stripe")
        day = ui.day("At the end of")
    currency = ui.one_of("Currency", ui.read(revenue.currencies) or ["USD"], key="currency")

if section == "Another policy":
    found = ui.read_shared(bridge.bridge, day, ours, theirs, currency)
    nothing = "The two count every subscription alike."
else:
    stripe = ui.read_shared(at_stripe.stripes_own, ours, currency, as_stripe=ui.as_stripe())
    found = stripe.bridge
    nothing = "Stripe's subscriptions come to the same."
    ui.compared_with_stripe(stripe)

ui.bridge_tiles(found)
ui.chart(
    bridge_figures.bridge_waterfall(found),
    title=f"From {found.ours.title} to {found.theirs_title}",
    about="MRR by the one, what each reason adds or takes, MRR by the other",
    basis=found.basis,
    rows=found.steps,
    columns=bridge.STEP_COLUMNS,
    key="bridge",
    why_not=None if found.steps else nothing,
    picks=("reason",) if section == "Another policy" else (),
    unfolded=True,
)

st.subheader("Row by row", anchor=False)
if not ui.may(Permission.REVENUE_COUPLES):
    st.info("Your role sees sums, not the couples behind them.", icon=":material/block:")
elif section == "Another policy":
    reason = ui.choose("Reason", [step.reason for step in found.steps], key="reason")
    st.caption(
        "What differs for several reasons has an amount for each. With a reason chosen, "
        "“By the reason” adds up to its sum above."
    )
    ui.table(
        bridge_rows.differences,
        key="differences",
        opens="relationship_id",
        empty="No subscription differs.",
        day=day,
        ours=ours.name,
        theirs=theirs.name,
        currency=currency,
        reason=reason,
        **ui.policy_settings(),
    )
else:
    st.caption("What the last comparison found. How it counts here is by Stripe's rule over our ledger.")
    ui.table(
        at_stripe.at_stripe,
        key="at_stripe",
        opens="relationship_id",
        empty="Nothing that recurs differs from Stripe.",
        currency=currency,
        **ui.policy_settings(),
    )
