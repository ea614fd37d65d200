"""Exports: leave to download one list once, within a minute.

A page makes a ticket; the route `/export/TICKET` uses it up and streams the list, so that a large export
never lies in a page's memory. Both ask for the list's own permission, and both are noted.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid, Refused
from lib.core.listing import LISTINGS, Listing
from lib.core.work import Work, action
from lib.models import ExportTicket, new_id

VALID_FOR: Final = timedelta(seconds=60)
_USELESS: Final = "This download link was used already, or is older than a minute. Go back and export again."


@dataclass(frozen=True, slots=True)
class Export:
    """A list and the filters it was asked for with."""

    listing: Listing
    filters: Mapping[str, Any]


@action(Permission.HOME_READ)
def ticket(work: Work, export: str, filters: Mapping[str, Any]) -> str:
    """Make a single-use ticket for the list `export` (`module.function`) with these filters.

    Raises Invalid when there is no such list, and NotAllowed when the actor may not read it.
    """
    source = _listing(export)
    work.actor.must(source.permission)
    text = secrets.token_urlsafe(32)
    made = ExportTicket(
        id=new_id(),
        token_digest=_digest(text),
        admin_user_id=work.actor.id,
        export=export,
        arguments=json.dumps({name: _pack(value) for name, value in filters.items()}),
        created_at=work.now,
        expires_at=work.now + VALID_FOR,
    )
    work.about("admin_export_tickets", made.id)
    work.session.add(made)
    return text


@action(Permission.HOME_READ)
def download(work: Work, token: str) -> Export:
    """Use a ticket up and give what it is for.

    Raises Refused when it is unknown, used, too old or somebody else's, in the same words for all of them,
    and NotAllowed when the actor may not read the list any more.
    """
    found = work.session.scalar(select(ExportTicket).where(ExportTicket.token_digest == _digest(token)))
    if (
        found is None
        or found.used_at is not None
        or found.expires_at <= work.now
        or found.admin_user_id != work.actor.id
    ):
        raise Refused(_USELESS)
    work.about("admin_export_tickets", found.id)
    source = _listing(found.export)
    work.actor.must(source.permission)
    found.used_at = work.now
    return Export(source, {name: _unpack(value) for name, value in json.loads(found.arguments).items()})


def _listing(name: str) -> Listing:
    try:
        return LISTINGS[name]
    except KeyError:
        raise Invalid(f"There is no list called “{name[:60]}”.") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _pack(value: Any) -> Any:
    """A filter's value as JSON that `_unpack` reads back with its type."""
    match value:
        case datetime():
            return {"moment": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
        case timedelta():
            return {"seconds": value.total_seconds()}
        case tuple() | list():
            return [_pack(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"A filter cannot be a {type(value).__name__}.")


def _unpack(value: Any) -> Any:
    match value:
        case {"moment": str(text)}:
            return datetime.fromisoformat(text)
        case {"day": str(text)}:
            return date.fromisoformat(text)
        case {"seconds": float() | int() as seconds}:
            return timedelta(seconds=seconds)
        case list():
            return [_unpack(item) for item in value]
    return value
