"""Idempotency keys: the first answer to a key is given again to whoever sends the same request with it.

Source: https://docs.stripe.com/api/idempotent_requests. Keys count for POST only and are forgotten after 24
hours. A request that was refused before its operation began (key, version, parameters, rate limit) is not
remembered; one that was refused by a rule, or whose card was declined, is.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.store import Store

KEPT_FOR = 86_400
_LONGEST_KEY = 255


@dataclass(frozen=True)
class Remembered:
    """The first answer to a key."""

    status: int
    body: bytes
    request_id: str


def recall(store: Store, key: str, path: str, form: dict[str, Any], now: int) -> Remembered | None:
    """The answer that this key already got, or None. Raises StripeError for a key used for something else."""
    if len(key) > _LONGEST_KEY:
        raise StripeError(f"Idempotency keys can be up to {_LONGEST_KEY} characters long.")
    store.connection.execute("DELETE FROM idempotency WHERE key = ? AND created < ?", (key, now - KEPT_FOR))
    row = store.connection.execute(
        "SELECT path, digest, status, body, request_id FROM idempotency WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    if row[0] != path:
        raise StripeError(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{path}' vs '{row[0]}'). Try using a key other than '{key}' if you meant to execute a "
            "different request.",
            type_="idempotency_error",
        )
    if row[1] != digest(form):
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters they were first used "
            f"with. Try using a key other than '{key}' if you meant to execute a different request.",
            type_="idempotency_error",
        )
    return Remembered(row[2], row[3], row[4])


def remember(store: Store, key: str, path: str, form: dict[str, Any], answer: Remembered, now: int) -> None:
    """Keep the answer; part of the transaction that it answers for."""
    store.connection.execute(
        "INSERT OR REPLACE INTO idempotency (key, created, path, digest, status, body, request_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, now, path, digest(form), answer.status, answer.body, answer.request_id),
    )


def digest(form: dict[str, Any]) -> str:
    """What two equal sets of parameters have in common, whatever their order."""
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()
