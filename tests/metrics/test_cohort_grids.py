"""The heat maps of cohorts: one square for each cell, hatched where the month goes on."""

from datetime import date
from fractions import Fraction

from lib.metrics import figures
from lib.metrics.cohorts import (
    Average,
    AverageWorth,
    Cell,
    Cohort,
    CohortWorth,
    RealisedLtv,
    Retention,
    Worth,
)
from lib.metrics.figure import Basis
from lib.metrics.policies import HOUSE
from tests.metrics.ledger import NOW

BASIS = Basis(HOUSE, 3, "couples", NOW)


def cohorts_of_two_months() -> Retention:
    """March with three couples and two ages, the second not over; April with one."""
    march = (
        Cell(0, date(2026, 3, 1), 3, 96_000, Fraction(1), Fraction(1), True),
        Cell(1, date(2026, 4, 1), 2, 60_000, Fraction(2, 3), Fraction(5, 8), False),
    )
    april = (Cell(0, date(2026, 4, 1), 0, 0, None, None, False),)
    averages = (Average(0, Fraction(1), Fraction(1), 1, 3, 96_000), Average(1, None, None, 0, 0, 0))
    cohorts = (
        Cohort(date(2026, 3, 1), 3, 96_000, march),
        Cohort(date(2026, 4, 1), 0, 0, april),
    )
    return Retention("USD", cohorts, averages, BASIS, None)


def test_a_grid_has_a_square_for_each_cell_that_is_a_share_and_its_averages_last() -> None:
    [bars] = figures.retention_grid(cohorts_of_two_months(), "logo").data

    assert list(zip(bars.y, bars.base, bars.text, strict=True)) == [
        ("2026-03", -0.5, "100 %"),
        ("2026-03", 0.5, "67 %"),
        ("Average", -0.5, "100 %"),
    ]
    assert list(bars.customdata[1]) == ["2026-03", "1"]


def test_a_cell_whose_month_goes_on_is_hatched_and_says_so() -> None:
    [bars] = figures.retention_grid(cohorts_of_two_months(), "revenue").data

    assert list(bars.marker.pattern.shape) == ["", "/", ""]
    assert bars.hovertext[1].endswith("62.5 %, 2 of 3 couples, $600.00 of $960.00 a year (so far)")
    assert bars.hovertext[2].endswith("average of 1 cohort by opening revenue")


def test_the_grid_of_realised_value_shows_whole_units_and_says_the_cents() -> None:
    cell = Worth(0, date(2026, 3, 1), 30_500, 0, Fraction(30_500, 3), True)
    found = RealisedLtv(
        "USD",
        (CohortWorth(date(2026, 3, 1), 3, (cell,)),),
        (AverageWorth(0, Fraction(30_500, 3), 1, 3),),
        BASIS,
        None,
    )
    [bars] = figures.ltv_grid(found).data

    assert list(bars.text) == ["$102", "$102"]
    assert bars.hovertext[0] == "2026-03, 0 months on: $101.67 for each of 3 couples"
