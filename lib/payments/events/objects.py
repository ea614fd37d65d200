"""Where each shape of a Stripe object keeps each fact, newest place and older ones.

Stripe moved fields in basil (2025-03-31) and clover (2025-09-30); both generations are read side by side.
Source: the changelog at https://docs.stripe.com/changelog and the shapes recorded from 2020 to 2026.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lib.payments.events import offers
from lib.payments.events.facts import (
    ChargeFacts,
    DiscountFacts,
    DisputeFacts,
    Facts,
    InvoiceFacts,
    InvoiceLineFacts,
    PaymentIntentFacts,
    RefundFacts,
    SubscriptionFacts,
    SubscriptionItemFacts,
)
from lib.payments.events.fields import at, first, flag, ident, listed, moment, rows, text, texts, total, whole

Payload = Mapping[str, Any]


def subscription(source: Payload, subscription_id: str) -> SubscriptionFacts:
    """A subscription of any shape."""
    items = _items(source)
    start, end = _period(source, items)
    return SubscriptionFacts(
        id=subscription_id,
        customer_id=ident(source.get("customer")),
        status=text(source.get("status")),
        items=items,
        current_period_start=start,
        current_period_end=end,
        cancel_at_period_end=flag(source.get("cancel_at_period_end")),
        cancel_at=moment(source.get("cancel_at")),
        canceled_at=moment(source.get("canceled_at")),
        cancellation_reason=text(at(source, "cancellation_details", "reason")),
        cancellation_comment=text(at(source, "cancellation_details", "comment")),
        cancellation_feedback=text(at(source, "cancellation_details", "feedback")),
        trial_start=moment(source.get("trial_start")),
        trial_end=moment(source.get("trial_end")),
        ended_at=moment(source.get("ended_at")),
        pause_behavior=text(at(source, "pause_collection", "behavior")),
        pause_resumes_at=moment(at(source, "pause_collection", "resumes_at")),
        paused_reason=text(at(source, "status_details", "paused", "subscription", "type")),
        paused_at=moment(at(source, "status_details", "paused", "transitioned_at")),
        billing_mode=text(at(source, "billing_mode", "type")),
        discounts=_discounts(source),
        latest_invoice_id=ident(source.get("latest_invoice")),
        currency=first(text(source.get("currency")), *(item.currency for item in items)),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
        livemode=flag(source.get("livemode")),
    )


def _items(source: Payload) -> tuple[SubscriptionItemFacts, ...]:
    found = rows(source.get("items"))
    if not found and isinstance(source.get("plan"), Mapping):
        found = [{"plan": source["plan"], "quantity": source.get("quantity")}]
    return tuple(_item(row) for row in found)


def _item(row: Payload) -> SubscriptionItemFacts:
    # Before prices (2020) an item had a plan; some stored shapes carry a plan's fields under `price`.
    price, plan = row.get("price"), row.get("plan")
    return SubscriptionItemFacts(
        id=text(row.get("id")),
        price_id=first(ident(price), ident(plan)),
        product_id=first(ident(at(price, "product")), ident(at(plan, "product"))),
        unit_amount=first(
            whole(at(price, "unit_amount")), whole(at(price, "amount")), whole(at(plan, "amount"))
        ),
        currency=first(text(at(price, "currency")), text(at(plan, "currency"))),
        interval=first(
            text(at(price, "recurring", "interval")), text(at(price, "interval")), text(at(plan, "interval"))
        ),
        interval_count=first(
            whole(at(price, "recurring", "interval_count")),
            whole(at(price, "interval_count")),
            whole(at(plan, "interval_count")),
        ),
        quantity=whole(row.get("quantity")),
        current_period_start=moment(row.get("current_period_start")),
        current_period_end=moment(row.get("current_period_end")),
        discounts=_discounts(row),
    )


def _period(
    source: Payload, items: tuple[SubscriptionItemFacts, ...]
) -> tuple[datetime | None, datetime | None]:
    """Start and end of the period: of one origin, so that the two belong together."""
    start, end = moment(source.get("current_period_start")), moment(source.get("current_period_end"))
    if start is not None or end is not None:
        return start, end
    periods = [
        (item.current_period_end, item.current_period_start)
        for item in items
        if item.current_period_end is not None
    ]
    if not periods:
        return first(*(item.current_period_start for item in items)), None
    end, start = min(periods, key=lambda period: period[0])
    return start, end


def _discounts(source: Payload) -> tuple[DiscountFacts, ...]:
    """`discounts`, ids or objects, and the single `discount` of older shapes; 2024 sends it in both."""
    found: dict[str | None, DiscountFacts] = {}
    for row in [*(listed(source.get("discounts")) or ()), source.get("discount")]:
        read = _discount(row)
        if read is None:
            continue
        known = found.get(read.id or read.coupon_id)
        if known is None or known.coupon_id is None:
            found[read.id or read.coupon_id] = read
    return tuple(found.values())


def _discount(row: object) -> DiscountFacts | None:
    discount_id = ident(row)
    coupon_id = first(ident(at(row, "source", "coupon")), ident(at(row, "coupon")))
    if discount_id is None and coupon_id is None:
        return None
    return DiscountFacts(
        id=discount_id,
        coupon_id=coupon_id,
        promotion_code_id=ident(at(row, "promotion_code")),
        start=moment(at(row, "start")),
        end=moment(at(row, "end")),
        duration=first(text(at(row, "source", "coupon", "duration")), text(at(row, "coupon", "duration"))),
    )


def invoice(source: Payload, invoice_id: str) -> InvoiceFacts:
    """An invoice of any shape."""
    payment = _payment(source)
    return InvoiceFacts(
        id=invoice_id,
        customer_id=ident(source.get("customer")),
        subscription_id=first(
            ident(at(source, "parent", "subscription_details", "subscription")),
            ident(source.get("subscription")),
        ),
        number=text(source.get("number")),
        status=text(source.get("status")),
        amount_due=whole(source.get("amount_due")),
        amount_paid=whole(source.get("amount_paid")),
        amount_remaining=whole(source.get("amount_remaining")),
        subtotal=whole(source.get("subtotal")),
        total=whole(source.get("total")),
        tax=first(
            whole(source.get("tax")), total(source.get("total_taxes")), total(source.get("total_tax_amounts"))
        ),
        discount_total=total(source.get("total_discount_amounts")),
        currency=text(source.get("currency")),
        billing_reason=text(source.get("billing_reason")),
        attempt_count=whole(source.get("attempt_count")),
        next_payment_attempt=moment(source.get("next_payment_attempt")),
        payment_intent_id=first(ident(source.get("payment_intent")), ident(payment.get("payment_intent"))),
        charge_id=first(
            ident(source.get("charge")),
            ident(payment.get("charge")),
            ident(at(payment, "payment_intent", "latest_charge")),
        ),
        period_start=moment(source.get("period_start")),
        period_end=moment(source.get("period_end")),
        paid_at=moment(at(source, "status_transitions", "paid_at")),
        hosted_invoice_url=text(source.get("hosted_invoice_url")),
        invoice_pdf=text(source.get("invoice_pdf")),
        lines=tuple(_line(row) for row in rows(source.get("lines"))),
        error_message=first(
            text(at(source, "last_finalization_error", "message")),
            text(at(source, "payment_intent", "last_payment_error", "message")),
            text(at(payment, "payment_intent", "last_payment_error", "message")),
        ),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
        livemode=flag(source.get("livemode")),
    )


def _payment(source: Payload) -> Payload:
    """The `payment` of the invoice's default payment, when `payments` is expanded; otherwise empty."""
    payments = rows(source.get("payments"))
    default = next((row for row in payments if row.get("is_default") is True), None)
    payment = at(default if default is not None else next(iter(payments), None), "payment")
    return payment if isinstance(payment, Mapping) else {}


