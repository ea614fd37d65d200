"""The money story of one couple: its subscriptions one after another, what was paid, what went back."""

from collections import deque
from dataclasses import dataclass, field, replace
from random import Random

from lib.demo.at_stripe import StripeSide
from lib.demo.book import Book
from lib.demo.catalogue import Catalogue, Code, Plan
from lib.demo.clock import DAY, HOUR, day_of, sql_form, stamp, stripe_form
from lib.demo.collecting import Collecting, credit_of, has_new_card
from lib.demo.dirt import Dirt, old_price
from lib.demo.figures import Figures
from lib.demo.growth import season
from lib.demo.ids import stripe_id
from lib.demo.life import Attempt, Invoice, Life, gift, live
from lib.demo.material import texts
from lib.demo.payloads import customer, payment_method
from lib.demo.payloads import invoice as invoice_payload
from lib.demo.payloads import subscription as subscription_payload
from lib.demo.people import Couple, Person
from lib.demo.purchases import Paid, Purchase, Till, wallet
from lib.demo.refunds import Refunds
from lib.demo.webhooks import Webhooks

_NEVER_SUBSCRIBES = 0.16
_COMES_BACK = 0.13
_PLANS = {"try_it_out": 62, "better_together": 27, "premium_plus": 11}
_GIVERS_REMEMBERED = 200
_GIVEN_LATELY = 23  # one of so many couples that had stopped was given a subscription these days
_BROUGHT_BY_FRIENDS = 23  # one of so many couples, also in a small demo, has a code without an end
_PARTNER_HAS_CARD = 40  # in one of so many couples the other partner has a card on file, too


