"""A gift: its giver's card is charged once, and our row's id in the payment's metadata finds it again."""

from collections.abc import Mapping
from typing import Final

from lib.core.work import Work
from lib.payments import rows
from lib.payments.events import PaymentIntentFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Sending
from lib.payments.rows import Changes

_PAID: Final = frozenset({"succeeded", "processing"})


def _send(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.payment_intents.take(
        customer_id=params["customer_id"],
        card_id=params["card_id"],
        amount_cents=params["amount_cents"],
        currency=params["currency"],
        description=params["description"],
        metadata={
            "operation_id": sending.operation_id,
            "subscription_id": params["subscription_id"],
            "payment_id": params["payment_id"],
        },
        key=sending.key,
    )


def _ask(gateway: Gateway, sending: Sending) -> Answer | None:
    params = sending.params
    return gateway.payment_intents.find(params["customer_id"], "subscription_id", params["subscription_id"])


def _refusal(answer: Answer) -> str | None:
    assert isinstance(answer, PaymentIntentFacts)
    if answer.status in _PAID:
        return None
    return f"Stripe took no money for it ({(answer.status or 'unknown').replace('_', ' ')})."


def _follow(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    assert isinstance(answer, PaymentIntentFacts)
    if _refusal(answer):
        return {}
    return rows.follow_gift(work, answer, operation_id=operation_id)


KINDS: Final[Mapping[str, Kind]] = {
    "gift": Kind("Take the money for a gift", _send, _ask, _follow, _refusal),
}
