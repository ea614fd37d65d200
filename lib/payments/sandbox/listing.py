"""Lists: newest first, a page at a time, as https://docs.stripe.com/api/pagination says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lib.payments.sandbox.errors import StripeError, missing_object
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.session import Session

PAGE_PARAMS = "limit starting_after ending_before expand"
"""Parameters that every list has."""

_DEFAULT = 10
_LARGEST = 100


@dataclass(frozen=True)
class Page:
    """Part of a list, as facts."""

    items: list[Facts]
    has_more: bool


def page(
    session: Session,
    kind: str,
    params: dict[str, Any],
    *,
    keep: Callable[[Facts], bool] = lambda _facts: True,
    **conditions: Any,
) -> Page:
    """The page of `kind` that `params` ask for.

    `conditions` narrow the rows in SQL, `keep` what is left. Raises StripeError for a limit outside 1 to 100
    or a cursor that names no object.
    """
    limit = page_size(params)
    after, before = (_position(session, kind, params, name) for name in ("starting_after", "ending_before"))
    found = session.select(kind, created=bounds(params), after=after, before=before, **conditions)
    items, has_more = cut((facts for facts in found if keep(facts) and not facts.get("deleted")), limit)
    return Page(items[::-1] if before else items, has_more)


def page_size(params: dict[str, Any]) -> int:
    """The `limit` asked for, 10 by default."""
    limit = int(params.get("limit", _DEFAULT))
    if not 1 <= limit <= _LARGEST:
        edge = "greater than or equal to 1" if limit < 1 else f"less than or equal to {_LARGEST}"
        raise StripeError(
            f"This value must be {edge}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def bounds(params: dict[str, Any], name: str = "created") -> dict[str, int] | None:
    """`created=5` or `created[gte]=5` as conditions of the store."""
    given = params.get(name)
    if isinstance(given, int):
        return {"gte": given, "lte": given}
    return given


def cut(found: Iterable[Facts], limit: int) -> tuple[list[Facts], bool]:
    """The first `limit`, and whether there are more."""
    taken = list(islice(found, limit + 1))
    return taken[:limit], len(taken) > limit


def _position(session: Session, kind: str, params: dict[str, Any], name: str) -> tuple[int, int] | None:
    if name not in params:
        return None
    position = session.store.position(kind, params[name])
    if position is None:
        raise missing_object(kind, params[name], param=name)
    return position
