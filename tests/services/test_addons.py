"""Add-ons: found by status, kind and id; what is due next; which can be cancelled."""

from collections.abc import Iterator
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.errors import Invalid, NotFound, Refused
from lib.services import addons
from tests.factories import NOW, make_addon, make_purchase
from tests.services.desk import plan
from tests.staff import SUPPORT, do, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def found(database: Database, **filters: Any) -> list[str]:
    return [row.id for row in read(database, SUPPORT, addons.purchases.page, **filters).rows]


def test_purchases_are_found_by_status_kind_and_ids(database: Database) -> None:
    coaching = make_addon(database, addon_type="coaching", addon_name="An hour of coaching")
    hour = make_purchase(database, addon_id=coaching)
    box = make_purchase(database, status="canceled", stripe_subscription_id="sub_box")

    assert set(found(database)) == {hour, box}
    assert found(database, kind="coaching") == found(database, status="active") == [hour]
    assert found(database, q="sub_box") == found(database, q=box) == [box]
    for wrong in ({"status": "shipped"}, {"kind": "car"}):
        with pytest.raises(Invalid):
            found(database, **wrong)


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ({"stripe_subscription_id": "sub_1"}, True),
        ({}, False),
        ({"stripe_subscription_id": "sub_1", "canceled_at": NOW}, False),
        ({"stripe_subscription_id": "sub_1", "status": "canceled"}, False),
    ],
)
def test_what_goes_on_is_due_again_with_its_period(
    database: Database, facts: dict[str, Any], due: bool
) -> None:
    make_purchase(database, expiration_date=NOW, **facts)

    [row] = read(database, SUPPORT, addons.purchases.page).rows

    assert row.next_due == (NOW if due else None)


def test_the_list_is_served_by_an_index(database: Database) -> None:
    for filters in ({}, {"status": "active"}):
        steps = plan(database, addons.purchases, **filters)
        assert "idx_admin_user_addons_" in steps
        assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize(
    ("action", "facts", "sentence"),
    [
        (addons.cancel_now, {}, "bought once"),
        (addons.cancel_now, {"stripe_subscription_id": "sub_1", "status": "canceled"}, "has ended"),
        (
            addons.cancel_at_period_end,
            {"stripe_subscription_id": "sub_1", "canceled_at": NOW},
            "set to end with its period already",
        ),
    ],
)
def test_what_cannot_be_cancelled_is_refused_with_a_sentence(
    database: Database, action: Any, facts: dict[str, Any], sentence: str
) -> None:
    purchase = make_purchase(database, **facts)
    case = read(database, SUPPORT, addons.one, purchase)

    with pytest.raises(Refused, match=sentence):
        do(database, SUPPORT, action, purchase, shown=case.digest, reason="Moves abroad")


def test_a_cancellation_is_queued_once(database: Database) -> None:
    purchase = make_purchase(database, stripe_subscription_id="sub_1")
    shown = read(database, SUPPORT, addons.one, purchase).digest
    wish = {"shown": shown, "reason": "Moves abroad"}
    do(database, SUPPORT, addons.cancel_now, purchase, **wish)

    with pytest.raises(Refused, match="already under way"):
        do(database, SUPPORT, addons.cancel_at_period_end, purchase, **wish)
    case = read(database, SUPPORT, addons.one, purchase)
    assert "already under way" in case.why_not_cancel_now
    assert [step.id for step in read(database, SUPPORT, addons.progress, purchase)] == [case.operations[0].id]
    with pytest.raises(NotFound):
        read(database, SUPPORT, addons.one, "none")
