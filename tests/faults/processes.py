"""Processes for tests to start and to lose.

The faults live here and nowhere in the product: a gateway whose verbs end the process, a commit that does.
"""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from lib.core.access import Actor, Permission, Role
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.guard import GuardedSession
from lib.core.settings import Settings
from lib.core.work import Digest, Work, action, reading, working
from lib.jobs.worker import Worker
from lib.models import Note, new_id
from lib.payments import inbox, operations
from lib.payments.gateway import Gateway
from lib.services import refunds
from tests.local_stripe import KEY
from tests.staff import FINANCE, SUPPORT

Moment = Literal["before Stripe", "before storing", "before settling"]

SHORT_LEASE = timedelta(seconds=1)

_CONTEXT: Final = multiprocessing.get_context("forkserver")
# Each process is forked from one that has imported everything and done nothing yet.
_CONTEXT.set_forkserver_preload([__name__])


def settings(database_url: str) -> Settings:
    """Settings for a worker on a database."""
    return Settings.from_environment({"DATABASE_URL": database_url})


@dataclass(frozen=True)
class Started:
    """A process that was started; what it says is kept in a file."""

    _process: BaseProcess
    _said: Path
    _given: tuple[object, ...]  # a barrier lives as long as somebody here has it

    def ended(self, timeout: float = 120) -> tuple[int, str]:
        """Wait for its end; gives its exit code, negative for a signal, and what it said."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        said = self._said.read_text()
        self._said.unlink()
        assert code is not None, f"It did not end within {timeout} seconds. It said: {said}"
        return code, said


def start(what: Callable[..., None], *given: object) -> Started:
    """Start one of the processes below."""
    descriptor, said = tempfile.mkstemp()
    os.close(descriptor)
    process = _CONTEXT.Process(target=_speak_into, args=(said, what, *given))
    process.start()
    return Started(process, Path(said), given)


def start_at_once(what: Callable[..., None], *given: tuple[object, ...]) -> list[Started]:
    """Start one for each of what is given; each first gets the barrier at which it waits for the others."""
    ready = _CONTEXT.Barrier(len(given))
    return [start(what, ready, *own) for own in given]


def run(what: Callable[..., None], *given: object) -> tuple[int, str]:
    """Run one of the processes below to its end; gives how it ended and what it said."""
    return start(what, *given).ended()


def _speak_into(path: str, what: Callable[..., None], *given: object) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    what(*given)


def die() -> NoReturn:
    """End this process as `kill -9` does: nothing is cleaned up, nothing is said."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


class DyingGateway(Gateway):
    """A gateway that ends its process at the n-th thing that it is to change at Stripe."""

    def __init__(self, key: str, api_base: str, moment: Moment, n: int) -> None:
        super().__init__(key, api_base=api_base)
        self._moment, self._left = moment, n
        self._change: Callable[..., Any] = self._connection.write
        # Every verb that changes something goes through here.
        self._connection.write = self._doomed  # type: ignore[method-assign]

    def _doomed(self, *args: Any, **kwargs: Any) -> Any:
        self._left -= 1
        if self._left == 0 and self._moment == "before Stripe":
            die()
        answer = self._change(*args, **kwargs)
        if self._left == 0 and self._moment == "before storing":
            die()
        if self._left == 0 and self._moment == "before settling":
            operations.settle = lambda *_, **__: die()
        return answer


def worker_that_dies(database_url: str, stripe_url: str, moment: Moment, n: int) -> None:
    """Work until the n-th change at Stripe, and die at that moment."""
    gateway = DyingGateway(KEY, stripe_url, moment, n)
    worker = Worker(Database(database_url), gateway, settings(database_url), lease=SHORT_LEASE)
    while worker.look_after_money():
        continue


def app_that_dies(database_url: str, refund_id: str, shown: str, when: str) -> None:
    """Approve a refund as the app does, and die just before or just after the commit."""
    commit = GuardedSession.commit

    def last_commit(session: GuardedSession) -> None:
        if when == "after":
            commit(session)
        die()

    GuardedSession.commit = last_commit  # type: ignore[method-assign]
    with working(Database(database_url), FINANCE) as work:
        refunds.approve(work, refund_id, shown=Digest(shown), reason="Fair")


def inbox_that_dies(database_url: str, stripe_url: str, when: str, n: int) -> None:
    """Apply what is due, and die just before or just after the n-th commit of what was applied."""
    commit, left = GuardedSession.commit, n

    def one_commit(session: GuardedSession) -> None:
        nonlocal left
        left -= 1
        if left == 0 and when == "before":
            die()
        commit(session)
        if left == 0:
            die()

    GuardedSession.commit = one_commit  # type: ignore[method-assign]
    while inbox.apply_due(Database(database_url), Gateway(KEY, api_base=stripe_url)):
        continue


@action(Permission.NOTES_WRITE)
def add_note(work: Work, body: str) -> None:
    """A small action, to be done many times at once."""
    note = Note(id=new_id(), object_type="users", object_id="usr", body=body, created_at=work.now)
    note.author_id, note.author_email = work.actor.id, work.actor.email
    work.session.add(note)
    work.about("users", "usr")


def writer(ready: Barrier, database_url: str, count: int) -> None:
    """Wait for the others, then act so many times, one action after the other."""
    database = Database(database_url)
    ready.wait()
    for n in range(count):
        with working(database, SUPPORT) as work:
            add_note(work, f"note {n}")


def approver(ready: Barrier, database_url: str, staff_id: str, *refund_ids: str) -> None:
    """Look at refunds, wait for the others, then approve them all, as far as it is allowed."""
    database = Database(database_url)
    actor = Actor(staff_id, "finance@example.org", Role.FINANCE)
    with reading(database, actor) as view:
        shown = {each: refunds.one(view, each).digest for each in refund_ids}
    ready.wait()
    for refund_id, digest in shown.items():
        try:
            with working(database, actor) as work:
                refunds.approve(work, refund_id, shown=digest, reason="Fair")
        except Refused:
            continue
