"""Adding a movement to a couple's AI credits, with the balance after it, as the app writes them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.work import Work
from lib.models import AiCredit, new_id, sortable


def add_movement(
    work: Work,
    couple_id: str,
    user_id: str,
    kind: str,
    amount: int,
    *,
    words: str,
    expires_at: datetime | None = None,
    payment: str | None = None,
) -> str:
    """Write one movement inside an action; gives its id. The caller holds the couple's row.

    The balance goes on from what the app wrote last, whether or not that adds up: it is what the couple sees.
    `payment`: Stripe's id of the payment that it is about.
    """
    movement = AiCredit(
        id=new_id(),
        relationship_id=couple_id,
        user_id=user_id,
        transaction_type=kind,
        credits_amount=amount,
        credits_balance=stored_balance(work.session, couple_id) + amount,
        usage_description=words,
        stripe_payment_id=payment,
        expires_at=expires_at,
        created_at=work.now,
    )
    work.session.add(movement)
    return movement.id


def stored_balance(session: Session, couple_id: str) -> int:
    """The balance that the app wrote last; 0 for a couple without movements."""
    found = session.scalar(
        select(AiCredit.credits_balance)
        .where(AiCredit.relationship_id == couple_id)
        .order_by(sortable(AiCredit.created_at).desc(), AiCredit.id.desc())
        .limit(1)
    )
    return found or 0
