"""Making invoices and collecting them: lines, discounts, the credit balance, one card attempt."""

from typing import Any

from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import item_id
from lib.payments.sandbox.rules import customer_balance
from lib.payments.sandbox.rules.charging import attempt, new_intent
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.shapes.customers import invoice_prefix
from lib.payments.sandbox.shapes.invoices import amounts

_DUE_DAYS = 30

RETRY_AFTER = 3 * 86_400
"""When Stripe would try a failed invoice again; the sandbox only says so."""


def card_for(session: Session, customer: Facts, subscription: Facts | None) -> Facts | None:
    """The card that pays: the subscription's own, else the customer's default; never a detached one."""
    for holder in (subscription or {}, customer):
        method = session.find("payment_method", holder.get("default_payment_method") or "")
        if method and method.get("customer") == customer["id"]:
            return method
    return None


def no_card() -> StripeError:
    """What Stripe says when there is nothing to charge."""
    return StripeError(
        "This customer has no attached payment source or default payment method. Please consider adding a "
        "default payment method. For more information, visit "
        "https://docs.stripe.com/billing/subscriptions/payment-methods-setting#update-payment-method.",
        code="resource_missing",
    )


def period_lines(session: Session, subscription: Facts, *, trial: bool = False) -> list[Facts]:
    """One line for each price of the subscription over its current period; nothing is due during a trial."""
    lines = []
    for position, item in enumerate(subscription["items"]):
        price = session.get("price", item["price"])
        quantity = item.get("quantity", 1)
        line: Facts = {
            "amount": 0 if trial else price["unit_amount"] * quantity,
            "price": price["id"],
            "quantity": quantity,
            "period_start": subscription["current_period_start"],
            "period_end": subscription["current_period_end"],
            "subscription_item": item.get("id") or item_id(subscription["id"], position),
        }
        if trial:
            line["description"] = "Trial period"
        lines.append(line)
    return lines


def waiting_lines(session: Session, subscription: Facts) -> list[tuple[Facts, Facts]]:
    """The amounts that wait for the subscription's next invoice, each with its line."""
    waiting = [
        one for one in session.select("invoiceitem", parent=subscription["id"]) if not one.get("invoice")
    ]
    copied = ("amount", "price", "quantity", "description", "period_start", "period_end", "proration")
    return [
        (item, {name: item[name] for name in copied if name in item} | {"invoice_item": item["id"]})
        for item in reversed(waiting)
    ]


def make_invoice(
    session: Session, subscription: Facts, lines: list[Facts], *, reason: str, period: tuple[int, int]
) -> Facts:
    """A draft with these lines, all waiting amounts and the subscription's discounts."""
    waiting = waiting_lines(session, subscription)
    invoice = session.add(
        "invoice",
        {
            "customer": subscription["customer"],
            "subscription": subscription["id"],
            "currency": subscription.get("currency", "usd"),
            "status": "draft",
            "lines": [line for _, line in waiting] + lines,
            "billing_reason": reason,
            "period_start": period[0],
            "period_end": period[1],
            "collection_method": subscription.get("collection_method", "charge_automatically"),
            "attempt_count": 0,
            "due_date": _due_date(session, subscription),
        },
    )
    for item, _ in waiting:
        item["invoice"] = invoice["id"]
        session.store.put(item)
    _apply_discounts(session, invoice, subscription)
    session.store.put(invoice)
    session.record_now("invoice.created", invoice)
    return invoice


def _due_date(session: Session, subscription: Facts) -> int | None:
    if subscription.get("collection_method") != "send_invoice":
        return None
    return session.now + (subscription.get("days_until_due") or _DUE_DAYS) * 86_400


def _apply_discounts(session: Session, invoice: Facts, subscription: Facts) -> None:
    """Spread each discount over the lines it applies to; one that is good for once is used up."""
    running = [
        one for one in subscription.get("discounts", []) if not (one.get("end") and one["end"] <= session.now)
    ]
    for discount in running:
        coupon = session.find("coupon", discount["coupon"]) or {}
        lines = [line for line in invoice["lines"] if _applies(session, coupon, line)]
        for line, amount in zip(lines, _reductions(coupon, lines), strict=True):
            if amount:
                line.setdefault("discount_amounts", []).append([discount["id"], amount])
    invoice["discounts"] = running
    if sum(line["amount"] for line in invoice["lines"]) > 0:
        coupons = {one["id"]: session.find("coupon", one["coupon"]) or {} for one in running}
        running = [one for one in running if coupons[one["id"]].get("duration") != "once"]
    if running != subscription.get("discounts", []):
        subscription["discounts"] = running
        session.store.put(subscription)


def _applies(session: Session, coupon: Facts, line: Facts) -> bool:
    if line["amount"] <= 0 or line.get("proration"):
        return False
    products = coupon.get("products")
    price = session.find("price", line["price"]) if line.get("price") else None
    return not products or (price is not None and price["product"] in products)


