"""Tables of our own about closing a month (revision 0113): frozen figures, payments tied to Stripe, rates."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import Base
from lib.models.types import TotalCents


class MonthClose(Base):
    """One version of a month's figures, as they stood when finance froze or restated them; never changed.

    `month` is its first day. `as_of` is when the newest entry of the ledger that it stands on was recorded,
    and `ledger_seq` that entry's number: what came later has a higher one. What was changed since has a later
    entry in the audit than `audit_seq`. `digest` is of the lines.
    """

    __tablename__ = "admin_month_closes"
    __table_args__ = (UniqueConstraint("month", "version", name="admin_month_closes_version"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    month: Mapped[date]
    version: Mapped[int]
    reporting_currency: Mapped[str]
    as_of: Mapped[datetime | None]
    ledger_seq: Mapped[int]
    audit_seq: Mapped[int]
    digest: Mapped[str]
    reason: Mapped[str]
    closed_by: Mapped[str]
    closed_by_email: Mapped[str]
    closed_at: Mapped[datetime]


class MonthCloseLine(Base):
    """One figure of a version: a measure of a section, under a policy (if it has one), in a currency.

    `value` is in annualised cents, cents or a count, as the measure says; None where it was not known, and
    `why_not` says why.
    """

    __tablename__ = "admin_month_close_lines"

    close_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    section: Mapped[str]
    policy: Mapped[str]
    currency: Mapped[str]
    measure: Mapped[str]
    value: Mapped[int | None] = mapped_column(TotalCents)
    why_not: Mapped[str | None]


class PaymentReconciliation(Base):
    """One comparison of a month's payments with Stripe's balance transactions.

        asked -> running -> done
                    |
                    +-> failed (asked again: a new one)

    `stage` and `cursor` say what is read next, so that one that was stopped goes on there. `open_key` is the
    month while it is open, and is unique.
    """

    __tablename__ = "admin_payment_reconciliations"
    __table_args__ = (
        Index("idx_admin_payment_reconciliations_month", "month", "state", "asked_at", "id"),
        CheckConstraint(
            "state IN ('asked', 'running', 'done', 'failed')", name="admin_payment_reconciliations_state"
        ),
        CheckConstraint(
            "stage IN ('stripe', 'payments', 'refunds', 'disputes', 'through')",
            name="admin_payment_reconciliations_stage",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    month: Mapped[date]
    state: Mapped[str]
    stage: Mapped[str]
    cursor: Mapped[str | None]
    open_key: Mapped[str | None] = mapped_column(unique=True)
    expected: Mapped[int] = mapped_column(server_default=text("0"))
    compared: Mapped[int] = mapped_column(server_default=text("0"))
    requests: Mapped[int] = mapped_column(server_default=text("0"))
    asked_by_email: Mapped[str]
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]


class ReconciledPayment(Base):
    """What one payment, refund or dispute did in a month, here and at Stripe.

    `object_id` is Stripe's id of it, or ours where Stripe's balance does not have it. Amounts are signed: what came in is more
    than nothing. `ours_cents` and `theirs_cents` are in `currency`; what Stripe kept and what was left of it
    in `settled_currency`, the balance's.
    """

    __tablename__ = "admin_reconciled_payments"
    __table_args__ = (
        Index("idx_admin_reconciled_payments_state", "reconciliation_id", "state", "moved_at", "object_id"),
        Index("idx_admin_reconciled_payments_payment", "reconciliation_id", "payment_id", "kind"),
        CheckConstraint(
            "kind IN ('payment', 'refund', 'dispute', 'payout', 'other')",
            name="admin_reconciled_payments_kind",
        ),
        CheckConstraint(
            "state IN ('matched', 'other_month', 'amount_differs', 'only_ours', 'only_theirs', 'no_payment')",
            name="admin_reconciled_payments_state",
        ),
    )

    reconciliation_id: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    payment_id: Mapped[str | None]
    currency: Mapped[str]
    ours_cents: Mapped[int | None]
    theirs_cents: Mapped[int | None]
    settled_currency: Mapped[str | None]
    fee_cents: Mapped[int | None]
    net_cents: Mapped[int | None]
    moved_at: Mapped[datetime]


class ExchangeRate(Base):
    """What one unit of a currency is worth in a reporting currency, from a day on.

    `rate` is the exact decimal as text. Rows are never changed: the newest one of a day counts.
    """

    __tablename__ = "admin_exchange_rates"
    __table_args__ = (
        Index(
            "idx_admin_exchange_rates_pair",
            "reporting_currency",
            "currency",
            "valid_from",
            "recorded_at",
            "id",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    currency: Mapped[str]
    reporting_currency: Mapped[str]
    valid_from: Mapped[date]
    rate: Mapped[str]
    entered_by: Mapped[str]
    entered_by_email: Mapped[str]
    recorded_at: Mapped[datetime]
