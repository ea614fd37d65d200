"""A process that runs for long says every few seconds that it lives."""

import json
import os
import socket
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from lib.core.database import Database
from lib.models import Heartbeat, new_id


def process_name() -> str:
    """A name for this process that no other has, which tells a reader where it runs."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_id()[-6:]}"


def beat(database: Database, name: str, now: datetime, **details: Any) -> None:
    """Say that a process lives. One row per name; of several processes under one name the last stands there.

    Housekeeping: no action of anybody's, and so not in the audit.
    """
    values = {"beat_at": now, "details": json.dumps(details, sort_keys=True)}
    with database.primary.begin() as connection:
        known = connection.execute(update(Heartbeat).where(Heartbeat.name == name).values(**values))
    if known.rowcount:
        return
    try:
        with database.primary.begin() as connection:
            connection.execute(insert(Heartbeat).values(name=name, **values))
    except IntegrityError:
        # Another process of this name began at the same moment, and has said so.
        return