def _line(row: Payload) -> InvoiceLineFacts:
    # Since basil `parent.type` names the details that apply; the others are null or, in examples, noise.
    kind = text(at(row, "parent", "type")) or "subscription_item_details"
    details = at(row, "parent", kind)
    return InvoiceLineFacts(
        id=text(row.get("id")),
        description=text(row.get("description")),
        amount=whole(row.get("amount")),
        currency=text(row.get("currency")),
        quantity=whole(row.get("quantity")),
        price_id=first(
            ident(at(row, "pricing", "price_details", "price")),
            ident(row.get("price")),
            ident(row.get("plan")),
        ),
        product_id=first(
            ident(at(row, "pricing", "price_details", "product")),
            ident(at(row, "price", "product")),
            ident(at(row, "plan", "product")),
        ),
        proration=first(flag(row.get("proration")), flag(at(details, "proration"))),
        subscription_id=first(ident(row.get("subscription")), ident(at(details, "subscription"))),
        subscription_item_id=first(
            ident(row.get("subscription_item")), ident(at(details, "subscription_item"))
        ),
        period_start=moment(at(row, "period", "start")),
        period_end=moment(at(row, "period", "end")),
    )


def charge(source: Payload, charge_id: str) -> ChargeFacts:
    """A charge of any shape."""
    # Before payment methods the card itself was the charge's `source`.
    card = first(at(source, "payment_method_details", "card"), source.get("source"), source.get("card"))
    brand = text(at(card, "brand"))
    dispute_id = ident(source.get("dispute"))
    settled = source.get("balance_transaction")
    return ChargeFacts(
        id=charge_id,
        payment_intent_id=ident(source.get("payment_intent")),
        invoice_id=ident(source.get("invoice")),
        customer_id=ident(source.get("customer")),
        amount=whole(source.get("amount")),
        amount_refunded=whole(source.get("amount_refunded")),
        refunded=flag(source.get("refunded")),
        currency=text(source.get("currency")),
        status=text(source.get("status")),
        failure_code=text(source.get("failure_code")),
        failure_message=text(source.get("failure_message")),
        card_brand=brand.lower() if brand else None,
        card_last4=text(at(card, "last4")),
        decline_reason=first(
            text(at(source, "outcome", "reason"))
            if text(at(source, "outcome", "type")) == "issuer_declined"
            else None,
            text(source.get("failure_code")),
        ),
        receipt_url=text(source.get("receipt_url")),
        fee=whole(at(settled, "fee")),
        net=whole(at(settled, "net")),
        settled_amount=whole(at(settled, "amount")),
        settled_currency=text(at(settled, "currency")),
        dispute_id=dispute_id,
        disputed=first(flag(source.get("disputed")), True if dispute_id else None),
        refunds=_refunds(source, charge_id),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
        livemode=flag(source.get("livemode")),
    )


