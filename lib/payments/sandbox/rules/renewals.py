"""The end of a billing period, brought about on demand: the sandbox has no clock that would do it."""

from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.rules.billing import (
    card_for,
    charge_invoice,
    collect,
    finalize,
    make_invoice,
    period_lines,
)
from lib.payments.sandbox.rules.subscription_items import period_end
from lib.payments.sandbox.rules.subscriptions import end
from lib.payments.sandbox.session import Session

RENEWABLE = ("active", "trialing", "past_due", "unpaid")


def renew(session: Session, subscription_id: str, outcome: str | None = None) -> Facts:
    """End the current period of a subscription: cancel it if that was asked for, else invoice the next one.

    `outcome` "succeed" or "fail" decides the payment; None leaves it to the card. A failed payment makes the
    subscription past due. While collection is paused the invoice is made as the pause says and nothing is
    charged; a pause until a moment before the boundary is over by then. Raises StripeError for a subscription
    that does not renew.
    """
    subscription = session.get("subscription", subscription_id)
    if subscription["status"] not in RENEWABLE:
        raise StripeError(f"A subscription with status `{subscription['status']}` does not renew.")
    boundary = subscription["current_period_end"]
    if subscription.get("cancel_at") and subscription["cancel_at"] <= boundary:
        end(session, subscription)
        return subscription
    with session.changing(subscription, "customer.subscription.updated"):
        _next_period(session, subscription, boundary)
        _collect(session, subscription, outcome)
    return subscription


def upcoming(session: Session, subscription: Facts) -> Facts:
    """The draft invoice of the next period; the subscription moves into that period."""
    boundary = subscription["current_period_end"]
    _next_period(session, subscription, boundary)
    return _draft(session, subscription)


def _next_period(session: Session, subscription: Facts, boundary: int) -> None:
    anchor = subscription.get("billing_cycle_anchor", boundary)
    if subscription["status"] == "trialing":
        anchor = subscription["billing_cycle_anchor"] = boundary
        subscription["status"] = "active"
    subscription["current_period_start"] = boundary
    pause = subscription.get("pause_collection")
    if pause and pause.get("resumes_at") and pause["resumes_at"] <= boundary:
        subscription["pause_collection"] = None
    subscription["current_period_end"] = period_end(session, subscription["items"], anchor, boundary)
    session.store.put(subscription)


def _draft(session: Session, subscription: Facts) -> Facts:
    lines = period_lines(session, subscription)
    period = (subscription["current_period_start"], subscription["current_period_end"])
    return make_invoice(session, subscription, lines, reason="subscription_cycle", period=period)


def _collect(session: Session, subscription: Facts, outcome: str | None) -> None:
    invoice = _draft(session, subscription)
    pause = subscription.get("pause_collection")
    if pause:
        _set_aside(session, invoice, pause["behavior"])
        return
    finalize(session, invoice)
    if invoice["status"] == "open" and subscription.get("collection_method") != "send_invoice":
        customer = session.get("customer", subscription["customer"])
        method = card_for(session, customer, subscription) or session.newest(
            "payment_method", customer=customer["id"]
        )
        if method is None:
            collect(session, invoice, None)
        else:
            charge_invoice(session, invoice, method, outcome=outcome)
    if subscription.get("collection_method") != "send_invoice":
        subscription["status"] = "active" if invoice["status"] == "paid" else "past_due"


def _set_aside(session: Session, invoice: Facts, behavior: str) -> None:
    """What a pause of collection does with the invoice of a period."""
    if behavior == "keep_as_draft":
        return
    finalize(session, invoice)
    if invoice["status"] != "open":
        return
    status, moment = {
        "void": ("void", "voided_at"),
        "mark_uncollectible": ("uncollectible", "marked_uncollectible_at"),
    }[behavior]
    event = "invoice.voided" if status == "void" else "invoice.marked_uncollectible"
    with session.changing(invoice, "invoice.updated", event):
        invoice["status"] = status
        invoice[moment] = session.now
