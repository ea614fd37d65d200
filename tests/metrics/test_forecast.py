"""The forecast: complete months alone, the method against the naive one, a sentence when there is none."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import NotAllowed
from lib.core.work import reading
from lib.metrics import forecast
from lib.metrics.policies import HOUSE
from lib.models import MetricDay
from tests.factories import write
from tests.metrics.ledger import DESK, NOW

GROWTH = [100_000 + 7_000 * number + (-1) ** number * 900 for number in range(30)]
"""Month ends in cents that grow steadily, with a little unrest."""


def total(database: Database, on: date, cents: int) -> None:
    """Store a day's total: MRR in cents."""
    write(
        database,
        MetricDay,
        day=on,
        policy=HOUSE.name,
        currency="USD",
        arr_cents=12 * cents,
        subscriptions=10,
        couples=10,
        computed_at=NOW,
    )


def month_ends(database: Database, amounts: list[int], *, until: date = date(2026, 5, 31)) -> None:
    """Store the totals of the last days of months, the newest at `until`."""
    end = until
    for cents in reversed(amounts):
        total(database, end, cents)
        end = end.replace(day=1) - timedelta(days=1)


def found_in(database: Database) -> forecast.Forecast:
    with reading(database, DESK, now=NOW) as view:
        return forecast.mrr_forecast(view)


def test_a_steady_growth_goes_on_and_flattens_out() -> None:
    coming = forecast.fitted(GROWTH, 12)
    steps = [later[0] - earlier[0] for earlier, later in pairwise(coming)]

    assert all(step > 0 for step in steps)
    assert steps == sorted(steps, reverse=True)
    assert coming[0][0] == pytest.approx(GROWTH[-1] + 7_000, rel=0.02)


def test_the_range_holds_the_middle_and_grows_with_time() -> None:
    widths = []
    for middle, low, high in forecast.fitted(GROWTH, 12):
        assert low <= middle <= high
        widths.append(high - low)

    assert widths == sorted(widths)


def test_a_decline_ends_at_nothing_and_not_below() -> None:
    coming = forecast.fitted([1_300_000 - 100_000 * number for number in range(13)], 12)

    assert min(low for _, low, _ in coming) == 0


def test_the_back_test_knows_only_what_was_known_then() -> None:
    changed = [*GROWTH[:-1], 1]
    before, after = forecast.back_test(GROWTH), forecast.back_test(changed)

    assert [error.forecasts for error in before] == [18, 16, 13, 7]
    # Only the last month differs, so only errors against it do: one of each length.
    mape = [(b.mape, a.mape) for b, a in zip(before, after, strict=True)]
    assert all(b is not None and a is not None and a > b for b, a in mape)
    assert forecast.back_test(GROWTH[:-1])[0].forecasts == 17


def test_a_growing_company_is_forecast_better_than_by_standing_still() -> None:
    for error in forecast.back_test(GROWTH):
        assert error.better
        assert error.mape is not None
        assert error.naive_mape is not None
        assert error.mase is not None
        assert error.naive_mase is not None
        assert error.mase < error.naive_mase


def test_the_running_month_and_what_lies_before_a_gap_do_not_count(sqlite: Database) -> None:
    month_ends(sqlite, GROWTH[:14])
    month_ends(sqlite, [55_555, 55_556], until=date(2025, 2, 28))
    total(sqlite, NOW.date(), 1)
    found = found_in(sqlite)

    counted = [month for month in found.months if month.kind == "counted"]
    assert [month.mrr_cents for month in counted] == GROWTH[:14]
    assert found.basis.rows == 14
    assert [month.month for month in found.coming][:2] == [date(2026, 6, 1), date(2026, 7, 1)]
    assert len(found.coming) == 12
    assert found.in_months(0).value == GROWTH[13]


def test_too_little_history_says_so(sqlite: Database) -> None:
    month_ends(sqlite, GROWTH[:11])
    found = found_in(sqlite)

    assert found.coming == ()
    assert found.in_months(3).value is None
    assert found.why_not is not None
    assert found.why_not.startswith("A forecast needs 12 complete months in a row; there are 11.")


def test_no_figures_at_all_say_so(sqlite: Database) -> None:
    assert str(found_in(sqlite).why_not).startswith("There are no daily figures")


def test_months_that_never_moved_say_so(sqlite: Database) -> None:
    month_ends(sqlite, [5_000] * 14)

    assert "was the same" in str(found_in(sqlite).why_not)


def test_a_forecast_that_is_no_better_than_standing_still_admits_it() -> None:
    amounts = [*GROWTH[:14], *[GROWTH[13]] * 10]
    errors = forecast.back_test(amounts)
    found = forecast.Forecast("USD", (), errors, forecast.Basis(HOUSE, 24, "complete months", NOW))

    assert any(error.better is False for error in errors)
    assert "adds nothing" in found.verdict


def test_only_who_may_read_revenue_may_read_the_forecast(sqlite: Database) -> None:
    support = Actor("staff_1", "support@example.org", Role.SUPPORT)

    with pytest.raises(NotAllowed, match="revenue:read"), reading(sqlite, support) as view:
        forecast.mrr_forecast(view)
