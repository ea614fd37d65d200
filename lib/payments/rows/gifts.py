"""A gift that its giver has paid: the recipients' subscription, unknown to Stripe, and the payment.

Production keeps a gift as a subscription with `is_gift` that ends by itself, and a payment of the giver's.
"""

import json
from typing import Any

from lib.core import moments
from lib.core.work import Work
from lib.models import Operation, Payment, Relationship, Subscription, SubscriptionPlan, User
from lib.payments import ledger
from lib.payments.events import PaymentIntentFacts
from lib.payments.rows.found import Changes, noted


def follow_gift(work: Work, facts: PaymentIntentFacts, *, operation_id: str) -> Changes | None:
    """Write the gift that an operation has taken the money for; it begins now, and nothing is written twice.

    None when the recipients, the giver or the plan are gone.
    """
    session = work.session
    operation = session.get_one(Operation, operation_id)
    decided: dict[str, Any] = json.loads(operation.params)
    plan = session.get(SubscriptionPlan, decided["plan_id"])
    couple = session.get(Relationship, decided["relationship_id"])
    giver = session.get(User, decided["giver_id"])
    if plan is None or couple is None or giver is None:
        return None
    if session.get(Subscription, decided["subscription_id"]) is not None:
        return noted(work)
    gift = Subscription(
        id=decided["subscription_id"],
        relationship_id=couple.id,
        plan_id=plan.id,
        user_id=decided["recipient_id"],
        status="active",
        billing_period=plan.billing_period,
        price_cents=plan.price_cents,
        currency=plan.currency or "USD",
        current_period_start=work.now,
        current_period_end=moments.plus_months(work.now, decided["months"]),
        canceled_at=None,
        is_gift=True,
        gift_from_user_id=giver.id,
        gift_message=decided["message"] or None,
        created_at=work.now,
        updated_at=work.now,
    )
    session.add(gift)
    session.add(
        Payment(
            id=decided["payment_id"],
            subscription_id=gift.id,
            user_id=giver.id,
            relationship_id=decided["giver_relationship_id"],
            stripe_payment_intent_id=facts.id,
            stripe_charge_id=facts.charge_id,
            transaction_type="gift",
            amount_cents=facts.amount if facts.amount is not None else decided["amount_cents"],
            currency=(facts.currency or decided["currency"]).upper(),
            status="succeeded" if facts.status == "succeeded" else "pending",
            payment_method="card",
            description=decided["description"],
            processed_at=work.now,
            created_at=facts.created or work.now,
        )
    )
    ledger.record(work, gift, effective_at=work.now, source="action", source_id=operation_id)
    return noted(work)
