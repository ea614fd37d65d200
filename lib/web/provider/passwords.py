"""Whether a password is right. After five wrong ones an address is locked for a minute."""

from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from pwdlib import PasswordHash
from sqlalchemy import Connection, delete, insert, select, update

from lib.core.database import Database
from lib.models import AdminUser, SignInFailure

FAILURES_ALLOWED: Final = 5
LOCKED_FOR: Final = timedelta(minutes=1)

_hashing: Final = PasswordHash.recommended()


class Answer(StrEnum):
    """What came of an address and a password."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


def check(database: Database, email: str, password: str, now: datetime) -> Answer:
    """Check a password. An unknown address takes as long, fails in the same words and is locked alike.

    Its rows are housekeeping of the sign-in itself, before anybody is known: plain statements, not actions.
    """
    with database.primary.execution_options(writes=False).connect() as connection:
        hashed = connection.scalar(
            select(AdminUser.password_hash).where(AdminUser.email == email, AdminUser.is_active)
        )
        locked_until = connection.scalar(
            select(SignInFailure.locked_until).where(SignInFailure.email == email)
        )
    # Checked before the lock is looked at, so that the time taken does not tell of it either.
    right = _hashing.verify(password, hashed or _hash_of_nobody()) and hashed is not None
    if locked_until is not None and locked_until > now:
        return Answer.LOCKED
    with database.primary.execution_options(writes=True).begin() as connection:
        if right:
            connection.execute(delete(SignInFailure).where(SignInFailure.email == email))
            return Answer.RIGHT
        return _note_failure(connection, email, now)


def _note_failure(connection: Connection, email: str, now: datetime) -> Answer:
    known = connection.execute(
        select(SignInFailure.failures, SignInFailure.locked_until)
        .where(SignInFailure.email == email)
        .with_for_update()
    ).one_or_none()
    # A lock that has passed gives five tries again.
    before = 0 if known is None or known.locked_until is not None else known.failures
    failures = before + 1
    locked_until = now + LOCKED_FOR if failures >= FAILURES_ALLOWED else None
    values = {"failures": failures, "locked_until": locked_until}
    if known is None:
        connection.execute(insert(SignInFailure).values(email=email, **values))
    else:
        connection.execute(update(SignInFailure).where(SignInFailure.email == email).values(**values))
    return Answer.LOCKED if locked_until else Answer.WRONG


@cache
def _hash_of_nobody() -> str:
    return _hashing.hash("nobody has this password")
