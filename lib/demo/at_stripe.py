"""The same company as Stripe holds it: price list, coupons, customers, subscriptions, invoices, refunds."""

from datetime import date
from random import Random
from typing import Any

from lib.core.moments import next_month
from lib.demo.book import Book
from lib.demo.catalogue import Batch, Catalogue, Code, Extra, Plan
from lib.demo.clock import DAY, day_of, midnight, plus_months, sql_form
from lib.demo.ids import stripe_id
from lib.demo.life import Invoice, Life
from lib.demo.people import Couple
from lib.demo.purchases import Paid, Returned, card_of

_CARDS = {
    ("pm_card_visa", "visa"): 56,
    ("pm_card_mastercard", "mastercard"): 28,
    ("pm_card_amex", "amex"): 9,
    ("pm_card_visa_debit", "visa"): 7,
}
# What does not agree with our rows, for the desks that find it.
_SHARED_ELSEWHERE, _UNHEARD_OF = "FIVEOFF", 2  # typed into a payment link that the app never heard of
_DRIFTED = {"addon_deep_talks_pack": 1299}
_CARD_NOT_TOLD_OF = 6  # of one of so many couples no event about the card came
_NOT_THERE_YET = "addon_new_parents_pack"
_INTERVALS = {"monthly": "month", "annual": "year", "one_time": None}


