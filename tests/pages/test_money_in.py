"""The Payments section of the Revenue page: from a figure of money to the payments that add up to it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.jobs import payment_days
from tests.factories import make_couple, make_payment, make_refund, make_subscription, make_user
from tests.pages.at_desk import open_page, said, staffed_copy, written


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    """A couple whose payment was refused, paid two days later, and given back."""
    database = staffed_copy(staffed, tmp_path / "admin.db")
    now = moments.now()
    user = make_user(database, name="Anna Example")
    couple = make_couple(database, id="c1", user_1_id=user)
    make_subscription(database, id="s1", relationship_id=couple, user_id=user)
    for status, on in (("failed", now - timedelta(days=2)), ("succeeded", now)):
        paid = make_payment(
            database,
            user_id=user,
            relationship_id=couple,
            subscription_id="s1",
            status=status,
            created_at=on,
            processed_at=on,
        )
    make_refund(
        database,
        transaction_id=paid,
        user_id=user,
        refund_amount_cents=1_250,
        refund_reason="duplicate",
        status="processed",
        processed_at=now,
    )
    payment_days.run(database, Settings.from_environment({}), now + timedelta(minutes=1))
    yield database
    database.dispose()


def behind(**address: str) -> AppTest:
    return open_page(Role.FINANCE, "revenue", section="Payments", month="Last 30 days", **address)


@pytest.mark.parametrize(
    ("address", "amounts"),
    [
        ({}, ["$30.00"]),
        ({"what": "failed"}, ["$30.00"]),
        ({"what": "recovered"}, ["$30.00"]),
        ({"what": "refunded", "reason": "duplicate"}, ["$12.50"]),
    ],
    ids=["paid", "failed", "recovered", "refunded"],
)
def test_an_address_leads_to_the_payments_behind_a_figure(
    database: Database, address: dict[str, str], amounts: list[str]
) -> None:
    page = behind(**address)

    assert not page.exception, page.exception
    assert written(page.dataframe[-1], "cents") == amounts
    assert "They add up to the figure of the month." in said(page)


def test_a_refusal_and_what_came_of_it_stand_in_a_table_with_the_rate(database: Database) -> None:
    tables = [frame.value for frame in behind().dataframe]
    refused = next(table for table in tables if "failed_rate" in table)

    assert refused["failed_payments"].sum() == 1
    assert refused["recovered_payments"].sum() == 1


def test_product_sees_the_sums_and_not_the_payments(database: Database) -> None:
    page = open_page(Role.PRODUCT, "revenue", section="Payments")

    assert not page.exception, page.exception
    assert "Anna" not in str([frame.value for frame in page.dataframe])
