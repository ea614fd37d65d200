"""Tables of our own about what staff give away (revisions 0103, 0111): grants, and how much one may decide in a day."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import Base
from lib.models.limits import AttemptColumns, LimitColumns


class CreditGrant(Base):
    """AI credits or an add-on that somebody asked for on behalf of a couple, and what was decided.

        pending -> given | denied

    `unit` is `credits`, or the currency of an add-on's price; `amount` is so many credits, or minor units of
    it. `row_id` names the row of `ai_credits` or `user_addons` that was written when it was given.
    """

    __tablename__ = "admin_credit_grants"
    __table_args__ = (
        Index("idx_admin_credit_grants_status", "status", "requested_at", "id"),
        Index("idx_admin_credit_grants_requested", "requested_at", "id"),
        Index("idx_admin_credit_grants_couple", "relationship_id", "requested_at"),
        CheckConstraint("status IN ('pending', 'given', 'denied')", name="admin_credit_grants_status"),
        CheckConstraint("what IN ('credits', 'add_on')", name="admin_credit_grants_what"),
        CheckConstraint("amount > 0", name="admin_credit_grants_amount"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    relationship_id: Mapped[str]
    user_id: Mapped[str]
    what: Mapped[str]
    amount: Mapped[int]
    unit: Mapped[str]
    addon_id: Mapped[str | None]
    lasts_days: Mapped[int | None]
    status: Mapped[str]
    reason: Mapped[str]
    requested_by: Mapped[str]
    requested_by_email: Mapped[str]
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_by_email: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None]
    row_id: Mapped[str | None] = mapped_column(unique=True)


class CreditLimit(LimitColumns):
    """How much one member of staff, or everybody with a role, may give in grants within 24 hours.

    Its columns are older than those that it shares with other limits, and have names of their own.
    """

    __tablename__ = "admin_credit_limits"

    currency: Mapped[str] = mapped_column("unit", primary_key=True, sort_order=2)
    limit_cents: Mapped[int] = mapped_column("most", sort_order=3)


class CreditAttempt(AttemptColumns):
    """Every try to give a grant, with the limit as it was then and why it was turned down, if it was.

    Its columns are older than those that it shares with other attempts, and have names of their own.
    """

    __tablename__ = "admin_credit_attempts"
    __table_args__ = (
        Index("idx_admin_credit_attempts_actor", "admin_user_id", "unit", "at"),
        Index("idx_admin_credit_attempts_at", "at", "id"),
        Index("idx_admin_credit_attempts_grant", "grant_id", "at"),
    )

    grant_id: Mapped[str]
    amount_cents: Mapped[int] = mapped_column("amount", sort_order=2)
    currency: Mapped[str] = mapped_column("unit", sort_order=3)
    limit_cents: Mapped[int] = mapped_column("most", sort_order=4)
    used_cents: Mapped[int] = mapped_column("used", sort_order=5)