class StripeSide:
    """Writes Stripe's objects. Ids follow from our own, so that both sides agree without a table between."""

    def __init__(self, book: Book, horizon: int) -> None:
        self._book = book
        self._today = day_of(horizon)

    def catalogue(self, catalogue: Catalogue, since: int) -> None:
        """Products and prices of the plans and add-ons."""
        for plan in catalogue.plans.values():
            self._product(plan, since)
        for extra in catalogue.extras:
            if extra.id != _NOT_THERE_YET:
                self._product(extra, since)
        # Somebody made this by hand, and no row of ours knows of it.
        card = stripe_id("prod", "gift card")
        self._book.at_stripe("product", id=card, created=since, name="Gift card, printed")
        self._book.at_stripe(
            "price", id=stripe_id("price", "gift card"), created=since, product=card, unit_amount=5000
        )

    def codes(self, codes: list[Code]) -> None:
        """Coupons and their promotion codes. Written last, when it is known how often each was used."""
        for code in codes:
            if code.coupon is None:
                continue
            off = {"percent_off": code.value}
            if code.kind == "fixed_amount":
                off = {"amount_off": code.value}
            uses = code.uses + (_UNHEARD_OF if code.code == _SHARED_ELSEWHERE else 0)
            self._book.at_stripe(
                "coupon",
                id=code.coupon,
                created=code.valid_from,
                name=code.code,
                currency="usd" if code.kind == "fixed_amount" else None,
                times_redeemed=uses,
                max_redemptions=code.max_uses,
                redeem_by=code.valid_until,
                **off,
                **_duration(code),
            )
            self._book.at_stripe(
                "promotion_code",
                id=stripe_id("promo", code.id),
                created=code.valid_from,
                coupon=code.coupon,
                code=code.code,
                active=code.active,
                expires_at=code.valid_until,
                max_redemptions=code.max_uses,
                times_redeemed=uses,
                metadata={"discount_id": code.id},
            )

    def coupon_of_batch(self, batch: Batch) -> None:
        """The coupon that the codes of a batch share."""
        self._book.at_stripe(
            "coupon",
            id=batch.coupon,
            created=batch.made,
            name=batch.title,
            percent_off=batch.percent,
            duration="once",
            metadata={"discount_id": batch.id},
        )

    def customer(self, couple: Couple, random: Random, *, declines: bool, credit: int = 0) -> None:
        """The couple as a customer, with a card that `declines` today or not, and cents of credit."""
        payer = couple.payer
        card, brand = random.choices(list(_CARDS), list(_CARDS.values()))[0]
        self._book.at_stripe(
            "customer",
            id=couple.customer,
            created=couple.joined,
            email=payer.email,
            name=payer.name,
            phone=payer.phone,
            metadata={"user_id": payer.id, "relationship_id": couple.id},
            default_payment_method=card_of(couple),
            balance=-credit,
        )
        if credit:
            self._book.at_stripe(
                "customer_balance_transaction",
                id=stripe_id("cbtxn", couple.customer),
                created=couple.joined + DAY,
                customer=couple.customer,
                amount=-credit,
                ending_balance=-credit,
                currency="usd",
                type="adjustment",
                description="For the trouble with the sync",
            )
        last4, month = f"{random.randrange(10_000):04}", random.randint(1, 12)
        # None has expired: a month of this year that is over is one of the next.
        year = self._today.year + (month < self._today.month) + random.randrange(5)
        self._book.at_stripe(
            "payment_method",
            id=card_of(couple),
            created=couple.joined,
            customer=couple.customer,
            card="pm_card_chargeCustomerFail" if declines else card,
            brand=brand,
            last4=last4,
            exp_month=month,
            exp_year=year,
            billing_details={"name": payer.name, "email": payer.email},
        )
        if couple.number % _CARD_NOT_TOLD_OF:
            self._book.write(
                "admin_cards_on_file",
                stripe_customer_id=couple.customer,
                card_id=card_of(couple),
                good_until=sql_form(midnight(next_month(date(year, month, 1)))),
                told_at=sql_form(couple.joined),
            )

    def subscription(self, key: str, own_id: str, couple: Couple, life: Life) -> None:
        """A subscription as it is today."""
        state = life.state
        self._book.at_stripe(
            "subscription",
            id=key,
            created=life.started,
            customer=couple.customer,
            status=state.status,
            items=[{"price": state.plan.stripe_price, "id": stripe_id("si", key)}],
            current_period_start=life.period_start,
            current_period_end=life.period_end,
            trial_start=life.started if life.trial_end else None,
            trial_end=life.trial_end,
            cancel_at_period_end=state.set_to_cancel,
            cancel_at=life.period_end if state.set_to_cancel else None,
            canceled_at=life.canceled_at,
            ended_at=life.ended_at,
            cancellation_details=_cancellation(life),
            pause_collection={"behavior": "void", "resumes_at": life.resumes_at}
            if state.collection_paused
            else None,
            paused_at=life.period_start if state.status == "paused" else None,
            default_payment_method=card_of(couple),
            discounts=_discounts(key, life),
            metadata={"subscription_id": own_id, "relationship_id": couple.id},
        )

    def invoice(self, key: str, subscription: str, couple: Couple, bill: Invoice) -> None:
        """An invoice of a subscription; its payments are the payment intents that name it."""
        line: dict[str, Any] = {
            "amount": bill.plan.price,
            "price": bill.plan.stripe_price,
            "period_start": bill.period_start,
            "period_end": bill.period_end,
            "subscription_item": stripe_id("si", subscription),
        }
        if bill.code is not None:
            line["discount_amounts"] = [[stripe_id("di", subscription), bill.discount]]
        paid = bill.attempts[-1].moment if bill.status == "paid" else None
        self._book.at_stripe(
            "invoice",
            id=key,
            created=bill.period_start,
            customer=couple.customer,
            status=bill.status,
            lines=[line],
            subscription=subscription,
            billing_reason="subscription_create" if bill.first else "subscription_cycle",
            period_start=bill.period_start,
            period_end=bill.period_start,
            paid_at=paid,
            attempt_count=len(bill.attempts),
            next_payment_attempt=bill.next_attempt,
            marked_uncollectible_at=bill.attempts[-1].moment if bill.status == "uncollectible" else None,
            default_payment_method=card_of(couple),
            discounts=[_discount(subscription, bill.code, bill.period_start)] if bill.code else [],
        )

    def box(
        self, key: str, couple: Couple, extra: Extra, start: int, end: int, period: tuple[int, int]
    ) -> None:
        """The subscription of a monthly add-on; `end` is when it was cancelled, 0 while it runs."""
        self._book.at_stripe(
            "subscription",
            id=key,
            created=start,
            customer=couple.customer,
            status="canceled" if end else "active",
            items=[{"price": extra.stripe_price, "id": stripe_id("si", key)}],
            current_period_start=period[0],
            current_period_end=period[1],
            canceled_at=end or None,
            ended_at=end or None,
            default_payment_method=card_of(couple),
            metadata={"addon_id": extra.id, "relationship_id": couple.id},
        )

    def box_invoice(
        self, key: str, subscription: str, couple: Couple, extra: Extra, due: int, amount: int
    ) -> None:
        """A paid invoice of a monthly add-on."""
        self._book.at_stripe(
            "invoice",
            id=key,
            created=due,
            customer=couple.customer,
            status="paid",
            lines=[{"amount": amount, "price": extra.stripe_price, "period_start": due}],
            subscription=subscription,
            billing_reason="subscription_cycle",
            paid_at=due,
            attempt_count=1,
        )

    def refund(self, key: str, own_id: str, paid: Paid, returned: Returned) -> None:
        """Money that went back."""
        self._book.at_stripe(
            "refund",
            id=key,
            created=returned.sent,
            amount=returned.cents,
            charge=paid.charge,
            payment_intent=paid.intent,
            status="succeeded",
            reason="requested_by_customer",
            metadata={"refund_id": own_id},
        )

    def _product(self, entry: Plan | Extra, since: int) -> None:
        self._book.at_stripe(
            "product",
            id=entry.stripe_product,
            created=since,
            name=entry.name,
            default_price=entry.stripe_price,
            metadata={"catalogue_id": entry.id},
        )
        self._book.at_stripe(
            "price",
            id=entry.stripe_price,
            created=since,
            product=entry.stripe_product,
            unit_amount=_DRIFTED.get(entry.id, entry.price),
            interval=_INTERVALS[entry.billing_period],
            lookup_key=entry.id,
        )


def _duration(code: Code) -> dict[str, Any]:
    if code.invoices is None:
        return {"duration": "forever"}
    return (
        {"duration": "once"}
        if code.invoices == 1
        else {"duration": "repeating", "duration_in_months": code.invoices}
    )


def _discounts(key: str, life: Life) -> list[dict[str, Any]]:
    code = life.coming_discount
    return [] if code is None else [_discount(key, code, life.trial_end or life.started)]


def _discount(key: str, code: Code, started: int) -> dict[str, Any]:
    end = plus_months(started, code.invoices) if code.invoices and code.invoices > 1 else None
    return {"id": stripe_id("di", key), "coupon": code.coupon, "start": started, "end": end}


def _cancellation(life: Life) -> dict[str, str | None]:
    if life.canceled_at is None:
        return {}
    reason = "payment_failed" if life.state.cause == "involuntary" else "cancellation_requested"
    return {"reason": reason, "comment": None, "feedback": None}
