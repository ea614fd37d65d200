"""Everything that is due, object by object."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid, NotFound, Refused, StripeFailed
from lib.core.settings import WebhookMode
from lib.core.work import reading, working
from lib.models import InboxEvent
from lib.payments.gateway import Gateway
from lib.payments.inbox import applying, leases
from lib.payments.inbox.intake import Received, receive
from lib.payments.inbox.leases import INBOX, Waiting
from lib.payments.inbox.pictures import picture_of


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one event. `changed` is JSON, `{"table/id": {"column": [before, after]}}`, or None."""

    event_id: str
    event_type: str
    received: Received
    state: str
    outcome: str | None
    changed: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class _Applier:
    database: Database
    gateway: Gateway | None
    now: datetime
    log: bool
    owner: str

    def objects(self, stripe_ids: Sequence[str]) -> int:
        """Apply what is due of some objects, none that somebody else has; gives how many were tried."""
        if not stripe_ids:
            return 0
        taken = leases.take(self.database, sorted(stripe_ids), self.owner, self.now)
        try:
            mine = [each for each in stripe_ids if each in taken]
            due = leases.due_of(self.database, mine, self.now) if mine else {}
            for stripe_id, events in due.items():
                if events:
                    self._apply(stripe_id, events)
            return sum(len(events) for events in due.values())
        finally:
            leases.release(self.database, taken, self.owner)

    def without_object(self, event: Waiting) -> int:
        """Park an event that names no object."""
        self._put_off([event], Invalid(f"The event {event.event_id} does not say what it is about."))
        return 1

    def _apply(self, stripe_id: str, events: list[Waiting]) -> None:
        newest = events[-1]
        try:
            picture = picture_of(self.gateway, stripe_id, newest.event_type)
        except StripeFailed as error:
            self._put_off(events, error)
            return
        if picture is None:
            for event in events:
                self._from_payload(event)
            return
        try:
            with working(self.database, INBOX, now=self.now) as work:
                ids = [event.event_id for event in events]
                applying.from_stripe(work, newest.event_id, ids, picture, self.log)
        except Exception as error:  # noqa: BLE001 - one event that fails holds up no other, whatever it is
            self._put_off(events, error)

    def _from_payload(self, event: Waiting) -> None:
        try:
            with working(self.database, INBOX, now=self.now) as work:
                applying.from_payload(work, event.event_id, self.log)
        except Exception as error:  # noqa: BLE001 - as above
            self._put_off([event], error)

    def _put_off(self, events: list[Waiting], error: Exception) -> None:
        leases.put_off(self.database, events, error, now=self.now, log=self.log)


def apply_due(
    database: Database,
    gateway: Gateway | None,
    *,
    now: datetime | None = None,
    limit: int = 50,
    mode: WebhookMode = "receive",
) -> int:
    """Apply up to `limit` events whose turn it is, the longest waiting first; gives how many were tried.

    The object of an event is asked for once for all of its due events, outside any transaction. Without a
    gateway, or where Stripe does not know the object, the payloads count in the order of their creation.
    `mode`: `observe` leaves production's log alone. No failure leaves here: it is kept with its event.
    """
    applier = _applier(database, gateway, now, mode)
    events = leases.due(database, applier.now, limit)
    tried = sum(applier.without_object(event) for event in events if event.stripe_object_id is None)
    objects = dict.fromkeys(event.stripe_object_id for event in events if event.stripe_object_id is not None)
    return tried + applier.objects(list(objects))


def apply_event(
    database: Database,
    gateway: Gateway | None,
    payload: Mapping[str, Any],
    *,
    livemode_expected: bool | None = None,
    now: datetime | None = None,
    mode: WebhookMode = "receive",
) -> Applied:
    """Store one event and apply it at once; one that was applied before is not applied again.

    Raises what `receive` raises, and Refused where the app owns the log.
    """
    if mode == "observe":
        raise Refused(
            "The app owns Stripe's endpoint here (STRIPE_WEBHOOKS=observe): its log is not ours to write to."
        )
    applier = _applier(database, gateway, now, mode)
    received = receive(database, payload, livemode_expected=livemode_expected, now=applier.now)
    event_id = str(payload["id"])
    leases.hasten(database, event_id, applier.now)
    entry = _entry(database, event_id)
    if entry.state in leases.WAITING:
        if entry.stripe_object_id is None:
            applier.without_object(_waiting(entry))
        else:
            applier.objects([entry.stripe_object_id])
        entry = _entry(database, event_id)
    return Applied(
        event_id=event_id,
        event_type=entry.event_type,
        received=received,
        state=entry.state,
        outcome=entry.outcome,
        changed=entry.changed,
        error=entry.error,
    )


def _applier(
    database: Database, gateway: Gateway | None, now: datetime | None, mode: WebhookMode
) -> _Applier:
    return _Applier(database, gateway, now or moments.now(), mode == "receive", f"inbox:{uuid.uuid4()}")


def _waiting(entry: InboxEvent) -> Waiting:
    return Waiting(
        entry.event_id, entry.event_type, entry.stripe_object_id, entry.stripe_created, entry.received_at
    )


def _entry(database: Database, event_id: str) -> InboxEvent:
    with reading(database, INBOX) as view:
        entry = view.session.get(InboxEvent, event_id)
    if entry is None:
        raise NotFound(f"The event {event_id[:40]} is not in the inbox.")
    return entry
