"""One event, or all the waiting events of one object, applied: our rows follow in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, defer

from lib.core.audit import canonical
from lib.core.errors import Invalid, Refused
from lib.core.work import Work, job
from lib.models import InboxEvent, Refund, StripeObject, StripeWebhook
from lib.payments import rows
from lib.payments.events import (
    ChargeFacts,
    DisputeFacts,
    Facts,
    InvoiceFacts,
    RefundFacts,
    SubscriptionFacts,
    read_event,
)
from lib.payments.inbox import differences
from lib.payments.inbox.differences import Difference
from lib.payments.inbox.leases import BACKOFF, TRIES_TO_MATCH, WAITING, rank
from lib.payments.inbox.pictures import Picture
from lib.payments.rows import Changes, find_payment

_FOLLOWED: Final = "Our rows followed."
_SAID_SO: Final = "Our rows said so already."
_CLOSED: Final = frozenset({"invoice.voided", "invoice.marked_uncollectible"})
_LOGGED: Final = select(StripeWebhook).where(StripeWebhook.event_id == bindparam("event_id"))
_LOGGED_WITHOUT_DATA: Final = _LOGGED.options(defer(StripeWebhook.event_data))
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@job
def from_stripe(work: Work, event_id: str, event_ids: Sequence[str], picture: Picture, log: bool) -> None:
    """Apply an object as it is at Stripe now, once for all of its waiting events.

    `event_id`: the newest of them, in whose name the rows change.
    """
    work.about("admin_inbox", event_id)
    entries = [entry for each in event_ids if (entry := _waiting(work.session, each)) is not None]
    if entries:
        _apply_picture(work, entries, event_id, picture, log)


def _apply_picture(
    work: Work, entries: Sequence[InboxEvent], event_id: str, picture: Picture, log: bool
) -> None:
    newest = next((entry for entry in entries if entry.event_id == event_id), entries[-1])
    changed = _follow_picture(work, picture, newest)
    if changed is not None:
        _seen(work, picture.facts.id, newest, fetched=True)
        if picture.subscription is not None:
            _seen(work, picture.subscription.id, newest, fetched=True)
    for entry in entries:
        if changed is None:
            _wait(work, entry, log)
        elif entry is newest:
            _close(work, entry, changed, _FOLLOWED if changed else _SAID_SO, log)
        else:
            _close(work, entry, {}, f"Applied together with the newer {newest.event_id}.", log)


@job
def from_payload(work: Work, event_id: str, log: bool) -> None:
    """Apply what an event carries, if nothing newer about its object was applied.

    Raises Invalid when the event cannot be read.
    """
    work.about("admin_inbox", event_id)
    entry = _waiting(work.session, event_id)
    if entry is not None:
        _apply_payload(work, entry, log)


@job
def again(
    work: Work,
    event_ids: Sequence[str],
    picture: Picture | None,
    log: bool,
    expected: Difference | None = None,
) -> Difference:
    """Apply events of one object once more, whatever became of them before; gives what that changes.

    `event_ids`: in the order in which they happened. `expected`: what a dry run has shown; Refused, and
    nothing is kept, when something else would change.
    """
    entries = [entry for each in event_ids if (entry := work.session.get(InboxEvent, each)) is not None]
    for entry in entries:
        work.about("admin_inbox", entry.event_id)
        entry.state, entry.attempts, entry.error = "received", 0, None
        entry.outcome, entry.next_attempt_at = None, work.now
    if entries and picture is not None:
        _apply_picture(work, entries, entries[-1].event_id, picture, log)
    elif entries:
        for entry in entries:
            _apply_payload(work, entry, log)
    difference = differences.of(rows.noted(work))
    if expected is not None and not differences.within(difference, expected):
        raise Refused(
            "It would change something else by now than the dry run showed. Nothing was done: run it again."
        )
    return difference


def _apply_payload(work: Work, entry: InboxEvent, log: bool) -> None:
    facts = _read(work.session, entry)
    newer = _newer(work.session, facts.id, entry)
    if newer is not None:
        _close(work, entry, {}, f"Something newer was applied already: {newer}.", log)
        return
    changed = _follow_payload(work, facts, entry)
    if changed is None:
        _wait(work, entry, log)
        return
    _seen(work, facts.id, entry, fetched=False)
    _close(work, entry, changed, _FOLLOWED if changed else _SAID_SO, log)


def _follow_picture(work: Work, picture: Picture, entry: InboxEvent) -> Changes | None:
    at = entry.stripe_created or work.now
    match picture.facts:
        case SubscriptionFacts() as facts:
            return rows.follow_subscription(work, facts, source="event", source_id=entry.event_id, at=at)
        case DisputeFacts() as facts:
            return rows.follow_dispute(work, facts, at=at)
        case InvoiceFacts() as facts if entry.event_type in _CLOSED and facts.status != "paid":
            return rows.follow_closed_invoice(work, facts, payment_intent_id=picture.payment_intent_id, at=at)
        case InvoiceFacts() as facts:
            known_until = _known_until(work.session, facts.subscription_id)
            if picture.subscription is not None:
                rows.follow_subscription(
                    work, picture.subscription, source="event", source_id=entry.event_id, at=at
                )
                known_until = at
            return rows.follow_invoice(
                work,
                facts,
                succeeded=facts.status == "paid" or entry.event_type == "invoice.payment_succeeded",
                payment_intent_id=picture.payment_intent_id,
                source="event",
                source_id=entry.event_id,
                at=at,
                subscription_as_of=known_until,
            )
        case ChargeFacts() | RefundFacts() as facts:
            if picture.charge is None:
                assert isinstance(facts, RefundFacts)
                return rows.follow_refund(work, facts, source="event", source_id=entry.event_id, at=at)
            return rows.follow_charge(
                work, picture.charge, picture.refunds, source="event", source_id=entry.event_id, at=at
            )
        case _:
            raise Invalid(f"Nothing follows {picture.facts.id[:40]}.")


def _follow_payload(work: Work, facts: Facts, entry: InboxEvent) -> Changes | None:
    at = entry.stripe_created or work.now
    match facts:
        case SubscriptionFacts():
            return rows.follow_subscription(
                work, facts, source="event", source_id=entry.event_id, at=at, as_of=at
            )
        case DisputeFacts():
            return rows.follow_dispute(work, facts, at=at)
        case InvoiceFacts() if entry.event_type in _CLOSED:
            return rows.follow_closed_invoice(work, facts, payment_intent_id=facts.payment_intent_id, at=at)
        case InvoiceFacts():
            return rows.follow_invoice(
                work,
                facts,
                succeeded=entry.event_type == "invoice.payment_succeeded",
                payment_intent_id=facts.payment_intent_id,
                source="event",
                source_id=entry.event_id,
                at=at,
                subscription_as_of=_known_until(work.session, facts.subscription_id),
            )
        case ChargeFacts():
            facts, refunds = _less_what_came_back(work.session, facts, at)
            return rows.follow_charge(work, facts, refunds, source="event", source_id=entry.event_id, at=at)
        case RefundFacts():
            return rows.follow_refund(work, facts, source="event", source_id=entry.event_id, at=at)
        case _:
            raise Invalid(
                f"The event {entry.event_id} is about {facts.id[:40]}, which its type does not name."
            )


def _less_what_came_back(
    session: Session, facts: ChargeFacts, at: datetime
) -> tuple[ChargeFacts, list[RefundFacts]]:
    """An older picture of a charge, without the refunds that are known to have failed since."""
    sent = list(facts.refunds or ())
    known = {refund.id: refund.amount or 0 for refund in sent}
    payment = find_payment(session, facts.payment_intent_id, facts.id)
    processed = set()
    if payment is not None:
        for row in session.scalars(select(Refund).where(Refund.transaction_id == payment.id)):
            if row.stripe_refund_id is not None:
                known.setdefault(row.stripe_refund_id, row.refund_amount_cents)
                if row.status == "processed":
                    processed.add(row.stripe_refund_id)
    newer = {
        stripe_id
        for stripe_id in known
        if ((seen := session.get(StripeObject, stripe_id)) is not None)
        and (seen.applied_created or _BEGINNING) > at
    }
    came_back = sum(known[stripe_id] for stripe_id in newer - processed)
    if came_back and facts.amount_refunded is not None:
        facts = replace(facts, amount_refunded=max(facts.amount_refunded - came_back, 0), refunded=False)
    return facts, [refund for refund in sent if refund.id not in newer]


def _waiting(session: Session, event_id: str) -> InboxEvent | None:
    entry = session.get(InboxEvent, event_id)
    return entry if entry is not None and entry.state in WAITING else None


def _read(session: Session, entry: InboxEvent) -> Facts:
    logged = session.scalars(_LOGGED, {"event_id": entry.event_id}).one_or_none()
    if logged is None:
        raise Invalid(f"The event {entry.event_id} is not in the log any more. Ask Stripe to send it again.")
    facts = read_event(logged.event_data).facts
    if facts is None:
        raise Invalid(
            f"The event {entry.event_id} does not carry an object that {entry.event_type} is about."
        )
    return facts


def _logged(session: Session, entry: InboxEvent) -> StripeWebhook | None:
    return session.scalars(_LOGGED_WITHOUT_DATA, {"event_id": entry.event_id}).one_or_none()


def _known_until(session: Session, stripe_id: str | None) -> datetime | None:
    seen = session.get(StripeObject, stripe_id) if stripe_id is not None else None
    return seen.applied_created if seen is not None else None


def _newer(session: Session, stripe_id: str, entry: InboxEvent) -> str | None:
    """The event that was applied to the object and is newer than this one."""
    seen = session.get(StripeObject, stripe_id)
    if seen is None or seen.applied_created is None or entry.stripe_created is None:
        return None
    applied = session.get(InboxEvent, seen.applied_event_id) if seen.applied_event_id else None
    applied_order = (seen.applied_created, rank(applied.event_type if applied is not None else None))
    is_newer = applied_order > (entry.stripe_created, rank(entry.event_type))
    return (seen.applied_event_id or "a later state") if is_newer else None


def _seen(work: Work, stripe_id: str, entry: InboxEvent, *, fetched: bool) -> None:
    """Keep the newest event that the object's facts stand for."""
    seen = work.session.get(StripeObject, stripe_id)
    if seen is None:
        seen = StripeObject(stripe_id=stripe_id, applied_created=None, applied_event_id=None, fetched_at=None)
        work.session.add(seen)
    if entry.stripe_created is not None and (
        seen.applied_created is None or entry.stripe_created >= seen.applied_created
    ):
        seen.applied_created = entry.stripe_created
        seen.applied_event_id = entry.event_id
    if fetched:
        seen.fetched_at = work.now


def _close(work: Work, entry: InboxEvent, changed: Changes, outcome: str, log: bool) -> None:
    entry.state = "applied"
    entry.outcome = outcome
    entry.changed = canonical(changed) if changed else None
    entry.attempts += 1
    entry.applied_at = work.now
    entry.next_attempt_at = None
    entry.error = None
    logged = _logged(work.session, entry) if log else None
    if logged is not None:
        logged.processed = True
        logged.processed_at = work.now
        logged.error_message = None
        logged.retry_count = entry.attempts - 1


def _wait(work: Work, entry: InboxEvent, log: bool) -> None:
    """No row of ours is about it: the app may be about to write one, so it is tried again for a while."""
    entry.attempts += 1
    given_up = entry.attempts >= TRIES_TO_MATCH
    entry.state = "unmatched" if given_up else "received"
    entry.outcome = f"No row of ours is about {entry.stripe_object_id}, after {entry.attempts} tries."
    entry.error = None
    entry.next_attempt_at = None if given_up else work.now + BACKOFF[entry.attempts - 1]
    logged = _logged(work.session, entry) if log else None
    if logged is not None:
        logged.retry_count = entry.attempts - 1
        logged.error_message = entry.outcome
