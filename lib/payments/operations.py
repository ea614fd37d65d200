"""The outbox: money moves, and subscriptions end, in three steps that survive a crash between any two.

    prepare   in the action of the person who wants it: the intent is a row, committed with their decision
    run       in the worker, outside any transaction: Stripe is called with the key `kind:operation-id`, and
              what it said is stored
    settle    in the worker, one transaction: our rows follow Stripe's answer, or what has happened since

Whoever runs an operation holds a lease on it. When the lease ends without an answer, or the answer is
unknown, Stripe is asked whether it happened (`kinds.KINDS`) before anything is sent again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from lib.core.access import Actor, system
from lib.core.audit import canonical
from lib.core.database import Database
from lib.core.errors import NotFound, Refused
from lib.core.work import Work, job, reading, working
from lib.models import Operation, new_id
from lib.payments import answers, freshness, outcomes
from lib.payments.freshness import Passed
from lib.payments.gateway import Gateway
from lib.payments.kinds import KINDS, Answer, Next, Sending
from lib.payments.outcomes import Outcome
from lib.payments.progress import OperationView, progress

__all__ = [
    "LEASE",
    "TRIES",
    "WORKER",
    "OperationView",
    "due",
    "postpone",
    "prepare",
    "progress",
    "run",
    "settle",
]

WORKER: Final[Actor] = system("worker")
LEASE: Final = timedelta(minutes=2)
"""How long a worker may be silent. Longer than a call with all its repeats; a shorter one would be safe too,
because whoever takes over asks first and sends with the same key."""

TRIES: Final = 8
"""After so many tries that Stripe turned down for the moment, an operation has failed. An unknown outcome is
never given up: it is asked for again, at last every quarter of an hour."""

_LONGEST_PAUSE: Final = timedelta(minutes=15)
_TAMPERED: Final = (
    "What was decided and what stands here to be sent differ: somebody changed it in the database. "
    "Nothing is sent; look at Stripe, then decide again."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """An operation that this process alone may run until its lease ends."""

    sending: Sending
    ask_first: bool
    in_doubt: bool


def prepare(
    work: Work,
    kind: str,
    *,
    object_type: str,
    object_id: str,
    relationship_id: str | None,
    params: Mapping[str, Any],
    reason: str,
) -> Operation:
    """Write the intent, inside the action of the person who wants it; the last thing that the action does.

    `params` are what `kinds.KINDS[kind]` needs. Raises Refused while another operation on the same object
    is open; the database holds that too, so two people at the same moment cannot both.
    """
    return _write(
        work,
        Next(kind, object_type, object_id, params),
        relationship_id=relationship_id,
        requested_by=(work.actor.id, work.actor.email),
        reason=reason,
    )


def _write(
    work: Work, wanted: Next, *, relationship_id: str | None, requested_by: tuple[str, str], reason: str
) -> Operation:
    open_key = f"{wanted.object_type}:{wanted.object_id}"
    open_kind = work.session.scalar(select(Operation.kind).where(Operation.open_key == open_key))
    if open_kind is not None:
        raise _under_way(open_kind)
    text = canonical(wanted.params)
    operation = Operation(
        id=new_id(),
        kind=wanted.kind,
        object_type=wanted.object_type,
        object_id=wanted.object_id,
        relationship_id=relationship_id,
        params=text,
        params_digest=_digest(text),
        open_key=open_key,
        state="prepared",
        attempts=0,
        next_attempt_at=work.now,
        requested_by=requested_by[0],
        requested_by_email=requested_by[1],
        reason=reason,
        prepared_at=work.now,
    )
    work.session.add(operation)
    try:
        work.session.flush()
    except IntegrityError as error:
        if "open_key" not in str(error.orig):
            raise
        raise _under_way(wanted.kind) from None
    return operation


def due(database: Database, now: datetime, *, limit: int = 20) -> list[str]:
    """The ids of operations that somebody should look at now, the longest waiting first."""
    with reading(database, WORKER, now=now) as view:
        return list(
            view.session.scalars(
                select(Operation.id)
                .where(
                    Operation.state.in_(("prepared", "sending", "unknown", "answered")),
                    Operation.next_attempt_at <= now,
                    or_(Operation.lease_until.is_(None), Operation.lease_until <= now),
                )
                .order_by(Operation.next_attempt_at, Operation.id)
                .limit(limit)
            )
        )


def run(
    database: Database,
    gateway: Gateway,
    operation_id: str,
    owner: str,
    *,
    now: datetime | None = None,
    lease: timedelta = LEASE,
) -> None:
    """Claim an operation, let Stripe do it, and store what came of it; nothing if somebody else has it.

    `owner` names this process. No exception of Stripe's leaves here: a failure is an outcome.
    """
    try:
        with working(database, WORKER, now=now) as work:
            claimed = claim(work, operation_id, owner, lease)
    except Refused:
        return
    if claimed is None:
        return
    outcome = outcomes.at_stripe(
        gateway, claimed.sending, ask_first=claimed.ask_first, in_doubt=claimed.in_doubt
    )
    try:
        with working(database, WORKER, now=now) as work:
            record(work, operation_id, owner, outcome)
    except Refused:
        # The lease ended meanwhile. Whoever holds it now asks Stripe, and learns the same.
        return


def settle(database: Database, gateway: Gateway, operation_id: str, *, now: datetime | None = None) -> None:
    """Let our rows follow Stripe's answer, and close the operation; nothing unless there is one to follow.

    Where an event about the same object was applied since the operation was sent, the answer may be the older
    of the two: then Stripe is asked how things are now. Raises Refused when another event is applied at this
    moment, and StripeFailed when Stripe cannot be asked; the answer stays, for a later turn.
    """
    with reading(database, WORKER, now=now) as view:
        operation = view.session.get(Operation, operation_id)
        if operation is None or operation.state != "answered":
            return
        passed, answer = freshness.passed(view.session, operation), operation.answer
    newest = None
    if passed is not None and answer is not None:
        newest = freshness.as_it_is(gateway, answers.from_text(answer))
    with working(database, WORKER, now=now) as work:
        conclude(work, operation_id, passed, newest)


def postpone(database: Database, operation_id: str, *, now: datetime | None = None) -> None:
    """Leave an operation that could not be settled for a while, so that it does not hold up others."""
    with working(database, WORKER, now=now) as work:
        delay(work, operation_id)


@job
def claim(work: Work, operation_id: str, owner: str, lease: timedelta) -> Claim | None:
    """Take an operation for a while; None if it is not due, or somebody else's."""
    operation = _get(work, operation_id)
    if operation.state not in {"prepared", "sending", "unknown"} or operation.next_attempt_at > work.now:
        return None
    if operation.lease_until is not None and operation.lease_until > work.now:
        return None
    if _digest(operation.params) != operation.params_digest:
        operation.state, operation.open_key, operation.settled_at = "failed", None, work.now
        operation.error_message = _TAMPERED
        return None
    params = json.loads(operation.params)
    in_doubt = operation.state != "prepared"
    claimed = Claim(
        Sending(operation.id, operation.kind, params),
        ask_first=in_doubt or operation.attempts > 0 or bool(params.get("again")),
        in_doubt=in_doubt,
    )
    operation.state = "sending"
    operation.attempts += 1
    operation.sent_at = work.now
    operation.lease_owner = owner
    operation.lease_until = operation.next_attempt_at = work.now + lease
    return claimed


