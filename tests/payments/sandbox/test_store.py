"""Bulk loading: the facts of a company, written without the server and read through the real SDK."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lib.core.errors import Invalid
from lib.payments.sandbox.kinds import KINDS
from lib.payments.sandbox.store import Store
from tests.payments.sandbox.account import Account, opened, refusal

START = 1_790_000_000
MONTH = 30 * 86_400


def company() -> Iterator[tuple[str, dict[str, Any]]]:
    """One customer with one paid month, with as few facts as each kind takes."""
    yield "product", {"id": "prod_try", "created": START, "name": "Try It Out"}
    yield (
        "price",
        {
            "id": "price_try",
            "created": START,
            "product": "prod_try",
            "unit_amount": 3000,
            "interval": "month",
        },
    )
    yield "coupon", {"id": "SPRING", "created": START, "duration": "once", "percent_off": 10.0}
    yield "promotion_code", {"id": "promo_1", "created": START, "coupon": "SPRING", "code": "Spring24"}
    yield "customer", {"id": "cus_1", "created": START, "email": "one@example.org"}
    yield "payment_method", {"id": "pm_1", "created": START, "customer": "cus_1", "last4": "1881"}
    yield (
        "subscription",
        {
            "id": "sub_1",
            "created": START,
            "customer": "cus_1",
            "status": "active",
            "items": [{"price": "price_try"}],
            "current_period_start": START,
            "current_period_end": START + MONTH,
            "default_payment_method": "pm_1",
        },
    )
    yield (
        "invoice",
        {
            "id": "in_1",
            "created": START,
            "customer": "cus_1",
            "subscription": "sub_1",
            "status": "paid",
            "lines": [{"amount": 3000, "price": "price_try"}],
        },
    )
    yield (
        "payment_intent",
        {
            "id": "pi_1",
            "created": START,
            "amount": 3000,
            "status": "succeeded",
            "customer": "cus_1",
            "invoice": "in_1",
            "payment_method": "pm_1",
        },
    )
    yield (
        "charge",
        {
            "id": "ch_1",
            "created": START,
            "amount": 3000,
            "status": "succeeded",
            "payment_intent": "pi_1",
            "customer": "cus_1",
            "payment_method": "pm_1",
        },
    )
    yield (
        "refund",
        {"id": "re_1", "created": START + 60, "amount": 500, "charge": "ch_1", "payment_intent": "pi_1"},
    )
    yield (
        "event",
        {
            "id": "evt_1",
            "created": START + 60,
            "type": "charge.refunded",
            "subject": "ch_1",
            "subject_kind": "charge",
        },
    )


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A server on a file that was loaded in bulk."""
    path = tmp_path_factory.mktemp("loaded") / "stripe.db"
    store = Store(path)
    store.load(company())
    store.close()
    with opened(path) as account:
        yield account


def test_what_follows_from_the_facts_is_derived(loaded: Account) -> None:
    subscription = loaded.v1.subscriptions.retrieve("sub_1", {"expand": ["latest_invoice.payments"]})
    invoice = subscription.latest_invoice
    charge = loaded.v1.charges.retrieve("ch_1")

    assert subscription["items"].data[0].price.unit_amount == 3000
    assert (invoice.id, invoice.amount_paid, invoice.payments.data[0].status) == ("in_1", 3000, "paid")
    assert (charge.amount_refunded, charge.payment_method_details.card.last4) == (500, "1881")
    assert loaded.v1.payment_intents.retrieve("pi_1").latest_charge == "ch_1"
    assert loaded.v1.promotion_codes.list({"code": "SPRING24"}).data[0].active is True


def test_a_loaded_event_shows_its_object_as_it_is_now(loaded: Account) -> None:
    event = loaded.v1.events.retrieve("evt_1")

    assert (event.type, event.data.object["amount_refunded"]) == ("charge.refunded", 500)
    assert event.pending_webhooks == 0


def test_loaded_objects_take_part_in_everything(loaded: Account) -> None:
    refund = loaded.v1.refunds.create({"charge": "ch_1"})
    renewed = loaded.control("POST", "/subscriptions/sub_1/renew")
    error = refusal(lambda: loaded.v1.refunds.create({"charge": "ch_1"}))

    assert refund.amount == 2500
    assert renewed["status"] == "active"
    assert renewed["items"]["data"][0]["current_period_start"] == START + MONTH
    assert error.code == "charge_already_refunded"


def test_every_kind_of_object_is_counted_by_the_health_check(loaded: Account) -> None:
    health = loaded.control("GET", "/health")

    assert health["ok"] is True
    assert set(health["objects"]) == set(KINDS)
    assert health["objects"]["customer"] == 1


def test_loading_again_replaces_what_has_the_same_id(tmp_path: Path) -> None:
    store = Store(tmp_path / "stripe.db")
    store.load(company())
    changed = {"id": "cus_1", "created": START, "email": "other@example.org"}

    assert store.load([("customer", changed)]) == 1
    assert store.count("customer") == 1
    assert store.get("customer", "cus_1") == {"object": "customer", **changed}
    store.close()


def test_memory_stays_small_however_much_is_loaded(tmp_path: Path) -> None:
    def customers() -> Iterator[tuple[str, dict[str, Any]]]:
        for number in range(30_000):
            yield "customer", {"id": f"cus_{number}", "created": START + number, "name": "x" * 200}

    store = Store(tmp_path / "stripe.db")
    tracemalloc.start()
    total = store.load(customers())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert total == store.count("customer") == 30_000
    assert peak < 10_000_000
    store.close()


@pytest.mark.parametrize(
    ("kind", "facts", "what"),
    [
        ("dispute", {"id": "dp_1"}, "dispute"),
        ("refund", {"id": "re_1", "created": START, "amount": 1}, "charge"),
        ("customer", {"id": "cus_1", "created": START, "mail": "x"}, "mail"),
    ],
)
def test_facts_that_are_missing_or_unknown_are_refused_by_name(
    tmp_path: Path, kind: str, facts: dict[str, Any], what: str
) -> None:
    store = Store(tmp_path / "stripe.db")
    with pytest.raises(Invalid, match=what):
        store.load([(kind, facts)])
    store.close()


def test_lists_use_an_index(tmp_path: Path) -> None:
    store = Store(tmp_path / "stripe.db")
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    for kind, described in KINDS.items():
        next(store.select(kind), None)
        for column in ("customer", "parent", "lookup"):
            if getattr(described, column):
                next(store.select(kind, **{column: "x"}), None)
    store.connection.set_trace_callback(None)
    plans = [store.connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in asked]

    assert len(plans) > 30
    assert [plan for plan in plans if not any("USING INDEX" in row[3] for row in plan)] == []
    store.close()
