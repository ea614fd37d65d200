"""The real pause of a subscription, and its end.

`pause_collection` is another thing: it only stops the collecting (see `subscription_updates`).
"""

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.rules.subscription_updates import begin_period
from lib.payments.sandbox.rules.subscriptions import living
from lib.payments.sandbox.session import Session


def pause(session: Session, _params: Params, subscription_id: str) -> Facts:
    """No service and no invoices from now on. Only in flexible billing mode."""
    subscription = living(session, subscription_id)
    if subscription.get("billing_mode", "flexible") != "flexible":
        raise StripeError("Only subscriptions with `billing_mode[type]=flexible` can be paused.")
    if subscription["status"] not in ("active", "trialing"):
        raise StripeError(f"You cannot pause a subscription with status `{subscription['status']}`.")
    with session.changing(subscription, "customer.subscription.paused", "customer.subscription.updated"):
        subscription["status"] = "paused"
        subscription["paused_at"] = session.now
    return subscription


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
    Route("POST", "/v1/subscriptions/{}/pause", pause, typed.SubscriptionPauseParams, "type expand"),
    Route(
        "POST",
        "/v1/subscriptions/{}/resume",
        resume,
        typed.SubscriptionResumeParams,
        "billing_cycle_anchor payment_behavior expand",
    ),
)
