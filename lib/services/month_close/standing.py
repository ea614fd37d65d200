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


def standing(session: Session, month: date, now: datetime, reporting: str) -> Standing:
    """The figures of a month as they stand now."""
    found = recurring.read(session, month)
    lines = tuple(_now(session, month, found, reporting))
    return Standing(month, lines, Digest(digest(month, lines)), not_over(month, now) or found.why_not)


def _now(session: Session, month: date, found: recurring.MonthRead, reporting: str) -> Iterator[Line]:
    yield from recurring.lines(found.counted)
    if {each.month.currency for each in found.counted} - {reporting}:
        yield from recurring.reported_lines(found.counted, rates_into(session, reporting))
    yield from cash.lines(session, month)


def not_over(month: date, now: datetime) -> str | None:
    """Why a month cannot be closed yet; None for one that is over."""
    if month.day != 1:
        return f"A month begins with its first day, not with {month}."
    end = moments.day_bounds(moments.next_month(month))[0]
    if now >= end:
        return None
    return f"{month:%B %Y} is not over yet: it ends on {end:%Y-%m-%d} at 00:00 UTC. Close it then."
