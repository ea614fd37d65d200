"""How far an operation is, in words, for the page that watches it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.work import View
from lib.models import Operation
from lib.payments.kinds import KINDS

OPEN_STATES: Final = ("prepared", "sending", "unknown", "answered")
_WORDS: Final = {
    "prepared": "Waiting to be sent to Stripe.",
    "sending": "On its way to Stripe.",
    "unknown": "No answer came from Stripe. It is asked what happened before anything is sent again.",
    "answered": "Stripe has answered; our records are about to follow.",
    "done": "Done at Stripe.",
    "failed": "Not done.",
}
_READERS: Final = {
    "admin_discount_batches": Permission.DISCOUNTS_READ,
    "discount_codes": Permission.DISCOUNTS_READ,
    "payment_transactions": Permission.PAYMENTS_READ,
    "refunds": Permission.REFUNDS_READ,
    "relationships": Permission.PEOPLE_READ,
    "subscription_addons": Permission.CATALOGUE_READ,
    "subscription_plans": Permission.CATALOGUE_READ,
    "subscriptions": Permission.SUBSCRIPTIONS_READ,
    "user_addons": Permission.CREDITS_READ,
    "users": Permission.PEOPLE_READ,
}


@dataclass(frozen=True, slots=True)
class OperationView:
    """One operation for a reader: `title` what, `state` the code, `status` the sentence."""

    id: str
    kind: str
    title: str
    state: str
    status: str
    is_open: bool
    attempts: int
    next_attempt_at: datetime | None
    requested_by: str
    reason: str
    error_message: str | None
    prepared_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None


def progress(view: View, object_type: str, object_id: str) -> list[OperationView]:
    """All operations on one row of ours, newest first, for whoever may read such rows."""
    view.actor.must(_READERS[object_type])
    found = view.session.scalars(
        select(Operation)
        .where(Operation.object_type == object_type, Operation.object_id == object_id)
        .order_by(Operation.prepared_at.desc(), Operation.id.desc())
    )
    return [_shown(operation) for operation in found]


def _shown(operation: Operation) -> OperationView:
    is_open = operation.state in OPEN_STATES
    return OperationView(
        id=operation.id,
        kind=operation.kind,
        title=KINDS[operation.kind].title if operation.kind in KINDS else operation.kind,
        state=operation.state,
        status=_sentence(operation),
        is_open=is_open,
        attempts=operation.attempts,
        next_attempt_at=operation.next_attempt_at if is_open else None,
        requested_by=operation.requested_by_email,
        reason=operation.reason,
        error_message=operation.error_message,
        prepared_at=operation.prepared_at,
        sent_at=operation.sent_at,
        settled_at=operation.settled_at,
    )


def _sentence(operation: Operation) -> str:
    words = _WORDS[operation.state]
    tries = f"Tried {operation.attempts} times so far." if operation.attempts > 1 else ""
    said = operation.error_message or ""
    if operation.state == "prepared" and operation.attempts:
        words = "Stripe could not do it for the moment; it is tried again."
    return " ".join(part for part in (words, said, tries if operation.state in OPEN_STATES else "") if part)
