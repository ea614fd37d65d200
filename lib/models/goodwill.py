"""What staff gave away (revision 0108): free months, and subscriptions for nothing."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import Base


class Goodwill(Base):
    """A coupon that a member of staff gave to one subscription; the reason stands in its operation.

    `free_months`: the next bills cost nothing, or less by what `months` months cost. `comp`: no bill costs
    anything any more, and `months` is empty. It counts as given unless its operation has failed.
    """

    __tablename__ = "admin_goodwill"
    __table_args__ = (
        Index("idx_admin_goodwill_couple", "relationship_id", "given_at"),
        Index("idx_admin_goodwill_operation", "operation_id"),
        CheckConstraint("kind IN ('free_months', 'comp')", name="admin_goodwill_kind"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    subscription_id: Mapped[str]
    relationship_id: Mapped[str]
    months: Mapped[int | None]
    percent_off: Mapped[int | None]
    amount_off_cents: Mapped[int | None]
    currency: Mapped[str]
    stripe_coupon_id: Mapped[str] = mapped_column(unique=True)
    operation_id: Mapped[str]
    given_by: Mapped[str]
    given_at: Mapped[datetime]
