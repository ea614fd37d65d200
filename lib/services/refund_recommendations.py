"""Recommendations: the facts about a payment, what the rule makes of them, and what was recommended then.

What is recommended is kept with a refund when it is asked for, and again when it is decided, together with
the decision and whether it goes against the recommendation.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.audit import canonical
from lib.core.errors import NotFound
from lib.core.work import View, Work, query
from lib.models import Payment, Refund, RefundRecommendation, new_id
from lib.services.refund_facts import facts_of
from lib.services.refund_policy import Ground, Recommendation, recommend

Decision = Literal["approved", "denied"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A recommendation as it was kept: when, at which stage, and what a person then decided."""

    stage: str
    at: datetime
    recommendation: Recommendation
    decision: str | None
    decided_by_email: str | None
    overruled: bool


@query(Permission.REFUNDS_READ)
def for_payment(view: View, payment_id: str) -> Recommendation:
    """What is recommended for giving a payment back now; raises NotFound. Two statements."""
    payment = view.session.get(Payment, payment_id)
    if payment is None:
        raise NotFound(f"There is no payment “{payment_id[:40]}”.")
    return recommendation_of(view.session, payment, view.now)


def recommendation_of(
    session: Session, payment: Payment, now: datetime, *, without: str | None = None
) -> Recommendation:
    """What the rule makes of a payment now; `without` is the refund that is being decided. One statement."""
    return recommend(facts_of(session, payment, now, without=without))


def keep(work: Work, refund: Refund, decision: Decision | None = None) -> Recommendation:
    """Keep what is recommended for a refund now, with the decision if one is being made; gives it."""
    payment = work.session.get_one(Payment, refund.transaction_id)
    given = recommendation_of(work.session, payment, work.now, without=refund.id)
    work.session.add(
        RefundRecommendation(
            id=new_id(),
            refund_id=refund.id,
            stage="decision" if decision else "request",
            at=work.now,
            rule=given.rule,
            verdict=given.verdict,
            score=given.score,
            grounds=canonical([asdict(ground) for ground in given.grounds]),
            decision=decision,
            decided_by=work.actor.id if decision else None,
            decided_by_email=work.actor.email if decision else None,
            overruled=given.is_overruled_by(decision) if decision else None,
        )
    )
    return given


def kept_of(session: Session, refund_id: str) -> tuple[Kept, ...]:
    """What was recommended for a refund, oldest first."""
    rows = session.scalars(
        select(RefundRecommendation)
        .where(RefundRecommendation.refund_id == refund_id)
        .order_by(RefundRecommendation.at, RefundRecommendation.id)
    )
    return tuple(
        Kept(
            row.stage,
            row.at,
            Recommendation(
                row.verdict,  # type: ignore[arg-type]  # the table holds no other
                row.score,
                tuple(Ground(**ground) for ground in json.loads(row.grounds)),
                row.rule,
            ),
            row.decision,
            row.decided_by_email,
            bool(row.overruled),
        )
        for row in rows
    )
