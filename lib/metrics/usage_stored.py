"""What production's own roll-ups about use said of each day when they were last compared with raw rows."""

from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.models import UsageCheck

TOTALS: Final = {
    "feature_usage_metrics": "uses",
    "engagement_scores": "points",
    "relationship_analytics": "days of check-in streaks",
    "partner_analytics": "revenue, in cents",
}
"""The roll-ups, each with what its total adds up."""


@listing(
    Permission.USAGE_READ,
    columns=(
        Column("day", "Day (UTC)", "day"),
        Column("stored_total", "Total, stored", "count"),
        Column("counted_total", "Total, counted", "count"),
        Column("difference", "Difference", "count"),
        Column("stored_rows", "Rows stored", "count"),
        Column("counted_rows", "Rows counted", "count"),
        Column("missing", "Not stored", "count"),
        Column("differing", "Wrong rows", "count"),
        Column("unsupported", "Without raw rows", "count"),
        Column("written", "Corrected", "flag"),
        Column("compared_at", "Compared at", "moment"),
    ),
)
def stored_by_the_app(*, roll_up: str) -> AnySelect:
    """One roll-up day by day, the newest first. Raises Invalid for one that is not about use."""
    if roll_up not in TOTALS:
        raise Invalid(f"The roll-ups are {', '.join(TOTALS)}, not “{roll_up[:40]}”.")
    check = UsageCheck
    return (
        select(
            check.day,
            check.stored_rows,
            check.counted_rows,
            check.missing,
            check.differing,
            check.unsupported,
            check.stored_total,
            check.counted_total,
            (check.stored_total - check.counted_total).label("difference"),
            check.written,
            check.compared_at,
        )
        .where(check.roll_up == roll_up)
        .order_by(check.day.desc())
    )
