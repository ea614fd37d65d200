"""The chance that one rate is above another, and what a wrong choice costs, from Beta posteriors."""

from math import pi
from typing import Final

import numpy as np
from scipy.special import betainc, betaincinv, betaln

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
    return Effect(
        method,
        b.rate - a.rate,
        lift=(b.rate - a.rate) / a.rate if a.conversions else None,
        chance_to_win=chance_above(right, left),
        expected_loss=_loss(left, right),
        expected_loss_of_control=_loss(right, left),
        remark=None if a.conversions else NO_LIFT,
    )


def chance_above(b: Beta, a: Beta) -> float:
    """P(b > a) of two independent Beta variables, to about 10 digits.

    The narrower one is the density, the wider one the smooth distribution function under it. With x = sin² θ
    the density has no pole at the ends, not even for Jeffreys' prior.
    """
    if sum(a) > sum(b):
        return 1 - chance_above(a, b)
    up, down = b
    low = np.arcsin(np.sqrt(betaincinv(up, down, _TAIL)))
    high = pi / 2 - np.arcsin(np.sqrt(betaincinv(down, up, _TAIL)))
    theta = (high + low) / 2 + (high - low) / 2 * _NODES
    sine, cosine = np.sin(theta), np.cos(theta)
    density = 2 * np.exp((2 * up - 1) * np.log(sine) + (2 * down - 1) * np.log(cosine) - betaln(up, down))
    return float((high - low) / 2 * np.sum(_WEIGHTS * density * betainc(*a, sine * sine)))


def _loss(best: Beta, chosen: Beta) -> float:
    """E max(best − chosen, 0): a Beta variable times its density is its mean times the density one up."""
    (up, down), (chosen_up, chosen_down) = best, chosen
    gained = up / (up + down) * chance_above((up + 1, down), chosen)
    forgone = chosen_up / (chosen_up + chosen_down) * chance_above(best, (chosen_up + 1, chosen_down))
    return max(gained - forgone, 0.0)
