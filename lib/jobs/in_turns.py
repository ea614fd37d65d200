"""Many codes, in turns: our rows a chunk at a time, then the promotion codes at Stripe, a few under a lease.

A chunk is one transaction that moves the count and the place reached with its rows, so whoever is killed
leaves whole chunks, and the next worker goes on from there. At Stripe every code has an idempotency key of
its own: what a killed worker had sent and not recorded is answered again, and done once.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, or_, select

from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.work import Work, reading, working
from lib.models import BatchSwitchOff, CodeBatch
from lib.payments.gateway import Gateway
from lib.services.discounts.batches import PER_SECOND

CHUNK: Final = 1_000
"""Rows in one transaction."""
SENT_AT_ONCE: Final = 100
"""Promotion codes between two transactions: what a killed worker may have to ask Stripe for again."""
LEASE: Final = timedelta(minutes=2)
_WORKER: Final = system("worker")


class Claimed(Protocol):
    """What one process alone may send to Stripe until its lease ends: each code by its key."""

    @property
    def codes(self) -> Mapping[Any, str]: ...


C = TypeVar("C", bound=Claimed)
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Turns(Generic[C, A]):
    """A kind of run over many codes, by the functions that are its own.

    `waits`: which rows of `run` are to be done. `here`: what is done in the state `begins_as`; in the other
    one, a slice is claimed, each code of it sent, and what Stripe answered recorded.
    """

    run: type[CodeBatch] | type[BatchSwitchOff]
    waits: ColumnElement[bool]
    begins_as: str
    here: Callable[[Work, str], int]
    claim: Callable[[Work, str, str], C | None]
    send: Callable[[Gateway, C, Any, str], A]
    record: Callable[[Work, str, str, list[A]], None]

    def work_off(
        self,
        database: Database,
        gateway: Gateway | None,
        owner: str,
        now: datetime,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> int:
        """Do one chunk of the oldest that waits; gives how many codes it came to, 0 when there is none.

        Raises StripeFailed when Stripe does not answer or is busy: what was sent is kept, and the rest waits.
        """
        run = self.run
        nobodys = or_(run.lease_until.is_(None), run.lease_until <= now)
        oldest = select(run.id, run.state).where(self.waits, nobodys).order_by(run.created_at, run.id)
        with reading(database, _WORKER, now=now) as view:
            waiting = view.session.execute(oldest).all()
        for key, state in waiting:
            try:
                if state == self.begins_as:
                    with working(database, _WORKER, now=now) as work:
                        done = self.here(work, key)
                else:
                    done = (
                        0 if gateway is None else self._at_stripe(database, gateway, key, owner, now, sleep)
                    )
            except Refused:
                # Another worker was quicker, or somebody stopped it at this moment.
                continue
            if done:
                return done
        return 0

    def _at_stripe(
        self,
        database: Database,
        gateway: Gateway,
        key: str,
        owner: str,
        now: datetime,
        sleep: Callable[[float], None],
    ) -> int:
        """Send a slice, no faster than the rate that we allow ourselves; what was sent is kept."""
        with working(database, _WORKER, now=now) as work:
            claimed = self.claim(work, key, owner)
        if claimed is None:
            return 0
        sent: list[A] = []
        try:
            for place, code in claimed.codes.items():
                began = time.monotonic()
                sent.append(self.send(gateway, claimed, place, code))
                sleep(max(0.0, 1 / PER_SECOND - (time.monotonic() - began)))
        finally:
            with working(database, _WORKER, now=now) as work:
                self.record(work, key, owner, sent)
        return len(sent)
