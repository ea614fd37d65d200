"""Refunds: a request is decided by another person, then paid by Stripe.

    pending --approve--> approved --(operation done)--> processed
    pending --deny-----> denied
    pending --hand_on--> pending, and somebody else is asked to decide

Production knows these four statuses only. Between `approved` and `processed` the operation says what Stripe
says; when it failed, the refund stays approved and can be tried again.
"""

from typing import Final

from sqlalchemy import case, select
from sqlalchemy.orm import Session, aliased

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Digest, View, Work, action, query
from lib.models import Operation, Payment, Refund, Relationship, User, sortable
from lib.payments import operations
from lib.payments.operations import OperationView
from lib.services import limits, refund_hand_ons, refund_recommendations
from lib.services.refund_case import RefundCase, case_of
from lib.services.refund_payment import (
    ask_back,
    currency_of,
    locked_payment,
    mark_denied,
    prepare_payment,
)
from lib.services.refund_rules import (
    must_be_left,
    must_be_new,
    open_plan_of,
    requester_of,
    why_not_again,
    why_not_decide,
)

STATUSES: Final = ("pending", "approved", "processed", "denied")
REASONS: Final = ("requested_by_customer", "duplicate", "service_problem", "fraudulent")

COLUMNS: Final = (
    Column("requested_at", "Requested", "moment"),
    Column("amount_cents", "Amount", "money"),
    Column("person", "Person"),
    Column("partner", "Partner"),
    Column("reason", "Reason", "code"),
    Column("status", "Status", "status"),
    Column("handed_to", "Handed to"),
    Column("of_cents", "Of payment", "money"),
    Column("stripe_refund_id", "Stripe refund", "id"),
    Column("transaction_id", "Payment", "id"),
    Column("id", "Refund", "id"),
)

_PARTNER: Final = aliased(User)
_the_other: Final = case(
    (Relationship.user_1_id == Refund.user_id, Relationship.user_2_id), else_=Relationship.user_1_id
)


@listing(Permission.REFUNDS_READ, columns=COLUMNS)
def requests(*, status: str | None = "pending") -> AnySelect:
    """Refunds in one status, or all: pending ones oldest first, others newest first."""
    statement: AnySelect = (
        select(
            Refund.id,
            Refund.requested_at,
            Refund.refund_amount_cents.label("amount_cents"),
            Payment.amount_cents.label("of_cents"),
            Payment.currency,
            Refund.user_id,
            User.name.label("person"),
            _PARTNER.name.label("partner"),
            Refund.relationship_id,
            Refund.refund_reason.label("reason"),
            Refund.status,
            Refund.stripe_refund_id,
            Refund.transaction_id,
            refund_hand_ons.newest_to().label("handed_to"),
        )
        .outerjoin(Payment, Payment.id == Refund.transaction_id)
        .outerjoin(User, User.id == Refund.user_id)
        .outerjoin(Relationship, Relationship.id == Refund.relationship_id)
        .outerjoin(_PARTNER, _PARTNER.id == _the_other)
    )
    requested = sortable(Refund.requested_at)
    if status:
        if status not in STATUSES:
            raise Invalid(f"Refunds are {', '.join(STATUSES)}, not “{status[:40]}”.")
        statement = statement.where(Refund.status == status)
    if status == "pending":
        return statement.order_by(requested, Refund.id)
    return statement.order_by(requested.desc(), Refund.id.desc())


@query(Permission.REFUNDS_READ)
def one(view: View, refund_id: str) -> RefundCase:
    """A refund with its payment, its person, and what happened so far; raises NotFound."""
    return case_of(view, _get(view.session, refund_id))


@query(Permission.REFUNDS_READ)
def progress(view: View, refund_id: str) -> list[OperationView]:
    """What Stripe said so far, newest operation first: for the page that watches it."""
    return operations.progress(view, "refunds", refund_id)


