"""Remarks about a day, which stand on the charts with their author: a launch, an outage, a new price."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.work import View, Work, action, query
from lib.models import Note, sortable
from lib.services import notes

KIND: Final = "day"
LONGEST: Final = 200
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody wrote about a day."""

    id: str
    day: date
    body: str
    author_id: str
    author_email: str
    created_at: datetime


@query(Permission.REVENUE_READ)
def between(view: View, since: date, until: date) -> list[Remark]:
    """The remarks about the days from `since` to `until`, newest day first, 200 at most."""
    rows = view.session.scalars(
        select(Note)
        .where(
            Note.object_type == KIND,
            Note.object_id.between(since.isoformat(), until.isoformat()),
            Note.removed_at.is_(None),
        )
        .order_by(Note.object_id.desc(), sortable(Note.created_at).desc())
        .limit(MOST)
    )
    return [
        Remark(
            id=row.id,
            day=date.fromisoformat(row.object_id),
            body=row.body,
            author_id=row.author_id,
            author_email=row.author_email,
            created_at=row.created_at,
        )
        for row in rows
    ]


def by_day(remarks: Sequence[Remark]) -> dict[date, str]:
    """What a chart says at each day: each remark with its author."""
    said: dict[date, str] = {}
    for remark in remarks:
        text = f"{remark.body} ({remark.author_email})"
        said[remark.day] = f"{said[remark.day]}; {text}" if remark.day in said else text
    return said


@action(Permission.REVENUE_REMARK)
def write(work: Work, day: date, *, body: str) -> str:
    """Write a remark about a day; returns its id. Raises Invalid for an empty or an overlong one."""
    if len(body.strip()) > LONGEST:
        raise Invalid(f"A remark has {LONGEST} characters at most; this one has {len(body.strip())}.")
    return notes.leave(work, KIND, day.isoformat(), body)


@action(Permission.REVENUE_REMARK, about="admin_notes")
def remove(work: Work, remark_id: str) -> None:
    """Take back one's own remark; it stays in the audit trail."""
    remark = work.session.get(Note, remark_id)
    if remark is None or remark.object_type != KIND or remark.removed_at is not None:
        raise NotFound("This remark is gone already.")
    if remark.author_id != work.actor.id:
        raise Refused("Only its author removes a remark.")
    remark.removed_at = work.now
