"""Where a figure of revenue ends: the couples that moved or count, and the payments of a month."""

from datetime import date
from typing import Final

import streamlit as st

from lib.metrics import behind, money_behind, money_rows, revenue
from lib.metrics.mrr import MOVEMENTS
from lib.metrics.policies import Policy
from lib.services import refunds
from lib.services.payments import transactions
from lib.ui import desk
from lib.ui.charts import month
from lib.ui.filters import choose, day_of, filters, one_of, pick, pick_named
from lib.ui.show import words
from lib.ui.table import table

_DEFINED: Final = {
    "paid": "Payments that went through, by the day on which they did.",
    "refunded": "Refunds that Stripe paid, by the day on which it did, each with its payment.",
    "failed": "Payments whose newest try was refused, by the day of that try.",
    "recovered": "Payments that went through within 30 days after a refused try, by the day of success.",
}
_WHICH: Final = ("moved", "counted")
_WHICH_WORDS: Final = {"moved": "Moved", "counted": "Count on a day"}


def payments_behind(since: date, until: date, currency: str, zone: str) -> None:
    """The payments of one month that a figure of money counts: they add up to it."""
    st.subheader("The payments", anchor=False, help="A row opens its couple, with all that it paid")
    with filters():
        first, last = month(since, until)
        what = one_of("Payments that were", money_rows.WHATS, key="what", shown_as=words)
        detail = None
        if what == "paid":
            detail = pick("For", transactions.KINDS[:-1], key="kind", shown_as=words)
        elif what == "refunded":
            detail = pick("Because", (*refunds.REASONS, money_rows.OTHER), key="reason", shown_as=words)
    st.caption(f"{_DEFINED[what]} They add up to the figure of the month.")
    table(
        money_behind.payments_behind,
        key="payments",
        opens="relationship_id",
        empty="There was no such payment in this month.",
        what=what,
        since=first,
        until=last,
        detail=detail,
        currency=currency,
        zone=zone,
    )


def couples_behind(since: date, until: date, currency: str, policy: Policy) -> None:
    """The couples behind a figure: those that moved in a time, or those that count at its end."""
    with filters():
        which = one_of("Couples that", _WHICH, key="behind", shown_as=_WHICH_WORDS.__getitem__)
        if which == "moved":
            first, last = month(since, until)
            moved = choose("Moved by", MOVEMENTS, key="moved")
        else:
            day = day_of("At the end of", until, key="day")
            plans = {
                row.plan_id: row.plan for row in desk.read(revenue.plan_mix, day, currency, policy).plans
            }
            plan = pick_named("Plan", plans, key="plan")
            billed = choose("Billed", ("monthly", "annual"), key="billed")
    if which == "moved":
        st.caption("Couples whose MRR moved in these days, newest first; all until a movement is chosen.")
        table(
            behind.couples_behind,
            key="behind",
            opens="relationship_id",
            empty="No couple moved in these days.",
            since=first,
            until=last,
            movement=moved,
            currency=currency,
            policy=policy.name,
        )
        return
    st.caption(f"Subscriptions that count at the end of {day}, each with its couple: they add up to MRR.")
    table(
        behind.couples_in_mrr,
        key="counted",
        opens="relationship_id",
        empty="Nothing counted on that day.",
        day=day,
        plan_id=plan,
        billing_period=billed,
        currency=currency,
        policy=policy.name,
        zone=policy.zone,
        set_to_cancel=policy.set_to_cancel,
    )
