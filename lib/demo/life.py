"""The life of a subscription, as a small state machine.

    incomplete <- start -> trialing -> active <-> past_due -> canceled (involuntary)
                                       active <-> paused, or active with collection paused
                                       active, set to cancel -> canceled at the period's end (voluntary)

`live` plays it from its start to the horizon and gives what a company would know of it: the invoices with
their attempts, each change of state in order, and the state in the end. Nothing is written here.
"""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal, TypedDict

from lib.core.money import annualised
from lib.demo.catalogue import Catalogue, Code, Plan
from lib.demo.clock import DAY, HOUR, plus_months

Cause = Literal["voluntary", "involuntary"]

RETRY_AFTER_DAYS = (0, 4, 11, 19)
_RECOVERY = 0.42
_DECLINES = {"insufficient_funds": 52, "generic_decline": 22, "expired_card": 18, "processing_error": 8}
_MONTHLY_CHURN = {1: 0.13, 2: 0.095, 3: 0.07}
_LATER_MONTHLY_CHURN = 0.045
_ANNUAL_CHURN = 0.3


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to take the money; `decline` is why it failed."""

    moment: int
    decline: str | None


@dataclass(slots=True)
class Invoice:
    """One period to be paid."""

    period_start: int
    period_end: int
    plan: Plan
    first: bool
    code: Code | None
    discount: int
    attempts: list[Attempt] = field(default_factory=list)
    status: Literal["paid", "open", "uncollectible"] = "open"
    next_attempt: int | None = None

    @property
    def amount(self) -> int:
        """What is due, in cents."""
        return self.plan.price - self.discount


@dataclass(frozen=True, slots=True)
class State:
    """What the MRR ledger notes of a subscription.

    `lasting_off`: how many cents of a period's price a coupon without an end takes off.
    """

    status: str
    plan: Plan
    net_price: int
    lasting_off: int = 0
    is_gift: bool = False
    collection_paused: bool = False
    set_to_cancel: bool = False
    cause: Cause | None = None

    @property
    def list_arr(self) -> int:
        """Annualised cents before discounts."""
        return annualised(self.plan.price, self.plan.billing_period)

    @property
    def net_arr(self) -> int:
        """Annualised cents after the discount that is at work."""
        return annualised(self.net_price, self.plan.billing_period)

    @property
    def lasting_arr(self) -> int:
        """How much of the discount has no end, in annualised cents."""
        return annualised(self.lasting_off, self.plan.billing_period)


@dataclass(slots=True)
class Life:
    """A subscription up to the horizon. Moments are Unix seconds."""

    started: int
    state: State
    period_start: int
    period_end: int
    trial_end: int | None = None
    canceled_at: int | None = None
    ended_at: int | None = None
    resumes_at: int | None = None
    code: Code | None = None
    invoices: list[Invoice] = field(default_factory=list)
    changes: list[tuple[int, State]] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None

    @property
    def coming_discount(self) -> Code | None:
        """The code that lowers the next invoice too; Stripe forgets one that has been used up."""
        paid = sum(invoice.status == "paid" for invoice in self.invoices)
        return self.code if self.code is not None and _lasts(self.code, self.state.plan, paid) else None

    @property
    def last_moment(self) -> int:
        """When it last changed, for `updated_at`."""
        moments = [moment for moment, _ in self.changes]
        moments += [attempt.moment for invoice in self.invoices[-1:] for attempt in invoice.attempts]
        return max(moments)


def live(
    start: int,
    plan: Plan,
    catalogue: Catalogue,
    random: Random,
    horizon: int,
    *,
    loyalty: float = 1.0,
    trial_days: int = 0,
    code: Code | None = None,
) -> Life:
    """Play one subscription. `loyalty` 2 halves the average risk of leaving, 0.5 doubles it."""
    return _Player(start, plan, catalogue, random, horizon, loyalty, code).play(trial_days)


def gift(start: int, plan: Plan, months: int, horizon: int) -> Life:
    """A subscription that somebody else paid for; it ends by itself after `months`."""
    end = plus_months(start, months)
    state = State("active", plan, plan.price, is_gift=True)
    life = Life(start, state, start, end, changes=[(start, state)])
    if end < horizon:
        life.state = replace(state, status="canceled", cause="voluntary")
        life.canceled_at = life.ended_at = end
        life.changes.append((end, life.state))
    return life


def _lasts(code: Code, plan: Plan, paid: int) -> bool:
    """Whether a code lowers the next invoice. Stripe's repeating coupons count months: one annual invoice."""
    return code.invoices is None or paid < (code.invoices if plan.months == 1 else min(code.invoices, 1))