@dataclass(slots=True)
class Money:
    """What a couple's money story came to. `until` is when it left the app, or the horizon."""

    until: int
    first_paid: int | None = None
    first_amount: int = 0
    revenue: int = 0
    lives: list[Life] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    receipts: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether a subscription goes on."""
        return any(life.alive for life in self.lives)


class Billing:
    """Plays and records the subscriptions of couples, one couple after another."""

    def __init__(
        self,
        book: Book,
        catalogue: Catalogue,
        figures: Figures,
        webhooks: Webhooks,
        refunds: Refunds,
        horizon: int,
    ) -> None:
        self.stripe = StripeSide(book, horizon)
        self.till = Till(book, figures)
        self._book = book
        self._catalogue = catalogue
        self._figures = figures
        self._webhooks = webhooks
        self.collecting = Collecting(book, webhooks, horizon)
        self._refunds = refunds
        self._horizon = horizon
        self._givers: deque[Couple] = deque(maxlen=_GIVERS_REMEMBERED)

    def couple(self, couple: Couple, random: Random, wrong: frozenset[Dirt] = frozenset()) -> Money:
        """Play all subscriptions of a couple and record them; `wrong` is what shall be wrong with them."""
        money = Money(until=self._horizon)
        if random.random() < _NEVER_SUBSCRIBES and not wrong:
            money.until = min(self._horizon, couple.joined + int(random.expovariate(1 / (12 * DAY))) + DAY)
            return money
        start = couple.joined + random.randrange(60, 2 * DAY)
        if couple.source == "gift" and self._givers and start < self._horizon:
            start = self._given(couple, start, money, random)
        while start < self._horizon:
            life = self._subscribe(couple, start, money, random, wrong)
            if life.alive or random.random() > _COMES_BACK:
                break
            assert life.ended_at is not None
            start = life.ended_at + random.randint(20, 240) * DAY
        if Dirt.BOTH_PAY in wrong and money.lives:
            self._second_payer(couple, money, random)
        if money.lives:
            behind = any(life.state.status in {"past_due", "incomplete"} for life in money.lives)
            declines = behind and not has_new_card(couple)
            self.stripe.customer(couple, random, declines=declines, credit=credit_of(couple))
            self._customer_events(couple)
            if couple.number % _PARTNER_HAS_CARD == 3 and not wrong:
                self._card_of_partner(couple)
            if money.first_paid is not None:
                self._givers.append(couple)
        if not money.alive:
            self._leave(couple, money, random, wrong)
        return money

    def _second_payer(self, couple: Couple, money: Money, random: Random) -> None:
        """The other partner subscribes as well, as a customer of their own: paid twice."""
        start = min(money.lives[0].started + random.randint(1, 10) * DAY, self._horizon - 1)
        life = live(
            start, self._catalogue.plan("try_it_out"), self._catalogue, random, self._horizon, loyalty=8.0
        )
        apart = replace(
            couple, payer=couple.other, other=couple.payer, customer=stripe_id("cus", couple.other.id)
        )
        self._record(apart, couple.other, life, money, random)
        self.stripe.customer(apart, random, declines=False)

    def _subscribe(
        self, couple: Couple, start: int, money: Money, random: Random, wrong: frozenset[Dirt]
    ) -> Life:
        first = not money.lives
        plan = self._choose_plan(random, start)
        if Dirt.OLD_PRICE in wrong:
            plan = old_price(plan)
        code = self._redeemed(start, random) if random.random() < 0.2 else None
        if code is None and first and couple.number % _BROUGHT_BY_FRIENDS == 5 and not wrong:
            code = self._catalogue.lasting_code(start)
            code.uses += 1
        trial = random.choice((7, 14)) if first and random.random() < 0.45 else 0
        if code is not None and code.kind == "trial_extension":
            trial += code.value
        life = live(
            start,
            plan,
            self._catalogue,
            random,
            self._horizon,
            loyalty=0.4 if couple.one_sided else min(2.2, max(0.55, couple.eagerness)),
            trial_days=trial,
            code=code,
        )
        self._record(couple, couple.payer, life, money, random, code, gone=Dirt.GONE_AT_STRIPE in wrong)
        return life

    def _leave(self, couple: Couple, money: Money, random: Random, wrong: frozenset[Dirt]) -> None:
        """A couple whose last subscription is over opens the app a few times more."""
        ended = max((life.ended_at or life.started for life in money.lives), default=couple.joined)
        money.until = min(self._horizon, ended + int(random.expovariate(1 / (9 * DAY))))
        if couple.number % _GIVEN_LATELY == 7 and not wrong and money.until < self._horizon - 9 * DAY:
            self._given_lately(couple, money)

    def _given_lately(self, couple: Couple, money: Money) -> None:
        """Friends gave a couple that had stopped a new start these days; they have not opened the app yet."""
        # Randomness of its own: the story of everybody else stays as it is.
        random = Random(couple.id)
        if self._givers:
            self._given(couple, self._horizon - random.randrange(2 * HOUR, 6 * DAY), money, random)

    def _card_of_partner(self, couple: Couple) -> None:
        """The other partner has entered a card as well, and pays nothing yet: a customer of their own."""
        apart = replace(
            couple, payer=couple.other, other=couple.payer, customer=stripe_id("cus", couple.other.id)
        )
        self.stripe.customer(apart, Random(couple.id), declines=False)

    def _choose_plan(self, random: Random, moment: int) -> Plan:
        # In the season of presents more people take the plan with the box.
        weights = dict(_PLANS)
        weights["premium_plus"] *= 2 if season(day_of(moment)) > 1.4 else 1
        return self._catalogue.plan(random.choices(list(weights), list(weights.values()))[0])

    def _redeemed(self, moment: int, random: Random) -> Code | None:
        code = self._catalogue.code_for(moment, "subscription", random)
        if code is not None:
            code.uses += 1
        return code

    def _given(self, couple: Couple, start: int, money: Money, random: Random) -> int:
        """Another couple gave this one a subscription; gives when this couple may go on by itself."""
        giver = random.choice(list(self._givers))
        plan = self._catalogue.plan("better_together" if random.random() < 0.4 else "try_it_out")
        life = gift(start, plan, plan.months, self._horizon)
        own_id = self._row(couple, couple.payer, life, giver=giver, random=random)
        paid = self.till.take(
            Purchase(
                couple=giver,
                user=giver.payer,
                kind="gift",
                amount=plan.price,
                moment=max(giver.joined, start - random.randint(1, 12) * DAY),
                description=f"Gift: {plan.name}",
                wallet=wallet(random),
                subscription=own_id,
            )
        )
        self._refunds.remember(paid)
        money.lives.append(life)
        if life.alive:
            return self._horizon
        # Two in five stay on when the gift is over.
        return life.period_end + random.randrange(3 * DAY) if random.random() < 0.4 else self._horizon

    def _record(
        self,
        couple: Couple,
        user: Person,
        life: Life,
        money: Money,
        random: Random,
        code: Code | None = None,
        *,
        gone: bool = False,
    ) -> None:
        """Record a subscription on both sides; with `gone`, Stripe no longer knows it, only its invoices."""
        money.lives.append(life)
        own_id = self._row(couple, user, life, random=random)
        key = stripe_id("sub", own_id)
        pays_by = wallet(random)
        for number, bill in enumerate(life.invoices):
            invoice_key = stripe_id("in", f"{own_id}:{number}")
            self.stripe.invoice(invoice_key, key, couple, bill)
            paid: Paid | None = None
            for count, attempt in enumerate(bill.attempts, 1):
                paid = self._attempt(couple, user, own_id, invoice_key, bill, attempt, pays_by, random)
                if paid is not None and not attempt.decline:
                    self._note_income(paid, money)
                if attempt.decline:
                    money.failed.append((attempt.moment, attempt.decline))
                elif bill.first and bill.code is not None:
                    payment = paid.id if paid else None
                    self.note_usage(bill.code, couple, user, payment, bill.discount, attempt.moment)
                self._invoice_event(invoice_key, key, couple, bill, attempt, count)
            self.collecting.invoice(invoice_key, couple, bill, paid)
        if code is not None and code.kind == "trial_extension":
            self.note_usage(code, couple, user, None, 0, life.started)
        elif code is not None and not any(bill.status == "paid" for bill in life.invoices):
            # It is redeemed with the first payment, which has not come.
            code.uses -= 1
        if not gone:
            self.stripe.subscription(key, own_id, couple, life)
        self._subscription_events(key, own_id, couple, life)

    def _attempt(
        self,
        couple: Couple,
        user: Person,
        subscription: str,
        invoice: str,
        bill: Invoice,
        attempt: Attempt,
        pays_by: str,
        random: Random,
    ) -> Paid | None:
        if bill.amount == 0:
            return None
        purchase = Purchase(
            couple=couple,
            user=user,
            kind="subscription",
            amount=bill.amount,
            moment=attempt.moment,
            description=f"{bill.plan.name}, {'first payment' if bill.first else 'renewal'}",
            wallet=pays_by,
            subscription=subscription,
            invoice=invoice,
            decline=attempt.decline,
            given_up=bill.status != "open",
            list_price=bill.plan.price,
            code=bill.code,
        )
        return self._refunds.take(self.till, purchase, random)

    @staticmethod
    def _note_income(paid: Paid, money: Money) -> None:
        purchase = paid.purchase
        if money.first_paid is None:
            money.first_paid, money.first_amount = purchase.moment, purchase.amount
        money.revenue += purchase.amount
        money.receipts.append((purchase.moment, purchase.amount, purchase.description.split(",")[0]))

    def note_usage(
        self, code: Code, couple: Couple, user: Person, payment: str | None, cents: int, moment: int
    ) -> None:
        """Record one redemption of a code."""
        self._book.write(
            "discount_usage",
            id=self._book.ids.row("use"),
            discount_id=code.id,
            user_id=user.id,
            relationship_id=couple.id,
            transaction_id=payment,
            discount_amount_cents=cents,
            used_at=stamp(moment),
        )

    def _row(
        self, couple: Couple, user: Person, life: Life, *, random: Random, giver: Couple | None = None
    ) -> str:
        """Write the subscription as it is today, and its chain in the ledger."""
        own_id = self._book.ids.row("subn")
        plan = life.state.plan
        self._book.write(
            "subscriptions",
            id=own_id,
            relationship_id=couple.id,
            plan_id=plan.id,
            user_id=user.id,
            stripe_customer_id=None if giver else couple.customer,
            stripe_subscription_id=None if giver else stripe_id("sub", own_id),
            status=life.state.status,
            billing_period=plan.billing_period,
            price_cents=plan.price,
            currency="USD",
            trial_end_date=stripe_form(life.trial_end) if life.trial_end else None,
            current_period_start=stripe_form(life.period_start),
            current_period_end=stripe_form(life.period_end),
            canceled_at=stripe_form(life.canceled_at) if life.canceled_at else None,
            cancel_reason=_reason(life, random),
            is_gift=giver is not None,
            gift_from_user_id=giver.payer.id if giver else None,
            gift_message=random.choice(texts()["gift_messages"]) if giver else None,
            created_at=stamp(life.started),
            updated_at=sql_form(life.last_moment),
        )
        for moment, state in life.changes:
            self._book.write(
                "subscription_changes",
                subscription_id=own_id,
                relationship_id=couple.id,
                effective_at=sql_form(moment),
                recorded_at=sql_form(self._horizon),
                status=state.status,
                plan_id=state.plan.id,
                billing_period=state.plan.billing_period,
                currency="USD",
                list_arr_cents=state.list_arr,
                net_arr_cents=state.net_arr,
                goodwill_arr_cents=0,
                forever_arr_cents=state.lasting_arr,
                acquired_via=couple.source,
                is_gift=state.is_gift,
                collection_paused=state.collection_paused,
                set_to_cancel=state.set_to_cancel,
                cause=state.cause,
                source="backfill",
            )
        self._figures.subscription(life.changes)
        return own_id

    def _customer_events(self, couple: Couple) -> None:
        """Events that nobody acts on come as well; the inbox keeps them as ignored."""
        if self._webhooks.wants(couple.joined):
            person, card = customer(couple), payment_method(couple)
            self._webhooks.deliver("customer.created", couple.joined, "customer", person)
            self._webhooks.deliver("payment_method.attached", couple.joined, "payment_method", card)

    def _subscription_events(self, key: str, own_id: str, couple: Couple, life: Life) -> None:
        for number, (moment, state) in enumerate(life.changes):
            if self._webhooks.wants(moment):
                kind = "created" if number == 0 else "deleted" if state.status == "canceled" else "updated"
                payload = subscription_payload(key, couple.customer, own_id, life, moment, state)
                self._webhooks.deliver(f"customer.subscription.{kind}", moment, "subscription", payload)

    def _invoice_event(
        self, key: str, subscription: str, couple: Couple, bill: Invoice, attempt: Attempt, count: int
    ) -> None:
        if self._webhooks.wants(attempt.moment):
            payload = invoice_payload(key, couple.customer, subscription, bill, attempt, count)
            outcome = "payment_failed" if attempt.decline else "payment_succeeded"
            self._webhooks.deliver(f"invoice.{outcome}", attempt.moment, "invoice", payload)


def _reason(life: Life, random: Random) -> str | None:
    if life.canceled_at is None:
        return None
    if life.state.is_gift:
        return "gift_ended"
    return (
        "payment_failed"
        if life.state.cause == "involuntary"
        else str(random.choice(texts()["cancel_reasons"]))
    )
