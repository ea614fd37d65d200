"""Tables of our own about money (revision 0100): the outbox, the inbox, the MRR ledger, limits, roll-ups."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import NO, Base
from lib.models.limits import AttemptColumns, LimitColumns
from lib.models.types import TotalCents


class Operation(Base):
    """One thing that we want Stripe to do: the outbox.

        prepared -> sending -> answered -> done | failed
                       |
                       +-> unknown: no answer came; Stripe is asked before anything is sent again

    `open_key` names what the operation is about while it is open, and is unique: two open operations on one
    refund or subscription cannot exist. It is empty once the operation is done or failed.
    """

    __tablename__ = "admin_stripe_operations"
    __table_args__ = (
        Index("idx_admin_stripe_operations_object", "object_type", "object_id", "prepared_at"),
        Index("idx_admin_stripe_operations_due", "state", "next_attempt_at"),
        CheckConstraint(
            "state IN ('prepared', 'sending', 'answered', 'unknown', 'done', 'failed')",
            name="admin_stripe_operations_state",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    relationship_id: Mapped[str | None]
    params: Mapped[str]
    params_digest: Mapped[str]
    open_key: Mapped[str | None] = mapped_column(unique=True)
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    requested_by: Mapped[str]
    requested_by_email: Mapped[str]
    reason: Mapped[str]
    answer: Mapped[str | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    prepared_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class InboxEvent(Base):
    """What became of one event from Stripe; the event itself stands in production's `stripe_webhooks`."""

    __tablename__ = "admin_inbox"
    __table_args__ = (
        Index("idx_admin_inbox_due", "state", "next_attempt_at"),
        Index("idx_admin_inbox_object", "stripe_object_id", "stripe_created"),
        Index("idx_admin_inbox_received", "received_at", "event_id"),
        Index("idx_admin_inbox_type", "event_type", "received_at", "event_id"),
        CheckConstraint(
            "state IN ('received', 'applied', 'ignored', 'unmatched', 'failed', 'parked')",
            name="admin_inbox_state",
        ),
    )

    event_id: Mapped[str] = mapped_column(primary_key=True)
    event_type: Mapped[str]
    stripe_object_id: Mapped[str | None]
    stripe_created: Mapped[datetime | None]
    api_version: Mapped[str | None]
    livemode: Mapped[bool] = mapped_column(server_default=NO)
    state: Mapped[str]
    outcome: Mapped[str | None]
    changed: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None]
    received_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class StripeObject(Base):
    """The lease on one object of Stripe's, and the newest event that was applied to our rows."""

    __tablename__ = "admin_stripe_objects"

    stripe_id: Mapped[str] = mapped_column(primary_key=True)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    applied_created: Mapped[datetime | None]
    applied_event_id: Mapped[str | None]
    fetched_at: Mapped[datetime | None]


_COUNTED: Final = (
    "status",
    "collection_paused",
    "set_to_cancel",
    "is_gift",
    "list_arr_cents",
    "net_arr_cents",
    "goodwill_arr_cents",
    "forever_arr_cents",
)


