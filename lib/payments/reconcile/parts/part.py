"""One kind of thing that is compared."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from lib.models import sortable
from lib.payments.gateway import Gateway
from lib.payments.gateway.lists import ListPage
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.ours import OurPrice

Prices = Mapping[str, OurPrice]
"""Our price list by `price_…`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to our rows: the session, the present, and since when rows count, None for all of them."""

    session: Session
    now: datetime
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Mine:
    """A row of ours that names an object of Stripe's. `keys`: what Stripe may have listed it as."""

    id: str
    keys: tuple[str, ...]
    row: Any


@dataclass(frozen=True, slots=True)
class Part:
    """How one kind of thing is compared.

    `listed`: a page of Stripe's list. `keys`: what an item of it is noted as. `compared`: the findings of a
    page. `mine`: a chunk of our rows after an id, None where there is no second stage. `asked`: what is found
    about a row that Stripe did not list. `explained`: a finding of the kinds `needs_explaining`, with why it
    has no safe repair if a further question to Stripe says so. `whole`: read all of it even in a walk of what
    is new. `kept`: how long Stripe lists it.
    """

    name: str
    title: str
    listed: Callable[[Gateway, str | None, datetime | None], ListPage[Any]]
    keys: Callable[[Any], tuple[str | None, ...]]
    compared: Callable[[Reading, Sequence[Any]], list[Finding]]
    mine: Callable[[Reading, str, int], list[Mine]] | None = None
    asked: Callable[[Gateway, Any, Prices, datetime], list[Finding]] | None = None
    explained: Callable[[Gateway, Finding], Finding] | None = None
    needs_explaining: frozenset[str] = frozenset()
    whole: bool = False
    kept: timedelta | None = None

    def since(self, since: datetime | None, now: datetime) -> datetime | None:
        """From when on Stripe's list is read, for a walk of what was made `since`."""
        if self.whole:
            return None
        kept = None if self.kept is None else now - self.kept
        return max((moment for moment in (since, kept) if moment is not None), default=None)


def only_id(item: Any) -> tuple[str, ...]:
    """The id of an item, for the kinds that have one name only."""
    return (item.id,)


def made_since(column: Any, since: datetime | None) -> Iterable[Any]:
    """The condition that a row was made since then; none for None."""
    return () if since is None else (sortable(column) >= since,)
