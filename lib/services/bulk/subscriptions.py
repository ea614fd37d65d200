"""What can be done to many subscriptions at Stripe: each is an operation of its own in the outbox."""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound, Refused
from lib.core.work import Work, digest
from lib.models import DiscountCode, Operation, Subscription
from lib.models.expressions import folded
from lib.payments import ledger
from lib.payments.kinds import KINDS
from lib.payments.rows import off_by_code
from lib.services.bulk.action import Arguments, BulkAction, Result
from lib.services.discounts.redeeming import why_not_redeem, why_not_usable
from lib.services.subscriptions.wishes import Standing, Wish, prepare, why_not


def _nothing_to_check(_session: Session, _arguments: Arguments, _now: datetime) -> None:
    """It takes no arguments."""


def _why_not_cancel(
    session: Session, subscription: Subscription, _arguments: Arguments, _now: datetime
) -> str | None:
    return _why_not("cancel_at_period_end", session, subscription)


def _cancel(work: Work, subscription: Subscription, _arguments: Arguments, reason: str) -> Result:
    shown = digest(subscription)
    queued = prepare(work, "cancel_at_period_end", subscription, shown=shown, reason=reason)
    return Result(f"Ends on {subscription.current_period_end:%Y-%m-%d}.", queued.id)


def _check_code(session: Session, arguments: Arguments, now: datetime) -> None:
    code = _code(session, arguments)
    if why := why_not_usable(session, code, now):
        raise Refused(why)
    if code.stripe_coupon_id is None:
        raise Refused(f"The code {code.code} has no coupon at Stripe, so Stripe takes nothing off for it.")


def _why_not_apply(
    session: Session, subscription: Subscription, arguments: Arguments, now: datetime
) -> str | None:
    why = _why_not("apply_code", session, subscription)
    return why or why_not_redeem(session, _code(session, arguments), subscription, now)


def _apply(work: Work, subscription: Subscription, arguments: Arguments, reason: str) -> Result:
    code = _code(work.session, arguments)
    queued = prepare(
        work,
        "apply_code",
        subscription,
        shown=digest(subscription),
        reason=reason,
        code=code.code,
        coupon_id=code.stripe_coupon_id,
        discount_id=code.id,
        off_cents=off_by_code(code, subscription.price_cents),
    )
    return Result(f"{code.code} takes something off from the next bill on.", queued.id)


def _code(session: Session, arguments: Arguments) -> DiscountCode:
    text = arguments["code"].strip()
    code = session.scalars(select(DiscountCode).where(folded(DiscountCode.code) == text.lower())).first()
    if code is None:
        raise NotFound(f"There is no code “{text[:40]}”.")
    return code


def _why_not(wish: Wish, session: Session, subscription: Subscription) -> str | None:
    """Why a wish cannot be granted for a subscription now, an operation under way included."""
    open_key = f"subscriptions:{subscription.id}"
    kind = session.scalar(select(Operation.kind).where(Operation.open_key == open_key))
    standing = Standing.of(subscription, ledger.newest(session, subscription.id))
    return why_not(wish, standing, None if kind is None else KINDS[kind].title)


CANCEL: Final = BulkAction(
    "cancel_at_period_end",
    "Cancel at period end",
    Permission.SUBSCRIPTIONS_CANCEL,
    "Each ends with the period that is paid for: access stays until then, and no money moves.",
    {},
    _nothing_to_check,
    _why_not_cancel,
    _cancel,
)
APPLY_CODE: Final = BulkAction(
    "apply_code",
    "Apply a code",
    Permission.DISCOUNTS_APPLY,
    "Each pays less from its next bill on, for as long as the code lasts. Every row is one redemption.",
    {"code": "Code"},
    _check_code,
    _why_not_apply,
    _apply,
)
