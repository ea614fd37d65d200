"""What couples buy beside their plan: AI credits, surprise boxes, coaching, packs."""

from random import Random

from lib.demo.billing import Billing, Money
from lib.demo.book import Book
from lib.demo.catalogue import Catalogue, Code, Extra
from lib.demo.clock import DAY, js_form, plus_months, sql_form, stamp
from lib.demo.ids import stripe_id
from lib.demo.material import texts
from lib.demo.people import Couple
from lib.demo.purchases import Purchase, wallet
from lib.demo.refunds import Refunds

_PACKS = ((50, 900), (120, 1900), (300, 3900))
_WELCOME_CREDITS = 25
_KINDS = {"surprise_box": "box", "coaching": "coaching"}
_ADDON_RATE = 0.17


class Extras:
    """Records credits and add-ons of couples that subscribed."""

    def __init__(
        self, book: Book, catalogue: Catalogue, billing: Billing, refunds: Refunds, horizon: int
    ) -> None:
        self._book = book
        self._catalogue = catalogue
        self._billing = billing
        self._refunds = refunds
        self._horizon = horizon

    def couple(self, couple: Couple, money: Money, random: Random) -> None:
        """What one couple bought and used up. A gift alone makes no customer: they have no card with us."""
        if not money.lives:
            return
        has_card = money.first_paid is not None
        self._credits(couple, money, random, has_card=has_card)
        if has_card and random.random() < _ADDON_RATE:
            self._addon(couple, money, random)

    def _credits(self, couple: Couple, money: Money, random: Random, *, has_card: bool) -> None:
        """A ledger in the order of time; each row carries the balance after it, and none falls below zero."""
        moment, balance = money.lives[0].started + 60, _WELCOME_CREDITS
        self._movement(couple, "grant", _WELCOME_CREDITS, balance, moment, "Welcome credits", expires=90)
        while random.random() < 0.93:
            moment += int(random.expovariate(couple.eagerness / (16 * DAY)))
            if moment >= money.until:
                return
            if balance < 8:
                if not has_card or moment <= (money.first_paid or 0) or random.random() > 0.6:
                    return
                balance = self._buy_credits(couple, balance, moment, random)
                continue
            used = min(balance, random.randint(1, 9))
            balance -= used
            use = random.choice(texts()["credit_uses"]).format(partner=couple.other.first_name)
            self._movement(couple, "usage", -used, balance, moment, use)
        if balance and moment + 120 * DAY < self._horizon:
            self._movement(couple, "expiration", -balance, 0, moment + 120 * DAY, "Expired unused")
        elif balance and random.random() < 0.02 and moment + DAY < self._horizon:
            self._movement(
                couple, "refund", 5, balance + 5, moment + DAY, "Given back: the answer never came"
            )

    def _buy_credits(self, couple: Couple, balance: int, moment: int, random: Random) -> int:
        bought, price = random.choices(_PACKS, (6, 3, 1))[0]
        code = self._catalogue.code_for(moment, "credits", random) if random.random() < 0.1 else None
        intent, paid = self._take(couple, "credits", price, moment, f"{bought} AI credits", random, code)
        self._movement(
            couple,
            "purchase",
            bought,
            balance + bought,
            moment + 5,
            None,
            expires=365,
            price=paid,
            intent=intent,
        )
        return balance + bought

    def _movement(
        self,
        couple: Couple,
        kind: str,
        amount: int,
        balance: int,
        moment: int,
        what: str | None,
        *,
        expires: int | None = None,
        price: int | None = None,
        intent: str | None = None,
    ) -> None:
        self._book.write(
            "ai_credits",
            id=self._book.ids.row("crd"),
            relationship_id=couple.id,
            user_id=couple.payer.id,
            transaction_type=kind,
            credits_amount=amount,
            credits_balance=balance,
            purchase_price_cents=price,
            usage_description=what,
            stripe_payment_id=intent,
            expires_at=js_form(moment + expires * DAY) if expires else None,
            created_at=stamp(moment),
        )

    def _addon(self, couple: Couple, money: Money, random: Random) -> None:
        extra = random.choices(self._catalogue.extras, [_weight(extra) for extra in self._catalogue.extras])[
            0
        ]
        start = (money.first_paid or money.lives[0].started) + random.randrange(DAY, 90 * DAY)
        if start >= money.until:
            return
        months = {"one_time": 0, "monthly": 1, "annual": 12}[extra.billing_period]
        code = self._catalogue.code_for(start, "addons", random) if random.random() < 0.15 else None
        if not months:
            self._take(couple, _KINDS.get(extra.kind, "add_on"), extra.price, start, extra.name, random, code)
            self._row(couple, extra, start, status="active")
            return
        self._recurring(couple, money, extra, start, months, random)

    def _recurring(
        self, couple: Couple, money: Money, extra: Extra, start: int, months: int, random: Random
    ) -> None:
        own_key = stripe_id("sub", f"{couple.id}:{extra.id}")
        stays = random.randint(1, 9) if months == 1 else random.randint(1, 2)
        due, period = start, 0
        while period < stays and due < min(self._horizon, money.until):
            invoice = stripe_id("in", f"{own_key}:{period}")
            kind = _KINDS.get(extra.kind, "add_on")
            self._take(couple, kind, extra.price, due, extra.name, random, None, invoice=invoice)
            self._billing.stripe.box_invoice(invoice, own_key, couple, extra, due, extra.price)
            period += 1
            due = plus_months(start, period * months)
        ended = due if due < self._horizon else 0
        begun = plus_months(start, (period - 1) * months)
        self._billing.stripe.box(own_key, couple, extra, start, ended, (begun, due))
        self._row(
            couple,
            extra,
            start,
            status="canceled" if ended else "active",
            key=own_key,
            until=due,
            ended=ended,
        )

    def _take(
        self,
        couple: Couple,
        kind: str,
        price: int,
        moment: int,
        what: str,
        random: Random,
        code: Code | None,
        *,
        invoice: str | None = None,
    ) -> tuple[str, int]:
        amount = price - (code.off(price) if code else 0)
        purchase = Purchase(
            couple=couple,
            user=couple.payer,
            kind=kind,
            amount=amount,
            moment=moment,
            description=what,
            wallet=wallet(random),
            invoice=invoice,
            list_price=price,
            code=code,
        )
        paid = self._refunds.take(self._billing.till, purchase, random)
        if code is not None:
            code.uses += 1
            self._billing.note_usage(code, couple, couple.payer, paid.id, price - amount, moment)
        return paid.intent, amount

    def _row(
        self,
        couple: Couple,
        extra: Extra,
        start: int,
        *,
        status: str,
        key: str | None = None,
        until: int | None = None,
        ended: int = 0,
    ) -> None:
        self._book.write(
            "user_addons",
            id=self._book.ids.row("add"),
            relationship_id=couple.id,
            user_id=couple.payer.id,
            addon_id=extra.id,
            stripe_subscription_id=key,
            status=status,
            price_cents=extra.price,
            billing_period=extra.billing_period,
            purchase_date=js_form(start),
            expiration_date=js_form(until) if until else None,
            canceled_at=js_form(ended) if ended else None,
            created_at=stamp(start),
            updated_at=sql_form(ended or start),
        )


def _weight(extra: Extra) -> float:
    """Boxes and coaching are what people ask for."""
    return {"surprise_box": 5.0, "coaching": 2.5}.get(extra.kind, 0.7)
