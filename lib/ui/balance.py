"""What the month close shows beside its figures: payments at Stripe, the way to one of them, the rates."""

from datetime import date

import streamlit as st

from lib.core.access import Permission
from lib.services import payments
from lib.services.month_close import rates, reconciliation
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.closing import business_zone, reporting_currency
from lib.ui.forms import action
from lib.ui.links import link
from lib.ui.progress import watch_work
from lib.ui.show import amount, badge, facts, plain, words
from lib.ui.table import back, opened


def reconcile_head(month: date, known: reconciliation.Reconciled) -> None:
    """Whether a month's payments tie with Stripe's balance, and the button that compares them."""
    if known.through_id is None:
        st.info(plain(known.sentence), icon=":material/account_balance:")
    elif known.unmatched:
        st.warning(plain(known.sentence), icon=":material/difference:")
    else:
        st.success(plain(known.sentence), icon=":material/check_circle:")
    newest = known.newest
    if newest is not None and newest.error:
        st.error(plain(newest.error), icon=":material/cloud_off:")
    action(
        "Compare with Stripe",
        reconciliation.reconcile,
        month,
        key="reconcile",
        needs=Permission.REVENUE_CLOSE,
        why_not="The worker is at it." if newest is not None and newest.is_open else None,
        effect="The worker reads Stripe's balance transactions of the month and compares each with our rows.",
        done="The worker begins within seconds.",
        icon=":material/sync:",
        primary=known.through_id is None,
        zone=business_zone(),
    )
    if newest is not None:
        watch_work(reconciliation.reconciling, newest, "Compared")
        if newest.state == "done":
            facts(
                {
                    "Compared": newest.finished_at,
                    "Movements": f"{newest.done:,}",
                    "Requests to Stripe": f"{newest.requests:,}",
                    "Asked for by": newest.asked_by_email,
                }
            )


def movement_behind(key: str) -> None:
    """One row of a reconciliation on both sides, with the way to its payment."""
    back("Back to the month", "row")
    row = desk.read(reconciliation.movement, key)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(f"{words(row.kind)} {row.object_id}"), anchor=False, width="content")
        badge(row.state)
        link("The payment", "payments", row.payment_id, icon=":material/payments:")
        link("Drift", "drift", "" if row.state != "matched" else None, icon=":material/difference:")
    st.markdown(plain(reconciliation.explained(row.state)))
    facts(
        {
            "Here": amount(row.ours_cents, row.currency),
            "At Stripe": amount(row.theirs_cents, row.currency),
            "Stripe kept": amount(row.fee_cents, row.settled_currency),
            "Left in the balance": amount(row.net_cents, row.settled_currency),
            "Moved": row.moved_at,
        }
    )


def payment_behind(payment_id: str) -> None:
    """A payment that came late, with the way to its page."""
    back("Back to the month", "payment")
    row = desk.read(payments.one, payment_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(amount(row.amount_cents, row.currency)), anchor=False, width="content")
        badge(row.status)
        link("The payment", "payments", row.id, icon=":material/payments:")
        link("The couple", "relationships", row.relationship_id, icon=":material/group:")
    facts(
        {
            "For": words(row.transaction_type),
            "Made": row.created_at,
            "Given back": amount(row.refunded_cents, row.currency),
            "Stripe payment": row.stripe_payment_intent_id,
        }
    )


def behind_open() -> bool:
    """Show the row that the address opens, if one is; gives whether."""
    if (key := opened("row")) is not None:
        movement_behind(key)
        return True
    if (key := opened("payment")) is not None:
        payment_behind(key)
        return True
    return False


def enter_rate() -> None:
    """The form for an exchange rate into the reporting currency."""
    into = reporting_currency()
    action(
        "Enter a rate",
        rates.enter_rate,
        key="rate",
        needs=Permission.REVENUE_CLOSE,
        ask=[
            Ask("currency", "Currency", placeholder="EUR", help="Three letters"),
            Ask("rate", f"1 unit is worth, in {into}", placeholder="1.0837"),
            Ask("valid_from", "From (UTC)", "date"),
            REASON,
        ],
        effect="It holds from that day until the next one of its currency.",
        done="The rate is entered.",
        icon=":material/currency_exchange:",
        primary=True,
        reporting=into,
    )
