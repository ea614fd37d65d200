"""A payment of ours follows Stripe's invoice and charge."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.work import Work
from lib.models import Invoice, Payment, Subscription, new_id
from lib.payments import ledger
from lib.payments.events import ChargeFacts, InvoiceFacts, RefundFacts
from lib.payments.ledger import Source
from lib.payments.rows import invoices
from lib.payments.rows.found import PAID, Changes, find_payment, find_subscription, last_outcomes, noted
from lib.payments.rows.refunds import Told, follow_one, refunds_of, set_paid_back

_INVOICE = "stripe_invoice_id"


def follow_invoice(
    work: Work,
    facts: InvoiceFacts,
    *,
    succeeded: bool,
    payment_intent_id: str | None,
    source: Source,
    source_id: str | None,
    at: datetime | None = None,
    subscription_as_of: datetime | None = None,
) -> Changes | None:
    """Make our payment say how collecting an invoice went, and the subscription whether it is past due.

    There is one payment per payment intent; it is made when it is not there yet and the invoice is of a
    subscription of ours. Success is final: an older failure that comes late changes nothing.
    `at`: when it was tried. `subscription_as_of`: until when our subscription row is known to be right; only
    what was tried later moves it between `active` and `past_due`.
    None when neither a payment nor the subscription is ours.
    """
    if succeeded and facts.amount_paid == 0:
        return follow_closed_invoice(work, facts, payment_intent_id=payment_intent_id, at=at)
    session, moment = work.session, at or work.now
    subscription = find_subscription(session, subscription_of(facts))
    payment = _find(session, facts, payment_intent_id, subscription)
    if payment is None and subscription is None:
        return None
    amount = (facts.amount_paid if succeeded else facts.amount_due) or 0
    if payment is None and subscription is not None and amount > 0:
        payment = _new(facts, subscription, amount, moment)
        session.add(payment)
    if payment is not None:
        _follow_outcome(payment, facts, payment_intent_id, amount, moment, succeeded=succeeded)
        invoices.keep(session, facts, payment, moment)
        if subscription is not None and amount > 0:
            ledger.begin(work, subscription)
            _move(session, subscription, payment, moment, subscription_as_of, succeeded=succeeded)
            ledger.record(work, subscription, effective_at=moment, source=source, source_id=source_id)
    return noted(work)


def follow_closed_invoice(
    work: Work, facts: InvoiceFacts, *, payment_intent_id: str | None, at: datetime | None = None
) -> Changes | None:
    """Make our payment say that no money comes for an invoice: voided, credited in full, or written off.

    An open invoice only has what is owed on it noted. What was tried and failed stays failed when it is
    written off: it is owed all the same. The subscription stays as it is, which belongs to Stripe.
    `at`: when that was so. None when neither a payment nor the subscription is ours.
    """
    session, moment = work.session, at or work.now
    subscription = find_subscription(session, subscription_of(facts))
    payment = _find(session, facts, payment_intent_id, subscription)
    if payment is None and subscription is None:
        return None
    if payment is None and subscription is not None and facts.amount_due and facts.attempt_count:
        payment = _new(facts, subscription, facts.amount_due, moment)
        payment.status, payment.processed_at = "failed", moment
        session.add(payment)
    if payment is not None:
        if _nobody_owes(facts) and payment.status not in PAID:
            payment.status = "canceled"
        invoices.keep(session, facts, payment, moment)
    return noted(work)


def follow_charge(
    work: Work,
    facts: ChargeFacts,
    refunds: Sequence[RefundFacts],
    *,
    source: Source,
    source_id: str | None,
    at: datetime | None = None,
) -> Changes | None:
    """Make our payment say how much of its charge went back, and its refunds with it.

    Stripe's `amount_refunded` is the total over all refunds, so it is set. `refunds`: those of the charge,
    as many as are known. `at`: when the facts came to be. None when no payment of ours is about the charge.
    """
    payment = find_payment(work.session, facts.payment_intent_id, facts.id)
    if payment is None:
        return None
    moment = at or work.now
    if payment.stripe_charge_id is None:
        payment.stripe_charge_id = facts.id
    if payment.payment_method is None and facts.card_brand is not None:
        payment.payment_method = "card"
    if payment.status in {"failed", "pending"} and facts.amount_refunded:
        # Only what was collected can go back: the event of the success is still on its way.
        payment.status, payment.failure_reason = "succeeded", None
    rows = refunds_of(work.session, payment)
    for refund in sorted(refunds, key=lambda each: (each.created or moment, each.id)):
        follow_one(work, payment, rows, refund, Told(source, source_id, moment))
    if facts.amount_refunded is not None:
        newest = max((refund.created for refund in refunds if refund.created), default=moment)
        amount = facts.amount if facts.amount is not None else payment.amount_cents
        set_paid_back(payment, facts.amount_refunded, amount, newest)
    return noted(work)


def subscription_of(facts: InvoiceFacts) -> str | None:
    """The subscription `sub_…` that an invoice is of, by itself or by its lines; None for another invoice."""
    lines = (line.subscription_id for line in facts.lines if line.subscription_id is not None)
    return facts.subscription_id or next(lines, None)


def _find(
    session: Session, facts: InvoiceFacts, payment_intent_id: str | None, subscription: Subscription | None
) -> Payment | None:
    """Our payment of an invoice: by payment intent, by charge, or one made without knowing either."""
    payment = find_payment(session, payment_intent_id, facts.charge_id)
    if payment is not None or subscription is None:
        return payment
    # Since basil an event does not name the payment intent: such a payment is known by its invoice alone.
    kept = session.get(Invoice, facts.id) if payment_intent_id is None else None
    if kept is not None:
        return session.get(Payment, kept.payment_id)
    same = [
        each
        for each in session.scalars(
            select(Payment).where(Payment.subscription_id == subscription.id).order_by(Payment.id)
        )
        if isinstance(each.details, dict) and each.details.get(_INVOICE) == facts.id
    ]
    if payment_intent_id is None:
        return same[0] if same else None
    return next((each for each in same if each.stripe_payment_intent_id is None), None)


def _new(facts: InvoiceFacts, subscription: Subscription, amount: int, at: datetime) -> Payment:
    return Payment(
        id=new_id(),
        subscription_id=subscription.id,
        user_id=subscription.user_id,
        relationship_id=subscription.relationship_id,
        transaction_type="subscription",
        amount_cents=amount,
        currency=(facts.currency or subscription.currency or "usd").upper(),
        status="pending",
        description=f"Invoice {facts.number or facts.id}",
        details={_INVOICE: facts.id},
        stripe_payment_intent_id=None,
        stripe_charge_id=None,
        failure_reason=None,
        processed_at=None,
        # The invoice's own moment, so that the row is the same whichever of its events comes first.
        created_at=facts.created or at,
    )


def _follow_outcome(
    payment: Payment,
    facts: InvoiceFacts,
    payment_intent_id: str | None,
    amount: int,
    at: datetime,
    *,
    succeeded: bool,
) -> None:
    payment.stripe_payment_intent_id = payment.stripe_payment_intent_id or payment_intent_id
    if succeeded:
        payment.amount_cents = amount or payment.amount_cents
        payment.status = "refunded" if payment.status == "refunded" else "succeeded"
        payment.stripe_charge_id = facts.charge_id or payment.stripe_charge_id
        payment.failure_reason = None
        payment.processed_at = facts.paid_at or at
    elif _nobody_owes(facts):
        payment.status = payment.status if payment.status in PAID else "canceled"
    elif payment.status not in {*PAID, "canceled"}:
        payment.status = "failed"
        payment.failure_reason = facts.error_message or payment.failure_reason
        payment.processed_at = at


def _nobody_owes(facts: InvoiceFacts) -> bool:
    """Whether an invoice is settled and no money came for it."""
    return facts.status == "void" or (facts.status == "paid" and facts.amount_paid == 0)


def _move(
    session: Session,
    subscription: Subscription,
    payment: Payment,
    at: datetime,
    as_of: datetime | None,
    *,
    succeeded: bool,
) -> None:
    """Between `active` and `past_due`, if nothing newer is known; other statuses are Stripe's to change."""
    if as_of is not None and at <= as_of:
        return
    last_success, last_failure = last_outcomes(session, subscription, besides=payment)
    if succeeded and subscription.status == "past_due" and (last_failure is None or at > last_failure):
        subscription.status = "active"
    if (
        payment.status == "failed"
        and subscription.status == "active"
        and (last_success is None or at > last_success)
    ):
        subscription.status = "past_due"
