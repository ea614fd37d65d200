"""Tables of our own about discounts (revisions 0106, 0111): terms that production has no columns for, and batches.

Production's `discount_codes` stays what the app reads; a code made here has a row in `admin_discount_codes`
beside it, which leads to its terms. The codes of one batch share their terms and their coupon.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.base import NO, Base
from lib.models.types import Json


class DiscountTerms(Base):
    """What a code, or every code of a batch, gives beyond production's columns; `id` is the code's or batch's.

    `duration` is Stripe's word. `max_per_customer` is ours alone: Stripe has no such limit. `plan_ids` are
    the plans that it is for; None for all.
    """

    __tablename__ = "admin_discount_terms"
    __table_args__ = (
        CheckConstraint("duration IN ('once', 'repeating', 'forever')", name="admin_discount_terms_duration"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    duration: Mapped[str]
    duration_in_months: Mapped[int | None]
    currency: Mapped[str]
    max_per_customer: Mapped[int | None]
    first_time_only: Mapped[bool] = mapped_column(server_default=NO)
    plan_ids: Mapped[Any | None] = mapped_column(Json())
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class MadeCode(Base):
    """A code that was made here: its terms, its number in its batch (0 outside one), its twin at Stripe.

    `refusal`: why Stripe would not have the promotion code of a batch's code. `switch_off_id`: the
    `BatchSwitchOff` that switched it off here; `switch_off_refusal`: why Stripe did not follow.
    """

    __tablename__ = "admin_discount_codes"
    __table_args__ = (UniqueConstraint("terms_id", "number"),)

    discount_id: Mapped[str] = mapped_column(primary_key=True)
    terms_id: Mapped[str]
    number: Mapped[int] = mapped_column(server_default=text("0"))
    promotion_code_id: Mapped[str | None]
    refusal: Mapped[str | None]
    switch_off_id: Mapped[str | None]
    switch_off_refusal: Mapped[str | None]


class CodeBatch(Base):
    """Unique codes made in one go, by the worker.

        making -> sending -> done      (without codes at Stripe: making -> done)
           |         |
           +----+----+-> stopped -> where it was
                +------> failed: Stripe refused the coupon

    `made` counts the rows that exist here, `sent` those whose promotion code Stripe has answered for.
    """

    __tablename__ = "admin_discount_batches"
    __table_args__ = (
        Index("idx_admin_discount_batches_created", "created_at"),
        CheckConstraint(
            "state IN ('making', 'sending', 'stopped', 'done', 'failed')", name="admin_discount_batches_state"
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    prefix: Mapped[str]
    wanted: Mapped[int]
    made: Mapped[int] = mapped_column(server_default=text("0"))
    sent: Mapped[int] = mapped_column(server_default=text("0"))
    at_stripe: Mapped[bool] = mapped_column(server_default=NO)
    discount_type: Mapped[str]
    discount_value: Mapped[int]
    applies_to: Mapped[str]
    max_uses: Mapped[int | None]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    stripe_coupon_id: Mapped[str | None]
    state: Mapped[str]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None]
    requested_by: Mapped[str]
    requested_by_email: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class BatchSwitchOff(Base):
    """The switching off of all codes of a batch, by the worker: first here, then at Stripe.

        here -> at_stripe -> done      (without codes at Stripe: here -> done)

    `wanted` and `wanted_at_stripe` are what was shown before it began; `here` and `there` count what is done,
    `there` those that Stripe refused as well. `reached` is the number of the last code that the current state
    is through with. While `is_stopped`, the worker rests. `open_key` is the batch until it is done, so that a
    batch has one at a time.
    """

    __tablename__ = "admin_batch_switch_offs"
    __table_args__ = (
        Index("idx_admin_batch_switch_offs_batch", "batch_id", "created_at"),
        CheckConstraint("state IN ('here', 'at_stripe', 'done')", name="admin_batch_switch_offs_state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    batch_id: Mapped[str]
    state: Mapped[str]
    is_stopped: Mapped[bool] = mapped_column(server_default=NO)
    wanted: Mapped[int]
    wanted_at_stripe: Mapped[int]
    here: Mapped[int] = mapped_column(server_default=text("0"))
    there: Mapped[int] = mapped_column(server_default=text("0"))
    reached: Mapped[int] = mapped_column(server_default=text("0"))
    open_key: Mapped[str | None] = mapped_column(unique=True)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    requested_by: Mapped[str]
    requested_by_email: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
