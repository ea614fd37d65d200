"""What Stripe told us: events as they were delivered, and what became of each in the inbox.

Most were applied. A few failed, could not be matched to a row, or are of a kind that nobody acts on.
"""

from typing import Any

from lib.demo.book import Book, to_json
from lib.demo.clock import DAY, js_form, sql_form, stamp
from lib.demo.ids import stripe_id

API_VERSION = "2026-10-28.endive"
_RECENT = 30 * DAY
_FAILURES = (
    "The database is locked. The event is tried again.",
    "Stripe did not answer within 20 seconds. The event is tried again.",
    "Stripe answered 500 when the object was fetched. The event is tried again.",
)
_OUTCOMES = {
    "customer.subscription.created": "The subscription is as Stripe says.",
    "customer.subscription.updated": "The subscription is as Stripe says.",
    "customer.subscription.deleted": "The subscription is canceled.",
    "invoice.payment_succeeded": "The payment is noted as succeeded.",
    "invoice.payment_failed": "The payment is noted as failed.",
    "charge.dispute.created": "The dispute and its deadline are noted.",
    "charge.refunded": "The refunded amount is set on the payment.",
}


class Webhooks:
    """Writes the events of the time that the app keeps them for."""

    def __init__(self, book: Book, horizon: int, days: int) -> None:
        self._book = book
        self._horizon = horizon
        self._since = horizon - days * DAY
        self._delivered = 0

    def wants(self, moment: int) -> bool:
        """Whether an event of that moment is still kept."""
        return self._since <= moment < self._horizon

    def deliver(self, kind: str, moment: int, subject_kind: str, subject: dict[str, Any]) -> None:
        """Stripe sent an event about an object; `subject` is the object as the event carried it."""
        self._delivered += 1
        number = self._delivered
        event_id = stripe_id("evt", f"{kind}:{subject['id']}:{moment}:{number}")
        arrived = min(moment + 2 + number % 5, self._horizon - 1)
        state, error, attempts = self._fate(number, kind)
        processed = state in {"applied", "ignored"}
        self._book.write(
            "stripe_webhooks",
            id=self._book.ids.row("whk"),
            event_id=event_id,
            event_type=kind,
            event_data=to_json(_envelope(event_id, kind, moment, subject)),
            processed=processed,
            processed_at=js_form(arrived + 1) if processed else None,
            error_message=error,
            retry_count=attempts - 1,
            created_at=stamp(arrived),
        )
        self._book.write(
            "admin_inbox",
            event_id=event_id,
            event_type=kind,
            stripe_object_id=subject["id"],
            stripe_created=sql_form(moment),
            api_version=API_VERSION,
            livemode=False,
            state=state,
            outcome=_OUTCOMES.get(kind) if state == "applied" else None,
            attempts=attempts,
            error=error,
            received_at=sql_form(arrived),
            applied_at=sql_form(arrived + 1) if processed else None,
        )
        if moment >= self._horizon - _RECENT:
            self._book.at_stripe(
                "event",
                id=event_id,
                created=moment,
                type=kind,
                subject=subject["id"],
                subject_kind=subject_kind,
            )

    @staticmethod
    def _fate(number: int, kind: str) -> tuple[str, str | None, int]:
        """State, error and attempts: two in a thousand fail, one in a thousand finds no row."""
        if kind not in _OUTCOMES:
            return "ignored", None, 1
        if number % 500 == 37:
            return "failed", _FAILURES[number // 500 % len(_FAILURES)], 5
        if number % 900 == 411:
            return "unmatched", "No subscription here belongs to this object.", 8
        return "applied", None, 1 + (number % 61 == 0)


def _envelope(event_id: str, kind: str, moment: int, subject: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": moment,
        "type": kind,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": subject},
    }
