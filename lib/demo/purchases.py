"""What couples paid: the records that refunds, discounts and Stripe's objects hang on."""

from dataclasses import dataclass
from random import Random

from lib.demo.book import Book, to_json
from lib.demo.catalogue import Code
from lib.demo.clock import DAY, stamp, stripe_form
from lib.demo.figures import Figures
from lib.demo.ids import stripe_id
from lib.demo.people import Couple, Person
from lib.payments.sandbox.cards import DECLINES

WALLETS = {"card": 74, "apple_pay": 16, "google_pay": 10}


@dataclass(frozen=True, slots=True)
class Purchase:
    """One payment to be recorded, tried at `moment`."""

    couple: Couple
    user: Person
    kind: str
    amount: int
    moment: int
    description: str
    wallet: str
    subscription: str | None = None
    invoice: str | None = None
    decline: str | None = None
    given_up: bool = True
    list_price: int | None = None
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that went through, as a refund needs to know it."""

    id: str
    purchase: Purchase
    intent: str
    charge: str


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that went back: how much, when it was asked for, when it was sent."""

    cents: int
    asked: int
    sent: int


class Till:
    """Records payments: the row, and the payment intent and charge at Stripe."""

    def __init__(self, book: Book, figures: Figures) -> None:
        self._book = book
        self._figures = figures

    def take(self, purchase: Purchase, returned: Returned | None = None) -> Paid:
        """Record one payment; with `returned`, what went back shows on its row."""
        book, moment = self._book, purchase.moment
        payment_id = book.ids.row("pay")
        paid = Paid(payment_id, purchase, stripe_id("pi", payment_id), stripe_id("ch", payment_id))
        in_full = returned is not None and returned.cents == purchase.amount
        status = "failed" if purchase.decline else "refunded" if in_full else "succeeded"
        book.write(
            "payment_transactions",
            id=payment_id,
            subscription_id=purchase.subscription,
            user_id=purchase.user.id,
            relationship_id=purchase.couple.id,
            stripe_payment_intent_id=paid.intent,
            stripe_charge_id=paid.charge,
            transaction_type=purchase.kind,
            amount_cents=purchase.amount,
            currency="USD",
            status=status,
            payment_method=purchase.wallet,
            description=purchase.description,
            metadata=_metadata(purchase),
            failure_reason=_reason(purchase.decline),
            refund_amount_cents=returned.cents if returned else None,
            refunded_at=stripe_form(returned.sent) if returned else None,
            processed_at=stripe_form(moment),
            created_at=stamp(moment),
        )
        if not purchase.decline:
            self._figures.revenue(purchase.kind, purchase.amount, moment)
        self._at_stripe(paid)
        return paid

    def _at_stripe(self, paid: Paid) -> None:
        purchase, decline = paid.purchase, paid.purchase.decline
        customer = purchase.couple.customer
        card = card_of(purchase.couple)
        status = "succeeded"
        if decline:
            status = "canceled" if purchase.given_up else "requires_payment_method"
        metadata = {"user_id": purchase.user.id, "payment_id": paid.id}
        self._book.at_stripe(
            "payment_intent",
            id=paid.intent,
            created=purchase.moment,
            amount=purchase.amount,
            status=status,
            customer=customer,
            invoice=purchase.invoice,
            payment_method=card,
            description=purchase.description,
            metadata=metadata,
            **({"decline": decline} if decline else {}),
            **({"canceled_at": purchase.moment + DAY} if status == "canceled" else {}),
        )
        self._book.at_stripe(
            "charge",
            id=paid.charge,
            created=purchase.moment,
            amount=purchase.amount,
            status="failed" if decline else "succeeded",
            payment_intent=paid.intent,
            customer=customer,
            payment_method=card,
            description=purchase.description,
            metadata=metadata,
            **({"decline": decline} if decline else {}),
        )


def card_of(couple: Couple) -> str:
    """The id of the card that a couple pays with."""
    return stripe_id("pm", couple.customer)


def wallet(random: Random) -> str:
    """How they pay."""
    return random.choices(list(WALLETS), list(WALLETS.values()))[0]


def _reason(decline: str | None) -> str | None:
    if decline is None:
        return None
    known = DECLINES[decline]
    return f"{known.decline_code or known.code}: {known.message}"


def _metadata(purchase: Purchase) -> str:
    said: dict[str, object] = {"source": "app", "stripe_invoice_id": purchase.invoice}
    if purchase.code is not None:
        said |= {
            "code": purchase.code.code,
            "list_price_cents": purchase.list_price,
            "discount_cents": (purchase.list_price or 0) - purchase.amount,
        }
    return to_json({name: value for name, value in said.items() if value is not None})
