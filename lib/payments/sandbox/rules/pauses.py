"""The real pause of a subscription, and its end.

`pause_collection` is another thing: it only stops the collecting (see `subscription_updates`).
"""

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.rules.subscription_items import credit_unused
from lib.payments.sandbox.rules.subscription_updates import begin_period
from lib.payments.sandbox.rules.subscriptions import living
from lib.payments.sandbox.session import Session


def pause(session: Session, params: Params, subscription_id: str) -> Facts:
    """No service and no invoices from now on; unused time becomes a credit. Only in flexible billing mode."""
    subscription = living(session, subscription_id)
    if subscription.get("billing_mode", "flexible") != "flexible":
        raise StripeError("Only subscriptions with `billing_mode[type]=flexible` can be paused.")
    if subscription["status"] not in ("active", "trialing"):
        raise StripeError(f"You cannot pause a subscription with status `{subscription['status']}`.")
    if params.get("invoicing_behavior", "pending_invoice_item") != "pending_invoice_item":
        raise unsupported("an invoice at the beginning of a pause")
    if subscription["status"] == "active":
        _credit(session, subscription, params.get("bill_for") or {})
    with session.changing(subscription, "customer.subscription.paused", "customer.subscription.updated"):
        subscription["status"] = "paused"
        subscription["paused_at"] = session.now
    return subscription


def _credit(session: Session, subscription: Facts, bill_for: Params) -> None:
    """Leave the unused time as a credit for the next invoice, counted from where the request says."""
    start = (bill_for.get("unused_time_from") or {}).get("type", "now")
    if start == "none":
        return
    since = session.now if start == "now" else subscription["current_period_start"]
    credit_unused(session, subscription, since)


def resume(session: Session, params: Params, subscription_id: str) -> Facts:
    """End the pause. By default a new period begins now and is collected at once."""
    subscription = session.get("subscription", subscription_id)
    if subscription["status"] != "paused":
        raise StripeError("Only subscriptions with status `paused` can be resumed.")
    if params.get("payment_behavior") == "resume_on_payment_success":
        raise unsupported("resuming only once the payment succeeded")
    anchor = (params.get("billing_cycle_anchor") or {}).get("type", "now")
    with session.changing(subscription, "customer.subscription.resumed", "customer.subscription.updated"):
        subscription["status"] = "active"
        subscription["paused_at"] = None
        if anchor == "now" or subscription["current_period_end"] <= session.now:
            begin_period(session, subscription, "allow_incomplete")
    return subscription


ROUTES = (
    Route(
        "POST",
        "/v1/subscriptions/{}/pause",
        pause,
        typed.SubscriptionPauseParams,
        "type bill_for invoicing_behavior expand",
    ),
    Route(
        "POST",
        "/v1/subscriptions/{}/resume",
        resume,
        typed.SubscriptionResumeParams,
        "billing_cycle_anchor payment_behavior expand",
    ),
)
