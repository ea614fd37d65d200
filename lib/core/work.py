"""Three kinds of function stand between people and rows; permission, transaction and audit are theirs.

    @query(Permission.X)   reads through a View: a session that cannot write, personal data masked
    @action(Permission.X)  changes rows through a Work: one transaction, one audit entry at its commit
    @job                   works in bulk for the system: one transaction, one entry with counts

`reading()` opens a View and `working()` a Work; `together()` opens a Work for each of several jobs, which are
committed at once; `rehearsing()` opens one that leaves no trace. Nothing else commits. No Stripe call happens
inside any of them.
"""

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Concatenate, Final, NewType, ParamSpec, TypeVar

from sqlalchemy import Connection, Select, select
from sqlalchemy import inspect as state_of

from lib.core import audit, moments
from lib.core.access import Actor, Permission
from lib.core.audit import Draft, Object
from lib.core.database import Database
from lib.core.errors import AdminError, Invalid, NotAllowed, Refused
from lib.core.guard import GuardedSession, Phase
from lib.models import Base, Reveal, masks
from lib.models.types import Json, Personal

P = ParamSpec("P")
R = TypeVar("R")
Digest = NewType("Digest", str)

OPENING_NOTED_ONCE_IN: Final = timedelta(minutes=15)
CHANGED: Final = (
    "Somebody changed this while you were looking at it. Nothing was done; reload and look again."
)
_DESKS: Final = "lib.services."

QUERIES: Final[dict[str, Permission]] = {}
ACTIONS: Final[dict[str, Permission]] = {}
JOBS: Final[set[str]] = set()


@dataclass(slots=True)
class View:
    """A way to read: a session that cannot write, who reads, and when. Personal data comes masked."""

    session: GuardedSession
    actor: Actor
    now: datetime
    opened: set[Object] = field(default_factory=set)

    def note_opening(self, kind: str, key: str) -> None:
        """Say that a person's data is being looked at; noted in the audit once per 15 minutes."""
        self.opened.add((kind, key))

    def reveals(self) -> Select[str]:
        """The ids of the people whom the actor has asked to see, for a condition in a statement."""
        return select(Reveal.person_id).where(Reveal.admin_user_id == self.actor.id, Reveal.until > self.now)

    @contextmanager
    def revealing(self, person_ids: Iterable[str]) -> Iterator[bool]:
        """Read unmasked inside, if the actor has asked to see all of these people; gives whether so."""
        wanted = set(person_ids)
        shown = set(self.session.scalars(self.reveals().where(Reveal.person_id.in_(wanted))))
        with self.showing(bool(wanted) and wanted <= shown) as may:
            yield may

    @contextmanager
    def showing(self, asked: bool) -> Iterator[bool]:
        """Read unmasked inside, if the actor has `asked` to see whom they read, and may; gives whether so."""
        with ExitStack() as stack:
            may = asked and self.actor.may(Permission.PEOPLE_REVEAL)
            if may:
                stack.enter_context(masks.unmasked())
            yield may


