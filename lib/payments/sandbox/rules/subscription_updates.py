"""Changing a subscription: cancel later, pause collection, discounts, trial, plan change."""

from typing import Any

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.router import Params, Rendered, Route
from lib.payments.sandbox.rules.billing import (
    card_for,
    collect,
    finalize,
    make_invoice,
    no_card,
    period_lines,
)
from lib.payments.sandbox.rules.charging import declined
from lib.payments.sandbox.rules.discounts import record_changes, redeem
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.rules.payment_methods import owned
from lib.payments.sandbox.rules.subscription_items import (
    billing,
    changed_items,
    credit_unused,
    period_end,
    prorate,
)
from lib.payments.sandbox.session import Session

_AFTER_CANCELLATION = {"metadata", "cancellation_details", "expand"}
_PLAIN = ("description", "days_until_due")


def update(session: Session, params: Params, subscription_id: str) -> Facts:
    """Change what is given. A canceled subscription takes only metadata and cancellation details."""
    subscription = session.get("subscription", subscription_id)
    if subscription["status"] == "canceled" and params.keys() - _AFTER_CANCELLATION:
        raise StripeError("A canceled subscription can only update its cancellation_details and metadata.")
    with session.changing(subscription, "customer.subscription.updated"):
        _apply(session, subscription, params)
    return subscription


def _apply(session: Session, subscription: Facts, params: Params) -> None:
    subscription |= {name: params[name] for name in _PLAIN if name in params}
    merge_metadata(subscription, params)
    _default_card(session, subscription, params)
    _pause_collection(session, subscription, params)
    _trial(session, subscription, params)
    _discounts(session, subscription, params)
    if "items" in params:
        change_items(
            session,
            subscription,
            params["items"],
            proration=params.get("proration_behavior", "create_prorations"),
            moment=params.get("proration_date", session.now),
            behavior=params.get("payment_behavior", "allow_incomplete"),
        )
    _cancellation(session, subscription, params)


def _default_card(session: Session, subscription: Facts, params: Params) -> None:
    given = params.get("default_payment_method")
    if given is None:
        return
    subscription["default_payment_method"] = owned(
        session, given, subscription["customer"], param="default_payment_method"
    )


def _pause_collection(session: Session, subscription: Facts, params: Params) -> None:
    """No money is collected while it lasts; the status stays what it was."""
    if "pause_collection" not in params:
        return
    pause = params["pause_collection"]
    if pause and pause.get("resumes_at") and pause["resumes_at"] <= session.now:
        raise StripeError("`resumes_at` must be in the future.", param="pause_collection[resumes_at]")
    subscription["pause_collection"] = pause


def _trial(session: Session, subscription: Facts, params: Params) -> None:
    end = params.get("trial_end")
    if end is None:
        return
    if end == "now":
        if subscription["status"] == "trialing":
            subscription["trial_end"] = session.now
            subscription["status"] = "active"
            begin_period(session, subscription, "allow_incomplete")
        return
    if end <= session.now:
        raise StripeError(
            "Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end"
        )
    trialing = subscription["status"] == "trialing"
    if not trialing and params.get("proration_behavior") != "none":
        raise unsupported("a trial in the middle of a paid period unless proration_behavior is 'none'")
    if not trialing:
        subscription["trial_start"] = session.now
        subscription["current_period_start"] = session.now
    subscription |= {
        "status": "trialing",
        "trial_end": end,
        "current_period_end": end,
        "billing_cycle_anchor": end,
    }


def _discounts(session: Session, subscription: Facts, params: Params) -> None:
    if "discounts" not in params:
        return
    before = subscription.get("discounts", [])
    subscription["discounts"] = redeem(session, subscription["customer"], params["discounts"] or [], before)
    record_changes(session, subscription, before)


