"""A payment at Stripe beside our row, and the refunds of both sides."""

from collections.abc import Iterator
from typing import Any, Final

from lib.payments.events import RefundFacts
from lib.payments.gateway.listed import ListedPayment
from lib.payments.reconcile.finding import Finding, amount
from lib.payments.reconcile.ours import OurPayment, OurRefund

COLLECTED: Final = ("succeeded", "refunded")
_WITHOUT_SUCCESS: Final = ("failed", "canceled")
_RETURNED: Final = ("failed", "canceled")


def payment(listed: ListedPayment, row: OurPayment) -> list[Finding]:
    """What differs between a payment of ours and Stripe's; each class at most once."""
    return [*_outcome(listed, row), *_amount(listed, row), *_refunded(listed, row)]


def unknown(listed: ListedPayment) -> Iterator[Finding]:
    """Money that Stripe collected and no row of ours is about."""
    if listed.status == "succeeded":
        yield Finding(
            kind="payment_unknown",
            ours=None,
            theirs=f"{amount(listed.amount, listed.currency)} collected",
            stripe_id=_id(listed),
            money_cents=listed.amount,
            currency=_code(listed.currency),
            since=listed.created,
        )


def gone(row: OurPayment) -> Iterator[Finding]:
    """A payment of ours that Stripe does not know."""
    yield Finding(
        kind="payment_gone",
        ours=f"{amount(row.amount_cents, row.currency)} {row.status}",
        theirs=None,
        stripe_id=row.payment_intent_id or row.charge_id,
        object_type="payment_transactions",
        object_id=row.id,
        relationship_id=row.relationship_id,
        money_cents=row.amount_cents if row.status in COLLECTED else None,
        currency=_code(row.currency),
        since=row.created_at,
    )


def _outcome(listed: ListedPayment, row: OurPayment) -> Iterator[Finding]:
    ours_collected, theirs_collected = row.status in COLLECTED, listed.status == "succeeded"
    if ours_collected and theirs_collected:
        return
    if theirs_collected:
        kind = "payment_collected"
    elif ours_collected:
        kind = "payment_uncollected"
    elif row.status == "pending" and listed.status in _WITHOUT_SUCCESS:
        kind = "payment_state"
    else:
        return
    at_stake = ours_collected or theirs_collected
    yield _of(
        listed, row, kind, row.status, listed.status, money_cents=row.amount_cents if at_stake else None
    )


def _amount(listed: ListedPayment, row: OurPayment) -> Iterator[Finding]:
    if listed.amount is None or row.status not in COLLECTED or listed.status != "succeeded":
        return
    ours, theirs = amount(row.amount_cents, row.currency), amount(listed.amount, listed.currency)
    if ours != theirs:
        difference = abs(listed.amount - row.amount_cents)
        yield _of(listed, row, "payment_amount", ours, theirs, money_cents=difference)


def _refunded(listed: ListedPayment, row: OurPayment) -> Iterator[Finding]:
    if listed.status == "succeeded" and listed.refunded != row.refunded_cents:
        yield _of(
            listed,
            row,
            "payment_refunded",
            f"{amount(row.refunded_cents, row.currency)} back",
            f"{amount(listed.refunded, listed.currency)} back",
            money_cents=abs(listed.refunded - row.refunded_cents),
        )


def refund(facts: RefundFacts, row: OurRefund) -> list[Finding]:
    """What differs between a refund of ours and Stripe's."""
    return [*_arrival(facts, row), *_refund_amount(facts, row)]


def refund_unknown(facts: RefundFacts, paid: OurPayment | None) -> Iterator[Finding]:
    """A refund that arrived at the customer and has no row here; `paid`: its payment, if it is ours."""
    if facts.status not in {"succeeded", None}:
        return
    yield Finding(
        kind="refund_unknown",
        ours=None,
        theirs=f"{amount(facts.amount, facts.currency)} back",
        stripe_id=facts.id,
        object_type="payment_transactions" if paid else None,
        object_id=paid.id if paid else None,
        relationship_id=paid.relationship_id if paid else None,
        money_cents=facts.amount,
        currency=_code(facts.currency),
        since=facts.created,
        why_not=None if paid else "It is of a payment that is not here. Repair the payment first.",
    )


def refund_gone(row: OurRefund) -> Iterator[Finding]:
    """A refund of ours that counts as paid and that Stripe does not know."""
    if row.status == "processed":
        yield Finding(
            kind="refund_gone",
            ours=f"{amount(row.amount_cents, row.currency)} processed",
            theirs=None,
            **_about(row),
            money_cents=row.amount_cents,
            since=row.requested_at,
        )


def _arrival(facts: RefundFacts, row: OurRefund) -> Iterator[Finding]:
    processed = row.status == "processed"
    if facts.status in {"succeeded", None} and not processed:
        kind = "refund_arrived"
    elif facts.status in _RETURNED and processed and row.stripe_id in {None, facts.id}:
        kind = "refund_returned"
    else:
        return
    yield Finding(
        kind=kind,
        ours=row.status,
        theirs=facts.status,
        **_about(row) | {"stripe_id": facts.id},
        money_cents=row.amount_cents,
        since=facts.created,
    )


def _refund_amount(facts: RefundFacts, row: OurRefund) -> Iterator[Finding]:
    if facts.amount is None or facts.status in _RETURNED or facts.amount == row.amount_cents:
        return
    yield Finding(
        kind="refund_amount",
        ours=amount(row.amount_cents, row.currency),
        theirs=amount(facts.amount, facts.currency),
        **_about(row) | {"stripe_id": facts.id},
        money_cents=abs(facts.amount - row.amount_cents),
        since=facts.created,
    )


def _of(
    listed: ListedPayment, row: OurPayment, kind: str, ours: str | None, theirs: str | None, **more: Any
) -> Finding:
    return Finding(
        kind=kind,
        ours=ours,
        theirs=theirs,
        stripe_id=_id(listed),
        object_type="payment_transactions",
        object_id=row.id,
        relationship_id=row.relationship_id,
        currency=_code(row.currency),
        since=listed.created,
        **more,
    )


def _about(row: OurRefund) -> dict[str, Any]:
    return {
        "stripe_id": row.stripe_id,
        "object_type": "refunds",
        "object_id": row.id,
        "relationship_id": row.relationship_id,
        "currency": _code(row.currency),
    }


def _id(listed: ListedPayment) -> str | None:
    return listed.id or listed.charge_id


def _code(currency: str | None) -> str:
    return (currency or "USD").upper()
