"""One scenario for each kind of operation: somebody decides it, and it waits to be sent to Stripe."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lib.core import moments
from lib.core.database import Database
from lib.models import Operation
from lib.services import refunds, subscriptions
from tests.factories import make_refund
from tests.local_stripe import LocalStripe
from tests.staff import FINANCE, SUPPORT, do, read

Scenario = Callable[[Database, LocalStripe], Operation]


def refund(database: Database, stripe: LocalStripe) -> Operation:
    asked = make_refund(database, transaction_id=stripe.payment(database), refund_amount_cents=1000)
    shown = read(database, FINANCE, refunds.one, asked).digest
    approved: Operation = do(database, FINANCE, refunds.approve, asked, shown=shown, reason="Fair")
    return approved


def of_subscription(
    act: Callable[..., Operation], *, before: Callable[[LocalStripe, str], object] | None = None, **over: Any
) -> Scenario:
    """A running subscription that somebody acts on; `before` brings Stripe's into the state for it."""

    def scenario(database: Database, stripe: LocalStripe) -> Operation:
        subscription = stripe.subscription(database, **over)
        case = read(database, SUPPORT, subscriptions.one, subscription)
        if before is not None:
            before(stripe, case.stripe_subscription_id)
        queued: Operation = do(database, SUPPORT, act, subscription, shown=case.digest, reason="They asked")
        return queued

    return scenario


def set_to_cancel(stripe: LocalStripe, subscription_id: str) -> None:
    stripe.gateway.subscriptions.cancel_at_period_end(subscription_id, key=f"before:{subscription_id}")


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "refund": refund,
    "subscription_cancel_at_period_end": of_subscription(subscriptions.cancel_at_period_end),
    "subscription_cancel_now": of_subscription(subscriptions.cancel_now),
    "subscription_keep": of_subscription(
        subscriptions.keep,
        before=set_to_cancel,
        canceled_at=moments.now(),
        cancel_reason="Changed their mind",
    ),
}
