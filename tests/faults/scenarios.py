"""One scenario for each kind of operation: somebody decides it, and it waits to be sent to Stripe."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lib.core import moments
from lib.core.database import Database
from lib.models import Operation
from lib.services import refunds, subscriptions
from lib.services.payments import case, credit, invoices
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
        shown = read(database, SUPPORT, subscriptions.one, subscription)
        if before is not None:
            before(stripe, shown.stripe_subscription_id)
        queued: Operation = do(database, SUPPORT, act, subscription, shown=shown.digest, reason="They asked")
        return queued

    return scenario


def set_to_cancel(stripe: LocalStripe, subscription_id: str) -> None:
    stripe.gateway.subscriptions.cancel_at_period_end(subscription_id, key=f"before:{subscription_id}")


def of_invoice(act: Callable[..., Operation], **given: Any) -> Scenario:
    """An invoice that a card refused once; by now the customer has another card."""

    def scenario(database: Database, stripe: LocalStripe) -> Operation:
        payment = stripe.unpaid(database, card="pm_card_visa")
        owed = read(database, FINANCE, case.case, payment).owed
        queued: Operation = do(database, FINANCE, act, payment, shown=owed.digest, reason="Agreed", **given)
        return queued

    return scenario


def credit_balance(database: Database, stripe: LocalStripe) -> Operation:
    added: Operation = do(
        database,
        FINANCE,
        credit.change_balance,
        stripe.unpaid(database),
        direction="add",
        amount_cents=500,
        credit_cents=0,
        reason="Sync was down",
    )
    return added


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "credit_note": of_invoice(credit.issue_note, amount_cents=1000, note_reason="order_change"),
    "customer_balance": credit_balance,
    "invoice_retry": of_invoice(invoices.retry),
    "invoice_send": of_invoice(invoices.send),
    "invoice_uncollectible": of_invoice(invoices.write_off),
    "invoice_void": of_invoice(invoices.void),
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
