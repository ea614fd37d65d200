"""What Stripe says about a subscription, for the page: asked without a transaction, and nothing changes."""

from dataclasses import dataclass
from datetime import datetime

from lib.payments.events import InvoiceFacts, SubscriptionFacts
from lib.payments.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice that does not exist yet. Minor units of `currency`.

    `due_cents` is what will be collected for it, after discounts and the customer's credit; `total_cents` is
    negative where a credit comes of it. `at`: when it is made, None where Stripe does not say. `lines`: what
    it consists of, in Stripe's words, with cents.
    """

    total_cents: int
    due_cents: int
    currency: str
    at: datetime | None
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reduction:
    """A discount that is on the subscription: `id` is `di_…`, `until` the end of a repeating one."""

    id: str
    coupon_id: str | None
    promotion_code_id: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AtStripe:
    """A subscription as Stripe has it now.

    `ends_on`: when it is going to end. `bills_paused` names what becomes of its bills meanwhile, until
    `bills_resume_at` where there is a date. `next_bill`: None when there will be none.
    """

    status: str
    ends_on: datetime | None
    bills_paused: str | None
    bills_resume_at: datetime | None
    paused_at: datetime | None
    billing_mode: str | None
    reductions: tuple[Reduction, ...]
    next_bill: Bill | None

    @property
    def why_not_pause(self) -> str | None:
        """Why Stripe would refuse the real pause; None when it would not."""
        if self.billing_mode in (None, "flexible"):
            return None
        return (
            "At Stripe this subscription is in the classic billing mode, which knows no real pause. Pause "
            "its bills instead."
        )


def at_stripe(gateway: Gateway, subscription_id: str) -> AtStripe:
    """The subscription `sub_…` as Stripe has it now, with its next bill; raises StripeFailed."""
    facts = gateway.subscriptions.retrieve(subscription_id)
    return AtStripe(
        status=facts.status or "unknown",
        ends_on=facts.cancel_at or (facts.current_period_end if facts.cancel_at_period_end else None),
        bills_paused=facts.pause_behavior,
        bills_resume_at=facts.pause_resumes_at,
        paused_at=facts.paused_at,
        billing_mode=facts.billing_mode,
        reductions=_reductions(facts),
        next_bill=bill_of(_next(gateway, facts)),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What Stripe says would come: a bill, or None for no bill at all."""

    bill: Bill | None


def resumption(gateway: Gateway, subscription_id: str) -> Answer:
    """The bill that ending the real pause makes at once; raises StripeFailed."""
    return Answer(bill_of(gateway.previews.resumption(subscription_id)))


def bill_of(invoice: InvoiceFacts | None, *, at: datetime | None = None) -> Bill | None:
    """A previewed invoice as a bill; `at` overrides when it is made. None for none."""
    if invoice is None:
        return None
    return Bill(
        total_cents=invoice.total or 0,
        due_cents=invoice.amount_due or 0,
        currency=(invoice.currency or "usd").upper(),
        at=at or _made_at(invoice),
        lines=tuple((line.description or "Subscription", line.amount or 0) for line in invoice.lines),
    )


def _made_at(invoice: InvoiceFacts) -> datetime | None:
    """The beginning of the period that its lines pay for: that of the last one to begin, prorations aside."""
    starts = [line.period_start for line in invoice.lines if line.period_start and not line.proration]
    return max(starts, default=invoice.next_payment_attempt)


def _next(gateway: Gateway, facts: SubscriptionFacts) -> InvoiceFacts | None:
    if facts.status in {"canceled", "incomplete", "incomplete_expired", "paused"}:
        return None
    return gateway.previews.next_invoice(facts.id)


def _reductions(facts: SubscriptionFacts) -> tuple[Reduction, ...]:
    return tuple(
        Reduction(each.id, each.coupon_id, each.promotion_code_id, each.end)
        for each in facts.discounts
        if each.id is not None
    )
