"""Stripe's objects as its events carry them, in the current API version.

Only the fields that somebody reads are there; the local Stripe shows the whole object when it is asked.
"""

from typing import Any

from lib.demo.catalogue import Plan
from lib.demo.clock import DAY
from lib.demo.ids import stripe_id
from lib.demo.life import Attempt, Invoice, Life, State
from lib.demo.people import Couple
from lib.demo.purchases import Paid, Returned, card_of


def subscription(
    key: str, customer: str, own_id: str, life: Life, moment: int, state: State
) -> dict[str, Any]:
    """A subscription at a moment of its life."""
    start, end = _period_at(life, moment)
    ended = state.status == "canceled"
    return {
        "id": key,
        "object": "subscription",
        "billing_mode": {"type": "flexible"},
        "cancel_at": end if state.set_to_cancel else None,
        "cancel_at_period_end": state.set_to_cancel,
        "canceled_at": moment if state.set_to_cancel or ended else None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": _cancellation(state)},
        "collection_method": "charge_automatically",
        "created": life.started,
        "currency": "usd",
        "customer": customer,
        "discounts": [stripe_id("di", key)] if state.net_price < state.plan.price else [],
        "ended_at": moment if ended else None,
        "items": {
            "object": "list",
            "data": [
                {
                    "id": stripe_id("si", key),
                    "object": "subscription_item",
                    "current_period_start": start,
                    "current_period_end": end,
                    "price": price(state.plan),
                    "quantity": 1,
                    "subscription": key,
                }
            ],
            "has_more": False,
            "url": f"/v1/subscription_items?subscription={key}",
        },
        "livemode": False,
        "metadata": {"subscription_id": own_id},
        "pause_collection": {"behavior": "void", "resumes_at": life.resumes_at}
        if state.collection_paused
        else None,
        "status": state.status,
        "trial_end": life.trial_end,
        "trial_start": life.started if life.trial_end else None,
    }


def customer(couple: Couple) -> dict[str, Any]:
    """A couple as the customer that it becomes when it signs up."""
    return {
        "id": couple.customer,
        "object": "customer",
        "created": couple.joined,
        "email": couple.payer.email,
        "livemode": False,
        "metadata": {"relationship_id": couple.id},
        "name": couple.payer.name,
    }


def payment_method(couple: Couple) -> dict[str, Any]:
    """The card that a couple enters."""
    return {
        "id": card_of(couple),
        "object": "payment_method",
        "created": couple.joined,
        "customer": couple.customer,
        "livemode": False,
        "type": "card",
    }


def price(plan: Plan) -> dict[str, Any]:
    """A plan's price."""
    return {
        "id": plan.stripe_price,
        "object": "price",
        "currency": "usd",
        "product": plan.stripe_product,
        "recurring": {"interval": "year" if plan.months == 12 else "month", "interval_count": 1},
        "type": "recurring",
        "unit_amount": plan.price,
    }


def invoice(
    key: str, customer: str, subscription_key: str, bill: Invoice, attempt: Attempt, number: int
) -> dict[str, Any]:
    """An invoice after its `number`-th attempt."""
    paid = attempt.decline is None
    return {
        "id": key,
        "object": "invoice",
        "amount_due": bill.amount,
        "amount_paid": bill.amount if paid else 0,
        "amount_remaining": 0 if paid else bill.amount,
        "attempt_count": number,
        "billing_reason": "subscription_create" if bill.first else "subscription_cycle",
        "created": bill.period_start,
        "currency": "usd",
        "customer": customer,
        "lines": {"object": "list", "data": [_line(key, subscription_key, bill)], "has_more": False},
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None if paid else attempt.moment + 3 * DAY,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": subscription_key, "metadata": {}},
        },
        "period_start": bill.period_start,
        "period_end": bill.period_start,
        "status": "paid" if paid else "open",
        "status_transitions": {"paid_at": attempt.moment if paid else None},
        "subtotal": bill.plan.price,
        "total": bill.amount,
    }


def _line(key: str, subscription_key: str, bill: Invoice) -> dict[str, Any]:
    return {
        "id": stripe_id("il", key),
        "object": "line_item",
        "amount": bill.plan.price,
        "currency": "usd",
        "description": f"1 × {bill.plan.name}",
        "parent": {"subscription_item_details": {"subscription": subscription_key, "proration": False}},
        "period": {"start": bill.period_start, "end": bill.period_end},
        "pricing": {"price_details": {"price": bill.plan.stripe_price, "product": bill.plan.stripe_product}},
        "quantity": 1,
    }


def dispute(key: str, paid: Paid, opened: int, due: int, reason: str) -> dict[str, Any]:
    """A dispute when it was opened."""
    return {
        "id": key,
        "object": "dispute",
        "amount": paid.purchase.amount,
        "charge": paid.charge,
        "created": opened,
        "currency": "usd",
        "evidence_details": {"due_by": due, "has_evidence": False, "past_due": False, "submission_count": 0},
        "livemode": False,
        "metadata": {},
        "payment_intent": paid.intent,
        "reason": reason,
        "status": "needs_response",
    }


def refunded_charge(paid: Paid, returned: Returned) -> dict[str, Any]:
    """A charge after money went back; the amount is cumulative and the refunds are not listed."""
    purchase = paid.purchase
    return {
        "id": paid.charge,
        "object": "charge",
        "amount": purchase.amount,
        "amount_captured": purchase.amount,
        "amount_refunded": returned.cents,
        "created": purchase.moment,
        "currency": "usd",
        "customer": purchase.couple.customer,
        "livemode": False,
        "metadata": {"payment_id": paid.id},
        "paid": True,
        "payment_intent": paid.intent,
        "refunded": returned.cents == purchase.amount,
        "status": "succeeded",
    }


def _period_at(life: Life, moment: int) -> tuple[int, int]:
    for bill in reversed(life.invoices):
        if bill.period_start <= moment < bill.period_end:
            return bill.period_start, bill.period_end
    if life.trial_end and moment <= life.trial_end:
        return life.started, life.trial_end
    return life.period_start, life.period_end


def _cancellation(state: State) -> str | None:
    if not state.set_to_cancel and state.status != "canceled":
        return None
    return "payment_failed" if state.cause == "involuntary" else "cancellation_requested"
