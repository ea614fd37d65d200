"""Tables of our own for the refund desk (revision 0110): recommendations, hand-ons, combined plans."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import Base


class RefundRecommendation(Base):
    """What was recommended for a refund at one moment, and what a person then did.

    A refund has one from when it was asked for, and one from when it was decided. `grounds` is canonical JSON,
    a list of `{"code", "sentence", "weight"}`, without anybody's name. `rule` names the version of the rule.
    """

    __tablename__ = "admin_refund_recommendations"
    __table_args__ = (
        Index("idx_admin_refund_recommendations_refund", "refund_id", "at"),
        CheckConstraint("stage IN ('request', 'decision')", name="admin_refund_recommendations_stage"),
        CheckConstraint(
            "verdict IN ('refund', 'mixed', 'keep')", name="admin_refund_recommendations_verdict"
        ),
        CheckConstraint("decision IN ('approved', 'denied')", name="admin_refund_recommendations_decision"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    refund_id: Mapped[str]
    stage: Mapped[str]
    at: Mapped[datetime]
    rule: Mapped[str]
    verdict: Mapped[str]
    score: Mapped[int]
    grounds: Mapped[str]
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_by_email: Mapped[str | None]
    overruled: Mapped[bool | None]


class RefundHandOn(Base):
    """The decision on a refund was handed on to somebody else; the newest one of a refund counts."""

    __tablename__ = "admin_refund_hand_ons"
    __table_args__ = (
        Index("idx_admin_refund_hand_ons_refund", "refund_id", "at", "id"),
        Index("idx_admin_refund_hand_ons_to", "to_id", "refund_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    refund_id: Mapped[str]
    at: Mapped[datetime]
    from_id: Mapped[str]
    from_email: Mapped[str]
    to_id: Mapped[str]
    to_email: Mapped[str]
    message: Mapped[str]


class ActionPlan(Base):
    """Several steps for one couple that are decided as a whole and then carried out one by one.

        proposed -> running -> done
           |          |  ^
           |          v  |
           |        stopped -> given_up
           +-> denied | withdrawn

    `open_key` is the couple while the plan is open, and is unique: a couple has one open plan at most.
    """

    __tablename__ = "admin_plans"
    __table_args__ = (
        Index("idx_admin_plans_state", "state", "requested_at", "id"),
        Index("idx_admin_plans_requested", "requested_at", "id"),
        Index("idx_admin_plans_couple", "relationship_id", "requested_at"),
        Index("idx_admin_plans_refund", "refund_id"),
        CheckConstraint(
            "state IN ('proposed', 'running', 'stopped', 'done', 'denied', 'withdrawn', 'given_up')",
            name="admin_plans_state",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    relationship_id: Mapped[str]
    refund_id: Mapped[str | None]
    state: Mapped[str]
    open_key: Mapped[str | None] = mapped_column(unique=True)
    reason: Mapped[str]
    requested_by: Mapped[str]
    requested_by_email: Mapped[str]
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_by_email: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    stopped_because: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class ActionPlanStep(Base):
    """One step of a plan, as it was shown when the plan was proposed, and what came of it.

        planned -> running -> done
                      |
                      +-> failed (continued: planned again) | skipped

    `shown` is JSON: what the step does, to money, to access and to MRR, in sentences. `operation_id` is the
    operation at Stripe that carries it out, if one does.
    """

    __tablename__ = "admin_plan_steps"
    __table_args__ = (
        CheckConstraint(
            "state IN ('planned', 'running', 'done', 'failed', 'skipped')", name="admin_plan_steps_state"
        ),
    )

    plan_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    shown: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    operation_id: Mapped[str | None]
    said: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
