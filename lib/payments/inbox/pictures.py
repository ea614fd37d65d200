"""An object as it is at Stripe now, with what belongs to it; asked for outside any transaction."""

from dataclasses import dataclass, field

from lib.core.errors import StripeFailed
from lib.payments.events import ChargeFacts, Facts, InvoiceFacts, RefundFacts, SubscriptionFacts
from lib.payments.gateway import Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What Stripe said when it was asked.

    `facts`: the object of the event. `subscription`: of an invoice. `charge`: of a refund. `refunds`: all of
    the charge. `payment_intent_id`: of an invoice.
    """

    facts: Facts
    subscription: SubscriptionFacts | None = None
    payment_intent_id: str | None = None
    charge: ChargeFacts | None = None
    refunds: tuple[RefundFacts, ...] = field(default=())

    @property
    def objects(self) -> set[str]:
        """The ids of everything at Stripe that it shows and that our rows follow."""
        shown = (self.facts, self.subscription, self.charge, *self.refunds)
        return {each.id for each in shown if each is not None}

    def __repr__(self) -> str:
        """Its object's id alone: the audit entry of what followed keeps the rest as changes."""
        return f"<{self.facts.id} as Stripe has it>"


def picture_of(gateway: Gateway | None, stripe_id: str, event_type: str) -> Picture | None:
    """The object of an event, as it is now; None when it cannot be had: no key, another account, gone.

    Raises StripeFailed, retryable, when Stripe could not be reached, is busy, or has a fault of its own.
    """
    if gateway is None:
        return None
    try:
        return _ask(gateway, stripe_id, event_type)
    except StripeFailed as error:
        if error.retryable:
            raise
        return None


def _ask(gateway: Gateway, stripe_id: str, event_type: str) -> Picture:
    if event_type.startswith("charge.dispute."):
        return Picture(facts=gateway.disputes.retrieve(stripe_id))
    match event_type.split(".")[0]:
        case "customer":
            return Picture(facts=gateway.subscriptions.retrieve(stripe_id))
        case "invoice":
            return _invoice(gateway, gateway.invoices.retrieve(stripe_id))
        case "charge":
            return _charge(gateway, gateway.charges.retrieve(stripe_id))
        case _:
            return _refund(gateway, gateway.refunds.retrieve(stripe_id))


def _invoice(gateway: Gateway, invoice: InvoiceFacts) -> Picture:
    intents = [invoice.payment_intent_id] if invoice.payment_intent_id else []
    # Its status belongs to Stripe: a failed payment need not mean past due, nor a paid one active.
    of = invoice.subscription_id
    return Picture(
        facts=invoice,
        subscription=gateway.subscriptions.retrieve(of) if of else None,
        payment_intent_id=next(iter(intents or gateway.invoices.payments(invoice.id)), None),
    )


def _charge(gateway: Gateway, charge: ChargeFacts) -> Picture:
    return Picture(facts=charge, charge=charge, refunds=tuple(gateway.refunds.of_charge(charge.id)))


def _refund(gateway: Gateway, refund: RefundFacts) -> Picture:
    if refund.charge_id is not None:
        charge: ChargeFacts | None = gateway.charges.retrieve(refund.charge_id)
    elif refund.payment_intent_id is not None:
        charge = gateway.charges.of_payment(refund.payment_intent_id)
    else:
        charge = None
    refunds = gateway.refunds.of_charge(charge.id) if charge is not None else []
    return Picture(facts=refund, charge=charge, refunds=tuple(refunds))
