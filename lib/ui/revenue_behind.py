"""Where a figure of revenue ends: the couples that moved or count, and the payments of a month."""

from datetime import date
from typing import Final

import streamlit as st

from lib.metrics import behind, revenue
from lib.metrics.mrr import MOVEMENTS
from lib.metrics.policies import Policy
from lib.services.payments import transactions
from lib.ui import desk
from lib.ui.charts import month
from lib.ui.filters import choose, filters, one_of, pick, pick_named
from lib.ui.show import words
from lib.ui.table import table

_WHICH: Final = ("moved", "counted")
_WHICH_WORDS: Final = {"moved": "Moved", "counted": "Count at its end"}


def payments_of_month(since: date, until: date) -> None:
    """The payments of one month, each with its couple: where a figure of money ends."""
    st.subheader("The payments", anchor=False, help="By the day when they were made; a row opens its couple")
    with filters():
        first, last = month(since, until)
        kind = pick("For", transactions.KINDS, key="kind", shown_as=words)
        status = choose("Status", transactions.STATUSES, key="status")
    table(
        transactions.payments,
        key="payments",
        opens="relationship_id",
        empty="No payment fits these filters.",
        since=first,
        until=last,
        kind=kind,
        status=status,
    )


def couples_behind(since: date, until: date, currency: str, policy: Policy) -> None:
    """The couples behind a figure: those that moved in a time, or those that count at its end."""
    with filters():
        which = one_of("Couples that", _WHICH, key="behind", shown_as=_WHICH_WORDS.__getitem__)
        first, last = month(since, until)
        if which == "moved":
            moved = choose("Moved by", MOVEMENTS, key="moved")
        else:
            plans = {
                row.plan_id: row.plan for row in desk.read(revenue.plan_mix, last, currency, policy).plans
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
    st.caption(f"Subscriptions that count at the end of {last}, each with its couple: they add up to MRR.")
    table(
        behind.couples_in_mrr,
        key="counted",
        opens="relationship_id",
        empty="Nothing counted on that day.",
        day=last,
        plan_id=plan,
        billing_period=billed,
        currency=currency,
        policy=policy.name,
        zone=policy.zone,
        set_to_cancel=policy.set_to_cancel,
    )
