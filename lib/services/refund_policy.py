"""The rule that recommends what to do with a refund, as data: thresholds, weights, and how they add up.

Each ground is a sentence with its number, and a weight: above zero it speaks for the refund, below zero
against it, zero neither way. The sum decides: `PAYS_FROM` and more recommends the refund, `KEEPS_FROM` and
less recommends to keep the money, anything between is mixed. A recommendation is never carried out by itself,
and whoever decides may overrule it. Change a number here and `VERSION` with it: what was recommended is kept
with the refund, by the version that did.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Verdict = Literal["refund", "mixed", "keep"]

VERSION: Final = "2026-11"
PAYS_FROM: Final = 2
KEEPS_FROM: Final = -2

WINDOW_DAYS: Final[Mapping[str, int]] = {
    "subscription": 14,
    "credits": 14,
    "add_on": 14,
    "coaching": 14,
    "gift": 30,
    "box": 30,
}
"""The policy window: within so many days of paying, money goes back without a reason."""

JUST_PAID: Final = timedelta(hours=48)
LONG_AGO_DAYS: Final = 60
HARDLY_USED_DAYS: Final = 2
USED_A_LOT_DAYS: Final = 10
MOST_CREDITS: Final = 50  # per cent of what was bought
MANY_CREDITS: Final = 20
BOX_LEAVES_WITHIN: Final = timedelta(days=3)
MANY_REFUNDS: Final = 2

WEIGHTS: Final[Mapping[str, int]] = {
    "charged twice": 4,
    "just paid": 1,
    "paid long ago": -1,
    "inside the window": 2,
    "past the window": -2,
    "hardly used": 1,
    "used a lot": -1,
    "credits unused": 1,
    "credits used up": -2,
    "many credits used": -1,
    "box shipped": -3,
    "box not shipped": 1,
    "many refunds": -2,
}
WORDS: Final[Mapping[str, str]] = {
    "refund": "Refund",
    "mixed": "Look closer",
    "keep": "Do not refund",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rule looks at; how it is counted stands in `refund_facts`.

    `active_days`: of 30, on how many each partner used the app, who paid first; empty where nobody is known.
    `credits_bought`: by this payment. `credits_used`: of those, or since the payment where it bought none.
    `shipped_at`: when a box left, where the payment says so. `twins`: like payments within three days.
    """

    at: datetime
    paid_at: datetime | None
    paid_for: str
    active_days: tuple[int, ...] = ()
    credits_bought: int = 0
    credits_used: int = 0
    shipped_at: datetime | None = None
    earlier_refunds: int = 0
    twins: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason, as a sentence; `weight` above zero speaks for the refund, below zero against it."""

    code: str
    sentence: str
    weight: int

    @property
    def speaks(self) -> str:
        """Which way it speaks, in a word."""
        return "for" if self.weight > 0 else "against" if self.weight < 0 else "neither"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the rule recommends, and on which grounds."""

    verdict: Verdict
    score: int
    grounds: tuple[Ground, ...]
    rule: str = VERSION

    @property
    def words(self) -> str:
        """The recommendation for a reader: `Refund`, `Look closer`, `Do not refund`."""
        return WORDS[self.verdict]

    def is_overruled_by(self, decision: Literal["approved", "denied"]) -> bool:
        """Whether a decision goes against a clear recommendation."""
        return self.verdict == ("keep" if decision == "approved" else "refund")


def recommend(facts: Facts) -> Recommendation:
    """Weigh the grounds that the facts give."""
    grounds = tuple(
        ground for find in (_twin, _age, _window, _use, _credits, _box, _earlier) for ground in find(facts)
    )
    score = sum(ground.weight for ground in grounds)
    verdict: Verdict = "refund" if score >= PAYS_FROM else "keep" if score <= KEEPS_FROM else "mixed"
    return Recommendation(verdict, score, grounds)


def _ground(code: str, sentence: str) -> Ground:
    return Ground(code, sentence, WEIGHTS.get(code, 0))


def _twin(facts: Facts) -> Iterator[Ground]:
    if facts.twins:
        number = "Another payment" if facts.twins == 1 else f"{facts.twins} other payments"
        yield _ground(
            "charged twice",
            f"{number} of the same amount for the same thing went through within 3 days of this one.",
        )


def _age(facts: Facts) -> Iterator[Ground]:
    if facts.paid_at is None:
        yield _ground("age unknown", "Our records do not say when this was paid.")
        return
    age = facts.at - facts.paid_at
    if age <= JUST_PAID:
        yield _ground("just paid", f"Paid {_many(int(age.total_seconds() // 3600), 'hour')} ago.")
    elif age.days > LONG_AGO_DAYS:
        yield _ground("paid long ago", f"Paid {age.days} days ago, which is more than {LONG_AGO_DAYS} days.")
    else:
        yield _ground("age", f"Paid {_many(age.days, 'day')} ago.")


def _window(facts: Facts) -> Iterator[Ground]:
    days = WINDOW_DAYS.get(facts.paid_for)
    if days is None or facts.paid_at is None:
        return
    what = f"payments of this kind ({facts.paid_for.replace('_', ' ')})"
    over = (facts.at - facts.paid_at) - timedelta(days=days)
    if over <= timedelta(0):
        yield _ground("inside the window", f"Inside the {days}-day window for {what}.")
    else:
        yield _ground(
            "past the window",
            f"{_many(max(1, over.days), 'day')} past the {days}-day window for {what}.",
        )


def _use(facts: Facts) -> Iterator[Ground]:
    for who, days in zip(("Who paid", "The partner"), facts.active_days, strict=False):
        code = "used a lot" if days >= USED_A_LOT_DAYS else "use"
        yield _ground(
            "hardly used" if days <= HARDLY_USED_DAYS else code,
            f"{who} used the app on {days} of the last 30 days.",
        )


def _credits(facts: Facts) -> Iterator[Ground]:
    if facts.credits_bought:
        share = 100 * facts.credits_used // facts.credits_bought
        sentence = f"{facts.credits_used} of the {facts.credits_bought} credits that it bought are used."
        code = "credits used up" if share >= MOST_CREDITS else "credits" if share else "credits unused"
        yield _ground(code, sentence)
    elif facts.credits_used:
        code = "many credits used" if facts.credits_used >= MANY_CREDITS else "credits"
        yield _ground(code, f"{_many(facts.credits_used, 'AI credit')} used since the payment.")


def _box(facts: Facts) -> Iterator[Ground]:
    if facts.paid_for != "box" or facts.paid_at is None:
        return
    if facts.shipped_at is not None:
        yield _ground("box shipped", f"The box was shipped on {facts.shipped_at:%Y-%m-%d}.")
    elif facts.at - facts.paid_at > BOX_LEAVES_WITHIN:
        yield _ground(
            "box shipped",
            f"Boxes leave within {BOX_LEAVES_WITHIN.days} days, so this one is taken as shipped; our records "
            "hold no date.",
        )
    else:
        yield _ground(
            "box not shipped",
            f"Boxes leave within {BOX_LEAVES_WITHIN.days} days, so this one may still be stopped.",
        )


def _earlier(facts: Facts) -> Iterator[Ground]:
    number = facts.earlier_refunds
    if number >= MANY_REFUNDS:
        yield _ground("many refunds", f"The couple got {number} refunds within the last year.")
    elif number:
        yield _ground("refunds", "The couple got 1 refund within the last year.")
    else:
        yield _ground("refunds", "The couple got no refund within the last year.")


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
