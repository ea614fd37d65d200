"""What can be done with one payment: collect its invoice or give it up; give credit, which is no refund."""

from typing import Final

import streamlit as st

from lib.core.access import Permission
from lib.services.payments import at_stripe, credit, invoices
from lib.services.payments.at_stripe import Collected
from lib.services.payments.case import Contested, Owed, PaymentCase
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.filters import money_box, one_of
from lib.ui.forms import action
from lib.ui.limits import own_limits
from lib.ui.show import Tile, amount, moment, plain, tiles, words
from lib.ui.table import frame

_GIVEN: Final = "Your approvals and credit within 24 hours"


def collecting(case: PaymentCase) -> None:
    """Offer to collect the payment's invoice, to mail it, to write it off, or to void it."""
    owed = case.owed
    left = _left(owed)
    shown = owed.digest if owed else None
    next_at = owed.next_attempt_at if owed else None
    next_try = f", beside Stripe's own next try on {moment(next_at)}" if next_at else ""
    with st.container(horizontal=True):
        action(
            "Retry now",
            invoices.retry,
            case.id,
            key="retry",
            needs=Permission.PAYMENTS_COLLECT,
            why_not=case.why_not["retry"],
            effect=f"The card on file is charged **{left}** now{next_try}. A refusal counts as one more try. "
            "Once it is paid, a past-due subscription is active again; MRR stays as it is.",
            done="Queued: Stripe tries the card.",
            icon=":material/replay:",
            primary=True,
            shown=shown,
        )
        action(
            "Send the invoice again",
            invoices.send,
            case.id,
            key="send",
            needs=Permission.PAYMENTS_COLLECT,
            why_not=case.why_not["send"],
            effect="Stripe mails the invoice to the customer, with the page to pay it on. No money moves.",
            done="Queued: Stripe mails the invoice.",
            icon=":material/forward_to_inbox:",
            shown=shown,
        )
        action(
            "Mark uncollectible",
            invoices.write_off,
            case.id,
            key="write_off",
            needs=Permission.PAYMENTS_CREDIT,
            why_not=case.why_not["write_off"],
            effect=f"**{left}** count as bad debt and Stripe stops trying. It can still be paid. The "
            "subscription and MRR stay as they are: cancel it yourself if it should end.",
            done="Queued: it is written off.",
            icon=":material/money_off:",
            shown=shown,
        )
        action(
            "Void",
            invoices.void,
            case.id,
            key="void",
            needs=Permission.PAYMENTS_CREDIT,
            why_not=case.why_not["void"],
            effect=f"Nobody owes the **{left}** any more: the invoice was a mistake. Credit that it used "
            "comes back to the balance. The subscription and MRR stay as they are. It cannot be undone.",
            confirm="void",
            done="Queued: the invoice is voided.",
            icon=":material/block:",
            shown=shown,
        )


def credit_note(case: PaymentCase) -> None:
    """Ask for an amount, show what Stripe says a credit note of it would do, and offer to issue it."""
    owed = case.owed
    if owed is None or case.why_not["credit_note"]:
        st.caption(plain(case.why_not["credit_note"] or ""))
        return
    st.caption("A credit note is no refund: no money goes back to the card.")
    cents = money_box("Amount of the credit note", owed.currency, owed.creditable_cents, key="note_amount")
    if cents is None:
        return
    paid = owed.status == "paid"
    preview = desk.ask_stripe(at_stripe.note_preview, owed.id, cents, paid=paid)
    if preview is None:
        return
    lowers, credited, now, then = (
        plain(amount(each, owed.currency))
        for each in (
            preview.pre_payment,
            preview.post_payment,
            owed.remaining_cents,
            owed.remaining_after(preview.pre_payment),
        )
    )
    effect = (
        f"The customer gets **{credited}** of credit, which lowers the next invoices."
        if paid
        else f"The invoice asks for **{lowers}** less: {now} before it, {then} after it."
    )
    st.markdown(f"Stripe's preview: {effect}")
    own_limits("refunds", _GIVEN)
    action(
        "Issue the credit note",
        credit.issue_note,
        case.id,
        key="note",
        needs=Permission.PAYMENTS_CREDIT,
        effect=f"{effect} No money goes back to the card.",
        ask=[
            Ask("note_reason", "Reason on the note", "choice", options=credit.NOTE_REASONS),
            Ask("memo", "Words for the customer", "area", required=False, placeholder="Printed on the note"),
            REASON,
        ],
        done="Queued: the credit note is issued.",
        icon=":material/receipt_long:",
        shown=owed.digest,
        amount_cents=cents,
    )


