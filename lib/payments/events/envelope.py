"""The event around an object, and which events this product acts on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib.core.errors import Invalid
from lib.payments.events import customers, objects
from lib.payments.events.facts import Facts
from lib.payments.events.fields import at, flag, moment, text

HANDLED: frozenset[str] = frozenset(
    {
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "invoice.payment_succeeded",
        "invoice.payment_failed",
        "charge.refunded",
        "invoice.voided",
        "invoice.marked_uncollectible",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "refund.updated",
        "refund.failed",
    }
)
"""Event types that change rows of ours; every other type is stored as ignored.

`invoice.paid` is not among them: Stripe sends it together with `invoice.payment_succeeded` for every payment
that it collects, so acting on both would do everything twice. It comes alone only for an invoice that was
marked as paid out of band, and then no money came through Stripe (https://docs.stripe.com/api/events/types).
`charge.refund.updated` is the older twin of `refund.updated`.
"""

_READERS = {**objects.READERS, **customers.READERS}
_PREFIXES = {
    "sub": "subscription",
    "su": "subscription",
    "in": "invoice",
    "ch": "charge",
    "py": "charge",
    "re": "refund",
    "pyr": "refund",
    "dp": "dispute",
    "du": "dispute",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at Stripe.

    `id`: `evt_…`, unique: what to dedupe by. `type`: such as `charge.refunded`.
    `created`: when it happened, to the second; events arrive late, twice and out of order.
    `account`: `acct_…` of the connected account it is about; None for our own.
    `facts`: the object at that time; None for kinds that are not read.
    `previous_attributes`: on updates, the former values of what changed, in Stripe's shape.
    `raw`: the payload as it came.
    """

    id: str
    type: str
    created: datetime | None
    api_version: str | None
    livemode: bool | None
    account: str | None
    facts: Facts | None
    previous_attributes: Mapping[str, Any] | None
    raw: Mapping[str, Any]


def require_event(payload: object) -> Mapping[str, Any]:
    """The payload, if it is a Stripe event that carries its object.

    Raises Invalid for anything else, thin events included: those name an object and do not carry it.
    """
    if not isinstance(payload, Mapping):
        raise Invalid("This is not a Stripe event: a JSON object is expected.")
    if payload.get("object") == "v2.core.event":
        raise Invalid(
            "This is a thin event (v2.core.event), which does not carry its object. "
            "Set the endpoint's payload style to “snapshot” in Stripe."
        )
    for field in ("id", "type"):
        if text(payload.get(field)) is None:
            raise Invalid(f"This is not a Stripe event: it has no “{field}”.")
    return payload


def read_event(payload: object) -> Event:
    """Read an event of any API version; `payload` is its parsed JSON.

    Raises Invalid as `require_event` does. Whatever else is missing or odd becomes None.
    """
    event = require_event(payload)
    previous = at(event, "data", "previous_attributes")
    return Event(
        id=event["id"],
        type=event["type"],
        created=moment(event.get("created")),
        api_version=text(event.get("api_version")),
        livemode=flag(event.get("livemode")),
        account=text(event.get("account")),
        facts=read_object(at(event, "data", "object")),
        previous_attributes=previous if isinstance(previous, Mapping) else None,
        raw=event,
    )


def read_object(source: object) -> Facts | None:
    """Read a bare object, or the `data` of an event around one.

    None for kinds that are not read and for objects without an id (an upcoming invoice has none). An object
    that does not say what it is, as some stored copies, is told by the prefix of its id.
    """
    if isinstance(at(source, "object"), Mapping):
        source = at(source, "object")
    object_id = text(at(source, "id"))
    if not isinstance(source, Mapping) or object_id is None:
        return None
    kind = text(source.get("object")) or _PREFIXES.get(object_id.partition("_")[0])
    reader = _READERS.get(kind) if kind else None
    return reader(source, object_id) if reader else None
