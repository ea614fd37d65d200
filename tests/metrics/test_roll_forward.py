"""Random histories against a plain account of each couple on each day."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from lib.core.database import Database
from lib.metrics.policies import HOUSE, counted_in
from lib.metrics.spans import ONE_BY_ONE
from lib.models import MetricDay, SubscriptionChange
from tests.metrics.ledger import ANNUAL, BOX, MONTHLY, fill, stored
from tests.sized import times

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 14)
DAYS = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
# A sweep from here on reads the whole ledger; a shorter one looks up the couples that moved.
LONG_BEFORE = FIRST - 2 * ONE_BY_ONE
PLANS = {
    "try_it_out": ("monthly", MONTHLY),
    "better_together": ("annual", ANNUAL),
    "premium_plus": ("annual", BOX),
}


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    plan = draw(st.sampled_from(sorted(PLANS)))
    period, arr = PLANS[plan]
    hours = draw(st.integers(0, 24 * len(DAYS) - 1))
    moment = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hours)
    return {
        "subscription_id": draw(st.sampled_from(["s1", "s2", "s3"])),
        "relationship_id": draw(st.sampled_from(["c1", "c1", "c2"])),
        "effective_at": moment,
        "recorded_at": moment,
        "status": draw(st.sampled_from(["active", "active", "past_due", "trialing", "paused", "canceled"])),
        "plan_id": plan,
        "billing_period": period,
        "currency": draw(st.sampled_from(["USD", "USD", "USD", "EUR"])),
        "list_arr_cents": arr,
        "net_arr_cents": draw(st.sampled_from([arr, arr, arr // 2, 0])),
        "goodwill_arr_cents": draw(st.sampled_from([0, 0, 0, arr // 2])),
        "forever_arr_cents": draw(st.sampled_from([0, 0, arr // 2])),
        "acquired_via": draw(st.sampled_from(["", "organic", "gift"])),
        "is_gift": draw(st.sampled_from([False, False, True])),
        "collection_paused": draw(st.sampled_from([False, False, True])),
        "set_to_cancel": draw(st.booleans()),
        "cause": None,
        "source": "event",
        "source_id": None,
    }


histories = st.lists(entries(), min_size=1, max_size=24)
splits = st.lists(st.sampled_from(DAYS[:-1]), max_size=3, unique=True).map(sorted)


def account(history: list[dict[str, Any]], on: date) -> dict[tuple[str, str], int]:
    """What each couple has in each currency at a day's end: the last entry of each subscription."""
    last: dict[str, dict[str, Any]] = {}
    # The sort is stable, so of one moment the entry written later comes last.
    for values in sorted(history, key=lambda values: values["effective_at"]):
        if values["effective_at"].date() <= on:
            last[values["subscription_id"]] = values
    found: dict[tuple[str, str], int] = defaultdict(int)
    for values in last.values():
        arr = counted_in(HOUSE, SubscriptionChange(**values))
        if arr:
            found[values["relationship_id"], values["currency"]] += arr
    return found


def expected_totals(history: list[dict[str, Any]]) -> dict[tuple[date, str], Counter[str]]:
    """Per day and currency, what a person with a list of couples would write down; nothing for nothing."""
    totals: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    before: dict[tuple[str, str], int] = {}
    ever: set[tuple[str, str]] = set()
    for on in DAYS:
        after = account(history, on)
        for couple in {*before, *after}:
            was, now = before.get(couple, 0), after.get(couple, 0)
            total = totals[on, couple[1]]
            total["arr_cents"] += now
            total["couples"] += now > 0
            total["new_couples"] += was == 0 and couple not in ever
            total["reactivated_couples"] += was == 0 and couple in ever
            total["churned_couples"] += now == 0
            total[f"{movement(was, now, back=couple in ever)}_arr_cents"] += abs(now - was)
        before = after
        ever |= after.keys()
    return totals


def movement(was: int, now: int, *, back: bool) -> str:
    if was == 0:
        return "reactivation" if back else "new"
    if now == 0:
        return "churn"
    return "expansion" if now > was else "contraction"


def write(database: Database, history: list[dict[str, Any]]) -> None:
    with database.primary.begin() as connection:
        connection.execute(delete(SubscriptionChange))
        connection.execute(delete(MetricDay))
        connection.execute(insert(SubscriptionChange), history)


