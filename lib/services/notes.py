"""Notes that staff write about a person, a couple, a payment."""

from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnyRow
from lib.core.work import View, Work, action, query
from lib.models import Note, new_id, sortable

LONGEST: Final = 4000


@query(Permission.PEOPLE_READ)
def about(view: View, kind: str, key: str) -> list[AnyRow]:
    """Notes about one row, newest first, a hundred at most: id, body, author_email, created_at."""
    return list(
        view.session.execute(
            select(Note.id, Note.body, Note.author_email, Note.author_id, Note.created_at)
            .where(Note.object_type == kind, Note.object_id == key, Note.removed_at.is_(None))
            .order_by(sortable(Note.created_at).desc(), Note.id.desc())
            .limit(100)
        )
    )


@action(Permission.NOTES_WRITE)
def write(work: Work, kind: str, key: str, *, body: str) -> str:
    """Write a note and return its id. Raises Invalid for an empty or an overlong one."""
    return leave(work, kind, key, body)


@action(Permission.NOTES_WRITE, about="admin_notes")
def remove(work: Work, note_id: str) -> None:
    """Take back one's own note; it stays in the audit trail."""
    note = work.session.get(Note, note_id)
    if note is None or note.removed_at is not None:
        raise NotFound("This note is gone already.")
    if note.author_id != work.actor.id:
        raise Refused("Only its author removes a note.")
    note.removed_at = work.now


def check(body: str) -> str:
    """The text of a note as it is kept; Invalid when it is empty or overlong."""
    text = body.strip()
    if not text:
        raise Invalid("The note is empty.")
    if len(text) > LONGEST:
        raise Invalid(f"A note has {LONGEST:,} characters at most; this one has {len(text):,}.")
    return text


def leave(work: Work, kind: str, key: str, body: str) -> str:
    """Write a note inside an action of somebody's; returns its id. Raises Invalid as `check` does."""
    note = Note(
        id=new_id(),
        object_type=kind,
        object_id=key,
        body=check(body),
        author_id=work.actor.id,
        author_email=work.actor.email,
        created_at=work.now,
    )
    work.session.add(note)
    work.about(kind, key)
    return note.id
