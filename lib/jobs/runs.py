"""Runs of jobs: a row each, with a lease so that no two workers run the same job at once.

A lease that ran out belonged to a process that died: whoever comes next marks its run as failed and goes on.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Refused
from lib.models import JobRun, new_id

LEASE: Final = timedelta(minutes=10)

Tell = Callable[[int], None]
"""Hears how far something is, in its own steps."""


def unheard(_done: int) -> None:
    """For whoever does not want to hear how far something is."""


def both(one: Tell, other: Tell) -> Tell:
    """Tells two that hear of the same."""

    def told(done: int) -> None:
        one(done)
        other(done)

    return told


@dataclass(slots=True)
class Run:
    """A run that is under way; what is put into `summary` is kept with it."""

    id: str
    name: str
    database: Database
    clock: Callable[[], datetime]
    summary: dict[str, Any] = field(default_factory=dict)

    def progress(self, done: int) -> None:
        """Note how far the run is and its summary, and hold on to the lease.

        Raises Refused when somebody took it over.
        """
        now = self.clock()
        with self.database.primary.begin() as connection:
            held = connection.execute(
                update(JobRun)
                .where(JobRun.id == self.id, JobRun.lease_key == self.name)
                .values(done=done, lease_until=now + LEASE, summary=_as_text(self.summary))
            )
        if held.rowcount != 1:
            raise Refused(f"Another process has taken over “{self.name}” because this one was too slow.")


@dataclass(frozen=True, slots=True)
class PastRun:
    """How one run of a job went."""

    state: str
    argument: str | None
    started_at: datetime
    finished_at: datetime | None
    lease_until: datetime | None
    summary: dict[str, Any]


@contextmanager
def running(
    database: Database,
    name: str,
    *,
    argument: str | None = None,
    total: int | None = None,
    clock: Callable[[], datetime] = moments.now,
) -> Iterator[Run]:
    """Hold the lease of a job while it runs, and keep how it ended.

    Raises Refused when another process is running it now.
    """
    run = Run(new_id(), name, database, clock)
    _begin(run, argument, total)
    try:
        yield run
    except BaseException as error:
        _finish(run, "failed", error=f"{type(error).__name__}: {error}"[:2000])
        raise
    _finish(run, "done")


def latest(
    database: Database, name: str, *, state: str | None = None, argument: str | None = None
) -> PastRun | None:
    """The newest run of a job, or the newest in one state or for one argument; None when there was none."""
    chosen = select(
        JobRun.state,
        JobRun.argument,
        JobRun.started_at,
        JobRun.finished_at,
        JobRun.lease_until,
        JobRun.summary,
    ).where(JobRun.name == name)
    if state is not None:
        chosen = chosen.where(JobRun.state == state)
    if argument is not None:
        chosen = chosen.where(JobRun.argument == argument)
    # Ids are made in the order of time, and two runs may start within one second.
    newest_first = chosen.order_by(JobRun.started_at.desc(), JobRun.id.desc()).limit(1)
    with database.primary.execution_options(writes=False).connect() as connection:
        row = connection.execute(newest_first).one_or_none()
    if row is None:
        return None
    summary = json.loads(row.summary) if row.summary else {}
    return PastRun(row.state, row.argument, row.started_at, row.finished_at, row.lease_until, summary)


def _begin(run: Run, argument: str | None, total: int | None) -> None:
    now = run.clock()
    abandoned = (
        update(JobRun)
        .where(JobRun.lease_key == run.name, JobRun.lease_until < now)
        .values(
            state="failed",
            lease_key=None,
            finished_at=now,
            error="The process that ran it ended without a word.",
        )
    )
    mine = insert(JobRun).values(
        id=run.id,
        name=run.name,
        argument=argument,
        state="running",
        lease_key=run.name,
        lease_until=now + LEASE,
        started_at=now,
        done=0,
        total=total,
    )
    try:
        with run.database.primary.begin() as connection:
            connection.execute(abandoned)
            connection.execute(mine)
    except IntegrityError:
        raise Refused(
            f"“{run.name}” is running already, in another process. Wait until it is done."
        ) from None


def _finish(run: Run, state: str, *, error: str | None = None) -> None:
    with run.database.primary.begin() as connection:
        connection.execute(
            update(JobRun)
            .where(JobRun.id == run.id, JobRun.lease_key == run.name)
            .values(
                state=state,
                lease_key=None,
                finished_at=run.clock(),
                summary=_as_text(run.summary),
                error=error,
            )
        )


def _as_text(summary: dict[str, Any]) -> str:
    return json.dumps(summary, sort_keys=True)
