"""Events and the endpoints they are delivered to."""

from typing import TYPE_CHECKING, Any

from lib.payments.sandbox import shapes
from lib.payments.sandbox.facts import Facts

if TYPE_CHECKING:
    from lib.payments.sandbox.session import Session


def event(session: "Session", facts: Facts) -> dict[str, Any]:
    """An event in today's shape; `versions.present_event` gives it an endpoint's version.

    `_before` is the whole object as it was; what differs becomes `previous_attributes`.
    """
    waiting = session.store.connection.execute(
        "SELECT count(*) FROM delivery WHERE event = ?", (facts["id"],)
    ).fetchone()[0]
    return {
        "id": facts["id"],
        "object": "event",
        "api_version": None,
        "created": facts["created"],
        "data": {"object": _subject(session, facts)},
        "livemode": False,
        "pending_webhooks": waiting,
        "request": {"id": facts.get("request_id"), "idempotency_key": facts.get("idempotency_key")},
        "type": facts["type"],
        "_before": facts.get("before"),
    }


def _subject(session: "Session", facts: Facts) -> dict[str, Any]:
    if facts.get("data"):
        return dict(facts["data"])
    subject = session.find(facts["subject_kind"], facts["subject"])
    if subject is None:
        return {"id": facts["subject"], "object": facts["subject_kind"], "deleted": True}
    return shapes.render(session, subject)


def webhook_endpoint(_session: "Session", facts: Facts) -> dict[str, Any]:
    """An endpoint. Its secret is shown once, in the answer that made it (`_secret`)."""
    return {
        "id": facts["id"],
        "object": "webhook_endpoint",
        "api_version": facts.get("api_version"),
        "application": None,
        "created": facts["created"],
        "description": facts.get("description"),
        "enabled_events": facts["enabled_events"],
        "livemode": False,
        "metadata": facts.get("metadata", {}),
        "status": facts.get("status", "enabled"),
        "url": facts["url"],
    }
