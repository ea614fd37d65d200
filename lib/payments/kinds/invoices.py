"""Collecting an invoice, mailing it, or giving it up: found again by the state that the invoice is in.

Stripe keeps no metadata on these. A retry has happened when the invoice is paid or was tried more often than
was known when it was asked for; whether an invoice was mailed, only Stripe's events tell.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from lib.core.work import Work
from lib.payments import rows
from lib.payments.events import InvoiceFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Sending
from lib.payments.rows import Changes

_OVER: Final = frozenset({"paid", "void"})


def _retry(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.invoices.pay(sending.params["invoice_id"], key=sending.key)


def _send(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.invoices.send(sending.params["invoice_id"], key=sending.key)


def _void(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.invoices.void(sending.params["invoice_id"], key=sending.key)


def _mark_uncollectible(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.invoices.mark_uncollectible(sending.params["invoice_id"], key=sending.key)


def _ask_retry(gateway: Gateway, sending: Sending) -> Answer | None:
    facts = gateway.invoices.retrieve(sending.params["invoice_id"])
    tried = (facts.attempt_count or 0) > sending.params["attempt_count"]
    return facts if tried or facts.status != "open" else None


def _ask_send(gateway: Gateway, sending: Sending) -> Answer | None:
    invoice_id, since = sending.params["invoice_id"], datetime.fromisoformat(sending.params["since"])
    return gateway.invoices.retrieve(invoice_id) if gateway.invoices.was_sent(invoice_id, since) else None


def _ask_closed(wanted: str) -> Callable[[Gateway, Sending], Answer | None]:
    def ask(gateway: Gateway, sending: Sending) -> Answer | None:
        facts = gateway.invoices.retrieve(sending.params["invoice_id"])
        return facts if facts.status in {wanted, *_OVER} else None

    return ask


def _retry_refusal(answer: Answer) -> str | None:
    assert isinstance(answer, InvoiceFacts)
    match answer.status:
        case "paid":
            return None
        case "open":
            return f"The card was refused again. {answer.error_message or ''}".rstrip()
        case status:
            return f"Nothing was collected: at Stripe the invoice is {status}."


def _not_closed(wanted: str) -> Callable[[Answer], str | None]:
    def refusal(answer: Answer) -> str | None:
        assert isinstance(answer, InvoiceFacts)
        if answer.status == wanted:
            return None
        return f"It was not done: at Stripe the invoice is {answer.status} already."

    return refusal


def _follow(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    """Whatever was asked for, what the invoice is now counts."""
    assert isinstance(answer, InvoiceFacts)
    if answer.status == "paid":
        return _follow_collecting(work, answer, operation_id)
    return rows.follow_closed_invoice(work, answer, payment_intent_id=answer.payment_intent_id)


def _follow_retry(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    assert isinstance(answer, InvoiceFacts)
    if answer.status == "open":
        return _follow_collecting(work, answer, operation_id)
    return _follow(work, answer, operation_id)


def _follow_collecting(work: Work, facts: InvoiceFacts, operation_id: str) -> Changes | None:
    return rows.follow_invoice(
        work,
        facts,
        succeeded=facts.status == "paid",
        payment_intent_id=facts.payment_intent_id,
        source="action",
        source_id=operation_id,
    )


KINDS: Final[Mapping[str, Kind]] = {
    "invoice_retry": Kind("Retry the payment", _retry, _ask_retry, _follow_retry, _retry_refusal),
    "invoice_send": Kind("Send the invoice again", _send, _ask_send, _follow),
    "invoice_void": Kind("Void the invoice", _void, _ask_closed("void"), _follow, _not_closed("void")),
    "invoice_uncollectible": Kind(
        "Mark as uncollectible",
        _mark_uncollectible,
        _ask_closed("uncollectible"),
        _follow,
        _not_closed("uncollectible"),
    ),
}
