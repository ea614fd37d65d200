"""A month begins and ends in the zone of the business, also where clocks are moved in it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.settings import Settings
from lib.core.work import reading
from lib.jobs import daily
from lib.metrics import cohort_rows, cohorts, policies
from lib.services import month_close
from lib.services.month_close import late
from tests.factories import make_couple, make_payment
from tests.metrics.ledger import DESK, MONTHLY, entry
from tests.services.desk import act, read, somebody

MARCH = date(2026, 3, 1)
FINANCE = somebody("finance")
NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)
# March there: from the first of its moments on, and before the second; clocks are moved in it.
BOUNDS = {
    "Europe/Berlin": (datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
    "America/New_York": (datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 4, 1, 4, tzinfo=UTC)),
}
SECOND = timedelta(seconds=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of the test's own, on each engine in turn."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture(params=BOUNDS)
def zone(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def count(database: Database, zone: str) -> None:
    daily.run_daily(database, NOW.date(), Settings.from_environment({"BUSINESS_ZONE": zone}), now=NOW)


def cash(database: Database, zone: str) -> dict[str, Any]:
    shown = read(database, month_close.of_month, MARCH, by=FINANCE, now=NOW, zone=zone)
    return {each.measure: each.now for each in shown.differences if each.section == "cash"}


def test_payments_belong_to_the_month_of_the_zone(database: Database, zone: str) -> None:
    start, end = BOUNDS[zone]
    for cents, moment in ((1, start - SECOND), (20, start), (300, end - SECOND), (4_000, end)):
        make_payment(database, amount_cents=cents, processed_at=moment, created_at=moment)

    assert (cash(database, zone)["payments_cents"], cash(database, zone)["payments"]) == (320, 2)


def test_a_month_is_frozen_from_days_of_the_zone_and_not_before_it_is_over_there(
    database: Database, zone: str
) -> None:
    start, end = BOUNDS[zone]
    entry(database, start - timedelta(days=3), MONTHLY)
    entry(database, end - SECOND, MONTHLY, subscription_id="s2", relationship_id="c2")
    entry(database, end, MONTHLY, subscription_id="s3", relationship_id="c3")
    count(database, zone)
    with pytest.raises(Refused, match=rf"ends on 2026-04-01 at 00:00 \({zone}\)"):
        freeze(database, zone, end - SECOND)
    freeze(database, zone, NOW)
    shown = read(database, month_close.of_month, MARCH, by=FINANCE, now=NOW, zone=zone)
    house = {each.measure: each.frozen for each in shown.differences if each.policy == "house"}
    months = read(database, month_close.closable_months, by=FINANCE, now=end, zone=zone)
    with reading(database, FINANCE, now=NOW) as view:
        entries = late.late_entries.page(view, month=MARCH, after=1, zone=zone).rows

    assert (house["opening_arr_cents"], house["new_arr_cents"]) == (MONTHLY, MONTHLY)
    assert months[0] == MARCH
    assert [each.subscription_id for each in entries] == ["s2"]


def freeze(database: Database, zone: str, now: datetime) -> None:
    act(database, month_close.freeze, MARCH, by=FINANCE, now=now, reason="Board", zone=zone)


def test_a_cohort_and_what_it_paid_belong_to_the_month_of_the_zone(database: Database, zone: str) -> None:
    start, end = BOUNDS[zone]
    for couple, joined in (("c1", start), ("c2", end - SECOND), ("c3", end)):
        make_couple(database, id=couple)
        entry(database, joined, MONTHLY, subscription_id=f"s_{couple}", relationship_id=couple)
        make_payment(database, relationship_id=couple, amount_cents=3_000, created_at=joined)
    make_payment(database, relationship_id="c1", amount_cents=50, created_at=end - SECOND)
    make_payment(database, relationship_id="c1", amount_cents=700, created_at=end)
    count(database, zone)
    chosen = policies.as_set(zone, "at_end")
    with database.primary.begin() as connection:
        for month in (MARCH, date(2026, 4, 1)):
            for policy in chosen.values():
                connection.execute(cohort_rows.couples(month, policy))
            connection.execute(cohort_rows.changes(month, chosen.values(), end))
    with reading(database, DESK, now=NOW) as view:
        found = cohorts.realised_ltv(view, policy=chosen["house"])

    assert [(each.cohort.month, each.joined) for each in found.cohorts] == [(3, 2), (4, 1)]
    assert [cell.paid_cents for cell in found.cohorts[0].cells] == [6_050, 6_750]
    assert [cell.mature for cell in found.cohorts[0].cells] == [True, False]
