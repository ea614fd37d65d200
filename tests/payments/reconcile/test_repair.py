"""Repairs: once, only what was shown, and nothing kept when it does not help."""

from typing import Any

import httpx
import pytest

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused, StripeFailed
from lib.core.settings import Settings
from lib.core.work import Digest, reading, working
from lib.jobs.worker import Worker
from lib.models import AuditEntry, DriftFinding, InboxEvent, Payment, Subscription, SubscriptionChange
from lib.payments import reconcile
from lib.payments.gateway import Gateway
from lib.payments.reconcile import Budget
from lib.services import drift
from tests.payments.reconcile import drifts
from tests.payments.reconcile.conftest import Open
from tests.payments.reconcile.world import World
from tests.payments.told import only, rows

FINANCE = Actor("f1", "finance@example.org", Role.FINANCE)
SUPPORT = Actor("s1", "support@example.org", Role.SUPPORT)


def apart(made: Open, *names: str) -> Gateway:
    """A world in which each of these classes occurs once."""
    world = World()
    for name in names:
        drifts.DRIFTS[name](world, world.couple(name))
    return made(world)


def walk(database: Database, gateway: Gateway) -> None:
    reconcile.walk(database, gateway, budget=Budget(10_000))


def ask(database: Database, kind: str, *, by: Actor = FINANCE, **over: Any) -> str:
    row = only(database, DriftFinding, kind=kind)
    with working(database, by) as work:
        drift.repair(work, row.id, **({"shown": Digest(row.digest), "reason": "As Stripe says"} | over))
    return str(row.id)


def test_the_worker_repairs_what_was_asked_for(database: Database, made: Open) -> None:
    gateway = apart(made, "subscription_price")
    walk(database, gateway)
    ask(database, "subscription_price")
    settings = Settings.from_environment({"DATABASE_URL": str(database.primary.url)})
    worker = Worker(database, gateway, settings)
    worker._jobs, worker._long_jobs = [], []
    worker.look_after_money()

    finding = only(database, DriftFinding)
    assert (finding.state, finding.asked_by, finding.outcome) == ("repaired", "finance@example.org", None)
    assert only(database, Subscription).price_cents == 3000
    assert rows(database, SubscriptionChange)[-1].list_arr_cents == 36_000


def test_a_second_repair_of_the_same_finding_does_nothing(database: Database, made: Open) -> None:
    gateway = apart(made, "payment_unknown")
    walk(database, gateway)
    finding = ask(database, "payment_unknown")
    states = [reconcile.run(database, gateway, finding) for _ in range(2)]

    assert states == ["repaired", "repaired"]
    assert len(rows(database, Payment)) == 1
    with pytest.raises(Refused, match="settled"):
        ask(database, "payment_unknown")


def test_what_changed_between_asking_and_doing_is_not_repaired(database: Database, made: Open) -> None:
    gateway = apart(made, "subscription_price")
    walk(database, gateway)
    finding = ask(database, "subscription_price")
    set_price(database, 2000)
    state = reconcile.run(database, gateway, finding)

    row = only(database, DriftFinding)
    assert (state, row.ours, only(database, Subscription).price_cents) == ("open", "$20.00", 2000)
    assert "changed since it was shown" in row.outcome


def test_what_was_settled_meanwhile_is_gone(database: Database, made: Open) -> None:
    gateway = apart(made, "subscription_price")
    walk(database, gateway)
    finding = ask(database, "subscription_price")
    set_price(database, 3000)

    assert reconcile.run(database, gateway, finding) == "gone"
    assert rows(database, SubscriptionChange) == []


def set_price(database: Database, cents: int) -> None:
    with database.primary.begin() as connection:
        connection.execute(Subscription.__table__.update().values(price_cents=cents))


def test_another_value_takes_back_what_was_asked_for(database: Database, made: Open) -> None:
    gateway = apart(made, "subscription_price")
    walk(database, gateway)
    ask(database, "subscription_price")
    set_price(database, 2000)
    walk(database, gateway)

    assert only(database, DriftFinding).state == "open"
    assert reconcile.asked(database) == []


