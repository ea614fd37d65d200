"""The worker: does at Stripe what people decided, lets our rows follow, takes plans on, runs what is due.

Any number of workers may run on one database: an operation, an event and a job each belong to whoever holds
its lease. A worker that is killed leaves leases that end; the next one asks Stripe what happened.
"""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.settings import Settings
from lib.jobs import batch_switch_offs, bulk_runs, code_batches, heartbeat, schedule
from lib.payments import inbox, operations, reconcile
from lib.payments.gateway import Gateway, gateway_of
from lib.services.plans import carrying_out

log = logging.getLogger(__name__)

IDLE_PAUSE_S: Final = 0.5
BEAT_EVERY: Final = timedelta(seconds=5)
# Whether a job is due is asked of many tables, and none is so urgent as money.
JOBS_PAUSE: Final = timedelta(seconds=3)
_AT_ONCE: Final = 20
_LONGEST_PAUSE_S: Final = 60.0


@dataclass(slots=True)
class Chore:
    """Something that is looked after again and again: `do` gives how much it did.

    With nothing to do it rests for `pause`. An error is logged and the chore rests, for longer each time, so
    that it neither ends the worker nor fills the log.
    """

    name: str
    do: Callable[[datetime], int]
    pause: timedelta = timedelta()
    failures: int = field(default=0, init=False)
    rests_until: datetime | None = field(default=None, init=False)

    def turn(self, now: datetime) -> int:
        """Do it once, unless it rests."""
        if self.rests_until is not None and now < self.rests_until:
            return 0
        try:
            done = self.do(now)
        except Exception:
            self.failures += 1
            pause = min(2.0**self.failures, _LONGEST_PAUSE_S)
            self.rests_until = now + timedelta(seconds=pause)
            log.exception("%s failed %d times in a row; it rests for %d s", self.name, self.failures, pause)
            return 0
        self.failures, self.rests_until = 0, None if done else now + self.pause
        return done


