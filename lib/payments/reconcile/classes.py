"""The classes of drift: what each means, how bad it is, and its safe repair or why there is none.

A repair never moves money and never writes to Stripe: our rows follow what Stripe says, or an event that
never came is fetched and applied. Where that would hide a question that a person has to answer, there is
none. A class with a repair may still hold a single finding without one; the finding then says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Severity = Literal["critical", "high", "low", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "high", "low", "info")
"""The worst first. `info` is worth knowing and no drift."""


@dataclass(frozen=True, slots=True)
class DriftClass:
    """One way to differ. Exactly one of `repair`, what it does, and `why_none` is filled."""

    name: str
    title: str
    explanation: str
    severity: Severity
    repair: str | None = None
    why_none: str | None = None

    @property
    def rank(self) -> int:
        """The place of its severity, 0 for the worst."""
        return SEVERITIES.index(self.severity)


_FOLLOW_SUBSCRIPTION: Final = "Our row takes over what Stripe says now; the MRR ledger follows."
_FOLLOW_CHARGE: Final = "Our payment and its refunds take over what Stripe says about the charge."
_FOLLOW_INVOICE: Final = "Our payment takes over how collecting its invoice went at Stripe."
_DISCOUNTS: Final = "What a code is meant to do is decided under Discounts."
_CATALOGUE: Final = "A price is never changed in place; the price list is kept under Catalogue."

_ALL: Final = (
    DriftClass(
        "customer_gone",
        "Customer gone at Stripe",
        "A subscription of ours names a customer that Stripe does not know, or deleted.",
        "high",
        why_none="Nobody can be billed again by a row. The couple needs a new customer at Stripe.",
    ),
    DriftClass(
        "customer_duplicated",
        "Customer twice at Stripe",
        "One person is more than one customer at Stripe, so their payments are split over both.",
        "low",
        why_none="Stripe cannot merge customers. Decide which one is billed and end the other.",
    ),
    DriftClass(
        "customer_unknown",
        "Customer of nobody",
        "Stripe has a customer whose address and metadata name no person of ours.",
        "info",
        why_none="It costs nothing. It may belong to another product, or to an account that was erased.",
    ),
    DriftClass(
        "subscription_gone",
        "Subscription gone at Stripe",
        "Our row gives access for a subscription that Stripe does not know.",
        "critical",
        why_none="It may be of another Stripe account. Ending it here would take access from a couple.",
    ),
    DriftClass(
        "subscription_unknown",
        "Billed without a row",
        "Stripe bills a subscription that no row of ours is about: the couple pays and has no access.",
        "critical",
        why_none="A row needs a couple and a person, which only the app can name.",
    ),
    DriftClass(
        "subscription_status",
        "Another status at Stripe",
        "A subscription is in another state at Stripe than here.",
        "critical",
        repair=_FOLLOW_SUBSCRIPTION,
    ),
    DriftClass(
        "trialing_past_end",
        "In trial past its end",
        "Our row is still in its trial although the trial is over: a couple may use for nothing.",
        "high",
        repair=_FOLLOW_SUBSCRIPTION,
    ),
    DriftClass(
        "active_past_period",
        "Active past its period",
        "Our row is active although the period that was paid for is over.",
        "high",
        repair=_FOLLOW_SUBSCRIPTION,
    ),
    DriftClass(
        "subscription_plan",
        "Another plan at Stripe",
        "A subscription is on another plan, or billed in another rhythm, than our row says.",
        "high",
        repair=_FOLLOW_SUBSCRIPTION,
    ),
    DriftClass(
        "subscription_price",
        "Another price at Stripe",
        "Stripe bills another amount than our row says, so MRR is wrong.",
        "high",
        repair=_FOLLOW_SUBSCRIPTION,
    ),
    DriftClass(
        "subscription_price_unknown",
        "On a price that is not ours",
        "A subscription is billed by a price that no plan or add-on of ours has.",
        "high",
        why_none="Which plan it is has to be decided: enter the price under Catalogue first.",
    ),
    DriftClass(
        "subscription_period",
        "Another period at Stripe",
        "The period of our row ends at another time than Stripe's: a renewal passed us by.",
        "high",
        repair=_FOLLOW_SUBSCRIPTION,
    ),
    DriftClass(
        "subscription_ending",
        "Set to cancel on one side",
        "It is set to cancel at Stripe and not here, or the other way round.",
        "high",
        repair=_FOLLOW_SUBSCRIPTION,
    ),
    DriftClass(
        "subscription_collection",
        "Bills paused on one side",
        "Its bills are paused at Stripe and not here, or the other way round, so MRR is wrong.",
        "high",
        repair="The MRR ledger takes over what Stripe says now; no other row of ours knows this pause.",
    ),
    DriftClass(
        "subscription_customer",
        "Another customer at Stripe",
        "The subscription belongs to another customer at Stripe, or our row names none.",
        "low",
        repair=_FOLLOW_SUBSCRIPTION,
    ),
    DriftClass(
        "addon_status",
        "Add-on in another state",
        "The subscription of an add-on runs on one side only.",
        "high",
        why_none="What was bought is delivered by the app; end or restart the add-on where it is kept.",
    ),
    DriftClass(
        "both_partners_pay",
        "Both partners pay",
        "Each partner of a couple has a subscription of their own. That is allowed.",
        "info",
        why_none="Both may want it so. Ask them, and refund one if they did not.",
    ),
    DriftClass(
        "payment_unknown",
        "Money at Stripe without a payment here",
        "Stripe collected a payment that no row of ours is about.",
        "critical",
        repair="A payment is made from Stripe's invoice, for the subscription that the invoice names.",
    ),
    DriftClass(
        "payment_gone",
        "Payment gone at Stripe",
        "Our row names a payment that Stripe does not know.",
        "critical",
        why_none="Our row says that money came; the books decide, not a repair.",
    ),
    DriftClass(
        "payment_collected",
        "Collected, and not noted here",
        "Stripe collected a payment that is open or failed here.",
        "critical",
        repair=_FOLLOW_INVOICE,
    ),
    DriftClass(
        "payment_uncollected",
        "Noted here, and not collected",
        "Our row says that a payment succeeded, and Stripe says that it did not.",
        "critical",
        why_none="It counts as revenue here. Find out what was delivered before it is taken back.",
    ),
    DriftClass(
        "payment_state",
        "Over at Stripe, open here",
        "A payment waits here, and at Stripe it failed or was given up.",
        "low",
        repair=_FOLLOW_INVOICE,
    ),
    DriftClass(
        "payment_amount",
        "Another amount at Stripe",
        "The amount or the currency of a payment is another one at Stripe.",
        "high",
        why_none="Receipts and reports were made of our amount. Correct it with the books.",
    ),
    DriftClass(
        "payment_refunded",
        "More or less went back",
        "Stripe gave back another amount of a payment than our row says.",
        "critical",
        repair=_FOLLOW_CHARGE,
    ),
    DriftClass(
        "refund_unknown",
        "Refund without a row",
        "Stripe gave money back, and no refund of ours says so; made in Stripe's dashboard, perhaps.",
        "high",
        repair="A refund is noted from Stripe's, for the payment that it belongs to.",
    ),
    DriftClass(
        "refund_gone",
        "Refund gone at Stripe",
        "Our row says that money went back by a refund that Stripe does not know.",
        "critical",
        why_none="The customer may not have their money. Look at the payment, then refund it again.",
    ),
    DriftClass(
        "refund_arrived",
        "Refund done, and not noted here",
        "Stripe gave the money back, and our refund is not processed.",
        "high",
        repair=_FOLLOW_CHARGE,
    ),
    DriftClass(
        "refund_returned",
        "Refund came back",
        "Our refund is processed, and at Stripe it failed: the customer has no money.",
        "critical",
        repair="Our refund is approved again, with a note, for finance to pay it another way.",
    ),
    DriftClass(
        "refund_amount",
        "Another amount was refunded",
        "Stripe gave back another amount than our refund says.",
        "high",
        why_none="What was approved stands in our row, with who approved it. Request the rest, if any.",
    ),
    DriftClass(
        "discount_gone",
        "Coupon gone at Stripe",
        "A code of ours that can be used names a coupon that Stripe does not know.",
        "high",
        why_none=_DISCOUNTS,
    ),
    DriftClass(
        "discount_unknown",
        "Code that is not ours",
        "Stripe takes a promotion code that no row of ours is about.",
        "low",
        why_none=_DISCOUNTS,
    ),
    DriftClass(
        "discount_terms",
        "Another reduction at Stripe",
        "A code takes off another amount at Stripe than our row says.",
        "high",
        why_none=_DISCOUNTS,
    ),
    DriftClass(
        "discount_switch",
        "Code works on one side only",
        "A code can be redeemed at Stripe and not here, or the other way round.",
        "high",
        why_none=_DISCOUNTS,
    ),
    DriftClass(
        "discount_count",
        "Another number of redemptions",
        "Stripe counts other redemptions of a code than we do.",
        "low",
        why_none="The app counts a code when it is entered, Stripe when it is billed; neither is wrong.",
    ),
    DriftClass(
        "price_gone",
        "Price gone at Stripe",
        "A plan or add-on that is on sale names a price that Stripe does not know.",
        "critical",
        why_none=_CATALOGUE,
    ),
    DriftClass(
        "price_amount",
        "Another price in the list",
        "A plan or add-on costs another amount at Stripe than in our list.",
        "high",
        why_none=_CATALOGUE,
    ),
    DriftClass(
        "price_switch",
        "On sale on one side only",
        "A price is switched off at Stripe while its plan is on sale here, or the other way round.",
        "low",
        why_none=_CATALOGUE,
    ),
    DriftClass(
        "price_unknown",
        "Price that is not ours",
        "Stripe has a price on sale that no plan or add-on of ours has.",
        "info",
        why_none=_CATALOGUE,
    ),
    DriftClass(
        "event_missing",
        "Event that never came",
        "Something happened at Stripe, and its event is not in our inbox.",
        "high",
        repair="The event is fetched from Stripe and applied through the inbox.",
    ),
)

CLASSES: Final[Mapping[str, DriftClass]] = MappingProxyType({each.name: each for each in _ALL})
"""Every class by its name."""

REPAIRABLE: Final = tuple(each.name for each in _ALL if each.repair is not None)
"""The names of the classes that have a safe repair."""