@pytest.mark.parametrize("kind", ["subscription_gone", "payment_uncollected", "both_partners_pay"])
def test_what_has_no_safe_repair_says_why(database: Database, made: Open, kind: str) -> None:
    walk(database, apart(made, kind))

    with pytest.raises(Refused) as refusal:
        ask(database, kind)
    assert str(refusal.value) == only(database, DriftFinding, kind=kind).why_not


def test_money_without_an_invoice_has_no_safe_repair(database: Database, made: Open) -> None:
    world = World()
    couple = world.couple("one")
    drifts.payment_unknown(world, couple)
    couple.stripe["invoice"] = None
    intent = couple.stripe["payment_intent"]
    assert intent is not None
    del intent["invoice"]
    walk(database, made(world))

    with pytest.raises(Refused, match="without an invoice"):
        ask(database, "payment_unknown")


def test_only_who_may_asks_and_says_why(database: Database, made: Open) -> None:
    walk(database, apart(made, "subscription_price"))

    with pytest.raises(NotAllowed):
        ask(database, "subscription_price", by=SUPPORT)
    with pytest.raises(Invalid, match="Say why"):
        ask(database, "subscription_price", reason=" ")
    with pytest.raises(Refused, match="changed since it was shown"):
        ask(database, "subscription_price", shown=Digest("another"))
    with pytest.raises(NotFound), working(database, FINANCE) as work:
        drift.repair(work, "none", shown=Digest("x"), reason="r")


def test_a_stripe_that_is_away_leaves_the_repair_waiting(database: Database, made: Open) -> None:
    gateway = apart(made, "subscription_price")
    walk(database, gateway)
    finding = ask(database, "subscription_price")
    url = gateway._connection.v1._requestor._options.base_addresses["api"]
    httpx.post(f"{url}/_sandbox/faults", json={"fault": "500", "times": 1}).raise_for_status()
    with pytest.raises(StripeFailed):
        reconcile.run(database, gateway, finding)
    waiting = reconcile.asked(database)

    assert waiting == [finding]
    assert reconcile.run(database, gateway, finding) == "repaired"


def test_what_the_app_owns_is_not_received_here(database: Database, made: Open) -> None:
    gateway = apart(made, "event_missing")
    walk(database, gateway)
    finding = ask(database, "event_missing")
    state = reconcile.run(database, gateway, finding, mode="observe")

    assert state == "open"
    assert "STRIPE_WEBHOOKS=observe" in only(database, DriftFinding).outcome
    assert [row.event_id for row in rows(database, InboxEvent)] == ["evt_first"]


def test_all_of_a_class_are_asked_for_at_once_if_there_are_no_more_than_shown(
    database: Database, made: Open
) -> None:
    world = World()
    for name in ("one", "two", "three"):
        drifts.subscription_price(world, world.couple(name))
    gateway = made(world)
    walk(database, gateway)
    with pytest.raises(Refused, match="3 by now, not 2"), working(database, FINANCE) as work:
        drift.repair_class(work, "subscription_price", shown=2, reason="As Stripe says")
    with working(database, FINANCE) as work:
        number = drift.repair_class(work, "subscription_price", shown=3, reason="As Stripe says")
    states = [reconcile.run(database, gateway, finding) for finding in reconcile.asked(database)]

    assert (number, states) == (3, ["repaired"] * 3)
    assert [row.outcome for row in rows(database, AuditEntry, action="drift.repair_class")] == [
        "refused",
        "done",
    ]


def test_one_subscription_is_compared_alone(database: Database, made: Open) -> None:
    names = ("subscription_price", "subscription_ending", "subscription_gone")
    gateway = apart(made, *names)
    found = {}
    for row in rows(database, Subscription):
        with reading(database, SUPPORT) as view:
            question = drift.question(view, row.id)
        assert question is not None
        found[row.id] = [finding.kind for finding in reconcile.of_subscription(gateway, question)]

    assert found == {f"own_{name}": [name] for name in names}
    assert rows(database, DriftFinding) == []