def _cancellation(session: Session, subscription: Facts, params: Params) -> None:
    if params.get("cancel_at_period_end") and params.get("cancel_at"):
        raise StripeError(
            "You may only specify one of `cancel_at` and `cancel_at_period_end`.", param="cancel_at"
        )
    details: dict[str, Any] = dict(subscription.get("cancellation_details") or {})
    details |= params.get("cancellation_details") or {}
    at_end, on = params.get("cancel_at_period_end"), params.get("cancel_at")
    if at_end or on:
        subscription["cancel_at_period_end"] = bool(at_end)
        subscription["cancel_at"] = (
            subscription["current_period_end"] if at_end else _moment(session, subscription, on)
        )
        subscription["canceled_at"] = session.now
        details["reason"] = "cancellation_requested"
    elif at_end is False or ("cancel_at" in params and on is None):
        cleared = {"cancel_at_period_end": False, "cancel_at": None}
        if subscription["status"] != "canceled":
            cleared["canceled_at"] = None
            details.pop("reason", None)
        subscription |= cleared
    subscription["cancellation_details"] = details


def _moment(session: Session, subscription: Facts, given: int | str | None) -> int:
    if isinstance(given, str):
        return int(subscription["current_period_end"])
    if given is None or given <= session.now:
        raise StripeError(
            "Invalid timestamp: must be an integer Unix timestamp in the future.", param="cancel_at"
        )
    return given


def change_items(
    session: Session,
    subscription: Facts,
    given: list[dict[str, Any]],
    *,
    proration: str,
    moment: int,
    behavior: str,
) -> Facts | None:
    """Put the items in force; the invoice that follows at once, or None when amounts wait for the next one.

    Another interval begins a new period now and is invoiced at once; so is `always_invoice`.
    """
    after = changed_items(session, subscription, given)
    same_interval = billing(session, subscription["items"])[:2] == billing(session, after)[:2]
    trialing = subscription["status"] == "trialing"
    if proration != "none" and not trialing:
        if same_interval:
            prorate(session, subscription, after, moment)
        else:
            credit_unused(session, subscription, moment)
    subscription["items"] = after
    session.store.put(subscription)
    if trialing:
        return None
    if not same_interval:
        return begin_period(session, subscription, behavior)
    if proration == "always_invoice":
        return _invoice_now(session, subscription, [], behavior)
    return None


def begin_period(session: Session, subscription: Facts, behavior: str) -> Facts:
    """Start a new period now and invoice it."""
    now = session.now
    subscription["billing_cycle_anchor"] = subscription["current_period_start"] = now
    subscription["current_period_end"] = period_end(session, subscription["items"], now, now)
    if subscription.get("cancel_at_period_end"):
        subscription["cancel_at"] = subscription["current_period_end"]
    return _invoice_now(session, subscription, period_lines(session, subscription), behavior)


def _invoice_now(session: Session, subscription: Facts, lines: list[Facts], behavior: str) -> Facts:
    period = (session.now, session.now)
    invoice = make_invoice(session, subscription, lines, reason="subscription_update", period=period)
    finalize(session, invoice)
    if invoice["status"] != "open" or subscription.get("collection_method") == "send_invoice":
        return invoice
    method = card_for(session, session.get("customer", subscription["customer"]), subscription)
    if method is None and behavior == "error_if_incomplete":
        raise no_card()
    charge = collect(session, invoice, method)
    if invoice["status"] == "open" and behavior == "error_if_incomplete" and charge:
        refusal = declined(session, charge)
        refusal.keeps_effects = False
        raise refusal
    if invoice["status"] == "open":
        subscription["status"] = "past_due"
    return invoice


def delete_discount(session: Session, _params: Params, subscription_id: str) -> Rendered:
    """Take every discount from the subscription."""
    subscription = session.get("subscription", subscription_id)
    if not subscription.get("discounts"):
        raise StripeError(
            f"No active discount for subscription: {subscription_id}", status=404, code="resource_missing"
        )
    gone = subscription["discounts"][0]
    with session.changing(subscription, "customer.subscription.updated"):
        _discounts(session, subscription, {"discounts": None})
    return Rendered({"id": gone["id"], "object": "discount", "deleted": True})


ROUTES = (
    Route(
        "POST",
        "/v1/subscriptions/{}",
        update,
        typed.SubscriptionUpdateParams,
        "description days_until_due metadata default_payment_method pause_collection trial_end discounts "
        "items proration_behavior proration_date payment_behavior cancel_at_period_end cancel_at "
        "cancellation_details off_session expand",
    ),
    Route("DELETE", "/v1/subscriptions/{}/discount", delete_discount, typed.SubscriptionDeleteDiscountParams),
)