@dataclass(slots=True)
class Work:
    """A way to change: one transaction, who acts, and when. Values are read unmasked.

    `drafts`: of jobs that are committed together, where each leaves the draft of its entry.
    """

    session: GuardedSession
    actor: Actor
    now: datetime
    draft: Draft | None = None
    kept: list[Callable[[str | None], Base]] = field(default_factory=list)
    drafts: list[Draft] | None = None

    def keep(self, row_of: Callable[[str | None], Base]) -> None:
        """Have a row written whatever comes of the action, such as one that says that it was tried.

        `row_of` makes the row when the action ends, from why it was not done; from None when it was. A row of
        an action that was not done is written together with its audit entry, after everything was undone.
        """
        self.kept.append(row_of)

    def about(self, kind: str, key: str) -> None:
        """Name a row that this action is about, for its audit entry; of several, the first one heads it."""
        assert self.draft is not None
        self.draft.about = self.draft.about or (kind, key)
        self.draft.named.add((kind, key))

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count in the summary entry of a job."""
        assert self.draft is not None
        self.draft.counts[what] = self.draft.counts.get(what, 0) + number

    def expect(self, row: Base, shown: Digest) -> None:
        """Raise Refused unless the row is still as it was when the form was shown."""
        if digest(row) != shown:
            raise Refused(CHANGED)


def query(
    permission: Permission,
) -> Callable[[Callable[Concatenate[View, P], R]], Callable[Concatenate[View, P], R]]:
    """Make a function a way to read, for actors with the permission."""

    def decorate(function: Callable[Concatenate[View, P], R]) -> Callable[Concatenate[View, P], R]:
        QUERIES[name_of(function)] = permission

        @functools.wraps(function)
        def guarded(view: View, /, *args: P.args, **kwargs: P.kwargs) -> R:
            view.actor.must(permission)
            return function(view, *args, **kwargs)

        return guarded

    return decorate


def action(
    permission: Permission, *, about: str | None = None
) -> Callable[[Callable[Concatenate[Work, P], R]], Callable[Concatenate[Work, P], R]]:
    """Make a function the one place where something may be changed, for actors with the permission.

    `about` names the table whose key is the first argument after the Work; an action that makes a row calls
    `work.about(...)` instead. The argument `reason`, where there is one, must not be empty.
    """

    def decorate(function: Callable[Concatenate[Work, P], R]) -> Callable[Concatenate[Work, P], R]:
        ACTIONS[name_of(function)] = permission

        @functools.wraps(function)
        def guarded(work: Work, /, *args: P.args, **kwargs: P.kwargs) -> R:
            arguments = _arguments(function, work, args, kwargs)
            key = next(iter(arguments.values()), None) if about else None
            _begin(work, function, arguments, (about, str(key)) if about else None)
            work.actor.must(permission)
            return _run(work, function, "acting", args, kwargs)

        return guarded

    return decorate


def job(function: Callable[Concatenate[Work, P], R]) -> Callable[Concatenate[Work, P], R]:
    """Make a function bulk work of the system: no person may call it; bulk statements are allowed."""
    JOBS.add(name_of(function))

    @functools.wraps(function)
    def guarded(work: Work, /, *args: P.args, **kwargs: P.kwargs) -> R:
        _begin(work, function, _arguments(function, work, args, kwargs), None)
        if not work.actor.is_system:
            raise NotAllowed("Only the worker and the command line run jobs.")
        return _run(work, function, "job", args, kwargs)

    return guarded


@contextmanager
def reading(database: Database, actor: Actor, *, now: datetime | None = None) -> Iterator[View]:
    """Open a View for one actor; a denied read and the opening of a person are noted in the audit."""
    moment = now or moments.now()
    engine = database.primary.execution_options(writes=False, postgresql_readonly=True)
    openings: list[Object] = []
    end: audit.End | None = None
    try:
        with GuardedSession(engine, expire_on_commit=False) as session:
            view = View(session, actor, moment)
            yield view
            if view.opened:
                since = moment - OPENING_NOTED_ONCE_IN
                noted, end = audit.seen_since(session, actor, "open", view.opened, since)
                openings = sorted(view.opened - noted)
    except NotAllowed as error:
        note(database, Draft(actor, "read", moment, {}, outcome="denied", message=str(error)))
        raise
    if openings:
        note(database, *(Draft(actor, "open", moment, {}, about=about) for about in openings), end=end)


@contextmanager
def working(database: Database, actor: Actor, *, now: datetime | None = None) -> Iterator[Work]:
    """Open a Work for one action and commit it; on any error roll back, note the attempt, and re-raise."""
    moment = now or moments.now()
    with GuardedSession(_writing(database), expire_on_commit=False, autoflush=False) as session:
        session.moment = moment
        work = Work(session, actor, moment)
        try:
            session.connection()  # takes the write lock before the first read
            yield work
            session.commit()
        except Exception as error:
            session.rollback()
            session.close()
            if work.draft is not None:
                _note_failure(database, work, work.draft, error)
            raise


@contextmanager
def together(
    database: Database, actor: Actor, *, now: datetime | None = None
) -> Iterator[Callable[[], Work]]:
    """Open one transaction for several jobs, each with a Work of its own and an audit entry of its own.

    The commit and the end of the audit chain are theirs together. On any error everything is rolled back,
    nothing is noted, and the error is raised: the jobs can then be done one by one, where each fails alone.
    """
    moment = now or moments.now()
    with GuardedSession(_writing(database), expire_on_commit=False, autoflush=False) as session:
        session.moment = moment
        drafts: list[Draft] = []
        _give_up_early(session.connection())
        yield lambda: Work(session, actor, moment, drafts=drafts)
        session.phase = "auditing"
        audit.append(session, *drafts)
        session.commit()


@contextmanager
def rehearsing(database: Database, actor: Actor, *, now: datetime | None = None) -> Iterator[Work]:
    """Open a Work for one action whose every change is rolled back, and of which nothing is noted."""
    with GuardedSession(_writing(database), expire_on_commit=False, autoflush=False) as session:
        session.moment = now or moments.now()
        try:
            session.connection()
            yield Work(session, actor, session.moment)
        finally:
            session.rollback()


def note(database: Database, *drafts: Draft, kept: Iterable[Base] = (), end: audit.End | None = None) -> None:
    """Write audit entries, and rows that an action wanted kept, in a transaction of their own.

    `end`: where the chain ended a moment ago.
    """
    with GuardedSession(_writing(database), expire_on_commit=False) as session:
        session.phase = "auditing"
        session.add_all(kept)
        audit.append(session, *drafts, end=end)
        session.commit()


def digest(row: Base) -> Digest:
    """A digest of what a row says, the same for every reader: masked columns are left out."""
    mapper = state_of(type(row))
    values = [
        (attribute.key, getattr(row, attribute.key))
        for attribute in mapper.column_attrs
        if not isinstance(attribute.columns[0].type, Personal | Json)
    ]
    return Digest(hashlib.sha256(audit.canonical(values).encode()).hexdigest()[:32])


def _writing(database: Database) -> Any:
    return database.primary.execution_options(writes=True)


def _give_up_early(connection: Connection) -> None:
    """Have a transaction of many rows lose against one of few, before PostgreSQL finds a deadlock (1 s)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '400ms'")


