"""What the newest bad deploy cost: checkouts that failed after the error, and money asked back for it.

Whom it hit follows from who paid last and not from how many error logs there are: those may be multiplied.
"""

from random import Random

from lib.demo import failures
from lib.demo.book import Book
from lib.demo.clock import HOUR, MINUTE
from lib.demo.purchases import Paid, Purchase, Till, wallet
from lib.demo.refunds import Refunds

_HIT = 0.12  # of those who paid lately
_AT_LEAST = 8
_FAILS = 0.75
_ASKS_BACK = 0.5
_PACKS = ((50, 900), (120, 1900), (300, 3900))


def write(book: Book, till: Till, refunds: Refunds, horizon: int, random: Random) -> None:
    """Let some who paid lately run into it; most fail to pay minutes later, others ask their money back."""
    begins, ends = failures.newest_burst(horizon)
    last = {paid.purchase.couple.id: paid for paid in refunds.undisturbed if paid.purchase.moment < begins}
    payers = [paid for paid in last.values() if paid.purchase.user is paid.purchase.couple.payer]
    for paid in random.sample(payers, min(len(payers), max(_AT_LEAST, int(len(payers) * _HIT)))):
        couple, moment = paid.purchase.couple, random.randrange(begins, ends)
        failures.strike(book, (couple.payer.id, couple.payer.email, couple.id), moment, horizon, random)
        tried = moment + random.randrange(1 * MINUTE, 25 * MINUTE)
        written = moment + random.randrange(1 * HOUR, 9 * HOUR)
        if random.random() < _FAILS and tried < horizon:
            till.take(_checkout(paid, tried, random))
        if random.random() < _ASKS_BACK and written < horizon:
            refunds.ask_back(paid, written, random)


def _checkout(paid: Paid, moment: int, random: Random) -> Purchase:
    number, price = random.choices(_PACKS, (2, 2, 3))[0]
    return Purchase(
        couple=paid.purchase.couple,
        user=paid.purchase.user,
        kind="credits",
        amount=price,
        moment=moment,
        description=f"{number} AI credits",
        wallet=wallet(random),
        decline="processing_error",
    )
