"""What a limit and an attempt consist of, whatever is limited: refunds, and what else staff approve.

Each thing that is limited has two tables of its own with these columns (`lib.services.limits`). Where something
is counted in whole AI credits, `credits` stands in the place of a currency.
"""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import Base


class LimitColumns(Base):
    """How much one member of staff, or everybody with a role, may approve within 24 hours.

    `holder` is the id of a member of staff or the name of a role.
    """

    __abstract__ = True

    holder: Mapped[str] = mapped_column(primary_key=True, sort_order=1)
    currency: Mapped[str] = mapped_column(primary_key=True, sort_order=2)
    limit_cents: Mapped[int] = mapped_column(sort_order=3)
    updated_at: Mapped[datetime] = mapped_column(sort_order=4)
    updated_by: Mapped[str] = mapped_column(sort_order=5)


class AttemptColumns(Base):
    """A try to approve, with the limit as it was then and why it was turned down, if it was.

    A table adds the column for what was to be approved, which stands third.
    """

    __abstract__ = True

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id, sort_order=-2)
    admin_user_id: Mapped[str] = mapped_column(sort_order=-1)
    at: Mapped[datetime] = mapped_column(sort_order=1)
    amount_cents: Mapped[int] = mapped_column(sort_order=2)
    currency: Mapped[str] = mapped_column(sort_order=3)
    limit_cents: Mapped[int] = mapped_column(sort_order=4)
    used_cents: Mapped[int] = mapped_column(sort_order=5)
    allowed: Mapped[bool] = mapped_column(sort_order=6)
    refusal: Mapped[str | None] = mapped_column(sort_order=7)
