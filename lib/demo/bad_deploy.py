"""What the newest bad deploy cost: checkouts that failed after the error, and money asked back for it."""

from collections.abc import Sequence
from random import Random

from lib.demo.clock import HOUR, MINUTE
from lib.demo.failures import Victim
from lib.demo.purchases import Purchase, Till, wallet
from lib.demo.refunds import Refunds

_FAILS = 0.75
_ASKS_BACK = 0.5
_PACKS = ((50, 900), (120, 1900), (300, 3900))
_AT_MOST = 400  # of either, however large the company is


def write(victims: Sequence[Victim], till: Till, refunds: Refunds, horizon: int, random: Random) -> None:
    """Let some of those who ran into it fail to pay minutes later, and others ask their last payment back."""
    failed = asked = 0
    for victim in victims:
        if not victim.pays:
            continue
        fails, asks = random.random() < _FAILS, random.random() < _ASKS_BACK
        tried = victim.moment + random.randrange(1 * MINUTE, 25 * MINUTE)
        if fails and failed < _AT_MOST and tried < horizon:
            failed += 1
            till.take(_checkout(victim, tried, random))
        written = victim.moment + random.randrange(1 * HOUR, 9 * HOUR)
        if asks and asked < _AT_MOST and written < horizon:
            asked += refunds.ask_back(victim.couple, victim.moment, written, random)


def _checkout(victim: Victim, moment: int, random: Random) -> Purchase:
    number, price = random.choices(_PACKS, (2, 2, 3))[0]
    return Purchase(
        couple=victim.couple,
        user=victim.couple.payer,
        kind="credits",
        amount=price,
        moment=moment,
        description=f"{number} AI credits",
        wallet=wallet(random),
        decline="processing_error",
    )