def _begin(work: Work, function: Callable[..., Any], arguments: dict[str, Any], about: Object | None) -> None:
    if work.draft is not None:
        raise RuntimeError(
            f"{name_of(function)} inside {work.draft.action}: share a private function instead."
        )
    reason = arguments.get("reason")
    work.draft = Draft(work.actor, name_of(function), work.now, arguments, about=about, reason=reason)


def _run(work: Work, function: Callable[..., R], phase: Phase, args: Any, kwargs: Any) -> R:
    session = work.session
    session.draft, session.phase = work.draft, phase
    assert work.draft is not None
    if "reason" in work.draft.arguments and not str(work.draft.reason or "").strip():
        raise Invalid("Say why: the reason is kept with what you do.")
    with masks.unmasked():
        result = function(work, *args, **kwargs)
        session.add_all(row_of(None) for row_of in work.kept)
        session.flush()
    if work.drafts is not None:
        work.drafts.append(work.draft)
    else:
        session.phase = "auditing"
        audit.append(session, work.draft)
    session.phase = "reading"
    return result


def _note_failure(database: Database, work: Work, draft: Draft, error: Exception) -> None:
    draft.outcome = (
        "denied"
        if isinstance(error, NotAllowed)
        else "refused"
        if isinstance(error, AdminError)
        else "failed"
    )
    draft.message = str(error) if isinstance(error, AdminError) else type(error).__name__
    draft.changes.clear()
    note(database, draft, kept=[row_of(draft.message) for row_of in work.kept])


def _arguments(function: Callable[..., Any], work: Work, args: Any, kwargs: Any) -> dict[str, Any]:
    bound = _signature(function).bind(work, *args, **kwargs)
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])


_signature: Final = functools.cache(inspect.signature)


def name_of(function: Callable[..., Any]) -> str:
    """What the audit calls a function: `refunds.approve`.

    A desk that has grown into a package keeps its name: `lib.services.refunds.queue.approve` is that too.
    """
    module = function.__module__
    desk = module.removeprefix(_DESKS)
    return f"{desk.partition('.')[0] if desk != module else module.rpartition('.')[2]}.{function.__name__}"
