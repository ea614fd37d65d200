"""The form with which a bulk action is chosen for a selection."""

from collections.abc import Mapping
from typing import Any

from lib.core.access import Permission
from lib.services import bulk
from lib.services.bulk import BulkAction
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.forms import action


def choose_for_bulk(chosen: BulkAction, filters: Mapping[str, Any]) -> None:
    """Offer to freeze what the filters find and to look at each row; opens the run. Nothing is done yet."""
    why_not = None if any(filters.values()) else "Choose a filter first: it would be about everybody."
    if not desk.may(chosen.permission):
        why_not = f"Not for your role: it needs “{chosen.permission}”."
    action(
        chosen.title,
        bulk.choose,
        chosen.name,
        filters,
        key=f"bulk:{chosen.name}",
        needs=Permission.BULK_RUN,
        why_not=why_not,
        ask=[*(Ask(name, label) for name, label in chosen.asks.items()), REASON],
        effect=f"{chosen.effect} **Nothing is done yet**: next you see how many can, and why others cannot.",
        done="Frozen. Look at it before you start it.",
        opens="id",
    )
