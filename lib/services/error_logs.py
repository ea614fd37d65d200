"""Errors that the app noted: read, resolve, reopen.

A row is open or resolved: `resolved_at` is filled exactly while `resolved` is true.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CompoundSelect, func, literal_column, or_, select, union

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Digest, View, Work, action, digest, query
from lib.jobs.error_groups import CLOCKS_DIFFER
from lib.models import ErrorLog, ErrorOccurrence, sortable

STATES: Final = ("open", "resolved")
SEVERITIES: Final = ("critical", "high", "medium", "low")
RECENT: Final = timedelta(days=7)
_LONGEST_SEARCH: Final = 200
_READ_FOR_A_TEXT: Final = 2_500


@listing(
    Permission.ERRORS_READ,
    columns=(
        Column("created_at", "When", "moment"),
        Column("severity", "Severity", "status"),
        Column("error_type", "Type"),
        Column("error_message", "Message"),
        Column("page_url", "Page"),
        Column("relationship_id", "Couple", "id"),
        Column("user_id", "Person", "id"),
        Column("resolved", "Resolved", "flag"),
        Column("id", "Error", "id"),
    ),
)
def error_logs(*, state: str | None = "open", severity: str | None = None, q: str = "") -> AnySelect:
    """Errors, newest first; `q` is the id of an error, a person or a couple; among the newest 2,500
    also a session, or a part of the type or message, letters as they are written there.

    Raises Invalid for a state or severity that does not exist, and for a search that is too long.
    """
    statement: AnySelect = select(
        ErrorLog.id,
        ErrorLog.created_at,
        ErrorLog.severity,
        ErrorLog.error_type,
        ErrorLog.error_message,
        ErrorLog.page_url,
        ErrorLog.relationship_id,
        ErrorLog.user_id,
        ErrorLog.resolved,
    ).order_by(sortable(ErrorLog.created_at).desc(), ErrorLog.id.desc())
    if state:
        _one_of(state, STATES, "An error is")
        statement = statement.where(ErrorLog.resolved.is_(state == "resolved"))
    if severity:
        _one_of(severity, SEVERITIES, "The severity of an error is")
        # Written out, not bound: only so does SQLite see that the partial index on critical errors serves.
        statement = statement.where(ErrorLog.severity == literal_column(f"'{severity}'"))
    return statement.where(ErrorLog.id.in_(_matching(q))) if q else statement


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """One error, and how often its type was seen in the last seven days.

    `couples` is how many couples that hit. Message and stack are masked unless the person was revealed.
    `group_id` is None until the job has counted it; `odd_clock`: its moment is missing or lies ahead of us.
    """

    id: str
    error_type: str
    error_message: str
    stack_trace: str | None
    severity: str | None
    page_url: str | None
    user_agent: str | None
    session_id: str | None
    user_id: str | None
    relationship_id: str | None
    created_at: datetime | None
    resolved: bool
    resolved_at: datetime | None
    seen: int
    couples: int
    group_id: str | None
    odd_clock: bool
    masked: bool
    digest: Digest


@query(Permission.ERRORS_READ)
def one(view: View, error_id: str) -> ErrorReport:
    """An error with all that the app noted; raises NotFound. Its person, if any, counts as opened."""
    who = view.session.execute(select(ErrorLog.user_id).where(ErrorLog.id == error_id)).first()
    if who is None:
        raise _not_found(error_id)
    with view.revealing([who.user_id] if who.user_id else []) as shown:
        row = view.session.get(ErrorLog, error_id)
    if row is None:
        raise _not_found(error_id)
    if row.user_id:
        view.note_opening("users", row.user_id)
    seen, couples = view.session.execute(
        select(func.count(), func.count(ErrorLog.relationship_id.distinct())).where(
            sortable(ErrorLog.created_at) >= view.now - RECENT, ErrorLog.error_type == row.error_type
        )
    ).one()
    return ErrorReport(
        row.id,
        row.error_type,
        row.error_message,
        row.stack_trace,
        row.severity,
        row.page_url,
        row.user_agent,
        row.session_id,
        row.user_id,
        row.relationship_id,
        row.created_at,
        bool(row.resolved),
        row.resolved_at,
        seen,
        couples,
        view.session.scalar(select(ErrorOccurrence.group_id).where(ErrorOccurrence.error_id == error_id)),
        row.created_at is None or row.created_at > view.now + CLOCKS_DIFFER,
        not shown,
        digest(row),
    )


@action(Permission.ERRORS_RESOLVE, about="error_logs")
def resolve(work: Work, error_id: str, *, shown: Digest) -> None:
    """Mark an error as resolved now.

    Raises NotFound, and Refused when it is resolved already or changed since it was shown.
    """
    row = _get(work, error_id)
    if row.resolved:
        raise Refused("This error is resolved already. Nothing was changed.")
    work.expect(row, shown)
    row.resolved, row.resolved_at = True, work.now


@action(Permission.ERRORS_RESOLVE, about="error_logs")
def reopen(work: Work, error_id: str, *, shown: Digest) -> None:
    """Take back that an error is resolved.

    Raises NotFound, and Refused when it is open already or changed since it was shown.
    """
    row = _get(work, error_id)
    if not row.resolved:
        raise Refused("This error is open already. Nothing was changed.")
    work.expect(row, shown)
    row.resolved, row.resolved_at = False, None


def _get(work: Work, error_id: str) -> ErrorLog:
    row = work.session.get(ErrorLog, error_id)
    if row is None:
        raise _not_found(error_id)
    return row


def _not_found(error_id: str) -> NotFound:
    return NotFound(
        f"There is no error {error_id[:60]}. Old ones are removed after 90 days; check the address."
    )


def _one_of(value: str, allowed: tuple[str, ...], what: str) -> None:
    if value not in allowed:
        raise Invalid(f"{what} {', '.join(allowed)}, not “{value[:40]}”.")


def _matching(q: str) -> CompoundSelect[str]:
    """Ids of errors: what is indexed by its index; a text by reading, and so not all that ever was."""
    if len(q) > _LONGEST_SEARCH:
        raise Invalid(f"Search for at most {_LONGEST_SEARCH} letters; a part of the message is enough.")
    keys = (ErrorLog.id, ErrorLog.user_id, ErrorLog.relationship_id)
    newest = (
        select(ErrorLog.id, ErrorLog.error_type, ErrorLog.error_message, ErrorLog.session_id)
        .order_by(sortable(ErrorLog.created_at).desc(), ErrorLog.id.desc())
        .limit(_READ_FOR_A_TEXT)
        .subquery()
    )
    texts = (newest.c.error_type, newest.c.error_message)
    # A text without the part differs from itself. LIKE would do, but D1 refuses patterns over 50 bytes.
    has_it = or_(newest.c.session_id == q, *(func.replace(text, q, "") != text for text in texts))
    return union(*(select(ErrorLog.id).where(key == q) for key in keys), select(newest.c.id).where(has_it))
