"""Bulk: one action on many subscriptions, each once: chosen, looked at, confirmed, then done by the worker.

actions.py         what one bulk action is made of, and all of them by name
subscriptions.py   cancel at period end, apply a code
notes.py           add a note
runs.py            choosing, starting, stopping and resuming a run; how far it is
"""

from lib.services.bulk.actions import BulkAction, bulk_actions
from lib.services.bulk.runs import (
    LARGEST,
    REASON_COLUMNS,
    ROW_STATES,
    Run,
    choose,
    drop,
    one,
    resume,
    rows,
    runs,
    start,
    stop,
)

__all__ = [
    "LARGEST",
    "REASON_COLUMNS",
    "ROW_STATES",
    "BulkAction",
    "Run",
    "bulk_actions",
    "choose",
    "drop",
    "one",
    "resume",
    "rows",
    "runs",
    "start",
    "stop",
]
