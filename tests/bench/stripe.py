"""Stripe's side of the load: webhooks accepted and applied, an operation's own time, the sandbox's.

    accept    8 clients post signed events to the app over HTTP; nothing else runs in it
    apply     the worker applies events, each object asked of the local Stripe anew
    own       an operation prepared, claimed, recorded and settled, without the time at Stripe
    sandbox   one call of the SDK to the local Stripe

python -m tests.bench.stripe    measures them all on a database of their own

Rates and times are those of the machine as it is: other programs on it make them worse. The CPU of the
process itself, which stands beside the first two, says more on a busy machine.
"""

import hashlib
import hmac
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from lib.core import schema
from lib.core.database import Database
from lib.models import InboxEvent
from lib.payments import inbox, operations
from lib.payments.gateway import Gateway
from lib.services import subscriptions
from tests import local_stripe
from tests.bench import export
from tests.local_stripe import LocalStripe
from tests.payments import told
from tests.staff import FINANCE, do, read

CLIENTS: Final = 8
EVENTS: Final = 2_000
APPLIED: Final = 300
OPERATIONS: Final = 60
CALLS: Final = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement beside its target; times in milliseconds."""

    name: str
    value: str
    target: str
    met: bool


def measure(tell: Callable[[Measured], None]) -> list[Measured]:
    """All four, each told as soon as it is known."""
    results: list[Measured] = []

    def say(*measured: Measured) -> None:
        for each in measured:
            results.append(each)
            tell(each)

    with tempfile.TemporaryDirectory() as folder, local_stripe.running(Path(folder)) as stripe:
        template = Path(folder) / "template.db"
        _migrate(template)
        say(*_accepted(shutil.copy(template, Path(folder) / "accept.db")))
        with _opened(shutil.copy(template, Path(folder) / "apply.db")) as database:
            say(_applied(database, stripe))
        with _opened(shutil.copy(template, Path(folder) / "own.db")) as database:
            say(_own_time(database, stripe))
        say(_sandbox_call(stripe.gateway))
    return results


def line(measured: Measured) -> str:
    """One line of the terminal's table."""
    verdict = "" if measured.met else "  ← missed"
    return f"{measured.name:36} {measured.value:62} target {measured.target}{verdict}"


def _accepted(path: str | Path) -> list[Measured]:
    url = f"sqlite:///{path}"
    bodies = [json.dumps(_event(number)).encode() for number in range(EVENTS)]
    with export.served(url) as (process, address):
        host = address.removeprefix("http://")
        _post_all(host, [json.dumps(_event(-1 - number)).encode() for number in range(200)])  # warm
        began, busy = time.perf_counter(), _cpu(process.pid)
        spent, errors = _post_all(host, bodies)
        seconds, busy = time.perf_counter() - began, _cpu(process.pid) - busy
    database = Database(url)
    with database.primary.connect() as connection:
        stored = connection.scalar(select(func.count()).select_from(InboxEvent))
    database.dispose()
    rate = len(bodies) / seconds
    cuts = statistics.quantiles(spent, n=100)
    failed = errors + (len(bodies) + 200 - (stored or 0))
    said = f"{rate:,.0f}/s, p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, {failed} errors"
    said += f", CPU {busy / len(bodies) * 1000:.1f} ms each"
    good = rate >= 500 and cuts[98] < 0.05 and not failed
    return [Measured(f"accept webhooks, {CLIENTS} clients", said, "500/s, p99 < 50 ms, no error", good)]


