"""A code that staff put on a subscription counts as redeemed, like one that the couple typed."""

import json

from lib.core.work import Work
from lib.models import DiscountCode, DiscountUsage, Operation, Subscription


def note_redemption(work: Work, operation_id: str) -> None:
    """Add the redemption of the code that an operation was about, once; nothing for other operations.

    The row has the operation's id and no payment: what the code takes off a bill is known, the bill is yet to
    come.
    """
    operation = work.session.get(Operation, operation_id)
    given = json.loads(operation.params) if operation else {}
    if operation is None or "discount_id" not in given:
        return
    code = work.session.get(DiscountCode, given["discount_id"])
    subscription = work.session.get(Subscription, operation.object_id)
    if code is None or subscription is None or work.session.get(DiscountUsage, operation.id) is not None:
        return
    work.session.add(
        DiscountUsage(
            id=operation.id,
            discount_id=code.id,
            user_id=subscription.user_id,
            relationship_id=subscription.relationship_id,
            discount_amount_cents=given["off_cents"],
            used_at=work.now,
        )
    )
    code.current_uses = (code.current_uses or 0) + 1
