"""A month as it would be frozen now, and why it cannot be yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.work import Digest
from lib.metrics.reported import rates_into
from lib.services.month_close import cash, recurring
from lib.services.month_close.lines import Line, digest


@dataclass(frozen=True, slots=True)
class Standing:
    """A month as it would be frozen now: its lines, their digest, and why it cannot be, as a sentence.

    What stood at the ends of earlier months is added when it is frozen.
    """

    month: date
    lines: tuple[Line, ...]
    digest: Digest
    why_not: str | None


def standing(session: Session, month: date, now: datetime, reporting: str, zone: str = "UTC") -> Standing:
    """The figures of a month as they stand now; its days are those of a zone."""
    found = recurring.read(session, month, zone)
    lines = tuple(_now(session, month, found, reporting, zone))
    return Standing(month, lines, Digest(digest(month, lines)), not_over(month, now, zone) or found.why_not)


def _now(
    session: Session, month: date, found: recurring.MonthRead, reporting: str, zone: str
) -> Iterator[Line]:
    yield from recurring.lines(found.counted)
    if {each.month.currency for each in found.counted} - {reporting}:
        yield from recurring.reported_lines(found.counted, rates_into(session, reporting))
    yield from cash.lines(session, month, zone)


def not_over(month: date, now: datetime, zone: str = "UTC") -> str | None:
    """Why a month cannot be closed yet; None for one that is over."""
    if month.day != 1:
        return f"A month begins with its first day, not with {month}."
    if now >= moments.month_bounds(month, zone)[1]:
        return None
    return (
        f"{month:%B %Y} is not over yet: it ends on {moments.next_month(month)} at 00:00 ({zone}). "
        "Close it then."
    )
