"""Sends events to webhook endpoints: signed, in their version, again and again until they are accepted.

A delivery is a row from the moment its event is recorded (same transaction), so a restart loses none. After a
failure the wait doubles, from half a second to five minutes, where Stripe takes hours; a delivery is given up
after 12 attempts. Each endpoint has a lane of its own: one that hangs does not hold up the others.
"""

import asyncio
import hashlib
import hmac
import json
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import httpx

from lib.core.errors import Invalid
from lib.payments.sandbox import shapes
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.store import Store
from lib.payments.sandbox.versions import present_event, version

Mode = Literal["deliver", "hold", "duplicate", "reorder"]
Order = Literal["arrival", "reverse", "shuffle"]

_MOST_ATTEMPTS = 12
_BATCH = 200
_GATHERING_SECONDS = 0.2
_IDLE_SECONDS = 0.5
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class WebhookTarget:
    """The endpoint that the server is started with. `api_version` None means today's."""

    url: str
    secret: str
    api_version: str | None = None


@dataclass(frozen=True)
class _Due:
    row: int
    event: str
    endpoint: str
    attempts: int


def signature(body: bytes, secret: str, moment: int) -> str:
    """The `Stripe-Signature` header. Source: https://docs.stripe.com/webhooks#verify-manually."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={signed}"


class Delivery:
    """Delivers in the background of the server's event loop. `mode` says how:

    deliver: in order, at once; duplicate: each twice; reorder: what has gathered, in reverse;
    hold: not until `flush` or another mode.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.mode: Mode = "deliver"
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()
        # An empty context: loading certificates takes a while, and nothing here goes over TLS.
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False, verify=plain)

    def set_mode(self, mode: str) -> None:
        """Raises Invalid for a mode that does not exist."""
        if mode not in get_args(Mode):
            raise Invalid(f"There is no delivery mode {mode!r}; there are {', '.join(get_args(Mode))}.")
        self.mode = mode  # type: ignore[assignment]  # checked above
        self.wake()

    def wake(self) -> None:
        """There is something new to deliver."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._wake.clear()
                if self.mode == "hold" or not self._due(time.time()):
                    await self._rest()
                    continue
                if self.mode == "reorder":
                    await asyncio.sleep(_GATHERING_SECONDS)
                order: Order = "reverse" if self.mode == "reorder" else "arrival"
                copies = 2 if self.mode == "duplicate" else 1
                async with self._busy:
                    await self._send(self._due(time.time()), order, copies)
        finally:
            await self._client.aclose()

    async def flush(self, order: str = "arrival", copies: int = 1) -> dict[str, int]:
        """Try everything that waits now, whatever the mode and the back-off; returns what became of it.

        `order` is arrival, reverse or shuffle; each event is sent `copies` times. Raises Invalid.
        """
        if order not in get_args(Order):
            raise Invalid(f"There is no order {order!r}; there are {', '.join(get_args(Order))}.")
        async with self._busy:
            due = self._due(float("inf"), limit=-1)
            accepted = await self._send(due, order, copies)  # type: ignore[arg-type]  # checked above
        return {"delivered": accepted, "waiting": self.waiting()}

    def waiting(self) -> int:
        """How many deliveries have not been accepted yet, nor been given up."""
        row = self.store.connection.execute("SELECT count(*) FROM delivery").fetchone()
        return int(row[0])

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), _IDLE_SECONDS)
        except TimeoutError:
            return

    def _due(self, moment: float, limit: int = _BATCH) -> list[_Due]:
        rows = self.store.connection.execute(
            "SELECT seq, event, endpoint, attempts FROM delivery WHERE due <= ? ORDER BY seq LIMIT ?",
            (moment, limit),
        )
        return [_Due(*row) for row in rows]

    async def _send(self, due: Sequence[_Due], order: Order, copies: int) -> int:
        """Send these and return how many were accepted."""
        ordered = list(reversed(due)) if order == "reverse" else list(due)
        if order == "shuffle":
            random.shuffle(ordered)
        lanes: dict[str, list[_Due]] = {}
        for one in ordered:
            lanes.setdefault(one.endpoint, []).append(one)
        return sum(await asyncio.gather(*(self._lane(lane, copies) for lane in lanes.values())))

    async def _lane(self, lane: list[_Due], copies: int) -> int:
        accepted = 0
        for one in lane:
            endpoint = self.store.get("webhook_endpoint", one.endpoint)
            event = self.store.get("event", one.event)
            if endpoint is None or event is None:
                self._done(one)
                continue
            outcomes = [await self._post(endpoint, event) for _ in range(copies)]
            failure = next((failure for failure in outcomes if failure), None)
            accepted += failure is None
            if failure is None or one.attempts + 1 >= _MOST_ATTEMPTS:
                self._done(one)
            else:
                self._again(one, failure)
        return accepted

    async def _post(self, endpoint: Facts, event: Facts) -> str | None:
        """Send once; None when it was accepted, else why not."""
        session = Session(self.store)
        shown = present_event(shapes.render(session, event), version(endpoint.get("api_version")))
        body = json.dumps(shown, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, endpoint["secret"], int(time.time())),
            "User-Agent": "Stripe/1.0 (local sandbox)",
        }
        try:
            answer = await self._client.post(endpoint["url"], content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.is_success else f"HTTP {answer.status_code}"

    def _done(self, one: _Due) -> None:
        self.store.connection.execute("DELETE FROM delivery WHERE seq = ?", (one.row,))

    def _again(self, one: _Due, failure: str) -> None:
        due = time.time() + min(300.0, 0.5 * 2**one.attempts)
        self.store.connection.execute(
            "UPDATE delivery SET attempts = attempts + 1, due = ?, error = ? WHERE seq = ?",
            (due, failure, one.row),
        )
