"""A note about each couple of a selection."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.work import Work
from lib.models import Subscription
from lib.services import notes
from lib.services.bulk.action import Arguments, BulkAction, Result


def _check(_session: Session, arguments: Arguments, _now: datetime) -> None:
    notes.check(arguments["body"])


def _why_not(
    _session: Session, _subscription: Subscription, _arguments: Arguments, _now: datetime
) -> str | None:
    return None


def _act(work: Work, subscription: Subscription, arguments: Arguments, _reason: str) -> Result:
    notes.leave(work, "relationships", subscription.relationship_id, arguments["body"])
    return Result("Noted with the couple.")


ADD_NOTE: Final = BulkAction(
    "add_note",
    "Add a note",
    Permission.NOTES_WRITE,
    "The note stands with each couple, in your name. Nothing else changes.",
    {"body": "Note"},
    _check,
    _why_not,
    _act,
)
