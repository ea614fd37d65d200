"""What counts as recurring revenue: a policy is a value, and every figure names the one it was made with.

Vendors differ by a third on the same rows, because each answers a handful of questions in its own way. The
answers are data here; `counted` turns them into SQL over the ledger, and `counted_in` into Python.
"""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from sqlalchemy import ColumnElement, and_, case

from lib.core.errors import Invalid
from lib.models import SubscriptionChange

Price = Literal["net", "list"]


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to decide what a subscription is worth, in annualised cents.

    Each switch says whether such a subscription counts. `paused` covers both pauses: Stripe's own status and
    a pause of collection that leaves the subscription active. `price` is what the couple pays (`net`, for as
    long as the discount lasts) or the price list's amount. `free_months` that staff gave count as if they had
    been paid: a favour is not a lower price. Statuses without a switch never count: canceled, incomplete.
    Tax, one-off add-ons and credits are not in the ledger at all.
    """

    name: str
    title: str
    trial: bool = False
    past_due: bool = True
    paused: bool = False
    set_to_cancel: bool = True
    gift: bool = False
    price: Price = "net"
    free_months: bool = True

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
            ("Free months from staff", self.free_months),
        )
        words = {
            "Set to cancel": ("counts until it ends", "does not count"),
            "Free months from staff": ("count as if paid", "do not count"),
        }
        answers = [
            (question, words.get(question, ("counts", "does not count"))[0 if counts else 1])
            for question, counts in switched
        ]
        price = "the price paid, while a discount lasts" if self.price == "net" else "the list price"
        return (*answers, ("Discount", price), ("Tax, one-off add-ons, credits", "do not count"))


HOUSE: Final = Policy("house", "House policy")
POLICIES: Final = {policy.name: policy for policy in (HOUSE,)}


def named(name: str) -> Policy:
    """The policy with a name; raises Invalid, listing the names, for another."""
    try:
        return POLICIES[name]
    except KeyError:
        raise Invalid(
            f"There is no metrics policy “{name[:40]}”. The policies are: {', '.join(POLICIES)}."
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
    amount: ColumnElement[int] = change.list_arr_cents.expression
    if policy.price == "net":
        amount = change.net_arr_cents.expression
        if policy.free_months:
            amount = change.net_arr_cents + change.goodwill_arr_cents
    return case((and_(*conditions), amount), else_=0)


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
    if policy.price == "list":
        return row.list_arr_cents
    return row.net_arr_cents + (row.goodwill_arr_cents if policy.free_months else 0)
