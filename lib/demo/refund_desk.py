"""The refund desk on its first day: requests in each state, one handed on, a plan to decide, one half-way.

The demo accounts do everything through the real actions, so the audit trail and the limits know of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.work import View, reading, working
from lib.models import ActionPlan, Payment, Refund, Subscription, sortable
from lib.services import payments, refunds
from lib.services.plans import carrying_out, case, dry_run, plan
from lib.services.plans.wishes import Wishes
from lib.services.refund_recommendations import for_payment

_LOOKED_AT: Final = 60
_NOTES: Final = {
    "refund": "Renewed yesterday and wrote within the hour. Friendly, has not opened it since.",
    "mixed": "Liked it at first, then stopped. Asks whether a part of it could come back.",
    "keep": "Wants the month back although both were in it nearly every day.",
}
_HANDED_ON: Final = "I have decided on their last two refunds already. Would you look at this one?"
_DENIED: Final = "They used it on most days. Tell them that the rest of the month stays theirs."
_TO_DECIDE: Final = "Separated last week. Both asked to end it and to get the last payment back."
_HALF_WAY: Final = "Charged after they had written that they wanted to stop."


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A payment that can be given back, with its couple."""

    payment_id: str
    couple_id: str
    subscription_id: str | None
    cents: int


def open_cases(database: Database, staff: Mapping[Role, Actor]) -> None:
    """Ask for refunds, decide on some, hand one on, propose plans, and carry one out half-way."""
    with reading(database, staff[Role.SUPPORT]) as view:
        candidates = list(_candidates(view))
        asked = _one_of_each(view, candidates)
    for verdict, candidate in asked.items():
        with working(database, staff[Role.SUPPORT]) as work:
            refund = refunds.request(
                work,
                candidate.payment_id,
                amount_cents=candidate.cents,
                reason="requested_by_customer",
                note=_NOTES[verdict],
            )
        _decide(database, staff, verdict, refund)
    used = {candidate.couple_id for candidate in asked.values()}
    left = [candidate for candidate in candidates if candidate.couple_id not in used]
    _propose_to_decide(database, staff, left)
    _stop_half_way(database, staff, left)


def _candidates(view: View) -> Iterator[_Candidate]:
    """Newest payments for a running subscription that nobody asked back, one for each couple."""
    rows = view.session.execute(
        select(Payment.id, Payment.relationship_id, Payment.subscription_id, Payment.amount_cents)
        .join(Subscription, Subscription.id == Payment.subscription_id)
        .where(
            Payment.status == "succeeded",
            Payment.transaction_type == "subscription",
            Payment.refund_amount_cents.is_(None),
            Payment.id.not_in(select(Refund.transaction_id)),
            ~payments.disputed_payment(Payment.id),
            Subscription.status == "active",
            Subscription.canceled_at.is_(None),
        )
        .order_by(sortable(Payment.created_at).desc(), Payment.id.desc())
        .limit(_LOOKED_AT)
    )
    seen: set[str] = set()
    for payment_id, couple_id, subscription_id, cents in rows:
        if couple_id is not None and couple_id not in seen:
            seen.add(couple_id)
            yield _Candidate(payment_id, couple_id, subscription_id, cents)


def _one_of_each(view: View, candidates: list[_Candidate]) -> dict[str, _Candidate]:
    """For each recommendation the first payment that gets it."""
    found: dict[str, _Candidate] = {}
    for candidate in candidates:
        found.setdefault(for_payment(view, candidate.payment_id).verdict, candidate)
    return found


def _decide(database: Database, staff: Mapping[Role, Actor], verdict: str, refund: str) -> None:
    """The clear one waits, the mixed one is handed on, the third is denied with words."""
    finance = staff[Role.FINANCE]
    with reading(database, finance) as view:
        shown = refunds.one(view, refund).digest
    with working(database, finance) as work:
        if verdict == "mixed":
            refunds.hand_on(work, refund, to=staff[Role.ADMIN].email, message=_HANDED_ON, shown=shown)
        elif verdict == "keep":
            refunds.deny(work, refund, shown=shown, reason=_DENIED)


def _propose_to_decide(database: Database, staff: Mapping[Role, Actor], left: list[_Candidate]) -> None:
    if not left:
        return
    candidate = left.pop(0)
    wishes = Wishes(
        payment_id=candidate.payment_id,
        amount_cents=candidate.cents,
        subscription_id=candidate.subscription_id,
    )
    _propose(database, staff[Role.SUPPORT], candidate, wishes, _TO_DECIDE)


def _stop_half_way(database: Database, staff: Mapping[Role, Actor], left: list[_Candidate]) -> None:
    """A plan whose credits are taken back, and whose refund was denied in the app before it was paid."""
    with reading(database, staff[Role.SUPPORT]) as view:
        candidate = next((each for each in left if dry_run.choices(view, each.couple_id).credits), None)
    if candidate is None:
        return
    wishes = Wishes(payment_id=candidate.payment_id, amount_cents=candidate.cents, credits=True)
    plan_id = _propose(database, staff[Role.SUPPORT], candidate, wishes, _HALF_WAY)
    finance = staff[Role.FINANCE]
    with reading(database, finance) as view:
        shown = case.one(view, plan_id).digest
    with working(database, finance) as work:
        plan.approve(work, plan_id, shown=shown, reason="They did write in time.")
    carrying_out.advance_due(database)
    with database.primary.execution_options(writes=True).begin() as connection:
        connection.execute(
            update(Refund)
            .where(Refund.id.in_(select(ActionPlan.refund_id).where(ActionPlan.id == plan_id)))
            .values(status="denied", processed_by="billing-desk@example.org")
        )
    carrying_out.advance_due(database)


def _propose(database: Database, support: Actor, candidate: _Candidate, wishes: Wishes, reason: str) -> str:
    with reading(database, support) as view:
        shown = dry_run.dry_run(view, candidate.couple_id, wishes).digest
    with working(database, support) as work:
        return plan.propose(work, candidate.couple_id, wishes, shown=shown, reason=reason)
