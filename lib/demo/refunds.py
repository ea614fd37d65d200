"""Refunds: most were paid or denied long ago; some wait for a decision today."""

from collections import deque
from random import Random

from lib.demo.at_stripe import StripeSide
from lib.demo.book import Book
from lib.demo.clock import DAY, HOUR, stamp, stripe_form
from lib.demo.figures import Figures
from lib.demo.ids import stripe_id
from lib.demo.material import texts
from lib.demo.payloads import refunded_charge
from lib.demo.purchases import Paid, Purchase, Returned, Till
from lib.demo.webhooks import Webhooks

_RATE = 0.026
_DENIED = 0.18
_RECENT = 400
_REASONS = {"requested_by_customer": 62, "service_problem": 22, "duplicate": 13, "fraudulent": 3}
_DECIDED_BY = "billing-desk@example.org"


class Refunds:
    """Decides, payment by payment, whether money was asked back, and records how that ended."""

    def __init__(
        self, book: Book, stripe: StripeSide, figures: Figures, webhooks: Webhooks, horizon: int
    ) -> None:
        self._book = book
        self._stripe = stripe
        self._figures = figures
        self._webhooks = webhooks
        self._horizon = horizon
        self._recent: deque[Paid] = deque(maxlen=_RECENT)
        self._waiting: set[str] = set()

    def take(self, till: Till, purchase: Purchase, random: Random) -> Paid:
        """Record a payment and, now and then, that it was asked back and what was decided."""
        asked = purchase.moment + random.randrange(2 * HOUR, 21 * DAY)
        decided = asked + random.randrange(2 * HOUR, 4 * DAY)
        rate = _RATE * (1.8 if purchase.amount > 10_000 else 1)
        if purchase.decline or decided >= self._horizon or random.random() > rate:
            paid = till.take(purchase)
            if not purchase.decline:
                self.remember(paid)
            return paid
        if random.random() < _DENIED:
            paid = till.take(purchase)
            note = random.choice(texts()["refund_denials"])
            self._write(paid, random, "denied", _part(purchase.amount, random), asked, decided, note=note)
            return paid
        returned = Returned(_part(purchase.amount, random), asked, decided)
        paid = till.take(purchase, returned)
        self._pay_back(paid, returned, random)
        return paid

    def remember(self, paid: Paid) -> None:
        """Keep a payment in mind that may still be asked back; the newest few hundred are."""
        self._recent.append(paid)

    def ask_back(self, paid: Paid, moment: int, random: Random) -> None:
        """Have somebody ask all of a payment back at a moment; it waits for a decision."""
        self._write(paid, random, "pending", paid.purchase.amount, moment)
        self._waiting.add(paid.id)

    @property
    def undisturbed(self) -> list[Paid]:
        """The recent payments that nobody asks back today, in the order in which they were made."""
        quiet = [paid for paid in self._recent if paid.id not in self._waiting]
        return sorted(quiet, key=lambda paid: paid.purchase.moment)

    def open_requests(self, couples: int, random: Random) -> None:
        """What waits today: requests of several couples, one of them large; some approved and not paid."""
        candidates = {
            paid.purchase.couple.id: paid
            for paid in self._recent
            if paid.purchase.moment < self._horizon and paid.id not in self._waiting
        }
        newest = sorted(candidates.values(), key=lambda paid: paid.purchase.moment)
        if not newest:
            return
        largest = max(newest, key=lambda paid: paid.purchase.amount)
        others = [paid for paid in newest[-60:] if paid is not largest]
        random.shuffle(others)
        wanted = min(len(others), max(5, min(24, couples // 160)))
        approved = max(1, wanted // 6)
        for number, paid in enumerate([largest, *others[: wanted + approved]]):
            asked = max(paid.purchase.moment + HOUR, self._horizon - random.randrange(2 * HOUR, 5 * DAY))
            amount = paid.purchase.amount if number < 3 else _part(paid.purchase.amount, random)
            status = "approved" if number > wanted else "pending"
            self._write(paid, random, status, amount, min(asked, self._horizon - HOUR))
            self._waiting.add(paid.id)

    def _pay_back(self, paid: Paid, returned: Returned, random: Random) -> None:
        own_id = self._write(paid, random, "processed", returned.cents, returned.asked, returned.sent)
        self._figures.refunded(returned.cents, returned.sent)
        self._stripe.refund(stripe_id("re", own_id), own_id, paid, returned)
        if self._webhooks.wants(returned.sent):
            self._webhooks.deliver(
                "charge.refunded", returned.sent, "charge", refunded_charge(paid, returned)
            )

    def _write(
        self,
        paid: Paid,
        random: Random,
        status: str,
        cents: int,
        asked: int,
        decided: int | None = None,
        note: str | None = None,
    ) -> str:
        own_id = self._book.ids.row("ref")
        words = (
            note
            or f"{random.choice(texts()['refund_reasons'])}. {random.choice(texts()['refund_notes']) or ''}"
        )
        self._book.write(
            "refunds",
            id=own_id,
            transaction_id=paid.id,
            user_id=paid.purchase.user.id,
            relationship_id=paid.purchase.couple.id,
            refund_amount_cents=cents,
            refund_reason=random.choices(list(_REASONS), list(_REASONS.values()))[0],
            status=status,
            stripe_refund_id=stripe_id("re", own_id) if status == "processed" else None,
            requested_at=stamp(asked),
            processed_at=stripe_form(decided) if status == "processed" and decided else None,
            processed_by=_DECIDED_BY if decided or status == "approved" else None,
            notes=words.strip(),
        )
        return own_id


def _part(cents: int, random: Random) -> int:
    """Mostly all of it, else a half or a third, in whole cents."""
    return random.choices((cents, cents // 2, cents // 3), (70, 18, 12))[0]
