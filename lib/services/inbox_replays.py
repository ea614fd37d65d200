"""Applying events of Stripe's again: a dry run, what it showed, and the word to do exactly that.

    rehearse / rehearse_since --> rehearsing --> rehearsed --replay--> running --> done
                                                     +------drop----> dropped

Both runs are the worker's (`lib.payments.inbox.replays`); the page shows how far they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import func, select

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.moments import day_bounds
from lib.core.work import Digest, View, Work, action, query
from lib.models import InboxEvent, InboxReplay, InboxReplayStep, masks, new_id
from lib.payments.events import HANDLED
from lib.payments.inbox import differences
from lib.payments.inbox.differences import Difference

UNDER_WAY: Final = ("rehearsing", "running")

REPLAY_COLUMNS: Final = (
    Column("asked_at", "Asked for", "moment"),
    Column("about", "About"),
    Column("state", "State", "status"),
    Column("done", "Done", "count"),
    Column("total", "Of", "count"),
    Column("asked_by_email", "By"),
    Column("reason", "Reason"),
)
_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay: how far it is, and what became of its steps by state.

    `shown` stands for what the dry run showed, and is there once it is through. `changing` is how many of its
    objects would change rows of ours; `changes` the rows of the first twenty of them.
    """

    id: str
    event_id: str | None
    since: datetime | None
    state: str
    done: int
    total: int | None
    steps: dict[str, int]
    changing: int
    changes: Difference
    asked_at: datetime
    asked_by_email: str
    reason: str
    rehearsed_at: datetime | None
    finished_at: datetime | None
    shown: Digest | None
    under_way: bool

    @property
    def about(self) -> str:
        """What it is about, in words."""
        return self.event_id or f"All since {self.since:%Y-%m-%d}"


@listing(
    Permission.INBOX_READ,
    columns=(
        Column("stripe_object_id", "Object", "id"),
        Column("state", "State", "status"),
        Column("difference", "Would change"),
        Column("outcome", "Outcome"),
    ),
)
def steps(*, replay_id: str = "", state: str | None = None) -> AnySelect:
    """The objects of a replay, those first that could not be applied."""
    statement = (
        select(
            InboxReplayStep.stripe_object_id,
            InboxReplayStep.state,
            InboxReplayStep.difference,
            InboxReplayStep.outcome,
        )
        .where(InboxReplayStep.replay_id == replay_id)
        .order_by(InboxReplayStep.state.desc(), InboxReplayStep.stripe_object_id)
    )
    return statement.where(InboxReplayStep.state == state) if state else statement


@query(Permission.INBOX_READ)
def latest(view: View) -> Sequence[Replay]:
    """The newest replays, twenty at most, without what they changed."""
    rows = view.session.scalars(
        select(InboxReplay).order_by(InboxReplay.asked_at.desc(), InboxReplay.id.desc()).limit(_LISTED)
    )
    return [_shown(row, {}, 0, {}) for row in rows]


@query(Permission.INBOX_READ)
def one(view: View, replay_id: str) -> Replay:
    """One replay with what it would change, or changed. Raises NotFound when there is none of this id."""
    row = view.session.get(InboxReplay, replay_id)
    if row is None:
        raise NotFound(f"There is no replay {replay_id[:40]}. Check the address.")
    return _with_changes(view, row)