@job
def record(work: Work, operation_id: str, owner: str, outcome: Outcome) -> None:
    """Keep what came of a try, and let go of the lease; Refused if somebody took the operation over."""
    operation = _get(work, operation_id)
    if operation.state != "sending" or operation.lease_owner != owner:
        raise Refused("Another worker has taken this operation over.")
    failure = outcome.failure
    operation.lease_owner = operation.lease_until = None
    operation.next_attempt_at = work.now
    operation.error_code = None if failure is None or outcome.answer else failure.code
    operation.error_message = None if failure is None or outcome.answer else str(failure)
    if outcome.answer is not None:
        operation.answer = answers.to_text(outcome.answer)
    may_try_again = outcome.in_doubt or (outcome.retryable and operation.attempts < TRIES)
    if may_try_again:
        operation.state = "unknown" if outcome.in_doubt else "prepared"
        operation.next_attempt_at = work.now + _pause(operation.attempts)
    else:
        operation.state = "answered"
        operation.answered_at = work.now


@job
def conclude(work: Work, operation_id: str, passed: Passed | None, newest: Answer | None) -> None:
    """Let our rows follow an answer, and close the operation with them, in one transaction.

    `newest`: what takes the place of the stored answer, because our rows have followed `passed` meanwhile.
    """
    operation = _get(work, operation_id)
    work.about(operation.object_type, operation.object_id)
    if operation.state != "answered":
        return
    if freshness.passed(work.session, operation) != passed:
        raise Refused("An event about it was applied at this moment.")
    if newest is not None:
        operation.answer = answers.to_text(newest)
    refusal, following = operation.error_message, None
    if operation.answer is not None:
        kind, answer = KINDS[operation.kind], answers.from_text(operation.answer)
        refusal = kind.refusal(answer)
        if kind.follow(work, answer, operation.id) is None:
            # The person was erased meanwhile, say. What Stripe did stands in the operation all the same.
            operation.error_message = "The row that this was about is not here any more."
        elif refusal is None:
            following = kind.then(json.loads(operation.params), answer)
    operation.state = "failed" if refusal else "done"
    operation.error_message = refusal or operation.error_message
    operation.open_key = None
    operation.settled_at = work.now
    if following is not None:
        work.session.flush()  # lets go of the object, which the next step may be about as well
        _write(
            work,
            following,
            relationship_id=operation.relationship_id,
            requested_by=(operation.requested_by, operation.requested_by_email),
            reason=operation.reason,
        )


@job
def delay(work: Work, operation_id: str) -> None:
    """Let a stored answer wait for a minute."""
    operation = _get(work, operation_id)
    if operation.state == "answered":
        operation.next_attempt_at = work.now + timedelta(minutes=1)


def _get(work: Work, operation_id: str) -> Operation:
    operation = work.session.get(Operation, operation_id)
    if operation is None:
        raise NotFound(f"There is no operation {operation_id[:40]}.")
    return operation


def _digest(params: str) -> str:
    return hashlib.sha256(params.encode()).hexdigest()


def _under_way(kind: str) -> Refused:
    return Refused(f"“{KINDS[kind].title}” is already under way. Wait until Stripe has answered.")


def _pause(attempts: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(attempts, 12)), _LONGEST_PAUSE)
