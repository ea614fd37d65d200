"""What every limit per person and 24 hours shares: the window, one decision at a time, refused tries kept."""

from datetime import timedelta
from typing import Final, Protocol

from sqlalchemy import event, select
from sqlalchemy.orm import Session, SessionTransaction

from lib.core.guard import GuardedSession
from lib.core.work import Work
from lib.models import AdminUser

WINDOW: Final = timedelta(hours=24)


class Attempt(Protocol):
    """A row that says what was tried, with the limit as it was then."""

    refusal: str | None


def hold_actor(work: Work) -> None:
    """Hold the actor's own row, where there is one, until the action ends.

    Of two decisions of one person at the same moment the second waits, and sees what the first has used.
    """
    work.session.execute(select(AdminUser.id).where(AdminUser.id == work.actor.id).with_for_update())


def keep_refused(work: Work, attempt: Attempt, why: str) -> None:
    """Keep a refused attempt although its action is about to be rolled back: in a transaction of its own.

    It is written as soon as the action has let go of the database, because SQLite has one writer.
    """
    attempt.refusal = why
    bind = work.session.get_bind()
    kept = False

    def store(_session: Session, transaction: SessionTransaction) -> None:
        nonlocal kept
        if kept or transaction.parent is not None:
            return
        kept = True
        # No action is under way in that transaction, only a note about one that was turned down.
        with GuardedSession(bind) as own, own.begin():
            own.phase = "auditing"
            own.add(attempt)

    event.listen(work.session, "after_transaction_end", store)