def credit_balance(case: PaymentCase) -> None:
    """Show what credit the payer has at Stripe, before and after a change, and offer the change."""
    if case.customer_id is None:
        st.caption(plain(case.why_not_credit or ""))
        return
    st.caption("Credit lowers the next invoices until it is used up. It is no refund.")
    known = desk.ask_stripe(at_stripe.credit_of, case.customer_id, case.line.currency)
    if known is None:
        return
    direction = one_of("Change", credit.DIRECTIONS, key="direction", shown_as=words)
    cents = money_box("Amount of credit", known.currency, None, key="credit_amount")
    after = known.after(direction, cents) if cents else known.cents
    tiles(
        [
            Tile("Credit now", amount(known.cents, known.currency)),
            Tile("Credit after it", amount(after, known.currency)),
        ]
    )
    if cents:
        if direction == "add":
            own_limits("refunds", _GIVEN)
        action(
            f"{words(direction)} credit",
            credit.change_balance,
            case.id,
            key="credit",
            needs=Permission.PAYMENTS_CREDIT,
            effect=f"The credit goes from **{plain(amount(known.cents, known.currency))}** to "
            f"**{plain(amount(after, known.currency))}**. No money moves now.",
            done="Queued: the credit balance is changed.",
            icon=":material/savings:",
            direction=direction,
            amount_cents=cents,
            credit_cents=known.cents,
        )
    frame(
        known.movements,
        at_stripe.MOVEMENT_COLUMNS,
        key="movements",
        alt="Movements of the credit balance",
        empty="The balance never moved.",
    )


def dispute(contested: Contested) -> None:
    """Say that a bank asks the payment back, why, and until when evidence is taken."""
    asked = plain(amount(contested.amount_cents, contested.currency))
    why, state = (words(code).lower() for code in (contested.reason, contested.status))
    said = f"A dispute over **{asked}**, {why}: {state}."
    if contested.waits:
        st.error(
            f"{said} Hand the evidence in at Stripe until **{moment(contested.evidence_due_at)}**, "
            f"or the money is lost. It is dispute {plain(contested.id)}.",
            icon=":material/gavel:",
        )
    else:
        st.info(said, icon=":material/gavel:")


def collected(at: Collected) -> None:
    """Show what Stripe knows of a payment: its tries, what it cost, its papers, its credit notes."""
    tiles(
        [
            Tile("Stripe's fee", amount(at.fee_cents, at.settled_currency)),
            Tile("Left after the fee", amount(at.net_cents, at.settled_currency)),
            Tile("Tries", str(len(at.tries))),
        ]
    )
    papers = {
        "Receipt": (at.receipt_url, ":material/receipt:"),
        "Invoice (PDF)": (at.invoice_pdf, ":material/picture_as_pdf:"),
        "Page where it is paid": (at.invoice_url, ":material/open_in_new:"),
    }
    with st.container(horizontal=True):
        for label, (address, icon) in papers.items():
            if address:
                st.link_button(label, address, icon=icon)
    frame(at.tries, at_stripe.TRY_COLUMNS, key="tries", alt="Tries to take the money", empty="No try yet.")
    if at.credit_notes:
        st.subheader("Credit notes", anchor=False)
        frame(at.credit_notes, at_stripe.NOTE_COLUMNS, key="notes", alt="Credit notes")


def _left(owed: Owed | None) -> str:
    return plain(amount(owed.remaining_cents, owed.currency)) if owed else ""