class SubscriptionChange(Base):
    """The MRR ledger: what a subscription was from `effective_at` on.

    Amounts are **annualised** integer cents (12 x monthly or 1 x annual), so that sums tie exactly; MRR is a
    sum divided by 12, rounded once when shown. A row states the facts after the change; a policy
    (`lib.metrics.policies`) decides which of them count.

    `goodwill_arr_cents` is how much of what is taken off (list less net) staff gave away in free months,
    `forever_arr_cents` how much of it is a coupon without an end. `acquired_via`: how the couple came to the
    app, as its first entry knew; empty where nobody does. `superseded_at`: when the next entry of the
    subscription takes effect; a trigger of the database writes it, whoever adds the entry.
    `source` says who knew: `action` (ours), `event` (Stripe's), `backfill` (worked out from rows later).
    """

    __tablename__ = "subscription_changes"
    __table_args__ = (
        Index("idx_subscription_changes_subscription", "subscription_id", "effective_at", "seq"),
        Index("idx_subscription_changes_effective", "effective_at", "seq"),
        Index("idx_subscription_changes_couple", "relationship_id", "effective_at", "seq"),
        # All that a policy looks at, in the order of time: MRR by day is read from these two alone.
        Index("idx_subscription_changes_begun", "currency", "effective_at", "seq", *_COUNTED),
        Index(
            "idx_subscription_changes_over",
            "currency",
            "superseded_at",
            *_COUNTED,
            sqlite_where=text("superseded_at IS NOT NULL"),
            postgresql_where=text("superseded_at IS NOT NULL"),
        ),
        Index("idx_subscription_changes_recorded", "recorded_at", "seq"),
        CheckConstraint("source IN ('action', 'event', 'backfill')", name="subscription_changes_source"),
        CheckConstraint("cause IN ('voluntary', 'involuntary')", name="subscription_changes_cause"),
    )

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    subscription_id: Mapped[str]
    relationship_id: Mapped[str]
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    status: Mapped[str]
    plan_id: Mapped[str]
    billing_period: Mapped[str]
    currency: Mapped[str]
    list_arr_cents: Mapped[int]
    net_arr_cents: Mapped[int]
    is_gift: Mapped[bool]
    collection_paused: Mapped[bool]
    set_to_cancel: Mapped[bool]
    cause: Mapped[str | None]
    source: Mapped[str]
    source_id: Mapped[str | None]
    goodwill_arr_cents: Mapped[int] = mapped_column(server_default=text("0"))
    forever_arr_cents: Mapped[int] = mapped_column(server_default=text("0"))
    acquired_via: Mapped[str] = mapped_column(server_default=text("''"))
    superseded_at: Mapped[datetime | None]


class RefundLimit(LimitColumns):
    """How much one member of staff, or everybody with a role, may approve in refunds within 24 hours."""

    __tablename__ = "admin_refund_limits"


class RefundAttempt(AttemptColumns):
    """Every try to approve a refund, with the limit as it was then and why it was turned down, if it was."""

    __tablename__ = "admin_refund_attempts"
    __table_args__ = (
        Index("idx_admin_refund_attempts_actor", "admin_user_id", "currency", "at"),
        Index("idx_admin_refund_attempts_at", "at", "id"),
        Index("idx_admin_refund_attempts_refund", "refund_id", "at"),
    )

    refund_id: Mapped[str]


class MetricDay(Base):
    """One day's roll-up, per policy, currency, plan, billing period and source (how the couple came).

    A row with empty `plan_id`, `billing_period` and `source` is the total of its currency: only there are
    standing couples counted, because one couple may hold two plans. `arr_cents` is what stands at the day's
    end; the movements are what happened in it, all in annualised cents, in the segment of the couple's last
    entry on the day. The involuntary ones are among those that churned.
    """

    __tablename__ = "admin_metric_daily"

    day: Mapped[date] = mapped_column(primary_key=True)
    policy: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    plan_id: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    billing_period: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    source: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    arr_cents: Mapped[int] = mapped_column(TotalCents)
    subscriptions: Mapped[int]
    couples: Mapped[int | None]
    new_arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=text("0"))
    reactivation_arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=text("0"))
    expansion_arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=text("0"))
    contraction_arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=text("0"))
    churn_arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=text("0"))
    new_couples: Mapped[int] = mapped_column(server_default=text("0"))
    reactivated_couples: Mapped[int] = mapped_column(server_default=text("0"))
    churned_couples: Mapped[int] = mapped_column(server_default=text("0"))
    computed_at: Mapped[datetime]
    involuntary_churn_arr_cents: Mapped[int] = mapped_column(TotalCents, server_default=text("0"))
    expanded_couples: Mapped[int] = mapped_column(server_default=text("0"))
    contracted_couples: Mapped[int] = mapped_column(server_default=text("0"))
    involuntary_churned_couples: Mapped[int] = mapped_column(server_default=text("0"))
