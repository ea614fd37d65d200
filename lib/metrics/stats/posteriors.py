"""The chance that one rate is above another, and what a wrong choice costs, from Beta posteriors."""

from math import pi
from typing import Final

import numpy as np
from scipy.special import betainc, betaincinv

from lib.metrics.stats import methods
from lib.metrics.stats.proportions import NO_LIFT, Counted
from lib.metrics.stats.results import Effect, Method

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(160)
_TAIL: Final = 1e-15

Beta = tuple[float, float]


def beta_posterior(a: Counted, b: Counted, method: Method = methods.BETA_POSTERIOR) -> Effect:
    """Chance that b's true rate is above a's, with a uniform prior or Jeffreys'. Losses are in rates.

    Zero conversions are no obstacle to it, an arm without units is.
    """
    if min(a.units, b.units) <= 0 or a.others < 0 or b.others < 0:
        return Effect(
            method, why_not="Not computable: an arm has nobody in it, or more conversions than units."
        )
    prior = 1.0 if method == methods.BETA_POSTERIOR else 0.5
    left = (prior + a.conversions, prior + a.others)
    right = (prior + b.conversions, prior + b.others)
    chance, gain = contest(right, left)
    return Effect(
        method,
        b.rate - a.rate,
        lift=(b.rate - a.rate) / a.rate if a.conversions else None,
        chance_to_win=chance,
        expected_loss=max(gain - (_mean(right) - _mean(left)), 0.0),
        expected_loss_of_control=gain,
        remark=None if a.conversions else NO_LIFT,
    )


def contest(b: Beta, a: Beta) -> tuple[float, float]:
    """P(b > a) and E max(b − a, 0) of two independent Beta variables, to about 10 digits.

    The narrower one is the density, the wider one the smooth distribution function under it. With x = sin² θ
    the density has no pole at the ends, not even for Jeffreys' prior. It is scaled by its own sum, as the
    difference of large logarithms would lose digits.
    """
    if sum(a) > sum(b):
        chance, gain = contest(a, b)
        return 1 - chance, max(gain - (_mean(a) - _mean(b)), 0.0)
    up, down = b
    low = np.arcsin(np.sqrt(betaincinv(up, down, _TAIL)))
    high = pi / 2 - np.arcsin(np.sqrt(betaincinv(down, up, _TAIL)))
    theta = (high + low) / 2 + (high - low) / 2 * _NODES
    sine, cosine = np.sin(theta), np.cos(theta)
    height = (2 * up - 1) * np.log(sine) + (2 * down - 1) * np.log(cosine)
    density = _WEIGHTS * np.exp(height - height.max())
    density /= density.sum()
    x = sine * sine
    below = betainc(*a, x)
    # Up to x, a is on average its mean times the distribution function one up.
    gained = x * below - _mean(a) * betainc(a[0] + 1, a[1], x)
    return float(density @ below), float(density @ gained)


def _mean(beta: Beta) -> float:
    return beta[0] / sum(beta)