@action(Permission.REFUNDS_REQUEST)
def request(
    work: Work,
    payment_id: str,
    *,
    amount_cents: int,
    reason: str,
    note: str = "",
    for_user: str | None = None,
    for_couple: str | None = None,
) -> str:
    """Ask for a part or all of a payment to be given back; returns the refund's id. Somebody else decides.

    `amount_cents`: minor units of the payment's currency. `for_user`, `for_couple`: whom the refund is meant
    for, so that a wrong payment id cannot pay somebody else.

    Raises NotFound without such a payment, Invalid for an amount that is not positive, Refused when it is
    more than is left (what is asked for and what is approved counts), when the payment never succeeded, is
    itself a refund, is not Stripe's, or is somebody else's; and when the actor asked for the very same
    already and nobody has decided on it: a button that is pressed twice asks once.
    """
    payment = locked_payment(work.session, payment_id)
    if amount_cents <= 0:
        raise Invalid("The amount must be more than zero.")
    if (for_user and payment.user_id != for_user) or (for_couple and payment.relationship_id != for_couple):
        raise Refused("This payment is somebody else's. Check the payment's id.")
    must_be_new(work, payment, amount_cents, reason, note)
    must_be_left(work.session, payment, amount_cents)
    refund = ask_back(work, payment, amount_cents, reason, note)
    work.about("refunds", refund.id)
    return refund.id


@action(Permission.REFUNDS_DECIDE, about="refunds")
def approve(work: Work, refund_id: str, *, shown: Digest, reason: str) -> Operation:
    """Approve a pending refund and queue its payment. Every try is kept, also one that is refused.

    Raises Refused when the row changed since it was shown, when it is decided already, when the payment has
    less left than the refund asks for (approved and running refunds count), when the actor requested it, or
    when the actor's 24-hour limit is used up.
    """
    refund = _get(work.session, refund_id)
    payment = locked_payment(work.session, refund.transaction_id)
    attempt = limits.attempt(
        work, limits.REFUNDS, refund.id, refund.refund_amount_cents, currency_of(payment)
    )
    _must_decide(work, refund, shown)
    must_be_left(work.session, payment, refund.refund_amount_cents, without=refund.id)
    attempt.must_fit()
    refund_recommendations.keep(work, refund, "approved")
    refund.status = "approved"
    refund.processed_by = work.actor.id
    return prepare_payment(work, refund, payment, reason, again=False)


@action(Permission.REFUNDS_DECIDE, about="refunds")
def deny(work: Work, refund_id: str, *, shown: Digest, reason: str) -> None:
    """Deny a pending refund; `reason` is what whoever asked for it is told, and is kept with it.

    Raises Refused when the row changed since it was shown, is decided already, or the actor requested it.
    """
    refund = _get(work.session, refund_id)
    _must_decide(work, refund, shown)
    refund_recommendations.keep(work, refund, "denied")
    mark_denied(work, refund, f"Denied: {reason.strip()}")


@action(Permission.REFUNDS_DECIDE, about="refunds")
def hand_on(work: Work, refund_id: str, *, to: str, message: str, shown: Digest) -> None:
    """Ask a colleague, by e-mail address, to decide on a pending refund; anybody else still may.

    Raises Refused when the row changed since it was shown or is not the actor's to decide, and Invalid for a
    colleague who may not decide on it.
    """
    refund = _get(work.session, refund_id)
    _must_decide(work, refund, shown)
    refund_hand_ons.hand_on(work, refund, to, message)


@action(Permission.REFUNDS_DECIDE, about="refunds")
def try_again(work: Work, refund_id: str, *, shown: Digest, reason: str) -> Operation:
    """Queue the payment of an approved refund anew, after Stripe turned it down.

    Nothing can be paid twice: Stripe is asked first whether it paid this refund after all. Raises Refused
    when the row changed since it was shown, when it is not approved, or while an operation is under way.
    """
    refund = _get(work.session, refund_id)
    work.expect(refund, shown)
    earlier = work.session.scalars(
        select(Operation.state).where(Operation.object_type == "refunds", Operation.object_id == refund_id)
    ).all()
    if why := why_not_again(refund, earlier, open_plan_of(work.session, refund.id)):
        raise Refused(why)
    payment = locked_payment(work.session, refund.transaction_id)
    return prepare_payment(work, refund, payment, reason, again=True)


def _get(session: Session, refund_id: str) -> Refund:
    refund = session.get(Refund, refund_id)
    if refund is None:
        raise NotFound(f"There is no refund “{refund_id[:40]}”.")
    return refund


def _must_decide(work: Work, refund: Refund, shown: Digest) -> None:
    work.expect(refund, shown)
    plan_id = open_plan_of(work.session, refund.id)
    if why := why_not_decide(refund, requester_of(work.session, refund.id), work.actor, plan_id):
        raise Refused(why)
