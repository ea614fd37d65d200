"""Tables of our own for the work list of couples at risk (revision 0114)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import NO, Base


class CardOnFile(Base):
    """The card that Stripe last told of for a customer, and the first moment at which it is no longer good."""

    __tablename__ = "admin_cards_on_file"
    __table_args__ = (
        Index("idx_admin_cards_on_file_good", "good_until"),
        Index("idx_admin_cards_on_file_card", "card_id"),
    )

    stripe_customer_id: Mapped[str] = mapped_column(primary_key=True)
    card_id: Mapped[str]
    good_until: Mapped[datetime]
    told_at: Mapped[datetime]


class CoupleAtRisk(Base):
    """One reason why one couple may stop paying, as the job `at-risk` last found it.

    `arr_cents` is the annualised amount at stake, `since` when the reason came up, `due_at` when it is decided
    (the next try, the last day): empty where nothing is due. `urgent`: due within a week. `object_id` is the row
    with which it is helped. `before` and `after` are two numbers to the reason, such as activity then and now.
    """

    __tablename__ = "admin_couples_at_risk"
    __table_args__ = (
        Index("idx_admin_couples_at_risk_order", "urgent", "arr_cents", "id"),
        Index("idx_admin_couples_at_risk_reason", "reason", "urgent", "arr_cents", "id"),
        Index("idx_admin_couples_at_risk_couple", "relationship_id"),
        CheckConstraint(
            "reason IN ('past_due', 'card_expiring', 'set_to_cancel', 'trial_without_card', 'gift_ending',"
            " 'falling_engagement', 'one_sided')",
            name="admin_couples_at_risk_reason",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    relationship_id: Mapped[str]
    reason: Mapped[str]
    subscription_id: Mapped[str]
    object_id: Mapped[str]
    currency: Mapped[str]
    arr_cents: Mapped[int]
    since: Mapped[datetime]
    due_at: Mapped[datetime | None]
    urgent: Mapped[bool] = mapped_column(server_default=NO)
    before: Mapped[int | None]
    after: Mapped[int | None]
    computed_at: Mapped[datetime]


class RiskAnswer(Base):
    """What a member of staff did about one reason of one couple, and until when it is out of the list.

    `snoozed` is out until `until`; `handled` until the reason comes up anew. `ended_at`: somebody put it back
    before that.
    """

    __tablename__ = "admin_risk_answers"
    __table_args__ = (
        Index("idx_admin_risk_answers_about", "at_risk_id", "at"),
        CheckConstraint("kind IN ('handled', 'snoozed')", name="admin_risk_answers_kind"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at_risk_id: Mapped[str]
    relationship_id: Mapped[str]
    reason: Mapped[str]
    kind: Mapped[str]
    until: Mapped[datetime | None]
    body: Mapped[str]
    author_id: Mapped[str]
    author_email: Mapped[str]
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