class _Price(TypedDict, total=False):
    net_price: int
    lasting_off: int


def _price(plan: Plan, code: Code | None) -> _Price:
    """What a period costs under a code, as `State` has it."""
    off = code.off(plan.price) if code is not None else 0
    lasting = off if code is not None and code.invoices is None else 0
    return {"net_price": plan.price - off, "lasting_off": lasting}


class _Player:
    """Plays one subscription; its life is complete when `play` returns."""

    def __init__(
        self,
        start: int,
        plan: Plan,
        catalogue: Catalogue,
        random: Random,
        horizon: int,
        loyalty: float,
        code: Code | None,
    ) -> None:
        self.catalogue = catalogue
        self.random = random
        self.horizon = horizon
        self.loyalty = loyalty
        self.anchor = start
        self.periods = 0
        self.paid = 0
        self.life = Life(start, State("active", plan, plan.price), start, start)
        if code is not None and code.off(plan.price):
            self.life.code = code
            self.life.state = replace(self.life.state, **_price(plan, code))

    def play(self, trial_days: int) -> Life:
        """From the start to the end or the horizon."""
        due = self.life.started
        if trial_days:
            due = self._trial(trial_days)
        while self.life.alive and due < self.horizon and self._bill(due):
            self._live_through_the_period()
            due = self.life.period_end
            if self.life.alive and self.life.state.set_to_cancel:
                self._end(due, "voluntary")
            elif self.life.alive and due < self.horizon:
                due = self._at_the_turn(due)
        return self.life

    def _change(self, moment: int, **what: object) -> None:
        """Note a change of state, if it is one."""
        state = replace(self.life.state, **what)  # type: ignore[arg-type]
        if not self.life.changes or state != self.life.state:
            self.life.state = state
            self.life.changes.append((moment, state))

    def _end(self, moment: int, cause: Cause) -> None:
        if moment < self.horizon:
            self.life.ended_at = moment
            self.life.canceled_at = self.life.canceled_at or moment
            self._change(
                moment,
                status="canceled",
                **(_Price() if self.life.coming_discount else _price(self.life.state.plan, None)),
                set_to_cancel=False,
                collection_paused=False,
                cause=cause,
            )

    def _trial(self, days: int) -> int:
        life = self.life
        life.trial_end = life.period_end = life.started + days * DAY
        self._change(life.started, status="trialing")
        if self._happens(0.3):
            asked = life.started + int((life.trial_end - life.started) * self.random.uniform(0.15, 0.95))
            if asked < self.horizon:
                life.canceled_at = asked
                self._change(asked, set_to_cancel=True)
                self._end(life.trial_end, "voluntary")
        self.anchor = life.trial_end
        return life.trial_end

    def _bill(self, due: int) -> bool:
        """Ask for the money of the next period; False when nothing more is known or it is over."""
        life, plan = self.life, self.life.state.plan
        self.periods += 1
        end = plus_months(self.anchor, self.periods * plan.months)
        code = life.code if life.code and _lasts(life.code, plan, self.paid) else None
        life.code = code
        invoice = Invoice(
            due, end, plan, first=not life.invoices, code=code, discount=code.off(plan.price) if code else 0
        )
        life.invoices.append(invoice)
        life.period_start, life.period_end = due, end
        price = _price(plan, code)
        if invoice.amount == 0 or not self._happens(0.012 if invoice.first else 0.058, by_loyalty=False):
            invoice.attempts.append(Attempt(due, None))
            invoice.status = "paid"
            self.paid += 1
            self._change(due, status="active", **price)
            return True
        if invoice.first and life.trial_end is None:
            invoice.attempts.append(Attempt(due, self._decline()))
            self._change(due, status="incomplete")
            return False
        self._change(due, **price)
        return self._dun(invoice)

    def _dun(self, invoice: Invoice) -> bool:
        decline = self._decline()
        for number, days in enumerate(RETRY_AFTER_DAYS):
            moment = invoice.period_start + days * DAY + (self.random.randrange(HOUR) if number else 0)
            if moment >= self.horizon:
                invoice.next_attempt = moment
                return False
            if number and self._happens(_RECOVERY, by_loyalty=False):
                invoice.attempts.append(Attempt(moment, None))
                invoice.status = "paid"
                self.paid += 1
                self._change(moment, status="active")
                return True
            invoice.attempts.append(Attempt(moment, decline))
            self._change(moment, status="past_due")
        invoice.status = "uncollectible"
        self._end(invoice.attempts[-1].moment, "involuntary")
        return False

    def _live_through_the_period(self) -> None:
        """They may leave: most at the period's end, some at once, and some change their mind."""
        life = self.life
        risk = (
            _ANNUAL_CHURN
            if life.state.plan.months == 12
            else _MONTHLY_CHURN.get(self.paid, _LATER_MONTHLY_CHURN)
        )
        if not self._happens(risk):
            return
        begin = max(life.period_start, life.invoices[-1].attempts[-1].moment)
        asked = begin + int((life.period_end - begin) * self.random.uniform(0.05, 0.98))
        if asked >= self.horizon:
            return
        life.canceled_at = asked
        manner = self.random.random()
        if manner < 0.1:
            self._end(asked, "voluntary")
            return
        self._change(asked, set_to_cancel=True)
        stays = asked + self.random.randrange(HOUR, 9 * DAY)
        if manner > 0.93 and stays < min(life.period_end, self.horizon):
            life.canceled_at = None
            self._change(stays, set_to_cancel=False)

    def _at_the_turn(self, turn: int) -> int:
        """Between two periods: a pause, another plan, or on as before. Gives when the next invoice is due."""
        if self._happens(0.016, by_loyalty=False):
            return self._pause(turn)
        plan = self._next_plan()
        if plan is not self.life.state.plan:
            self.anchor, self.periods = turn, 0
            # A coupon is for the plan that it was redeemed on.
            self.life.code = None
            self._change(turn, plan=plan, **_price(plan, None))
        return turn

    def _pause(self, turn: int) -> int:
        """One to three periods without money: by collection (Stripe's status stays active) or for real."""
        life = self.life
        for_real = self.random.random() < 0.55
        self._change(turn, **({"status": "paused"} if for_real else {"collection_paused": True}))
        months = self.random.choice((1, 2, 3)) if life.state.plan.months == 1 else 1
        self.anchor, self.periods = turn, 0
        resumes = plus_months(turn, months)
        # The period goes on as Stripe counts it, so that it contains today.
        life.period_start, life.period_end = turn, plus_months(turn, life.state.plan.months)
        while life.period_end <= min(resumes, self.horizon) and life.period_end < resumes:
            self.periods += 1
            life.period_start, life.period_end = (
                life.period_end,
                plus_months(self.anchor, (self.periods + 1) * life.state.plan.months),
            )
        self.anchor, self.periods = resumes, 0
        if resumes < self.horizon:
            self._change(resumes, status="active", collection_paused=False)
        else:
            life.resumes_at = resumes
        return resumes

    def _next_plan(self) -> Plan:
        plan, draw = self.life.state.plan, self.random.random()
        match plan.kind:
            case "try_it_out" if self.paid >= 2 and draw < 0.055:
                return self.catalogue.plan("better_together" if draw < 0.038 else "premium_plus")
            case "better_together" if draw < 0.2:
                return self.catalogue.plan("premium_plus" if draw < 0.15 else "try_it_out")
            case "premium_plus" if draw < 0.12:
                return self.catalogue.plan("better_together" if draw < 0.1 else "try_it_out")
        return plan

    def _decline(self) -> str:
        return self.random.choices(list(_DECLINES), list(_DECLINES.values()))[0]

    def _happens(self, probability: float, *, by_loyalty: bool = True) -> bool:
        return self.random.random() < (probability / self.loyalty if by_loyalty else probability)
