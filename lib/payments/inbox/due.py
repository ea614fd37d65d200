"""Everything that is due, object by object."""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.settings import WebhookMode
from lib.core.work import Work, reading, together, working
from lib.models import InboxEvent
from lib.payments.gateway import Gateway
from lib.payments.inbox import asking, leases
from lib.payments.inbox.applying import from_payload, from_stripe
from lib.payments.inbox.asking import AHEAD, Answer
from lib.payments.inbox.intake import Received, receive
from lib.payments.inbox.leases import INBOX, Waiting

_log = logging.getLogger(__name__)


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
class _Step:
    """What is done or not done as a whole, for some events of one object."""

    events: Sequence[Waiting]
    take: Callable[[Work], None]


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
            asked = {stripe_id: events for stripe_id, events in due.items() if events}
            for answers in asking.answers(self.gateway, asked):
                self._apply(answers)
            return sum(len(events) for events in due.values())
        finally:
            leases.release(self.database, taken, self.owner)

    def without_object(self, event: Waiting) -> int:
        """Park an event that names no object."""
        self._put_off([event], Invalid(f"The event {event.event_id} does not say what it is about."))
        return 1

    def _apply(self, answers: Sequence[Answer]) -> None:
        steps: list[_Step] = []
        for answer in answers:
            if answer.failure is not None:
                self._put_off(answer.events, answer.failure)
            else:
                steps += self._steps(answer)
        for first in range(0, len(steps), AHEAD):
            self._take(steps[first : first + AHEAD])

    def _steps(self, answer: Answer) -> Iterator[_Step]:
        """One for the object as it is at Stripe; where that is not known, one for each payload."""
        if answer.picture is not None:
            ids = [event.event_id for event in answer.events]
            yield _Step(
                answer.events,
                partial(from_stripe, event_id=ids[-1], event_ids=ids, picture=answer.picture, log=self.log),
            )
            return
        for event in answer.events:
            yield _Step([event], partial(from_payload, event_id=event.event_id, log=self.log))

    def _take(self, steps: Sequence[_Step]) -> None:
        if len(steps) == 1 or not self._together(steps):
            for step in steps:
                self._alone(step)

    def _together(self, steps: Sequence[_Step]) -> bool:
        """Take steps in one transaction; False, and nothing is kept, when one of them cannot be taken."""
        try:
            with together(self.database, INBOX, now=self.now) as begin:
                for step in steps:
                    step.take(begin())
        except Exception as error:  # noqa: BLE001 - which of them it was shows when each is taken alone
            _log.info("%d steps are taken one by one: %s", len(steps), type(error).__name__)
            return False
        return True

    def _alone(self, step: _Step) -> None:
        try:
            with working(self.database, INBOX, now=self.now) as work:
                step.take(work)
        except Exception as error:  # noqa: BLE001 - one event that fails holds up no other, whatever it is
            self._put_off(step.events, error)

    def _put_off(self, events: Sequence[Waiting], error: Exception) -> None:
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
