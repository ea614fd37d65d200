"""What a subscription is: by our rows, and by Stripe's, with the bill that comes next."""

import streamlit as st

from lib.services.subscriptions import SubscriptionCase, asking
from lib.services.subscriptions import codes as discounts
from lib.ui import desk
from lib.ui.links import link
from lib.ui.show import Tile, amount, badge, facts, moment, plain, tiles, words
from lib.ui.subscription.cards import bill_line, lines


def headline(case: SubscriptionCase) -> None:
    """The plan, how it stands, who pays, and the figures that a caller asks about."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(case.plan_name or case.plan_id), anchor=False, width="content")
        badge(case.status)
        if case.set_to_cancel:
            st.badge("Set to cancel", icon=":material/event_busy:", color="orange")
        if case.bills_paused:
            st.badge("Bills paused", icon=":material/money_off:", color="violet")
        if case.is_gift:
            st.badge("Gift", icon=":material/redeem:", color="violet")
        link("The couple", "relationships", case.relationship_id, icon=":material/group:")
        link("The payer", "users", case.user_id, icon=":material/person:")
    tiles(
        [
            Tile("MRR today", amount(case.mrr_cents, case.currency), help="House policy"),
            Tile("Access until", moment(case.access_until)),
            Tile("Price", f"{amount(case.price_cents, case.currency)} {case.billing_period}"),
        ]
    )


def overview(case: SubscriptionCase) -> None:
    """Everything that is known about it."""
    facts(
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
    st.subheader("As Stripe has it now", anchor=False)
    if case.stripe_subscription_id is None:
        st.caption("It is not at Stripe: a gift, or made by hand.")
        return
    theirs = desk.ask_stripe(asking.at_stripe, case.stripe_subscription_id)
    if theirs is not None:
        _theirs(theirs)


def _theirs(theirs: asking.AtStripe) -> None:
    paused = theirs.bills_paused is not None and theirs.next_bill is not None
    note = " Nothing is collected for it while the bills are paused." if paused else ""
    st.markdown(f"**Next bill:** {bill_line(theirs.next_bill)}{note}")
    running = desk.read(discounts.running, theirs.reductions)
    facts(
        {
            "Status": words(theirs.status),
            "Ends": theirs.ends_on,
            "Bills": words(theirs.bills_paused) if theirs.bills_paused else "Collected",
            "Collected again from": theirs.bills_resume_at,
            "Discounts": ", ".join(each.title for each in running) or "None",
            "Billing mode": words(theirs.billing_mode),
        }
    )
    if theirs.next_bill is not None:
        lines(theirs.next_bill, key="next_bill")