def _post_all(host: str, bodies: Sequence[bytes]) -> tuple[list[float], int]:
    """Post from eight clients at once; gives the seconds of each request, and how many were not kept."""
    spent: list[list[float]] = [[] for _ in range(CLIENTS)]
    errors = [0] * CLIENTS

    def post(number: int) -> None:
        connection = HTTPConnection(host)
        for body in bodies[number::CLIENTS]:
            headers = {"Stripe-Signature": _signature(body), "Content-Type": "application/json"}
            began = time.perf_counter()
            connection.request("POST", "/webhooks/stripe", body, headers)
            answer = connection.getresponse()
            answer.read()
            spent[number].append(time.perf_counter() - began)
            errors[number] += answer.status != 200
        connection.close()

    clients = [threading.Thread(target=post, args=(number,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return [each for some in spent for each in some], sum(errors)


def _applied(database: Database, stripe: LocalStripe) -> Measured:
    ids = []
    for _ in range(APPLIED):
        own = stripe.subscription(database)
        ids.append(read(database, FINANCE, subscriptions.one, own).stripe_subscription_id)
    for stripe_id in ids:
        source = told.subscription(stripe_id, "price_of_tests", status="past_due")
        event = told.event("customer.subscription.updated", source)
        inbox.receive(database, event, livemode_expected=False)
    began, busy = time.perf_counter(), time.process_time()
    while inbox.apply_due(database, stripe.gateway, limit=50):
        pass
    rate, busy = APPLIED / (time.perf_counter() - began), time.process_time() - busy
    with database.primary.connect() as connection:
        states = select(func.count()).select_from(InboxEvent).where(InboxEvent.state != "applied")
        left = connection.scalar(states)
    said = f"{rate:,.0f}/s, {left} not applied, CPU {busy / APPLIED * 1000:.1f} ms each"
    return Measured("apply events, each asked anew", said, "150/s", rate >= 150 and not left)


def _own_time(database: Database, stripe: LocalStripe) -> Measured:
    spent = []
    for _ in range(OPERATIONS):
        own = stripe.subscription(database)
        case = read(database, FINANCE, subscriptions.one, own)
        at_stripe = _Stopwatch(stripe.gateway)
        began = time.perf_counter()
        do(
            database,
            FINANCE,
            subscriptions.cancel_at_period_end,
            own,
            shown=case.digest,
            reason="Asked for",
        )
        for operation_id in operations.due(database, told.NOW.replace(year=2100)):
            operations.run(database, at_stripe.gateway, operation_id, "bench")
            operations.settle(database, at_stripe.gateway, operation_id)
        spent.append(time.perf_counter() - began - at_stripe.seconds)
        at_stripe.stop()
    p50, p95 = statistics.median(spent) * 1000, statistics.quantiles(spent, n=20)[18] * 1000
    return Measured("an operation without Stripe", f"p50 {p50:.0f} ms, p95 {p95:.0f} ms", "50 ms", p50 < 50)


class _Stopwatch:
    """Adds up the time that a gateway spends in requests."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.seconds = gateway, 0.0
        self._ask = gateway._connection.ask
        gateway._connection.ask = self._timed  # type: ignore[method-assign]

    def _timed(self, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return self._ask(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - began

    def stop(self) -> None:
        """Give the gateway its own way back."""
        self.gateway._connection.ask = self._ask  # type: ignore[method-assign]


def _sandbox_call(gateway: Gateway) -> Measured:
    spent = []
    for number in range(CALLS):
        began = time.perf_counter()
        gateway.subscriptions.retrieve(f"sub_{number}")
        spent.append(time.perf_counter() - began)
    p50, p95 = statistics.median(spent) * 1000, statistics.quantiles(spent, n=20)[18] * 1000
    said = f"p50 {p50:.1f} ms, p95 {p95:.1f} ms"
    return Measured("a call to the sandbox, SDK included", said, "5 ms", p50 < 5)


def _cpu(pid: int) -> float:
    """The seconds that a process has kept a core busy (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _event(number: int) -> dict[str, Any]:
    source = told.subscription(f"sub_{number}", "price_of_tests")
    return told.event("customer.subscription.updated", source, id=f"evt_bench_{number}")


def _signature(body: bytes) -> str:
    now = int(time.time())
    digest = hmac.new(export.WEBHOOK_SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


def _migrate(path: Path) -> None:
    with _opened(path) as database:
        schema.upgrade(database.primary)


@contextmanager
def _opened(path: str | Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.dispose()


def main() -> int:
    """Measure, print, and give 1 when a target was missed."""
    print(f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    results = measure(lambda measured: print(line(measured), flush=True))
    return 0 if all(measured.met for measured in results) else 1


if __name__ == "__main__":
    sys.exit(main())