def _refunds(source: Payload, charge_id: str) -> tuple[RefundFacts, ...] | None:
    sent = source.get("refunds")
    if listed(sent) is None or at(sent, "has_more") is True:
        return None
    # The oldest shapes name no charge on an embedded refund: it is the one around it.
    return tuple(
        refund(row if ident(row.get("charge")) else {**row, "charge": charge_id}, refund_id)
        for row in rows(sent)
        if (refund_id := ident(row))
    )


def refund(source: Payload, refund_id: str) -> RefundFacts:
    """A refund of any shape."""
    return RefundFacts(
        id=refund_id,
        charge_id=ident(source.get("charge")),
        payment_intent_id=ident(source.get("payment_intent")),
        amount=whole(source.get("amount")),
        currency=text(source.get("currency")),
        status=text(source.get("status")),
        reason=text(source.get("reason")),
        failure_reason=text(source.get("failure_reason")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
    )


def dispute(source: Payload, dispute_id: str) -> DisputeFacts:
    """A dispute of any shape."""
    return DisputeFacts(
        id=dispute_id,
        charge_id=ident(source.get("charge")),
        payment_intent_id=ident(source.get("payment_intent")),
        amount=whole(source.get("amount")),
        currency=text(source.get("currency")),
        status=text(source.get("status")),
        reason=text(source.get("reason")),
        evidence_due_by=moment(at(source, "evidence_details", "due_by")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
        livemode=flag(source.get("livemode")),
    )


def payment_intent(source: Payload, intent_id: str) -> PaymentIntentFacts:
    """A payment intent of any shape."""
    charges = rows(source.get("charges"))
    return PaymentIntentFacts(
        id=intent_id,
        customer_id=ident(source.get("customer")),
        amount=whole(source.get("amount")),
        currency=text(source.get("currency")),
        status=text(source.get("status")),
        charge_id=first(ident(source.get("latest_charge")), *(ident(row) for row in charges[:1])),
        error_message=text(at(source, "last_payment_error", "message")),
        metadata=texts(source.get("metadata")),
        created=moment(source.get("created")),
        livemode=flag(source.get("livemode")),
    )


READERS: dict[str, Callable[[Payload, str], Facts]] = {
    "subscription": subscription,
    "invoice": invoice,
    "charge": charge,
    "refund": refund,
    "dispute": dispute,
    "payment_intent": payment_intent,
    "coupon": offers.coupon,
    "promotion_code": offers.promotion_code,
    "product": offers.product,
    "price": offers.price,
}
"""Stripe's `object` -> how it is read."""
