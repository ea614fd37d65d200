"""How couples begin: first check-ins of one and then of the other, a first plan together, a look at prices.

Who is eager begins sooner and more surely; the partner follows in three couples of five.
"""

from collections.abc import Iterator
from random import Random
from typing import TypeAlias

from lib.demo.billing import Money
from lib.demo.clock import DAY, HOUR
from lib.demo.people import Couple, Person

Visit: TypeAlias = tuple[Person, int, tuple[str, ...]]
"""Who came, when (Unix seconds), and the events of the visit."""

_LOOKS_AT_PLANS = 0.6


def visits(couple: Couple, money: Money, random: Random) -> Iterator[Visit]:
    """The visits of a couple's first days, each within its time with us."""
    for person, moment, names in (*_together(couple, random), *_prices(couple, money, random)):
        if couple.joined <= moment < money.until - HOUR:
            yield person, moment, names


def _together(couple: Couple, random: Random) -> Iterator[Visit]:
    if random.random() > min(0.92, 0.45 + 0.35 * couple.payer.eagerness):
        return
    moment = couple.joined + random.randrange(HOUR, 2 * DAY)
    yield couple.payer, moment, ("checkin_completed", "goal_updated")
    if random.random() > min(0.9, 0.4 + 0.35 * couple.other.eagerness):
        return
    # The partner makes an account within three days of the first.
    moment = max(moment, couple.joined + 3 * DAY) + random.randrange(HOUR, int(1.5 * DAY))
    yield couple.other, moment, ("checkin_completed", "partner_nudged")
    if random.random() < 0.55:
        moment += random.randrange(HOUR, 4 * DAY)
        yield random.choice(couple.partners), moment, ("activity_planned", "date_idea_saved")


def _prices(couple: Couple, money: Money, random: Random) -> Iterator[Visit]:
    """Who subscribed looked at the plans before, mostly; others looked, and went."""
    if money.lives and random.random() < _LOOKS_AT_PLANS:
        looked = max(couple.joined + 60, money.lives[0].started - random.randrange(120, 2 * DAY))
        if looked < money.lives[0].started:
            yield couple.payer, looked, ("plan_viewed",)
    elif not money.lives and random.random() < _LOOKS_AT_PLANS / 2:
        yield couple.payer, couple.joined + random.randrange(HOUR, 6 * DAY), ("plan_viewed",)
