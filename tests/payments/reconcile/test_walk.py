"""The walk: in pages, at a pace, resumed after a kill, and never calling what is under way a drift."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from lib.core.database import Database
from lib.core.errors import StripeFailed
from lib.core.settings import Settings
from lib.jobs import drift as nightly
from lib.jobs import runs
from lib.models import DriftFinding, DriftSeen, DriftWalk, InboxEvent, Subscription
from lib.payments.gateway import Gateway
from lib.payments.reconcile import Budget, walk, walking
from tests.payments.reconcile.conftest import Open
from tests.payments.reconcile.drifts import subscription_gone, subscription_status
from tests.payments.reconcile.world import DAY, NOW, World, moment
from tests.payments.told import rows


class Killed(BaseException):
    """Stands for the end of the process: nothing is cleaned up after it."""


def asked_of(gateway: Gateway) -> list[str]:
    url = gateway._connection.v1._requestor._options.base_addresses["api"]
    calls = httpx.get(f"{url}/_sandbox/requests").raise_for_status().json()["requests"]
    return [call["path"] for call in calls]


def crowd(number: int) -> World:
    """A world of many couples of whom a few drifted apart, some of them late in every list."""
    world = World()
    for n in range(number):
        couple = world.couple(f"c{n:04}")
        couple.at_stripe("subscription", created=NOW - 10 * DAY + n)
        if n % 50 == 0:
            subscription_status(world, couple)
        if n % 50 == 25:
            subscription_gone(world, couple)
    return world


def kinds(database: Database, state: str = "open") -> list[str]:
    return sorted(f"{row.kind} {row.stripe_id}" for row in rows(database, DriftFinding, state=state))


def test_a_walk_that_is_killed_anywhere_goes_on_and_finds_the_same(database: Database, made: Open) -> None:
    gateway = made(crowd(130))
    whole = walk(database, gateway, budget=Budget(10_000))
    wanted, pages = kinds(database), whole.requests
    with database.primary.begin() as connection:
        connection.execute(DriftFinding.__table__.delete())

    class Doomed(Budget):
        left = 4

        def spend(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise Killed
            super().spend()

    kills, done = 0, None
    while done is None:
        try:
            done = walk(database, gateway, budget=Doomed(10_000))
        except Killed:
            kills += 1

    assert kinds(database) == wanted
    assert len(wanted) == 6
    assert kills >= pages // 4 - 1
    assert done.requests <= pages
    assert (len(rows(database, DriftWalk)), rows(database, DriftSeen)) == (2, [])


def test_what_stripe_did_not_list_is_asked_for_one_by_one(database: Database, made: Open) -> None:
    """A row that was made while the list was read is no drift: only a 404 is."""
    world = crowd(60)
    gateway = made(world)
    walk(database, gateway, budget=Budget(10_000), since=moment(NOW - 3600))

    asked = [path for path in asked_of(gateway) if path.startswith("/v1/subscriptions/")]
    assert asked == []
    walk(database, gateway, budget=Budget(10_000))
    asked = [path for path in asked_of(gateway) if path.startswith("/v1/subscriptions/")]
    assert asked == ["/v1/subscriptions/sub_c0025"]


def test_no_page_holds_more_than_a_chunk(
    database: Database, made: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "CHUNK", 20)
    gateway = made(crowd(130))
    read: list[int] = []
    compared = walk(database, gateway, budget=Budget(10_000), progress=read.append)

    steps = [after - before for before, after in zip([0, *read], read, strict=False)]
    assert max(steps) <= 100
    assert sum(steps) == compared.compared
    assert len(kinds(database)) == 6


def test_a_walk_of_what_is_new_leaves_older_findings_alone(database: Database, made: Open) -> None:
    world = World()
    old = world.couple("old")
    subscription_status(world, old)
    old.at_stripe("subscription", created=NOW - 90 * DAY)
    old.here("subscription", created_at=moment(NOW - 90 * DAY))
    subscription_status(world, world.couple("new"))
    gateway = made(world)
    walk(database, gateway, budget=Budget(10_000), since=moment(NOW - 30 * DAY))

    assert kinds(database) == ["subscription_status sub_new"]
    walk(database, gateway, budget=Budget(10_000))
    walk(database, gateway, budget=Budget(10_000), since=moment(NOW - 30 * DAY))
    assert len(kinds(database)) == 2


def test_what_is_settled_is_gone_and_what_comes_back_is_new(database: Database, made: Open) -> None:
    world = World()
    subscription_status(world, world.couple("one"))
    gateway = made(world)
    walk(database, gateway, budget=Budget(10_000))
    set_status(database, "past_due")
    walk(database, gateway, budget=Budget(10_000))
    gone = kinds(database, "gone")
    set_status(database, "active")
    walk(database, gateway, budget=Budget(10_000))

    assert gone == kinds(database) == ["subscription_status sub_one"]
    assert [row.gone_at for row in rows(database, DriftFinding)] == [None]


def set_status(database: Database, status: str) -> None:
    with database.primary.begin() as connection:
        connection.execute(Subscription.__table__.update().values(status=status))


def test_an_object_whose_event_waits_is_left_to_the_next_walk(database: Database, made: Open) -> None:
    world = World()
    subscription_status(world, world.couple("one"))
    waiting = {"event_id": "evt_1", "event_type": "customer.subscription.updated", "state": "received"}
    world.rows.append(
        (
            InboxEvent,
            waiting | {"stripe_object_id": "sub_one", "livemode": False, "received_at": moment(NOW)},
        )
    )
    gateway = made(world)
    walk(database, gateway, budget=Budget(10_000))

    assert kinds(database) == []


def test_requests_are_spread_over_time() -> None:
    present, naps = [100.0], []

    def sleep(seconds: float) -> None:
        naps.append(round(seconds, 3))
        present[0] += seconds

    budget = Budget(20, clock=lambda: present[0], sleep=sleep)
    for _ in range(4):
        budget.spend()
    present[0] += 10
    budget.spend()

    assert naps == [0.05, 0.05, 0.05]
    assert budget.spent == 5


def test_a_stripe_that_is_away_ends_the_run_and_keeps_what_was_found(database: Database, made: Open) -> None:
    gateway = made(crowd(60))
    url = gateway._connection.v1._requestor._options.base_addresses["api"]
    fault = {"fault": "500", "path": "/v1/refunds", "times": 9}
    httpx.post(f"{url}/_sandbox/faults", json=fault).raise_for_status()
    with pytest.raises(StripeFailed):
        walk(database, gateway, budget=Budget(10_000))
    httpx.delete(f"{url}/_sandbox/faults").raise_for_status()
    before = kinds(database)
    rest = walk(database, gateway, budget=Budget(10_000))

    assert len(before) == 3
    assert kinds(database) == before
    assert [row.state for row in rows(database, DriftWalk)] == ["done"]
    assert rest.requests < 15


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    return Settings.from_environment({"DATABASE_URL": sqlite_url})


def test_it_runs_once_a_night(database: Database, settings: Settings) -> None:
    two = moment(NOW).replace(hour=2, minute=0, second=0)

    def due(at: Any) -> bool:
        return nightly.is_due(database, at)

    first = due(two - timedelta(hours=1))
    nightly.run_for_day(database, two.date(), settings, two - timedelta(hours=1))

    assert first
    assert [due(two - timedelta(minutes=1)), due(two)] == [False, True]
    nightly.run_for_day(database, two.date(), settings, two)
    day = [due(two + timedelta(hours=hours)) for hours in (1, 12, 23, 24)]
    assert day == [False, False, False, True]


def test_a_night_that_failed_is_tried_again_half_an_hour_later(database: Database) -> None:
    two = moment(NOW).replace(hour=2, minute=0, second=0)
    with pytest.raises(ZeroDivisionError), runs.running(database, nightly.NAME, clock=lambda: two):
        raise ZeroDivisionError

    assert not nightly.is_due(database, two + timedelta(minutes=29))
    assert nightly.is_due(database, two + timedelta(minutes=30))


def test_the_run_keeps_how_it_went(database: Database, made: Open, settings: Settings) -> None:
    gateway = made(crowd(3))
    walked = nightly.compare(database, gateway, settings)

    run = runs.latest(database, nightly.NAME)
    assert run is not None
    assert run.state == "done"
    assert run.summary == {"compared": walked.compared, "found": 1, "gone": 0, "requests": walked.requests}
