"""What counts as recurring revenue: a policy is a value, and every figure names the one it was made with.

Vendors differ by a third on the same rows, because each answers a handful of questions in its own way. The
answers are data here; `counted` turns them into SQL over the ledger, and `counted_in` into Python. Sources
are the vendors' own pages, as docs/metrics.md lists them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, Protocol

from sqlalchemy import ColumnElement, and_, case

from lib.core.errors import Invalid
from lib.core.settings import Settings, StripeChurn
from lib.models import SubscriptionChange

Price = Literal["net", "forever", "list"]
SameMonth = Literal["both", "neither"]

_PRICES: Final[Mapping[Price, str]] = MappingProxyType(
    {
        "net": "the price paid, while a discount lasts",
        "forever": "the list price, less coupons that last for ever",
        "list": "the list price",
    }
)


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to decide what a subscription is worth, in annualised cents.

    Each switch says whether such a subscription counts. `paused` covers both pauses: Stripe's own status and
    a pause of collection that leaves the subscription active. `price` is what the couple pays (`net`, for as
    long as the discount lasts), the price list's amount less coupons without an end (`forever`), or the price
    list's amount. `free_months` that staff gave count as if they had been paid: a favour is not a lower
    price. `same_month` says what a couple that comes and goes within one calendar month is: a gain and a loss
    (`both`), or `neither`. Statuses without a switch never count: canceled, incomplete. Tax, one-off add-ons
    and credits are not in the ledger at all.

    `bit` stands for the policy in the set that a stored movement carries; it is never given to another.
    `zone` is where its days begin and end.
    """

    name: str
    title: str
    bit: int
    trial: bool = False
    past_due: bool = True
    paused: bool = False
    set_to_cancel: bool = True
    gift: bool = False
    price: Price = "net"
    free_months: bool = True
    same_month: SameMonth = "both"
    zone: str = "UTC"

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses whose subscriptions count."""
        switched = (("trialing", self.trial), ("past_due", self.past_due), ("paused", self.paused))
        return ("active", *(status for status, counts in switched if counts))

    @property
    def answers(self) -> tuple[tuple[str, str], ...]:
        """Each question with this policy's answer, in words for the page."""
        switched = (
            ("Free trial", self.trial),
            ("Past due", self.past_due),
            ("Paused", self.paused),
            ("Set to cancel", self.set_to_cancel),
            ("Gift", self.gift),
            ("Free months from staff", self.price != "net" or self.free_months),
        )
        words = {
            "Set to cancel": ("counts until it ends", "does not count"),
            "Free months from staff": ("count as if paid", "do not count"),
        }
        answers = [
            (question, words.get(question, ("counts", "does not count"))[0 if counts else 1])
            for question, counts in switched
        ]
        return (
            *answers,
            ("Discount", _PRICES[self.price]),
            (
                "Came and left within a month",
                "new and churned" if self.same_month == "both" else "neither new nor churned",
            ),
            ("Tax, one-off add-ons, credits", "do not count"),
        )


HOUSE: Final = Policy("house", "House policy", 1)
STRIPE: Final = Policy("stripe", "As Stripe counts", 2, paused=True, price="forever")
CHARTMOGUL: Final = Policy("chartmogul", "As ChartMogul counts", 4, paused=True, free_months=False)
PROFITWELL: Final = Policy("profitwell", "As ProfitWell counts", 8, free_months=False, same_month="neither")
COMMITTED: Final = Policy("committed", "Committed", 16, paused=True, set_to_cancel=False)
CONTRACTED: Final = Policy("contracted", "Contracted", 32, paused=True, gift=True, price="list")

POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {policy.name: policy for policy in (HOUSE, STRIPE, CHARTMOGUL, PROFITWELL, COMMITTED, CONTRACTED)}
)


def of(settings: Settings) -> Mapping[str, Policy]:
    """The policies as they are set here: the zone of their days, and when Stripe's counts a cancellation.

    Stripe lets an account choose: a subscription that is set to cancel counts until its end, or is churned
    when it was cancelled.
    """
    return as_set(settings.business_zone, settings.stripe_churn)


def as_set(zone: str, stripe_churn: StripeChurn) -> Mapping[str, Policy]:
    """The same from the two settings alone, as a list that is exported later carries them."""
    chosen = {name: replace(policy, zone=zone) for name, policy in POLICIES.items()}
    if stripe_churn == "at_cancellation":
        chosen[STRIPE.name] = replace(chosen[STRIPE.name], set_to_cancel=False)
    return MappingProxyType(chosen)


def named(name: str, among: Mapping[str, Policy] = POLICIES) -> Policy:
    """The policy with a name; raises Invalid, listing the names, for another."""
    try:
        return among[name]
    except KeyError:
        raise Invalid(
            f"There is no metrics policy “{name[:40]}”. The policies are: {', '.join(among)}."
        ) from None


def counted(policy: Policy) -> ColumnElement[int]:
    """The annualised cents at which a policy counts a row of the ledger: SQL, 0 for what does not count."""
    change = SubscriptionChange
    conditions: list[ColumnElement[bool]] = [change.status.in_(policy.statuses)]
    if not policy.paused:
        conditions.append(change.collection_paused.is_(False))
    if not policy.set_to_cancel:
        conditions.append(change.set_to_cancel.is_(False))
    if not policy.gift:
        conditions.append(change.is_gift.is_(False))
    return case((and_(*conditions), amount(policy)), else_=0)


def amount(policy: Policy) -> ColumnElement[int]:
    """The annualised cents of a row that counts, by the price that a policy looks at: SQL."""
    change = SubscriptionChange
    match policy.price:
        case "list":
            return change.list_arr_cents.expression
        case "forever":
            return change.list_arr_cents - change.forever_arr_cents
        case "net":
            given = change.goodwill_arr_cents if policy.free_months else 0
            return change.net_arr_cents + given


class LedgerFacts(Protocol):
    """The facts of a ledger row that a policy looks at."""

    @property
    def status(self) -> str: ...
    @property
    def list_arr_cents(self) -> int: ...
    @property
    def net_arr_cents(self) -> int: ...
    @property
    def goodwill_arr_cents(self) -> int: ...
    @property
    def forever_arr_cents(self) -> int: ...
    @property
    def is_gift(self) -> bool: ...
    @property
    def collection_paused(self) -> bool: ...
    @property
    def set_to_cancel(self) -> bool: ...


def counted_in(policy: Policy, row: LedgerFacts) -> int:
    """The same rule as `counted`, for one row in memory."""
    excluded = (
        row.status not in policy.statuses
        or (row.collection_paused and not policy.paused)
        or (row.set_to_cancel and not policy.set_to_cancel)
        or (row.is_gift and not policy.gift)
    )
    if excluded:
        return 0
    match policy.price:
        case "list":
            return row.list_arr_cents
        case "forever":
            return row.list_arr_cents - row.forever_arr_cents
        case "net":
            return row.net_arr_cents + (row.goodwill_arr_cents if policy.free_months else 0)
