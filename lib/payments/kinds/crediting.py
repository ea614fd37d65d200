"""Credit at Stripe, which is never money back: found again by our own id in its `metadata`."""

from collections.abc import Mapping
from typing import Final

from lib.core.work import Work
from lib.payments import rows
from lib.payments.events import BalanceEntryFacts, CreditNoteFacts
from lib.payments.gateway import Gateway
from lib.payments.kinds.kind import Answer, Kind, Sending
from lib.payments.rows import Changes


def _adjust(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.customers.adjust_balance(
        params["customer_id"],
        amount_cents=params["amount_cents"],
        currency=params["currency"],
        description=params["description"],
        metadata={"credit_id": params["credit_id"], "operation_id": sending.operation_id},
        key=sending.key,
    )


def _ask_adjust(gateway: Gateway, sending: Sending) -> Answer | None:
    params = sending.params
    return gateway.customers.find_entry(params["customer_id"], params["credit_id"])


def _follow_adjust(_work: Work, answer: Answer, _operation_id: str) -> Changes | None:
    """No row of ours holds a balance: the operation keeps Stripe's answer, with the balance after it."""
    assert isinstance(answer, BalanceEntryFacts)
    return {}


def _issue(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.credit_notes.create(
        params["invoice_id"],
        amount_cents=params["amount_cents"],
        to_balance=params["to_balance"],
        reason=params["reason"],
        memo=params["memo"],
        metadata={"credit_id": params["credit_id"], "operation_id": sending.operation_id},
        key=sending.key,
    )


def _ask_issue(gateway: Gateway, sending: Sending) -> Answer | None:
    params = sending.params
    return gateway.credit_notes.find(params["invoice_id"], params["credit_id"])


def _follow_issue(work: Work, answer: Answer, _operation_id: str) -> Changes | None:
    assert isinstance(answer, CreditNoteFacts)
    if answer.invoice is None:
        return {}
    return rows.follow_closed_invoice(work, answer.invoice, payment_intent_id=None)


KINDS: Final[Mapping[str, Kind]] = {
    "customer_balance": Kind("Change the credit balance", _adjust, _ask_adjust, _follow_adjust),
    "credit_note": Kind("Issue a credit note", _issue, _ask_issue, _follow_issue),
}
