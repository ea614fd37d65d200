"""Tables of our own about A/B tests (revision 0117): sums that statistics are made from, how a test is meant
to be read, and what people decided."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from lib.models.admin import new_id
from lib.models.base import NO, Base
from lib.models.types import TotalCents


class ExperimentCell(Base):
    """What the units of one arm came to that have everything by which results are split in common.

    `unit` is what is counted: couples, or users. `contaminated`: the couple was seen in more than one arm.
    `plan`, `device` and `arrival` are the segments (`lib.metrics.experiment_sums` defines them). All else are
    sums over units, so cells add up: `squares` of cents², `cross` of before × during. The last seven are sums
    over couples, for errors that respect them where units are users.
    """

    __tablename__ = "admin_experiment_cells"

    test_name: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str] = mapped_column(primary_key=True)
    variant_id: Mapped[str] = mapped_column(primary_key=True)
    contaminated: Mapped[bool] = mapped_column(primary_key=True)
    plan: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    arrival: Mapped[str] = mapped_column(primary_key=True)
    units: Mapped[int]
    claimed: Mapped[int]
    conversions: Mapped[int]
    cents: Mapped[int] = mapped_column(TotalCents)
    squares: Mapped[int] = mapped_column(TotalCents)
    before_cents: Mapped[int] = mapped_column(TotalCents)
    before_squares: Mapped[int] = mapped_column(TotalCents)
    before_cross: Mapped[int] = mapped_column(TotalCents)
    before_conversions: Mapped[int] = mapped_column(TotalCents)
    before_claimed: Mapped[int] = mapped_column(TotalCents)
    over: Mapped[int]
    kept_units: Mapped[int]
    kept_paid: Mapped[int]
    kept_cents: Mapped[int] = mapped_column(TotalCents)
    kept_squares: Mapped[int] = mapped_column(TotalCents)
    renewed: Mapped[int]
    refunded: Mapped[int]
    erred: Mapped[int]
    subscribed: Mapped[int]
    churned: Mapped[int]
    other_currency: Mapped[int]
    negative: Mapped[int]
    clusters: Mapped[int]
    users_squared: Mapped[int] = mapped_column(TotalCents)
    conversions_squared: Mapped[int] = mapped_column(TotalCents)
    users_by_conversions: Mapped[int] = mapped_column(TotalCents)
    claimed_squared: Mapped[int] = mapped_column(TotalCents)
    users_by_claimed: Mapped[int] = mapped_column(TotalCents)
    cents_squared: Mapped[int] = mapped_column(TotalCents)
    users_by_cents: Mapped[int] = mapped_column(TotalCents)


class ExperimentDay(Base):
    """What the units that came into one arm on one day (UTC) came to since."""

    __tablename__ = "admin_experiment_days"

    test_name: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str] = mapped_column(primary_key=True)
    variant_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    units: Mapped[int]
    claimed: Mapped[int]
    conversions: Mapped[int]
    cents: Mapped[int] = mapped_column(TotalCents)


class ArmSeen(Base):
    """How an arm stood in production's table when a count first saw it so: what shows that it was changed."""

    __tablename__ = "admin_experiment_arms_seen"

    variant_id: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(primary_key=True)
    test_name: Mapped[str]
    traffic_percentage: Mapped[int | None]
    is_active: Mapped[bool]


class ExperimentPlan(Base):
    """How a test is meant to be read, where somebody has said so; shares are in thousandths.

    `control_id` is a variant, `deciding` what decides: whether a unit paid (`paid`), what the app calls
    converted (`claimed`), or revenue. `lift` is the least that is worth finding, `power` how surely.
    """

    __tablename__ = "admin_experiment_plans"
    __table_args__ = (
        CheckConstraint("deciding IN ('paid', 'claimed', 'revenue')", name="admin_experiment_plans_deciding"),
    )

    test_name: Mapped[str] = mapped_column(primary_key=True)
    control_id: Mapped[str | None]
    deciding: Mapped[str] = mapped_column(server_default=text("'paid'"))
    minimum_days: Mapped[int] = mapped_column(server_default=text("14"))
    lift: Mapped[int] = mapped_column(server_default=text("100"))
    power: Mapped[int] = mapped_column(server_default=text("800"))
    set_by_email: Mapped[str]
    updated_at: Mapped[datetime]


class ExperimentDecision(Base):
    """What somebody decided about a test, or asks a second person to.

        asked -> done | denied        against the card: somebody else decides
        done                          with the card

    `kind`: stop it, without a winner or with `winner_id`, or extend it to the end of the day `until` (UTC).
    `card`, `card_variant` and `headline` are what the card said. `open_key` is the test while it is asked,
    and is unique.
    """

    __tablename__ = "admin_experiment_decisions"
    __table_args__ = (
        Index("idx_admin_experiment_decisions_test", "test_name", "asked_at", "id"),
        CheckConstraint("kind IN ('stop', 'winner', 'extend')", name="admin_experiment_decisions_kind"),
        CheckConstraint("state IN ('asked', 'done', 'denied')", name="admin_experiment_decisions_state"),
        CheckConstraint(
            "card IN ('ship', 'keep_running', 'roll_back', 'review')", name="admin_experiment_decisions_card"
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    test_name: Mapped[str]
    kind: Mapped[str]
    winner_id: Mapped[str | None]
    until: Mapped[date | None]
    state: Mapped[str]
    open_key: Mapped[str | None] = mapped_column(unique=True)
    against: Mapped[bool] = mapped_column(server_default=NO)
    card: Mapped[str]
    card_variant: Mapped[str | None]
    headline: Mapped[str]
    reason: Mapped[str]
    asked_by: Mapped[str]
    asked_by_email: Mapped[str]
    asked_at: Mapped[datetime]
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_by_email: Mapped[str | None]
    decided_at: Mapped[datetime | None]


CELL_KEY: Final = ("unit", "variant_id", "contaminated", "plan", "device", "arrival")
CELL_SUMS: Final = tuple(
    column.name for column in ExperimentCell.__table__.columns if column.name not in {"test_name", *CELL_KEY}
)
