"""The engagement score and a couple's health: what each part gives, and that they stay in their scale."""

import pytest

from lib.metrics.usage.couple_health import health
from lib.metrics.usage.dyads import imbalance
from lib.metrics.usage.scoring import PersonDay, points


def test_nothing_done_is_nothing_and_everything_is_a_hundred() -> None:
    everything = PersonDay(checked_in=True, activities=9, talks=9, features=9, seconds=9_999)

    assert points(PersonDay()).score == 0
    assert points(everything).score == 100


@pytest.mark.parametrize(
    ("did", "score"),
    [
        (PersonDay(checked_in=True), 40),
        (PersonDay(activities=1), 10),
        (PersonDay(activities=3), 20),
        (PersonDay(talks=1), 5),
        (PersonDay(talks=4), 10),
        (PersonDay(features=2), 8),
        (PersonDay(features=7), 20),
        (PersonDay(seconds=119), 0),
        (PersonDay(seconds=240), 2),
        (PersonDay(seconds=50_000), 10),
        (PersonDay(activities=-2, seconds=-500), 0),
    ],
)
def test_each_part_gives_its_points_up_to_its_limit(did: PersonDay, score: int) -> None:
    assert points(did).score == score


def test_a_couple_is_as_one_sided_as_the_difference_of_the_two() -> None:
    assert (imbalance(4, 4), imbalance(7, 1), imbalance(0, 3), imbalance(0, 0)) == (0, 750, 1000, 0)


def test_health_stays_in_the_scale_of_its_parts() -> None:
    assert health(10, 10, 10) == pytest.approx(10)
    assert health(8, 6, 5) == pytest.approx(6.6)
