"""Events at Stripe."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from lib.payments.events import Event, read_event
from lib.payments.gateway.connection import Connection


class Events:
    """What Stripe has told, for as long as it remembers: 30 days."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def since(self, since: datetime, types: Iterable[str]) -> Iterator[Event]:
        """The events of those types (at most 20) from `since` on, newest first; Stripe keeps 30 days."""
        params = {"created": {"gte": int(since.timestamp())}, "types": sorted(types)}
        for row in self._connection.pages(self._stripe.events.list, params):
            yield read_event(row)

    def retrieve(self, event_id: str) -> Event:
        """The event `evt_…`, while Stripe keeps it (30 days)."""
        return read_event(self._connection.ask(self._stripe.events.retrieve, event_id))