class Worker:
    """One worker on one database.

    `gateway`: None where no Stripe key is set; then operations wait, and events count as they were sent.
    `lease`: how long an operation is this worker's without a sign of life.
    """

    def __init__(
        self,
        database: Database,
        gateway: Gateway | None,
        settings: Settings,
        *,
        lease: timedelta = operations.LEASE,
        clock: Callable[[], datetime] = moments.now,
    ) -> None:
        self.name = heartbeat.process_name()
        self._database, self._gateway, self._settings = database, gateway, settings
        self._lease, self._clock = lease, clock
        self._beaten_at: datetime | None = None
        self._stop = threading.Event()
        money = [
            Chore("inbox", self._apply),
            Chore("replays", self._replay),
            Chore("plans", self._carry_out),
        ]
        if gateway is not None:
            money.insert(0, Chore("operations", self._operate))
            money.append(Chore("repairs", self._repair))
        self._heart = Chore("heartbeat", self._beat)
        self._money = [self._heart, *money]
        self._jobs = [
            Chore("bulk runs", self._work_off_bulk_runs),
            Chore("batches of codes", self._make_codes),
            Chore("batches switched off", self._switch_codes_off),
            Chore("jobs", lambda now: self._run_jobs(now, takes_hours=False), JOBS_PAUSE),
        ]
        self._long_jobs = [
            Chore("long jobs", lambda now: self._run_jobs(now, takes_hours=True), JOBS_PAUSE),
        ]

    def tick(self) -> int:
        """Look after everything once; gives how much was done, 0 when there was nothing to do."""
        return self.look_after_money() + self._turn([*self._jobs, *self._long_jobs])

    def look_after_money(self) -> int:
        """Look after operations, events and plans once, and leave jobs to later; gives how much was done."""
        return self._turn(self._money)

    def run_forever(self, stop: threading.Event) -> None:
        """Look after everything until `stop` is set; what was begun is finished first.

        Jobs have threads of their own, so that a long one keeps neither a refund nor a short one waiting.
        They are given up when the process ends: jobs go on where they were.
        """
        self._stop = stop
        threads = [
            threading.Thread(target=self._loop, args=(stop, chores), name=chores[0].name, daemon=True)
            for chores in (self._jobs, self._long_jobs)
        ]
        for thread in threads:
            thread.start()
        log.info("worker %s begins", self.name)
        self._loop(stop, self._money)
        for thread in threads:
            thread.join(timeout=IDLE_PAUSE_S * 4)
        log.info("worker %s ends", self.name)

    def _loop(self, stop: threading.Event, chores: list[Chore]) -> None:
        while not stop.is_set():
            if not self._turn(chores):
                stop.wait(IDLE_PAUSE_S)

    def _turn(self, chores: list[Chore]) -> int:
        return sum(chore.turn(self._clock()) for chore in chores if not self._stop.is_set())

    def _operate(self, now: datetime) -> int:
        assert self._gateway is not None
        waiting = operations.due(self._database, now, limit=_AT_ONCE)
        done = 0
        for operation_id in waiting:
            if self._stop.is_set():
                break
            self._run(self._gateway, operation_id)
            self._settle(self._gateway, operation_id)
            self._heart.turn(self._clock())
            done += 1
        return done

    def _run(self, gateway: Gateway, operation_id: str) -> None:
        try:
            operations.run(self._database, gateway, operation_id, self.name, lease=self._lease)
        except Exception:
            # Its lease keeps it from coming round at once, and others from waiting for it.
            log.exception("operation %s could not be run; it is tried again later", operation_id)

    def _settle(self, gateway: Gateway, operation_id: str) -> None:
        try:
            operations.settle(self._database, gateway, operation_id)
        except Refused:
            # An event about the same row came at the same moment. The next turn finds it as it is then.
            log.info("operation %s is settled later: its row has just changed", operation_id)
        except Exception:
            log.exception("operation %s could not be settled; Stripe's answer is kept", operation_id)
            operations.postpone(self._database, operation_id)

    def _apply(self, now: datetime) -> int:
        mode = self._settings.stripe_webhooks
        if mode == "observe":
            inbox.discover(self._database, now=now)
        return inbox.apply_due(self._database, self._gateway, now=now, limit=_AT_ONCE, mode=mode)

    def _work_off_bulk_runs(self, now: datetime) -> int:
        return bulk_runs.work_off(self._database, self.name, now)

    def _make_codes(self, now: datetime) -> int:
        return code_batches.work_off(self._database, self._gateway, self.name, now)

    def _switch_codes_off(self, now: datetime) -> int:
        return batch_switch_offs.work_off(self._database, self._gateway, self.name, now)

    def _replay(self, now: datetime) -> int:
        log = self._settings.stripe_webhooks == "receive"
        return inbox.advance(self._database, self._gateway, now=now, limit=_AT_ONCE, log=log)

    def _carry_out(self, now: datetime) -> int:
        return carrying_out.advance_due(self._database, now=now)

    def _repair(self, now: datetime) -> int:
        assert self._gateway is not None
        done = 0
        for finding_id in reconcile.asked(self._database, limit=_AT_ONCE):
            if self._stop.is_set():
                break
            mode = self._settings.stripe_webhooks
            reconcile.run(self._database, self._gateway, finding_id, mode=mode, now=now)
            done += 1
        return done

    def _run_jobs(self, now: datetime, *, takes_hours: bool) -> int:
        done = 0
        for name in schedule.due(self._database, now, takes_hours=takes_hours):
            if self._stop.is_set():
                break
            try:
                schedule.run(name, self._database, self._settings)
            except Refused as refusal:
                log.info("%s", refusal)
            else:
                done += 1
        return done

    def _beat(self, now: datetime) -> int:
        if self._beaten_at is None or now - self._beaten_at >= BEAT_EVERY:
            heartbeat.beat(self._database, "worker", now, process=self.name, stripe=self._gateway is not None)
            self._beaten_at = now
        return 0


def serve(settings: Settings) -> None:
    """Be a worker until SIGTERM or Ctrl-C, with the database and the Stripe account of the settings."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = Database(settings.database_url)
    gateway = gateway_of(settings)
    if gateway is None:
        log.warning("STRIPE_SECRET_KEY is not set: operations wait")
    try:
        database.ping()
        Worker(database, gateway, settings).run_forever(stop)
    finally:
        database.dispose()
