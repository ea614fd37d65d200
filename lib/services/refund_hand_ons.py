"""Handing the decision on a refund to a colleague, such as one with a higher limit."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from lib.core.access import GRANTS, STAFF_ROLES, Actor, Permission, Role
from lib.core.errors import Invalid
from lib.core.work import Work
from lib.models import AdminUser, Refund, RefundHandOn, new_id
from lib.services.refund_rules import Requester, requester_of


@dataclass(frozen=True, slots=True)
class HandOn:
    """Who asked whom to decide, when, and with which words."""

    at: datetime
    from_email: str
    to_id: str
    to_email: str
    message: str


def hand_on(work: Work, refund: Refund, to: str, message: str) -> None:
    """Note that a colleague is asked to decide; raises Invalid for one who may not, and without a message."""
    if not message.strip():
        raise Invalid("Write a few words to your colleague: what they should know, and why you hand it on.")
    colleagues = colleagues_of(work.session, work.actor, requester_of(work.session, refund.id))
    address = to.strip().lower()
    if address not in colleagues:
        raise Invalid(
            f"{to[:60]} cannot decide on this refund: it takes somebody else who is here, may decide on "
            "refunds and did not ask for this one."
        )
    work.session.add(
        RefundHandOn(
            id=new_id(),
            refund_id=refund.id,
            at=work.now,
            from_id=work.actor.id,
            from_email=work.actor.email,
            to_id=colleagues[address],
            to_email=address,
            message=message.strip(),
        )
    )


def colleagues_of(session: Session, actor: Actor, requester: Requester | None) -> dict[str, str]:
    """Who else may decide on a refund with this requester: e-mail address to id, by address."""
    deciding = [role.value for role in STAFF_ROLES if Permission.REFUNDS_DECIDE in GRANTS[Role(role)]]
    rows = session.execute(
        select(AdminUser.email, AdminUser.id)
        .where(
            AdminUser.is_active,
            AdminUser.role.in_(deciding),
            AdminUser.id.not_in([actor.id, *([requester.id] if requester else [])]),
        )
        .order_by(AdminUser.email)
    )
    return {row.email: row.id for row in rows}


def newest_to() -> ScalarSelect[str]:
    """In a SELECT of refunds: the address of whom the decision was handed to last."""
    return (
        select(RefundHandOn.to_email)
        .where(RefundHandOn.refund_id == Refund.id)
        .order_by(RefundHandOn.at.desc(), RefundHandOn.id.desc())
        .limit(1)
        .correlate(Refund)
        .scalar_subquery()
    )


def of_refund(session: Session, refund_id: str) -> tuple[HandOn, ...]:
    """Every time that the decision on a refund was handed on, newest first: the first one counts."""
    rows = session.execute(
        select(
            RefundHandOn.at,
            RefundHandOn.from_email,
            RefundHandOn.to_id,
            RefundHandOn.to_email,
            RefundHandOn.message,
        )
        .where(RefundHandOn.refund_id == refund_id)
        .order_by(RefundHandOn.at.desc(), RefundHandOn.id.desc())
    )
    return tuple(HandOn(*row) for row in rows)
