"""Disputes at Stripe."""

from lib.payments.events import DisputeFacts
from lib.payments.gateway.connection import Connection


class Disputes:
    """A bank asks for money back. Evidence is handed in at Stripe itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def retrieve(self, dispute_id: str) -> DisputeFacts:
        """The dispute `dp_…` as it is now."""
        return self._connection.one(DisputeFacts, "disputes", dispute_id)
