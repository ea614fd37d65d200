"""How each class is repaired: what Stripe is asked, how the difference is found again, which rows follow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.orm import Session

from lib.core.errors import NotFound, Refused
from lib.core.work import Work
from lib.models import DriftFinding
from lib.payments import rows
from lib.payments.events import ChargeFacts, InvoiceFacts, RefundFacts, SubscriptionFacts
from lib.payments.gateway import Gateway
from lib.payments.gateway.listed import ListedPayment
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.parts import PARTS, Reading
from lib.payments.rows import Changes

EVENT: Final = "event_missing"
_COMPARED: Final = {part.name: part.compared for part in PARTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What Stripe said when it was asked for a repair; what the class does not need is None."""

    stripe_id: str
    subscription: SubscriptionFacts | None = None
    payment: ListedPayment | None = None
    invoice: InvoiceFacts | None = None
    charge: ChargeFacts | None = None
    refund: RefundFacts | None = None
    refunds: tuple[RefundFacts, ...] = field(default=())
    event: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        """Its object's id alone: the audit entry keeps the rest as changes."""
        return f"<{self.stripe_id} as Stripe has it>"


@dataclass(frozen=True, slots=True)
class Remedy:
    """`ask` asks Stripe; `again` finds the difference anew; `follow` gives what changed, None for no row."""

    ask: Callable[[Gateway, DriftFinding], Evidence]
    again: Callable[[Session, Evidence, datetime], list[Finding]]
    follow: Callable[[Work, Evidence, str], Changes | None]


def _ask_subscription(gateway: Gateway, finding: DriftFinding) -> Evidence:
    stripe_id = _named(finding)
    return Evidence(stripe_id=stripe_id, subscription=gateway.subscriptions.retrieve(stripe_id))


def _subscription_again(session: Session, evidence: Evidence, now: datetime) -> list[Finding]:
    return _again("subscriptions", session, [evidence.subscription], now)


def _follow_subscription(work: Work, evidence: Evidence, finding_id: str) -> Changes | None:
    assert evidence.subscription is not None
    return rows.follow_subscription(work, evidence.subscription, source="action", source_id=finding_id)


def _ask_invoice(gateway: Gateway, finding: DriftFinding) -> Evidence:
    payment = _payment(gateway, finding)
    invoice_id = gateway.invoices.of_payment(payment.id) if payment.id else None
    if invoice_id is None:
        raise Refused("Stripe took it without an invoice, so what it was for is not known there.")
    return Evidence(stripe_id=_named(finding), payment=payment, invoice=gateway.invoices.retrieve(invoice_id))


def _payment_again(session: Session, evidence: Evidence, now: datetime) -> list[Finding]:
    return _again("payments", session, [evidence.payment], now)


def _follow_invoice(work: Work, evidence: Evidence, finding_id: str) -> Changes | None:
    payment, invoice = evidence.payment, evidence.invoice
    assert payment is not None
    assert invoice is not None
    at = invoice.paid_at or payment.created or work.now
    return rows.follow_invoice(
        work,
        invoice,
        succeeded=payment.status == "succeeded",
        payment_intent_id=payment.id,
        source="action",
        source_id=finding_id,
        at=at,
        subscription_as_of=work.now,  # the subscription's own status is a finding of its own
    )


def _ask_charge(gateway: Gateway, finding: DriftFinding) -> Evidence:
    payment = _payment(gateway, finding)
    if payment.charge_id is None:
        raise Refused("Stripe has no charge for this payment yet.")
    charge = gateway.charges.retrieve(payment.charge_id)
    refunds = tuple(gateway.refunds.of_charge(charge.id))
    return Evidence(stripe_id=_named(finding), payment=payment, charge=charge, refunds=refunds)


def _ask_refund(gateway: Gateway, finding: DriftFinding) -> Evidence:
    refund = gateway.refunds.retrieve(_named(finding))
    charge = gateway.charges.retrieve(refund.charge_id) if refund.charge_id else None
    refunds = tuple(gateway.refunds.of_charge(charge.id)) if charge else ()
    return Evidence(stripe_id=refund.id, refund=refund, charge=charge, refunds=refunds)


def _refund_again(session: Session, evidence: Evidence, now: datetime) -> list[Finding]:
    return _again("refunds", session, [evidence.refund], now)


def _follow_charge(work: Work, evidence: Evidence, finding_id: str) -> Changes | None:
    if evidence.charge is None:
        assert evidence.refund is not None
        return rows.follow_refund(work, evidence.refund, source="action", source_id=finding_id)
    return rows.follow_charge(work, evidence.charge, evidence.refunds, source="action", source_id=finding_id)


def _ask_event(gateway: Gateway, finding: DriftFinding) -> Evidence:
    event = gateway.events.retrieve(_named(finding))
    return Evidence(stripe_id=event.id, event=event.raw)


def _event_again(_session: Session, _evidence: Evidence, _now: datetime) -> list[Finding]:
    return []  # it was received before this transaction began; the inbox applies it


def _follow_event(_work: Work, _evidence: Evidence, _finding_id: str) -> Changes | None:
    return {}


def _again(part: str, session: Session, items: Sequence[Any], now: datetime) -> list[Finding]:
    return _COMPARED[part](Reading(session, now, None), items)


def _payment(gateway: Gateway, finding: DriftFinding) -> ListedPayment:
    payment = gateway.lists.payment(_named(finding))
    if payment is None:
        raise NotFound("Stripe does not know this payment any more.")
    return payment


def _named(finding: DriftFinding) -> str:
    if finding.stripe_id is None:
        raise Refused("There is nothing at Stripe to follow.")
    return finding.stripe_id


_BY_SUBSCRIPTION: Final = Remedy(_ask_subscription, _subscription_again, _follow_subscription)
_BY_INVOICE: Final = Remedy(_ask_invoice, _payment_again, _follow_invoice)
_BY_REFUND: Final = Remedy(_ask_refund, _refund_again, _follow_charge)

REMEDIES: Final[Mapping[str, Remedy]] = MappingProxyType(
    {
        "subscription_status": _BY_SUBSCRIPTION,
        "trialing_past_end": _BY_SUBSCRIPTION,
        "active_past_period": _BY_SUBSCRIPTION,
        "subscription_plan": _BY_SUBSCRIPTION,
        "subscription_price": _BY_SUBSCRIPTION,
        "subscription_period": _BY_SUBSCRIPTION,
        "subscription_ending": _BY_SUBSCRIPTION,
        "subscription_collection": _BY_SUBSCRIPTION,
        "subscription_customer": _BY_SUBSCRIPTION,
        "payment_unknown": _BY_INVOICE,
        "payment_collected": _BY_INVOICE,
        "payment_state": _BY_INVOICE,
        "payment_refunded": Remedy(_ask_charge, _payment_again, _follow_charge),
        "refund_unknown": _BY_REFUND,
        "refund_arrived": _BY_REFUND,
        "refund_returned": _BY_REFUND,
        EVENT: Remedy(_ask_event, _event_again, _follow_event),
    }
)
"""The remedy of each class that `CLASSES` says has one."""
