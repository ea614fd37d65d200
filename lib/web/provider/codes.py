"""Authorization codes (RFC 6749, 4.1): valid for a minute, for one use, with PKCE (RFC 7636, S256 only)."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select

from lib.core.database import Database
from lib.models import SignInCode

VALID_FOR: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Who a code was made for, and the nonce of the request that it answers."""

    email: str
    nonce: str | None


def issue(database: Database, email: str, nonce: str | None, challenge: str, now: datetime) -> str:
    """Make a code; the database keeps its digest only. Codes that ran out are swept on the way."""
    code = secrets.token_urlsafe(32)
    with database.primary.execution_options(writes=True).begin() as connection:
        connection.execute(delete(SignInCode).where(SignInCode.expires_at <= now))
        connection.execute(
            insert(SignInCode).values(
                code_digest=_digest(code),
                email=email,
                nonce=nonce,
                challenge=challenge,
                expires_at=now + VALID_FOR,
            )
        )
    return code


def redeem(database: Database, code: str, verifier: str, now: datetime) -> Redeemed | None:
    """Use a code up; None when it is unknown, used, too old, or the verifier is not the challenge's.

    A wrong verifier uses it up as well: whoever tries that has stolen it.
    """
    with database.primary.execution_options(writes=True).begin() as connection:
        found = connection.execute(
            select(SignInCode.email, SignInCode.nonce, SignInCode.challenge, SignInCode.expires_at).where(
                SignInCode.code_digest == _digest(code)
            )
        ).one_or_none()
        used = connection.execute(delete(SignInCode).where(SignInCode.code_digest == _digest(code)))
    if found is None or used.rowcount != 1 or found.expires_at <= now:
        return None
    if not hmac.compare_digest(challenge_of(verifier), found.challenge):
        return None
    return Redeemed(found.email, found.nonce)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