def _reductions(coupon: Facts, lines: list[Facts]) -> list[int]:
    """How much of the coupon falls on each line; an amount is shared in proportion, to the cent."""
    left = [line["amount"] - sum(cut for _, cut in line.get("discount_amounts", [])) for line in lines]
    if coupon.get("percent_off"):
        return [round(amount * coupon["percent_off"] / 100) for amount in left]
    total = sum(left)
    budget = min(coupon.get("amount_off") or 0, total)
    shares: list[int] = []
    for _ in left:
        seen = sum(left[: len(shares) + 1])
        shares.append(round(budget * seen / total) - sum(shares) if total else 0)
    return shares


def finalize(session: Session, invoice: Facts) -> None:
    """Fix the amounts, use the credit balance, and mark what has nothing due as paid."""
    customer = session.get("customer", invoice["customer"])
    sequence = customer.get("next_invoice_sequence", 1)
    with session.changing(invoice, "invoice.finalized"):
        invoice["starting_balance"] = customer.get("balance", 0)
        invoice["status"] = "open"
        invoice["finalized_at"] = session.now
        invoice["number"] = f"{invoice_prefix(customer['id'])}-{sequence:04d}"
    customer["next_invoice_sequence"] = sequence + 1
    session.store.put(customer)
    used = amounts(invoice)["ending_balance"] - amounts(invoice)["starting_balance"]
    customer_balance.move(session, customer, used, "applied_to_invoice", invoice=invoice["id"])
    if amounts(invoice)["amount_due"] == 0:
        mark_paid(session, invoice)


def mark_paid(session: Session, invoice: Facts, **more: Any) -> None:
    """The invoice is settled: no attempt follows."""
    events = ("invoice.updated", "invoice.paid", "invoice.payment_succeeded")
    with session.changing(invoice, *events):
        invoice |= {"status": "paid", "paid_at": session.now, "next_payment_attempt": None, **more}


def collect(session: Session, invoice: Facts, method: Facts | None) -> Facts | None:
    """Try to collect an open invoice once; the charge says how it went.

    Without a card the attempt fails before there is a charge: None.
    """
    if method is not None:
        return charge_invoice(session, invoice, method)
    _intent_of(session, invoice)
    _note_failure(session, invoice)
    return None


def charge_invoice(session: Session, invoice: Facts, method: Facts, *, outcome: str | None = None) -> Facts:
    """Charge this card for an open invoice once; `outcome` overrules it as in `charging.attempt`."""
    charge = attempt(session, _intent_of(session, invoice), method, outcome=outcome)
    if charge["status"] == "succeeded":
        mark_paid(session, invoice, attempt_count=invoice.get("attempt_count", 0) + 1)
    else:
        _note_failure(session, invoice)
    return charge


def _intent_of(session: Session, invoice: Facts) -> Facts:
    """The payment intent of the invoice, made where there is none yet."""
    first = invoice.get("billing_reason") == "subscription_create"
    return session.newest("payment_intent", parent=invoice["id"]) or new_intent(
        session,
        {
            "amount": amounts(invoice)["amount_due"],
            "currency": invoice.get("currency", "usd"),
            "customer": invoice["customer"],
            "invoice": invoice["id"],
            "description": "Subscription creation" if first else "Subscription update",
        },
    )


def drop_intent(session: Session, invoice: Facts) -> None:
    """Give up the payment of an invoice that nobody is to pay any more."""
    intent = session.newest("payment_intent", parent=invoice["id"])
    if intent and intent["status"] not in ("succeeded", "canceled"):
        with session.changing(intent, "payment_intent.canceled"):
            intent |= {
                "status": "canceled",
                "canceled_at": session.now,
                "cancellation_reason": "void_invoice",
            }


def await_confirmation(session: Session, invoice: Facts) -> None:
    """Leave the payment to a later confirmation by the customer."""
    _intent_of(session, invoice)


def _note_failure(session: Session, invoice: Facts) -> None:
    with session.changing(invoice, "invoice.updated", "invoice.payment_failed"):
        invoice["attempt_count"] = invoice.get("attempt_count", 0) + 1
        invoice["next_payment_attempt"] = session.now + RETRY_AFTER


def settle_subscription(session: Session, invoice: Facts) -> None:
    """A past-due or incomplete subscription is active again once nothing is open."""
    subscription = session.find("subscription", invoice.get("subscription") or "")
    if subscription is None or subscription["status"] not in ("past_due", "incomplete", "unpaid"):
        return
    if session.newest("invoice", parent=subscription["id"], statuses=["open"]):
        return
    with session.changing(subscription, "customer.subscription.updated"):
        subscription["status"] = "active"
