"""One field of a Stripe payload at a time.

Every function takes whatever JSON holds and answers None for what is absent, null or of another type than the
field should have: a payload from outside must never raise here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

_END_OF_TIME = 253_402_300_800  # 10000-01-01 in Unix seconds: the first moment a datetime cannot hold


def at(source: object, *path: str) -> Any:
    """The value at `path` in nested mappings, or None as soon as a step is missing."""
    for step in path:
        if not isinstance(source, Mapping):
            return None
        source = source.get(step)
    return source


T = TypeVar("T")


def first(*values: T | None) -> T | None:
    """The first value that is not None: the order says which shape wins when both are there."""
    return next((value for value in values if value is not None), None)


def text(value: object) -> str | None:
    """A text; the empty one, which Stripe uses for "cleared", is None."""
    return value if isinstance(value, str) and value else None


def ident(value: object) -> str | None:
    """The id behind an expandable field: the id itself, or the `id` of the expanded object."""
    return text(value.get("id") if isinstance(value, Mapping) else value)


def flag(value: object) -> bool | None:
    """True or False as sent."""
    return value if isinstance(value, bool) else None


def whole(value: object) -> int | None:
    """A whole number: an amount in the currency's smallest unit, a count, a quantity."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(value: object) -> float | None:
    """A number that may have a fraction, such as a percentage."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment(value: object) -> datetime | None:
    """Unix seconds as an aware UTC datetime."""
    seconds = whole(value)
    if seconds is None or not 0 <= seconds < _END_OF_TIME:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def texts(value: object) -> dict[str, str]:
    """Stripe metadata: text to text, empty when there is none."""
    if not isinstance(value, Mapping):
        return {}
    return {key: each for key, each in value.items() if isinstance(key, str) and isinstance(each, str)}


def listed(value: object) -> list[Any] | None:
    """The members of a Stripe list object, or of the plain array that some shapes have in its place."""
    members = value.get("data") if isinstance(value, Mapping) else value
    return members if isinstance(members, list) else None


def rows(value: object) -> list[Mapping[str, Any]]:
    """The members of a list that are objects; unexpanded ids are left out."""
    return [member for member in listed(value) or () if isinstance(member, Mapping)]


def total(value: object) -> int | None:
    """The sum of `amount` over a list such as `total_taxes`: 0 for an empty list, None for no list."""
    if listed(value) is None:
        return None
    return sum(whole(row.get("amount")) or 0 for row in rows(value))