@query(Permission.INBOX_READ)
def of_event(view: View, event_id: str) -> Replay | None:
    """The newest replay of one event alone; None when there was none, or it was dropped."""
    row = view.session.scalars(
        select(InboxReplay)
        .where(InboxReplay.event_id == event_id)
        .order_by(InboxReplay.asked_at.desc(), InboxReplay.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None or row.state == "dropped" else _with_changes(view, row)


@action(Permission.INBOX_REPLAY)
def rehearse(work: Work, event_id: str, *, reason: str) -> str:
    """Ask for a dry run of one event; gives the replay's id. Nothing of ours is changed by it.

    Raises NotFound when the event never came, and Refused when this product does not act on its type, or a
    replay of it is under way.
    """
    work.about("admin_inbox", event_id)
    entry = work.session.get(InboxEvent, event_id)
    if entry is None:
        raise NotFound(f"There is no event {event_id[:40]} in the inbox. Check the address.")
    refusal = why_not(entry)
    if refusal is not None:
        raise Refused(refusal)
    _refuse_a_second(work, InboxReplay.event_id == event_id)
    return _begin(work, event_id=event_id, since=None, reason=reason)


@action(Permission.INBOX_REPLAY)
def rehearse_since(work: Work, since: date, *, reason: str) -> str:
    """Ask for a dry run of every event received since a day (UTC); gives the replay's id.

    Raises Invalid for a day to come, and Refused while another replay of many is under way.
    """
    moment = day_bounds(since)[0]
    if moment > work.now:
        raise Invalid("Nothing was received since then: the day is still to come.")
    _refuse_a_second(work, InboxReplay.event_id.is_(None))
    return _begin(work, event_id=None, since=moment, reason=reason)


@action(Permission.INBOX_REPLAY, about="admin_inbox_replays")
def replay(work: Work, replay_id: str, *, shown: Digest) -> None:
    """Do exactly what the dry run showed; an object that would change something else by now is left as it is.

    Raises Refused unless the dry run is through and showed what the person saw.
    """
    row = _get(work, replay_id)
    if row.state != "rehearsed":
        raise Refused("The dry run is not through, or its changes were made already.")
    if row.digest != shown:
        raise Refused("The dry run shows something else by now. Look at it again.")
    row.state, row.done, row.attempts = "running", 0, 0
    row.approved_at, row.next_attempt_at = work.now, work.now


@action(Permission.INBOX_REPLAY, about="admin_inbox_replays")
def drop(work: Work, replay_id: str) -> None:
    """Leave it at the dry run. Raises Refused once its changes are being made."""
    row = _get(work, replay_id)
    if row.state not in {"rehearsing", "rehearsed"}:
        raise Refused("Its changes are being made, or were made.")
    row.state, row.next_attempt_at, row.finished_at = "dropped", None, work.now


def why_not(entry: InboxEvent) -> str | None:
    """Why an event cannot be applied again; None when it can."""
    if entry.event_type not in HANDLED:
        return f"This product does not act on {entry.event_type[:80]}: there is nothing to apply again."
    if entry.state == "received" and entry.attempts == 0:
        return "This event waits for its turn already. The worker takes it within seconds, if it runs."
    if entry.stripe_object_id is None:
        return "The event does not say what it is about: there is nothing to apply."
    return None


def _begin(work: Work, *, event_id: str | None, since: datetime | None, reason: str) -> str:
    row = InboxReplay(
        id=new_id(),
        event_id=event_id,
        since=since,
        state="rehearsing",
        done=0,
        attempts=0,
        asked_by=work.actor.id,
        asked_by_email=work.actor.email,
        reason=reason,
        asked_at=work.now,
        next_attempt_at=work.now,
    )
    work.session.add(row)
    work.about("admin_inbox_replays", row.id)
    return row.id


def _refuse_a_second(work: Work, same: object) -> None:
    under_way = select(InboxReplay.id).where(same, InboxReplay.state.in_(UNDER_WAY)).limit(1)  # type: ignore[arg-type]
    if work.session.scalar(under_way) is not None:
        raise Refused("A replay of this is under way already. Wait until it is through.")


def _get(work: Work, replay_id: str) -> InboxReplay:
    row = work.session.get(InboxReplay, replay_id)
    if row is None:
        raise NotFound(f"There is no replay {replay_id[:40]}. Check the address.")
    return row


def _with_changes(view: View, row: InboxReplay) -> Replay:
    of_replay = InboxReplayStep.replay_id == row.id
    by_state = select(InboxReplayStep.state, func.count()).where(of_replay).group_by(InboxReplayStep.state)
    counts = {str(row[0]): int(row[1]) for row in view.session.execute(by_state)}
    changing = (of_replay, InboxReplayStep.difference != "{}")
    number = view.session.scalar(select(func.count()).select_from(InboxReplayStep).where(*changing)) or 0
    first = view.session.scalars(
        select(InboxReplayStep.difference)
        .where(*changing)
        .order_by(InboxReplayStep.stripe_object_id)
        .limit(_LISTED)
    )
    changes: dict[str, dict[str, list[object]]] = {}
    for stored in first:
        for where, fields in masks.redact(differences.read(stored)).items():
            changes.setdefault(where, {}).update(fields)
    return _shown(row, counts, number, changes)


def _shown(row: InboxReplay, counts: dict[str, int], changing: int, changes: Difference) -> Replay:
    return Replay(
        id=row.id,
        event_id=row.event_id,
        since=row.since,
        state=row.state,
        done=row.done,
        total=row.total,
        steps=counts,
        changing=changing,
        changes=changes,
        asked_at=row.asked_at,
        asked_by_email=row.asked_by_email,
        reason=row.reason,
        rehearsed_at=row.rehearsed_at,
        finished_at=row.finished_at,
        shown=Digest(row.digest) if row.digest else None,
        under_way=row.state in UNDER_WAY,
    )