def filled(database: Database, history: list[dict[str, Any]], cuts: list[date]) -> list[dict[str, Any]]:
    """The rows of the roll-up, filled in parts that end on some days; in one long sweep without any."""
    write(database, history)
    first = FIRST if cuts else LONG_BEFORE
    for cut in [*cuts, LAST]:
        fill(database, first.isoformat(), cut.isoformat())
        first = cut + timedelta(days=1)
    return stored(database)


def check(database: Database, history: list[dict[str, Any]], cuts: list[date]) -> None:
    one_by_one = filled(database, history, cuts)
    fill(database, cuts[0].isoformat() if cuts else FIRST.isoformat(), LAST.isoformat())
    again = stored(database)
    rows = filled(database, history, [])
    totals = {(row["day"], row["currency"]): row for row in rows if not row["plan_id"]}
    expected = expected_totals(history)

    assert one_by_one == rows
    assert again == rows
    assert expected.keys() <= totals.keys()
    for key, row in totals.items():
        assert {name: row[name] for name in COUNTED} == {name: expected[key][name] for name in COUNTED}
        ties(row, totals.get((key[0] - timedelta(days=1), key[1])))
        segments = [each for each in rows if each["plan_id"] and (each["day"], each["currency"]) == key]
        assert sum(each["arr_cents"] for each in segments) == row["arr_cents"]
        assert sum(each["subscriptions"] for each in segments) == row["subscriptions"]


def ties(row: dict[str, Any], before: dict[str, Any] | None) -> None:
    opening, couples = (before["arr_cents"], before["couples"]) if before else (0, 0)
    gained = row["new_arr_cents"] + row["reactivation_arr_cents"] + row["expansion_arr_cents"]
    lost = row["contraction_arr_cents"] + row["churn_arr_cents"]
    came = row["new_couples"] + row["reactivated_couples"]

    assert opening + gained - lost == row["arr_cents"]
    assert couples + came - row["churned_couples"] == row["couples"]


COUNTED = [
    *("arr_cents", "couples", "new_couples", "reactivated_couples", "churned_couples"),
    *("new_arr_cents", "reactivation_arr_cents", "expansion_arr_cents", "contraction_arr_cents"),
    "churn_arr_cents",
]
ANY = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.mark.sized
@given(histories, splits)
@settings(max_examples=times(10, 150), **ANY)
def test_any_history_rolls_forward_to_the_cent(
    sqlite: Database, history: list[dict[str, Any]], cuts: list[date]
) -> None:
    check(sqlite, history, cuts)


@pytest.mark.sized
@pytest.mark.postgres
@given(histories, splits)
@settings(max_examples=times(3, 25), **ANY)
def test_any_history_rolls_forward_to_the_cent_on_postgresql(
    postgres_url: str, history: list[dict[str, Any]], cuts: list[date]
) -> None:
    database = Database(postgres_url)
    try:
        check(database, history, cuts)
    finally:
        database.dispose()


def test_every_day_on_its_own_gives_what_the_sweep_gives(sqlite: Database) -> None:
    history = [
        facts("06-01", "s1", "c1"),
        facts("06-03", "s2", "c1"),
        facts("06-05", "s1", "c1", status="canceled"),
        facts("06-07", "s2", "c1", status="canceled"),
        facts("06-09", "s3", "c1"),
        facts("06-02", "s4", "c2", currency="EUR"),
        facts("06-10", "s4", "c2", currency="EUR", status="paused"),
    ]

    assert filled(sqlite, history, DAYS[:-1]) == filled(sqlite, history, [])


def facts(on: str, subscription: str, couple: str, **over: Any) -> dict[str, Any]:
    moment = datetime(2026, 6, int(on[-2:]), 12, tzinfo=UTC)
    return {
        "subscription_id": subscription,
        "relationship_id": couple,
        "effective_at": moment,
        "recorded_at": moment,
        "status": "active",
        "plan_id": "try_it_out",
        "billing_period": "monthly",
        "currency": "USD",
        "list_arr_cents": MONTHLY,
        "net_arr_cents": MONTHLY,
        "goodwill_arr_cents": 0,
        "forever_arr_cents": 0,
        "acquired_via": "",
        "is_gift": False,
        "collection_paused": False,
        "set_to_cancel": False,
        "cause": None,
        "source": "event",
        "source_id": None,
    } | over
