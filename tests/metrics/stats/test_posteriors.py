"""Chances from Beta posteriors are exact, for a handful of couples and for millions."""

from math import comb

import numpy as np
import pytest
from scipy.special import betaln

from lib.metrics.stats import methods
from lib.metrics.stats.posteriors import beta_posterior, contest
from lib.metrics.stats.proportions import Counted


def in_closed_form(a: Counted, b: Counted) -> float:
    """Miller's sum for whole parameters; with millions of units it loses digits to its logarithms."""
    rows = np.arange(b.conversions + 1)
    terms = (
        betaln(a.conversions + 1 + rows, b.others + 1 + a.others + 1)
        - np.log(b.others + 1 + rows)
        - betaln(1 + rows, b.others + 1)
        - betaln(a.conversions + 1, a.others + 1)
    )
    return float(np.exp(terms).sum())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((0, 1), (1, 1)),
        ((1, 10), (3, 12)),
        ((0, 5000), (3, 40)),
        ((50, 1000), (2, 10)),
        ((50_000, 1_000_000), (50_300, 1_000_000)),
        ((3, 9), (60_000, 1_000_000)),
    ],
)
def test_the_chance_to_win_is_that_of_the_closed_form(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = beta_posterior(Counted(*a), Counted(*b))

    assert found.chance_to_win == pytest.approx(in_closed_form(Counted(*a), Counted(*b)), abs=5e-9)


def test_two_arms_without_conversions_are_even_and_lose_little() -> None:
    found = beta_posterior(Counted(0, 50), Counted(0, 50))

    assert found.chance_to_win == pytest.approx(0.5)
    assert found.lift is None
    assert found.expected_loss == pytest.approx(found.expected_loss_of_control)


def test_what_both_choices_lose_differs_by_the_difference_of_the_posterior_means() -> None:
    found = beta_posterior(Counted(40, 1000), Counted(60, 1100))
    random = np.random.default_rng(3)
    a, b = random.beta(41, 961, 400_000), random.beta(61, 1041, 400_000)

    assert found.expected_loss is not None
    assert found.expected_loss_of_control is not None
    assert found.expected_loss == pytest.approx(np.maximum(a - b, 0).mean(), rel=0.03)
    assert found.expected_loss_of_control - found.expected_loss == pytest.approx(61 / 1102 - 41 / 1002)


def test_the_chances_of_both_arms_add_up_to_one_and_their_gains_to_the_difference() -> None:
    chance, gain = contest((0.5, 3.5), (20, 30))
    other_chance, other_gain = contest((20, 30), (0.5, 3.5))

    assert chance + other_chance == pytest.approx(1)
    assert other_gain - gain == pytest.approx(20 / 50 - 0.5 / 4)
    assert contest((3, 1), (1, 3))[0] == pytest.approx(1 - 1 / comb(6, 3))


def test_an_empty_arm_has_no_chance_and_says_why() -> None:
    for method in (methods.BETA_POSTERIOR, methods.JEFFREYS_POSTERIOR):
        found = beta_posterior(Counted(0, 0), Counted(1, 5), method)

        assert found.chance_to_win is None
        assert found.why_not == "Not computable: an arm has nobody in it, or more conversions than units."
