"""`/healthz`: whether this process can do its work, for a load balancer and for people."""

import logging
from typing import Any, Final

from anyio import to_thread
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import AdminError
from lib.core.schema import revisions
from lib.models import Heartbeat

log = logging.getLogger(__name__)

WORKER_IS_LATE_AFTER_SECONDS: Final = 60


class Health:
    """Answers 200 while the database answers at the right revision, else 503.

    The worker is a process of its own: a late one is told (`worker`), but takes no web server out of service.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    async def answer(self, _request: Request) -> Response:
        """The state as JSON."""
        try:
            state = await to_thread.run_sync(self._look)
        except (SQLAlchemyError, AdminError) as error:
            log.warning("Unhealthy: %s", error)
            return JSONResponse({"status": "failing", "database": "does not answer as it should"}, 503)
        return JSONResponse(state, 200 if state["status"] == "ok" else 503, {"Cache-Control": "no-store"})

    def _look(self) -> dict[str, Any]:
        with self.database.primary.execution_options(writes=False).connect() as connection:
            revision = revisions.current(connection)
            beat = connection.execute(select(func.max(Heartbeat.beat_at))).scalar()
        behind = bool(revisions.pending(revision))
        age = None if beat is None else int((moments.now() - beat).total_seconds())
        late = age is None or age > WORKER_IS_LATE_AFTER_SECONDS
        return {
            "status": "failing" if behind else "ok",
            "database": "ok",
            "revision": revision,
            "revision_is_current": not behind,
            "worker": "late" if late else "ok",
            "worker_last_beat_seconds_ago": age,
        }
