"""What pages show about money: payments with their way back, and operations while Stripe is at work."""

from collections.abc import Callable, Sequence

import streamlit as st

from lib.core import money
from lib.core.access import Permission
from lib.core.listing import Column
from lib.payments.operations import OperationView
from lib.services import refunds
from lib.services.payments import PaymentLine
from lib.ui import desk
from lib.ui.asks import Ask
from lib.ui.forms import action
from lib.ui.links import link
from lib.ui.show import amount, badge, moment, plain, words
from lib.ui.table import frame

_PAYMENTS = (
    Column("created_at", "Paid", "moment"),
    Column("transaction_type", "For", "code"),
    Column("amount_cents", "Amount", "money"),
    Column("status", "Status", "status"),
    Column("refunded_cents", "Refunded", "money"),
    Column("promised_cents", "Asked back", "money"),
    Column("person", "Paid by"),
    Column("stripe_payment_intent_id", "Stripe payment", "id"),
    Column("id", "Payment", "id"),
)


def payments(lines: Sequence[PaymentLine], *, key: str = "payments") -> None:
    """Show payments; of one of them, a link to it and the way to ask for it back."""
    if not lines:
        st.info("No payments.", icon=":material/inbox:")
        return
    frame(lines, _PAYMENTS, key=key, alt="Payments, newest first")
    by_id = {line.id: line for line in lines}
    first = next((place for place, line in enumerate(lines) if line.why_not is None), 0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Payment to open or to give back",
            list(by_id),
            index=first,
            format_func=lambda payment_id: _line(by_id[payment_id]),
            key=f"{key}:chosen",
        )
        link("Open", "payments", chosen, icon=":material/payments:")
        refund(by_id[chosen])


def refund(line: PaymentLine) -> None:
    """Offer to ask for one payment to be given back, or say why nothing of it can be."""
    if line.why_not:
        st.caption(plain(line.why_not))
    else:
        request_refund(line)


def request_refund(line: PaymentLine) -> None:
    """Offer to ask for a part or all of a payment to be given back."""
    left, typed = amount(line.left_cents, line.currency), money.typed(line.left_cents, line.currency)
    action(
        "Request refund",
        refunds.request,
        line.id,
        key=f"request:{line.id}",
        needs=Permission.REFUNDS_REQUEST,
        icon=":material/undo:",
        effect=f"At most **{plain(left)}** is left. Finance decides; the money goes back to the card.",
        ask=[
            Ask(
                "amount_cents",
                "Amount",
                "money",
                default=typed,
                currency=line.currency,
            ),
            Ask("reason", "Reason", "choice", options=refunds.REASONS),
            Ask("note", "Note for finance", "area", required=False, placeholder="What the customer says"),
        ],
        done="Requested. Finance decides under Billing, Refunds.",
        for_user=line.user_id,
    )


def watch(
    progress: Callable[..., Sequence[OperationView]], object_id: str, steps: Sequence[OperationView]
) -> None:
    """Show what Stripe said so far; looks again every second while something is under way.

    `steps` were read together with what the page shows: once a later look finds them all done, the page runs
    again, so that it never shows an old status beside a new answer.
    """
    if not steps:
        return
    st.subheader("At Stripe", anchor=False)
    under_way = any(step.is_open for step in steps)

    @st.fragment(run_every=1.0 if under_way else None)
    def look() -> None:
        current = desk.read(progress, object_id) if under_way else steps
        if under_way and not any(step.is_open for step in current):
            st.rerun()
        for step in current:
            _step(step)

    look()


def _step(step: OperationView) -> None:
    with st.container(border=True, gap=None):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(step.title)}**", width="content")
            badge(step.state)
        st.text(step.status)
        st.caption(
            f"{plain(step.requested_by)} · {moment(step.prepared_at)} · {plain(step.reason)} · "
            f"{step.attempts} {'try' if step.attempts == 1 else 'tries'}"
        )


def _line(line: PaymentLine) -> str:
    paid = amount(line.amount_cents, line.currency)
    return f"{moment(line.created_at)} · {words(line.transaction_type)} · {paid}"
