"""Subscriptions: create, retrieve, list, cancel.

`subscription_updates` changes them, `pauses` pauses them, `renewals` ends their periods.
"""

from typing import Any

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError, missing_object, missing_param
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, bounds, page
from lib.payments.sandbox.periods import plus_days
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.rules.billing import (
    await_confirmation,
    card_for,
    charge_invoice,
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
from lib.payments.sandbox.rules.subscription_items import billing, credit_unused, new_items, period_end
from lib.payments.sandbox.session import Session

_ENDED = ("canceled", "incomplete_expired")
_LONGEST_TRIAL_DAYS = 730


def create(session: Session, params: Params) -> Facts:
    """A new subscription; unless it starts with a trial, its first invoice is collected at once."""
    if "customer" not in params:
        raise missing_param("customer")
    customer = session.get("customer", params["customer"], param="customer")
    items = new_items(session, params.get("items"))
    trial_end = _trial_end(session, params)
    end_of_period = trial_end or period_end(session, items, session.now, session.now)
    facts: Facts = {
        "customer": customer["id"],
        "status": "trialing" if trial_end else "incomplete",
        "items": items,
        "currency": billing(session, items)[2],
        "current_period_start": session.now,
        "current_period_end": end_of_period,
        "billing_cycle_anchor": trial_end or session.now,
        "trial_start": session.now if trial_end else None,
        "trial_end": trial_end,
        "cancel_at_period_end": params.get("cancel_at_period_end", False),
        "cancel_at": end_of_period if params.get("cancel_at_period_end") else params.get("cancel_at"),
        "billing_mode": (params.get("billing_mode") or {}).get("type", "flexible"),
        "collection_method": params.get("collection_method", "charge_automatically"),
        "days_until_due": params.get("days_until_due"),
        "description": params.get("description"),
        "default_payment_method": _own_card(session, params, customer),
        "discounts": redeem(session, customer["id"], params.get("discounts") or [], []),
    }
    merge_metadata(facts, params)
    subscription = session.add("subscription", facts)
    record_changes(session, subscription, [])
    _collect_first(session, subscription, customer, params.get("payment_behavior", "allow_incomplete"))
    session.record_now("customer.subscription.created", subscription)
    return subscription


def _trial_end(session: Session, params: Params) -> int | None:
    end = params.get("trial_end")
    if days := params.get("trial_period_days"):
        if days > _LONGEST_TRIAL_DAYS:
            raise StripeError(
                "Invalid trial_period_days: the longest trial is 730 days.", param="trial_period_days"
            )
        return plus_days(session.now, days)
    if end in (None, "now"):
        return None
    if end <= session.now:
        raise StripeError(
            "Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end"
        )
    return int(end)


def _own_card(session: Session, params: Params, customer: Facts) -> str | None:
    """The card given for this subscription."""
    given: str | None = params.get("default_payment_method")
    return owned(session, given, customer["id"], param="default_payment_method") if given else None


def _collect_first(session: Session, subscription: Facts, customer: Facts, behavior: str) -> None:
    if behavior == "pending_if_incomplete":
        raise StripeError(
            "`payment_behavior=pending_if_incomplete` is only for updates.", param="payment_behavior"
        )
    trial = subscription["status"] == "trialing"
    method = card_for(session, customer, subscription)
    automatic = subscription["collection_method"] == "charge_automatically"
    lines = period_lines(session, subscription, trial=trial)
    invoice = make_invoice(
        session, subscription, lines, reason="subscription_create", period=(session.now, session.now)
    )
    finalize(session, invoice)
    charge = None
    if invoice["status"] == "open" and automatic and behavior == "default_incomplete":
        await_confirmation(session, invoice)
    elif invoice["status"] == "open" and automatic:
        if method is None:
            raise no_card()
        charge = charge_invoice(session, invoice, method)
    if charge and charge["status"] == "failed" and behavior == "error_if_incomplete":
        refusal = declined(session, charge)
        refusal.keeps_effects = False
        raise refusal
    if not trial:
        subscription["status"] = "active" if invoice["status"] == "paid" or not automatic else "incomplete"
    session.store.put(subscription)


def retrieve(session: Session, _params: Params, subscription_id: str) -> Facts:
    """One subscription, ended ones too."""
    return session.get("subscription", subscription_id)


def list_(session: Session, params: Params) -> Page:
    """Subscriptions, newest first; ended ones only when `status` asks for them."""
    status = params.get("status")
    within = {name: bounds(params, name) or {} for name in ("current_period_start", "current_period_end")}
    wanted_price = params.get("price")

    def keep(facts: Facts) -> bool:
        if status is None and facts["status"] in _ENDED:
            return False
        if wanted_price and wanted_price not in [item["price"] for item in facts["items"]]:
            return False
        return all(_within(facts[name], limits) for name, limits in within.items())

    statuses = {None: (), "all": (), "ended": _ENDED}.get(status, (status,))
    return page(
        session, "subscription", params, customer=params.get("customer"), statuses=statuses, keep=keep
    )


def _within(moment: int, limits: dict[str, int]) -> bool:
    return (
        moment > limits.get("gt", -1)
        and moment >= limits.get("gte", 0)
        and moment < limits.get("lt", moment + 1)
        and moment <= limits.get("lte", moment)
    )


def living(session: Session, subscription_id: str) -> Facts:
    """The subscription, not ended. Raises the 404 that Stripe gives for one that was canceled already."""
    subscription = session.get("subscription", subscription_id)
    if subscription["status"] in _ENDED:
        raise missing_object("subscription", subscription_id)
    return subscription


def end(
    session: Session, subscription: Facts, *, reason: str | None = "cancellation_requested", **details: Any
) -> None:
    """End the subscription now and say so."""
    with session.changing(subscription, "customer.subscription.deleted"):
        subscription |= {
            "status": "canceled",
            "canceled_at": subscription.get("canceled_at") or session.now,
            "ended_at": session.now,
            "pause_collection": None,
            "cancellation_details": {
                **(subscription.get("cancellation_details") or {}),
                "reason": reason,
                **details,
            },
        }


def cancel(session: Session, params: Params, subscription_id: str) -> Facts:
    """End it now. `prorate` leaves a credit for unused time, which `invoice_now` puts on the credit balance.

    Money never goes back to the card: that takes a refund.
    """
    subscription = living(session, subscription_id)
    if params.get("prorate"):
        credit_unused(session, subscription, session.now)
    if params.get("invoice_now"):
        period = (subscription["current_period_start"], session.now)
        invoice = make_invoice(session, subscription, [], reason="subscription_update", period=period)
        finalize(session, invoice)
        if invoice["status"] == "open":
            customer = session.get("customer", subscription["customer"])
            collect(session, invoice, card_for(session, customer, subscription))
    details = params.get("cancellation_details") or {}
    end(session, subscription, **{name: details[name] for name in ("comment", "feedback") if name in details})
    return subscription


ROUTES = (
    Route(
        "POST",
        "/v1/subscriptions",
        create,
        typed.SubscriptionCreateParams,
        "customer items trial_end trial_period_days cancel_at_period_end cancel_at billing_mode "
        "collection_method days_until_due description default_payment_method discounts metadata "
        "payment_behavior off_session expand",
    ),
    Route(
        "GET",
        "/v1/subscriptions",
        list_,
        typed.SubscriptionListParams,
        f"{PAGE_PARAMS} created customer status price current_period_start current_period_end",
    ),
    Route("GET", "/v1/subscriptions/{}", retrieve, typed.SubscriptionRetrieveParams, "expand"),
    Route(
        "DELETE",
        "/v1/subscriptions/{}",
        cancel,
        typed.SubscriptionCancelParams,
        "cancellation_details invoice_now prorate expand",
    ),
)
