"""The drift of one subscription alone, for the page that shows it: one request, nothing kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lib.models import Subscription
from lib.payments.gateway import Gateway
from lib.payments.reconcile import ours
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.ours import OurPrice, OurSubscription
from lib.payments.reconcile.parts.subscriptions import ask_subscription


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be known of our side before Stripe is asked about one subscription."""

    row: OurSubscription
    prices: Mapping[str, OurPrice]
    now: datetime


def question_about(session: Session, subscription_id: str, now: datetime) -> Question | None:
    """The question about a subscription of ours; None for one that Stripe does not bill."""
    rows = ours.subscriptions(session, Subscription.id == subscription_id)
    if not rows or rows[0].stripe_id is None:
        return None
    return Question(rows[0], ours.prices(session), now)


def of_subscription(gateway: Gateway, question: Question) -> list[Finding]:
    """What differs between the subscription and Stripe now, as a walk would find it."""
    return ask_subscription(gateway, question.row, question.prices, question.now)
