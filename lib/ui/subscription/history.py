"""What was done to a subscription, and what was paid for it."""

import streamlit as st

from lib.services import subscriptions
from lib.services.subscriptions import SubscriptionCase
from lib.ui import desk
from lib.ui.billing import watch
from lib.ui.links import link
from lib.ui.table import frame


def history(case: SubscriptionCase) -> None:
    """Every operation at Stripe and the last payments; who did it stands in the audit."""
    watch(subscriptions.progress, case.id, case.operations)
    if not case.operations:
        st.caption("Nothing was asked of Stripe from here yet.")
    st.subheader("Payments", anchor=False)
    frame(
        desk.read(subscriptions.payments, case.id),
        subscriptions.PAYMENT_COLUMNS,
        key="paid",
        alt="Payments",
        empty="No payments yet.",
    )
    link("The couple's timeline", "relationships", case.relationship_id, icon=":material/timeline:")
