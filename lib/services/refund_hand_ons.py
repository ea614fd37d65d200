"""Handing the decision on a refund to a colleague, such as one with a higher limit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import ScalarSelect, func, select
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
    to_email: str
    message: str

    @classmethod
    def of(cls, row: RefundHandOn) -> Self:
        """What a row says."""
        return cls(row.at, row.from_email, row.to_email, row.message)


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
    rows = session.execute(
        select(AdminUser.email, AdminUser.id)
        .where(
            AdminUser.is_active,
            AdminUser.role.in_(_deciding()),
            AdminUser.id.not_in([actor.id, *([requester.id] if requester else [])]),
        )
        .order_by(AdminUser.email)
    )
    return {row.email: row.id for row in rows}


def others_who_decide(actor: Actor) -> ScalarSelect[str]:
    """In a SELECT: the addresses of all but the actor who may decide on refunds, spaces between them."""
    return (
        select(func.aggregate_strings(AdminUser.email, " "))
        .where(AdminUser.is_active, AdminUser.role.in_(_deciding()), AdminUser.id != actor.id)
        .scalar_subquery()
    )


def newest(refund_id: str) -> ScalarSelect[str]:
    """In a SELECT: the id of the newest hand-on of a refund."""
    return (
        select(RefundHandOn.id)
        .where(RefundHandOn.refund_id == refund_id)
        .order_by(RefundHandOn.at.desc(), RefundHandOn.id.desc())
        .limit(1)
        .correlate(None)
        .scalar_subquery()
    )


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


def _deciding() -> list[str]:
    return [role.value for role in STAFF_ROLES if Permission.REFUNDS_DECIDE in GRANTS[Role(role)]]
