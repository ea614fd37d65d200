"""What staff do with groups of errors: resolve one or many, open again, ignore, assign, note.

A group that is resolved, or opened again, takes its rows of `error_logs` with it; the job `error-groups` does
that, some hundreds at a time, from a moment later on.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from lib.core.access import GRANTS, Permission, Role
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.moments import day_bounds
from lib.core.work import Work, action
from lib.models import AdminUser, ErrorGroup
from lib.services import notes
from lib.services.error_groups.case import NOBODY, TABLE

LONGEST: Final = timedelta(days=365)
AT_ONCE: Final = 200


@action(Permission.ERRORS_RESOLVE)
def resolve(work: Work, group_ids: Sequence[str]) -> int:
    """Resolve groups, and with them the errors that came until now; gives how many were not resolved yet.

    Raises NotFound for a group that does not exist, Refused when all are resolved already, and Invalid for
    none or for more than 200.
    """
    keys = list(dict.fromkeys(group_ids))
    if not 0 < len(keys) <= AT_ONCE:
        raise Invalid(f"Choose at least one group and at most {AT_ONCE}.")
    open_ones = [group for group in (_get(work, key) for key in keys) if group.state != "resolved"]
    if not open_ones:
        raise Refused("This is resolved already. Nothing was changed.")
    for group in open_ones:
        work.about(TABLE, group.id)
        group.state = "resolved"
        group.resolved_at, group.resolved_by_email = work.now, work.actor.email
        group.regressed_at = group.ignored_until = group.ignored_until_errors = None
        _send_rows(group, "resolve")
    return len(open_ones)


@action(Permission.ERRORS_RESOLVE, about=TABLE)
def reopen(work: Work, group_id: str) -> None:
    """Open a group that is resolved or ignored again, and with it the errors that were resolved with it.

    Raises NotFound, and Refused when it is open already.
    """
    group = _get(work, group_id)
    if group.state not in {"resolved", "ignored"}:
        raise Refused("This is open already. Nothing was changed.")
    # The app resolves single errors, of which nobody here knows why: those stay as they are.
    if group.state == "resolved" and group.resolved_by_email:
        _send_rows(group, "reopen")
    group.state = "ongoing"
    group.ignored_until = group.ignored_until_errors = None
    group.resolved_at = group.resolved_by_email = None
    group.counted_at = None


@action(Permission.ERRORS_RESOLVE, about=TABLE)
def ignore(work: Work, group_id: str, *, until: date | None = None, more: int | None = None) -> None:
    """Ignore a group until a day begins (UTC) or so many more errors have come, whichever is first.

    Raises NotFound, Refused when it is resolved, and Invalid without either, for a day that is not ahead or
    more than a year off, and for a number below 1.
    """
    group = _get(work, group_id)
    today = work.now.date()
    if until is None and more is None:
        raise Invalid("Say until which day it is ignored, or until how many more have come.")
    if until is not None and not today < until <= today + LONGEST:
        raise Invalid(f"Choose a day from tomorrow to {today + LONGEST}.")
    if more is not None and more < 1:
        raise Invalid("Ignore it until at least one more has come.")
    if group.state == "resolved":
        raise Refused("This is resolved. Open it again before you ignore it.")
    group.state = "ignored"
    group.ignored_until = day_bounds(until)[0] if until else None
    group.ignored_until_errors = group.errors + more if more else None


@action(Permission.ERRORS_RESOLVE, about=TABLE)
def assign(work: Work, group_id: str, *, to: str) -> None:
    """Put a group into somebody's hands, by their id, or into nobody's.

    Raises NotFound for a group that does not exist, and Invalid for somebody who cannot resolve errors.
    """
    group = _get(work, group_id)
    if to == NOBODY:
        group.assigned_to = group.assigned_email = None
        return
    person = work.session.get(AdminUser, to)
    if person is None or not person.is_active or not _may_resolve(person.role):
        raise Invalid("They do not work here any more, or their role cannot resolve errors.")
    group.assigned_to, group.assigned_email = person.id, person.email


@action(Permission.ERRORS_NOTE)
def note(work: Work, group_id: str, *, body: str) -> str:
    """Write a note about a group and return its id. Raises NotFound, and Invalid for an empty one."""
    return notes.leave(work, TABLE, _get(work, group_id).id, body)


def _get(work: Work, group_id: str) -> ErrorGroup:
    group = work.session.get(ErrorGroup, group_id)
    if group is None:
        raise NotFound(
            f"There is no group of errors {group_id[:60]}. Go back to the list and choose another."
        )
    return group


def _send_rows(group: ErrorGroup, what: str) -> None:
    group.rows_due, group.rows_moment = what, group.resolved_at
    group.rows_at = group.rows_id = None


def _may_resolve(role: str) -> bool:
    return Permission.ERRORS_RESOLVE in GRANTS[Role(role)]
