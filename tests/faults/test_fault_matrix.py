"""Each kind of operation x each way in which a request can go wrong: done once, and our rows follow.

What Stripe did is read off its events: an operation that went wrong on the way must leave the same events
there as one that did not, no more and no fewer. The run prints the cells as a table. By default each kind
meets two of the faults, and each fault a quarter of the kinds; with FULL=1 every cell is tried.
"""

import socket
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import pytest

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading
from lib.models import Operation
from lib.payments import operations
from lib.payments.gateway import Gateway
from lib.payments.kinds import KINDS
from tests import matrices
from tests.faults.scenarios import SCENARIOS
from tests.local_stripe import KEY, LocalStripe
from tests.payments.outbox import dies_with_the_answer
from tests.sized import times

pytestmark = pytest.mark.sized

TURNS: Final = 6
SLOW: Final = 0.4  # seconds until the gateway of these tests gives up waiting


def impatient(url: str) -> Gateway:
    return Gateway(KEY, api_base=url, retries=0, timeout=(1, SLOW), sleep=lambda _: None)


def at_stripe(fault: str) -> Callable[[Database, LocalStripe, str, datetime], None]:
    """The next request that changes something meets a fault of Stripe's."""

    def first_try(database: Database, stripe: LocalStripe, operation_id: str, now: datetime) -> None:
        # The gateway itself repeats a 429 four times.
        times = 4 if fault == "429" else 1
        for method in ("POST", "DELETE"):
            stripe.goes_wrong(fault, method=method, times=times, delay_seconds=2 * SLOW)
        gateway = impatient(stripe.url)
        operations.run(database, gateway, operation_id, "first", now=now)
        gateway.close()
        stripe.goes_right()

    return first_try


def refused_connection(database: Database, _stripe: LocalStripe, operation_id: str, now: datetime) -> None:
    with socket.socket() as reserved:  # bound, but nobody listens
        reserved.bind(("127.0.0.1", 0))
        gateway = impatient(f"http://127.0.0.1:{reserved.getsockname()[1]}")
        operations.run(database, gateway, operation_id, "first", now=now)
        gateway.close()


def crash_before_storing(database: Database, stripe: LocalStripe, operation_id: str, now: datetime) -> None:
    outcome = dies_with_the_answer(database, stripe, operation_id, now)
    assert outcome is not None
    assert outcome.answer is not None


def crash_before_settling(database: Database, stripe: LocalStripe, operation_id: str, now: datetime) -> None:
    operations.run(database, stripe.gateway, operation_id, "first", now=now)


FAULTS: Final = {
    "429": at_stripe("429"),
    "500": at_stripe("500"),
    "time-out before effect": at_stripe("timeout_before"),
    "time-out after effect": at_stripe("timeout_after"),
    "connection refused": refused_connection,
    "invalid JSON": at_stripe("invalid_json"),
    "crash before storing": crash_before_storing,
    "crash before settling": crash_before_settling,
}

CELLS: Final = [
    (kind, fault)
    for row, kind in enumerate(sorted(SCENARIOS))
    for column, fault in enumerate(FAULTS)
    if (row + column) % times(4, 1) == 0
]


def events_since(stripe: LocalStripe, newest: str | None) -> Counter[str]:
    """What happened at Stripe after an event, by type."""
    return Counter(event["type"] for event in stripe.events(since=newest))


def work_off(database: Database, stripe: LocalStripe, operation_id: str, now: datetime) -> Operation:
    """Let a worker take turns until the operation is closed, an hour apart."""
    for turn in range(1, TURNS):
        moment = now + turn * timedelta(hours=1)
        operations.run(database, stripe.gateway, operation_id, "second", now=moment)
        operations.settle(database, stripe.gateway, operation_id, now=moment)
    with reading(database, operations.WORKER) as view:
        return view.session.get_one(Operation, operation_id)


def tried(
    database: Database, stripe: LocalStripe, kind: str, fault: str | None
) -> tuple[Operation, Counter[str]]:
    """The operation when all is over, and what happened at Stripe meanwhile."""
    stripe.goes_right()
    queued = SCENARIOS[kind](database, stripe)
    newest = stripe.newest_event()
    now = moments.now()
    if fault is not None:
        FAULTS[fault](database, stripe, queued.id, now)
    closed = work_off(database, stripe, queued.id, now)
    return closed, events_since(stripe, newest)


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Counter[str]]:
    """What each kind does at Stripe when nothing goes wrong; found out once."""
    return {}


def test_every_kind_of_operation_has_a_scenario() -> None:
    assert SCENARIOS.keys() == KINDS.keys()


@pytest.mark.parametrize(("kind", "fault"), CELLS)
def test_whatever_goes_wrong_it_is_done_once_and_our_rows_follow(
    sqlite: Database,
    stripe: LocalStripe,
    undisturbed: dict[str, Counter[str]],
    record_property: Callable[[str, object], None],
    kind: str,
    fault: str,
) -> None:
    matrices.cell(record_property, "operations x faults", kind, fault)
    if kind not in undisturbed:
        closed, undisturbed[kind] = tried(sqlite, stripe, kind, None)
        assert (closed.state, closed.attempts) == ("done", 1)

    closed, happened = tried(sqlite, stripe, kind, fault)

    assert (closed.state, closed.open_key) == ("done", None), closed.error_message
    assert happened == undisturbed[kind]
