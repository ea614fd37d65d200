"""Payments and refunds, compared a page at a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import and_, or_

from lib.core.errors import StripeFailed
from lib.models import Payment, Refund
from lib.payments.events import RefundFacts
from lib.payments.gateway import Gateway
from lib.payments.gateway.listed import ListedPayment
from lib.payments.reconcile import ours
from lib.payments.reconcile.compare import payments
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.parts.part import Mine, Part, Prices, Reading, made_since, only_id

_NO_INVOICE: Final = "Stripe took it without an invoice, so what it was for is not known there."


def _payments_compared(reading: Reading, page: Sequence[ListedPayment]) -> list[Finding]:
    rows = ours.payments_of(reading.session, [each.id for each in page], [each.charge_id for each in page])
    found: list[Finding] = []
    for listed in page:
        row = rows.get(listed.id or "") or rows.get(listed.charge_id or "")
        found += payments.payment(listed, row) if row is not None else payments.unknown(listed)
    return found


def _my_payments(reading: Reading, after: str, limit: int) -> list[Mine]:
    rows = ours.payments(
        reading.session,
        and_(
            Payment.id > after,
            or_(Payment.stripe_payment_intent_id.is_not(None), Payment.stripe_charge_id.is_not(None)),
            *made_since(Payment.created_at, reading.since),
        ),
        limit,
    )
    return [Mine(row.id, tuple(filter(None, (row.payment_intent_id, row.charge_id))), row) for row in rows]


def _ask_payment(gateway: Gateway, row: ours.OurPayment, _prices: Prices, _now: datetime) -> list[Finding]:
    listed = gateway.lists.payment(row.payment_intent_id or row.charge_id or "")
    return list(payments.gone(row) if listed is None else payments.payment(listed, row))


def _refunds_compared(reading: Reading, page: Sequence[RefundFacts]) -> list[Finding]:
    named = [facts.metadata.get("refund_id", "") for facts in page]
    rows = ours.refunds_of(reading.session, [facts.id for facts in page], filter(None, named))
    others = [facts for facts in page if _my_refund(facts, rows) is None]
    paid = ours.payments_of(
        reading.session, [facts.payment_intent_id for facts in others], [facts.charge_id for facts in others]
    )
    found: list[Finding] = []
    for facts in page:
        row = _my_refund(facts, rows)
        if row is not None:
            found += payments.refund(facts, row)
        else:
            found += payments.refund_unknown(
                facts, paid.get(facts.payment_intent_id or "") or paid.get(facts.charge_id or "")
            )
    return found


def _my_refund(facts: RefundFacts, rows: dict[str, ours.OurRefund]) -> ours.OurRefund | None:
    """As `rows.follow_refund` finds it: by Stripe's id, then by ours unless another one paid that already."""
    if facts.id in rows:
        return rows[facts.id]
    named = rows.get(facts.metadata.get("refund_id", ""))
    if named is None or (named.status == "processed" and named.stripe_id not in {None, facts.id}):
        return None
    # A try that failed says nothing about a row that another try may still pay.
    return named if facts.status not in {"failed", "canceled"} else None


def _my_refunds(reading: Reading, after: str, limit: int) -> list[Mine]:
    rows = ours.refunds(
        reading.session,
        and_(
            Refund.id > after,
            Refund.stripe_refund_id.is_not(None),
            *made_since(Refund.requested_at, reading.since),
        ),
        limit,
    )
    return [Mine(row.id, (row.stripe_id or "",), row) for row in rows]


def _ask_refund(gateway: Gateway, row: ours.OurRefund, _prices: Prices, _now: datetime) -> list[Finding]:
    try:
        facts = gateway.refunds.retrieve(row.stripe_id or "")
    except StripeFailed as error:
        if error.code == "resource_missing":
            return list(payments.refund_gone(row))
        raise
    return payments.refund(facts, row)


def _explained(gateway: Gateway, finding: Finding) -> Finding:
    """Without an invoice a payment cannot be followed: Stripe does not say what was sold."""
    stripe_id = finding.stripe_id or ""
    if stripe_id.startswith("pi_") and gateway.invoices.of_payment(stripe_id) is not None:
        return finding
    return replace(finding, why_not=_NO_INVOICE)


PAYMENTS: Final = Part(
    "payments",
    "Payments",
    lambda gateway, after, since: gateway.lists.payments(after, since),
    lambda listed: (listed.id, listed.charge_id),
    _payments_compared,
    _my_payments,
    _ask_payment,
    explained=_explained,
    needs_explaining=frozenset({"payment_unknown", "payment_collected", "payment_state"}),
)


REFUNDS: Final = Part(
    "refunds",
    "Refunds",
    lambda gateway, after, since: gateway.lists.refunds(after, since),
    only_id,
    _refunds_compared,
    _my_refunds,
    _ask_refund,
)
