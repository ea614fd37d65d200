"""A refund: found again by our refund's id in the `metadata` of the payment's refunds."""

from collections.abc import Mapping
from typing import Final

from lib.core.work import Work
from lib.payments import rows
from lib.payments.events import RefundFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Sending
from lib.payments.rows import Changes


def _send_refund(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.refunds.create(
        payment_intent_id=params["payment_intent_id"],
        charge_id=params["charge_id"],
        amount_cents=params["amount_cents"],
        reason=params["reason"],
        metadata={"refund_id": params["refund_id"], "operation_id": sending.operation_id},
        key=sending.key,
    )


def _ask_refund(gateway: Gateway, sending: Sending) -> Answer | None:
    params = sending.params
    found = gateway.refunds.find(
        params["payment_intent_id"],
        params["refund_id"],
        charge_id=params["charge_id"],
        operation_id=sending.operation_id,
    )
    if found is None or _is_of(found, sending):
        return found
    # One of an earlier operation that failed is why this is tried again: it does not count as done.
    return None if _refund_refusal(found) else found


def _is_of(refund: RefundFacts, sending: Sending) -> bool:
    """Whether this very operation made it. What became of it since counts, and nothing is sent again."""
    return refund.metadata.get("operation_id") == sending.operation_id


def _refund_refusal(answer: Answer) -> str | None:
    assert isinstance(answer, RefundFacts)
    if answer.status not in {"failed", "canceled"}:
        return None
    why = answer.failure_reason or answer.status
    return f"Stripe could not give the money back ({why.replace('_', ' ')})."


def _follow_refund(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    assert isinstance(answer, RefundFacts)
    return rows.follow_refund(work, answer, source="action", source_id=operation_id)


KINDS: Final[Mapping[str, Kind]] = {
    "refund": Kind("Refund at Stripe", _send_refund, _ask_refund, _follow_refund, _refund_refusal),
}
