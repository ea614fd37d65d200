"""Works bulk runs off: freezes what the filters find, looks at each row, then does them one by one.

Each row is a transaction that does it and marks the row, so a worker that is killed repeats none. A run
belongs to one worker until its lease ends; between two slices somebody may stop it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import insert, or_, select

from lib.core.access import Actor, Role, system
from lib.core.database import Database
from lib.core.errors import AdminError, Refused
from lib.core.work import Work, job, reading, working
from lib.models import AdminUser, BulkRow, BulkRun, Subscription
from lib.services import subscriptions
from lib.services.bulk.actions import bulk_action
from lib.services.bulk.runs import LARGEST, act_on_row

LOOKED_AT_ONCE: Final = 200
DONE_AT_ONCE: Final = 25
LEASE: Final = timedelta(minutes=2)

_READ_AT_ONCE: Final = 90  # D1 takes 100 parameters in a statement
_WORKER: Final = system("worker")
_LEFT: Final = "Who started it does not work here any more, or in another role. Resume it in your own name."


def work_off(database: Database, owner: str, now: datetime) -> int:
    """Do a slice of the oldest run that waits; gives how many rows it came to, 0 when there is none."""
    with reading(database, _WORKER, now=now) as view:
        waiting = view.session.execute(
            select(BulkRun.id, BulkRun.state)
            .where(
                BulkRun.state.in_(("choosing", "running")),
                or_(BulkRun.lease_until.is_(None), BulkRun.lease_until <= now),
            )
            .order_by(BulkRun.created_at, BulkRun.id)
        ).all()
    for run_id, state in waiting:
        try:
            if state == "choosing":
                with working(database, _WORKER, now=now) as work:
                    done = look(work, run_id)
            else:
                done = _do(database, run_id, owner, now)
        except Refused:
            # Another worker has it, or somebody stopped it at this moment.
            continue
        if done:
            return done
    return 0


@job
def look(work: Work, run_id: str, *, largest: int = LARGEST) -> int:
    """Freeze what a run is about, or look at its next rows; gives how many rows it came to.

    A selection that is empty or too large drops the run, saying so.
    """
    run = work.session.get_one(BulkRun, run_id)
    if run.state != "choosing":
        return 0
    return _look_at_rows(work, run) if run.total else _freeze(work, run, largest)


def _freeze(work: Work, run: BulkRun, largest: int) -> int:
    chosen = subscriptions.subscriptions.build(**run.filters)
    found = work.session.execute(
        chosen.with_only_columns(Subscription.id, Subscription.relationship_id).limit(largest + 1)
    ).all()
    if not found or len(found) > largest:
        run.error = (
            f"The filters find more than {largest:,} subscriptions. Narrow them down."
            if found
            else "The filters find nothing any more."
        )
        run.state, run.finished_at = "dropped", work.now
        return 1
    run.total = len(found)
    work.session.flush()
    values = [
        {"run_id": run.id, "number": number, "object_id": key, "relationship_id": couple, "state": "waiting"}
        for number, (key, couple) in enumerate(found, 1)
    ]
    work.session.execute(insert(BulkRow), values)
    work.count("admin_bulk_rows", len(values))
    return len(values)


def _look_at_rows(work: Work, run: BulkRun) -> int:
    rows = work.session.scalars(
        select(BulkRow)
        .where(BulkRow.run_id == run.id, BulkRow.number > run.finished)
        .order_by(BulkRow.number)
        .limit(LOOKED_AT_ONCE)
    ).all()
    can = 0
    for row, why in _whether(work, run, rows):
        if why is None:
            can += 1
        else:
            row.state, row.result = "cannot", why
    run.can += can
    run.finished += len(rows)
    if run.finished >= run.total:
        run.state, run.finished = "ready", 0
    return len(rows)


def _whether(work: Work, run: BulkRun, rows: Sequence[BulkRow]) -> Iterator[tuple[BulkRow, str | None]]:
    """Each row with why it cannot, or None."""
    chosen = bulk_action(run.action)
    for start in range(0, len(rows), _READ_AT_ONCE):
        some = rows[start : start + _READ_AT_ONCE]
        keys = [row.object_id for row in some]
        found = {
            each.id: each
            for each in work.session.scalars(select(Subscription).where(Subscription.id.in_(keys)))
        }
        for row in some:
            subscription = found.get(row.object_id)
            if subscription is None:
                yield row, "This subscription is not here any more."
            else:
                yield row, chosen.why_not(work.session, subscription, run.arguments, work.now)


@job
def claim(work: Work, run_id: str, owner: str) -> tuple[Actor | None, list[int]]:
    """Take a run's next rows: in whose name, and their numbers. Without rows left it is done.

    Without the person who started it, it is stopped, saying so.
    """
    run = work.session.get_one(BulkRun, run_id)
    if run.state != "running":
        return None, []
    numbers = list(
        work.session.scalars(
            select(BulkRow.number)
            .where(BulkRow.run_id == run_id, BulkRow.state == "waiting")
            .order_by(BulkRow.number)
            .limit(DONE_AT_ONCE)
        )
    )
    if not numbers:
        run.state, run.finished_at = "done", work.now
        return None, []
    person = work.session.get(AdminUser, run.requested_by)
    if person is None or not person.is_active:
        run.state, run.error = "stopped", _LEFT
        return None, []
    run.lease_owner, run.lease_until = owner, work.now + LEASE
    return Actor(person.id, person.email, Role(person.role), person.name), numbers


@job
def release(work: Work, run_id: str, owner: str) -> None:
    """Let go of a run; Refused when another worker took it over."""
    run = work.session.get_one(BulkRun, run_id)
    if run.lease_owner != owner:
        raise Refused("Another worker has taken this run over.")
    run.lease_owner = run.lease_until = None


@job
def keep_refusal(work: Work, run_id: str, number: int, why: str) -> bool:
    """Note that a row was refused; False when the run was stopped meanwhile, and the row waits."""
    run = work.session.get_one(BulkRun, run_id)
    row = work.session.get_one(BulkRow, (run_id, number))
    if run.state != "running":
        return False
    if row.state == "waiting":
        row.state, row.result, row.at = "refused", why, work.now
        run.finished += 1
    return True


def _do(database: Database, run_id: str, owner: str, now: datetime) -> int:
    with working(database, _WORKER, now=now) as work:
        person, numbers = claim(work, run_id, owner)
    if person is None:
        return 0
    done = 0
    for number in numbers:
        if not _row(database, person, run_id, number, now):
            break
        done += 1
    with working(database, _WORKER, now=now) as work:
        release(work, run_id, owner)
    return done


def _row(database: Database, person: Actor, run_id: str, number: int, now: datetime) -> bool:
    """Do one row; False when the run was stopped."""
    try:
        with working(database, person, now=now) as work:
            act_on_row(work, run_id, number)
    except AdminError as refusal:
        with working(database, _WORKER, now=now) as work:
            return keep_refusal(work, run_id, number, str(refusal))
    return True
