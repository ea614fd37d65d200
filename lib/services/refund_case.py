"""One refund with everything that a decision needs, for the page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.listing import Column
from lib.core.work import Digest, View, digest
from lib.models import ActionPlan, Payment, Refund, RefundAttempt, RefundHandOn, User
from lib.payments import operations
from lib.payments.operations import OperationView
from lib.services import payments, refund_hand_ons
from lib.services.payments import Asked, PaymentLine
from lib.services.refund_hand_ons import HandOn
from lib.services.refund_policy import Recommendation
from lib.services.refund_recommendations import Decision, Kept, kept_of, recommendation_of
from lib.services.refund_rules import Requester, requester_of, why_not_again, why_not_decide
from lib.services.refund_words import for_customer

EARLIER_COLUMNS: Final = (
    Column("requested_at", "Requested", "moment"),
    Column("amount_cents", "Amount", "money"),
    Column("status", "Status", "status"),
    Column("stripe_refund_id", "Stripe refund", "id"),
    Column("id", "Refund", "id"),
)
ATTEMPT_COLUMNS: Final = (
    Column("at", "When", "moment"),
    Column("admin_user_id", "Who", "id"),
    Column("allowed", "Allowed", "flag"),
    Column("refusal", "Why not"),
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to approve the refund."""

    at: datetime
    admin_user_id: str
    allowed: bool
    refusal: str | None


@dataclass(frozen=True, slots=True)
class RefundCase:
    """One refund with what a decision needs. Amounts are minor units of `currency`.

    `left_cents`: what of the payment is left for this refund. `earlier`: the payment's other refunds.
    `digest`: hand it back with the decision.
    `recommendation`: what it is now, while the refund waits; `kept`: what it was when the refund was asked
    for and decided, empty for one that was not asked for and decided here. `hand_on`:
    the newest, while it waits.
    `colleagues`: to whom the reader can hand the decision on. `plan_id`: the open plan that it is a step of.
    `why_not_decide`: why the reader cannot approve or deny it now; None when they can.
    `can_try_again`: it is approved, Stripe did not pay it, and nothing is under way.
    `for_customer`: what a customer may be told, to paste.
    """

    id: str
    digest: Digest
    status: str
    amount_cents: int
    currency: str
    reason: str | None
    notes: str | None
    requested_at: datetime | None
    processed_at: datetime | None
    processed_by: str | None
    stripe_refund_id: str | None
    user_id: str
    person: str | None
    email: str | None
    relationship_id: str | None
    payment: PaymentLine
    left_cents: int
    requested_by: Requester | None
    earlier: tuple[Asked, ...]
    attempts: tuple[Attempt, ...]
    operations: tuple[OperationView, ...]
    recommendation: Recommendation | None
    kept: tuple[Kept, ...]
    hand_on: HandOn | None
    colleagues: tuple[str, ...]
    plan_id: str | None
    why_not_decide: str | None
    can_try_again: bool
    for_customer: str

    def overruling(self, decision: Decision) -> str:
        """A sentence for who is about to decide against a clear recommendation; else empty."""
        if self.recommendation is None or not self.recommendation.is_overruled_by(decision):
            return ""
        return f"This goes against the recommendation ({self.recommendation.words}), which is noted."


def case_of(view: View, refund: Refund) -> RefundCase:
    """Gather the case of a refund; its person counts as opened."""
    view.note_opening("users", refund.user_id)
    with view.revealing([refund.user_id]) as revealed:
        if revealed:
            view.session.refresh(refund)
        around = _around(view, refund)
    paid = around.payment
    asked = payments.refunds_of(view.session, [paid.id])[paid.id]
    payment = payments.line_of(paid, around.person, asked, disputed=around.disputed)
    requester = requester_of(view.session, refund.id)
    waits = refund.status == "pending"
    # Nothing is sent to Stripe before somebody has decided.
    steps = () if waits else tuple(operations.progress(view, "refunds", refund.id))
    closed = why_not_decide(refund, requester, view.actor, around.plan_id)
    return RefundCase(
        id=refund.id,
        digest=digest(refund),
        status=refund.status,
        amount_cents=refund.refund_amount_cents,
        currency=payment.currency,
        reason=refund.refund_reason,
        notes=refund.notes,
        requested_at=refund.requested_at,
        processed_at=refund.processed_at,
        processed_by=refund.processed_by,
        stripe_refund_id=refund.stripe_refund_id,
        user_id=refund.user_id,
        person=around.person,
        email=around.email,
        relationship_id=refund.relationship_id,
        payment=payment,
        left_cents=payments.balance_of(paid, asked, without=refund.id).left_cents,
        requested_by=requester,
        earlier=tuple(each for each in asked if each.id != refund.id),
        attempts=_attempts(view.session, refund.id),
        operations=steps,
        recommendation=recommendation_of(view.session, paid, view.now, without=refund.id) if waits else None,
        kept=() if waits else kept_of(view.session, refund.id),
        hand_on=around.hand_on if waits else None,
        colleagues=()
        if closed
        else tuple(each for each in around.colleagues if requester is None or each != requester.email),
        plan_id=around.plan_id,
        why_not_decide=closed,
        can_try_again=view.actor.may(Permission.REFUNDS_DECIDE)
        and why_not_again(refund, [step.state for step in steps], around.plan_id) is None,
        for_customer=for_customer(
            refund.status,
            refund.refund_amount_cents,
            payment.currency,
            refund.processed_at,
            failed=bool(steps) and steps[0].state == "failed",
        ),
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around a refund: `colleagues` may decide on refunds, the reader left out."""

    payment: Payment
    disputed: bool
    person: str | None
    email: str | None
    plan_id: str | None
    hand_on: HandOn | None
    colleagues: tuple[str, ...]


def _around(view: View, refund: Refund) -> _Around:
    """The payment, whether a bank took it back, who paid, its plan, the newest hand-on, who else decides.

    One statement.
    """
    plan = select(ActionPlan.id).where(ActionPlan.refund_id == refund.id, ActionPlan.open_key.is_not(None))
    row = view.session.execute(
        select(
            Payment,
            payments.disputed_payment(Payment.id),
            User.name,
            User.email,
            plan.scalar_subquery(),
            RefundHandOn,
            refund_hand_ons.others_who_decide(view.actor),
        )
        .select_from(Payment)
        .outerjoin(User, User.id == refund.user_id)
        .outerjoin(RefundHandOn, RefundHandOn.id == refund_hand_ons.newest(refund.id))
        .where(Payment.id == refund.transaction_id)
    ).first()
    if row is None:
        raise NotFound(f"The payment {refund.transaction_id} of this refund does not exist.")
    payment, disputed, name, email, plan_id, handed, others = row
    hand_on = HandOn.of(handed) if handed is not None else None
    return _Around(payment, disputed, name, email, plan_id, hand_on, tuple(sorted((others or "").split())))


def _attempts(session: Session, refund_id: str) -> tuple[Attempt, ...]:
    rows = session.execute(
        select(RefundAttempt.at, RefundAttempt.admin_user_id, RefundAttempt.allowed, RefundAttempt.refusal)
        .where(RefundAttempt.refund_id == refund_id)
        .order_by(RefundAttempt.at, RefundAttempt.id)
    )
    return tuple(Attempt(*row) for row in rows)
