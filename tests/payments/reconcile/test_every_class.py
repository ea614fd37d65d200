"""A company that drifted apart in every way there is: found, told apart, and repaired where it is safe."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.work import Digest, working
from lib.models import AuditEntry, DriftFinding, Operation
from lib.payments import inbox, reconcile
from lib.payments.gateway import Gateway
from lib.payments.reconcile import CLASSES, REPAIRABLE, Budget
from lib.payments.reconcile.remedies import REMEDIES
from lib.payments.sandbox import server
from lib.services import drift
from tests.payments.reconcile.drifts import DRIFTS
from tests.payments.reconcile.world import World, gateway_at
from tests.payments.told import rows

FINANCE = Actor("f1", "finance@example.org", Role.FINANCE)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def expected(database: Database, tmp_path: Path) -> dict[str, str]:
    """What drifted, by class: the object that the finding has to name. Beside it couples that did not."""
    world = World()
    for number in range(3):
        world.couple(f"equal{number}")
    expected = {name: bring_about(world, world.couple(name)) for name, bring_about in DRIFTS.items()}
    world.write(database, tmp_path / "stripe.db")
    return expected


@pytest.fixture
def gateway(expected: dict[str, str], tmp_path: Path) -> Iterator[Gateway]:
    with server.running(tmp_path / "stripe.db") as url:
        made = gateway_at(url)
        yield made
        made.close()


def walk(database: Database, gateway: Gateway) -> reconcile.Walked:
    return reconcile.walk(database, gateway, budget=Budget(10_000))


def found(database: Database, *states: str) -> dict[str, str]:
    """The findings by class. Two of one class would hide each other, so that is checked here."""
    findings = [row for row in rows(database, DriftFinding) if row.state in (states or ("open",))]
    by_class = {row.kind: row.stripe_id or row.object_id for row in findings}
    assert len(by_class) == len(findings), [(row.kind, row.finding_key) for row in findings]
    return by_class


def test_every_class_has_a_deliberate_drift_and_a_remedy_if_it_says_so() -> None:
    assert DRIFTS.keys() == CLASSES.keys()
    assert REMEDIES.keys() == set(REPAIRABLE)
    assert all((each.repair is None) != (each.why_none is None) for each in CLASSES.values())


def test_each_drift_is_found_once_and_as_what_it_is(
    database: Database, gateway: Gateway, expected: dict[str, str]
) -> None:
    walked = walk(database, gateway)

    assert found(database) == expected
    assert walked.found == len(expected)


def test_what_is_safe_to_repair_is_repaired_and_a_second_run_finds_only_the_rest(
    database: Database, gateway: Gateway, expected: dict[str, str]
) -> None:
    walk(database, gateway)
    for row in rows(database, DriftFinding):
        if row.why_not is None:
            with working(database, FINANCE) as work:
                drift.repair(work, row.id, shown=Digest(row.digest), reason="As Stripe says")
    waiting = rows(database, DriftFinding, state="asked")
    states = {row.kind: reconcile.run(database, gateway, row.id) for row in waiting}
    inbox.apply_due(database, gateway)
    walk(database, gateway)

    assert states == dict.fromkeys(REPAIRABLE, "repaired")
    assert found(database) == {name: key for name, key in expected.items() if name not in REPAIRABLE}
    assert found(database, "repaired").keys() == set(REPAIRABLE)
    assert rows(database, Operation) == []
    audited = {
        action: [(row.actor_id, row.outcome) for row in rows(database, AuditEntry, action=action)]
        for action in ("drift.repair", "repair.follow")
    }
    assert audited == {
        "drift.repair": [("f1", "done")] * len(REPAIRABLE),
        "repair.follow": [("system:worker", "done")] * len(REPAIRABLE),
    }


def test_a_company_that_is_equal_has_no_drift(database: Database, tmp_path: Path) -> None:
    world = World()
    for name in ("one", "two", "three"):
        world.couple(name)
    world.couple("refunded").refunded(1000)
    world.write(database, tmp_path / "equal.db")
    with server.running(tmp_path / "equal.db") as url:
        gateway = gateway_at(url)
        walked = walk(database, gateway)
        gateway.close()

    assert (walked.found, found(database)) == (0, {})
    assert walked.compared > 15
