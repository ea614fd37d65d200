"""What happens by itself a while after a request, such as a refund that the bank sends back."""

import time

from lib.payments.sandbox.rules import refunds
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.store import Store

ACTIONS = {refunds.FAIL: refunds.fail}
"""What a deferred row may ask for; each takes a session and an id."""


def run_due(store: Store) -> int:
    """Do what is due by now; returns how many events that caused."""
    rows = store.connection.execute(
        "SELECT seq, action, subject FROM deferred WHERE due <= ? ORDER BY due", (time.time(),)
    ).fetchall()
    recorded = 0
    for seq, action, subject in rows:
        with store.transaction():
            session = Session(store)
            ACTIONS[action](session, subject)
            store.connection.execute("DELETE FROM deferred WHERE seq = ?", (seq,))
            recorded += session.recorded
    return recorded
