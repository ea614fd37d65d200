"""`/metrics`: numbers about this process for Prometheus, to programs on this machine only.

Named and in base units as https://prometheus.io/docs/practices/naming/ asks.
"""

import re
import time
from collections.abc import Iterator
from typing import Any, Final

from anyio import to_thread
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import ExceptionContext, event, func, select
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from lib.core.database import Database
from lib.models import Operation
from lib.web.local import asks_from_this_machine

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# The alert stands at 500 ms; the buckets are fine below it.
_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

PROCESS: Final = CollectorRegistry()
ProcessCollector(registry=PROCESS)
PlatformCollector(registry=PROCESS)
STATEMENTS: Final = Histogram(
    "admin_sql_statement_seconds",
    "Time from sending a SQL statement to its answer, by verb and first table.",
    ("verb", "table"),
    buckets=_SECONDS,
    registry=PROCESS,
)
STATEMENT_ERRORS: Final = Counter(
    "admin_sql_errors",
    "SQL statements that failed, by verb and first table.",
    ("verb", "table"),
    registry=PROCESS,
)
WEBHOOKS: Final = Counter(
    "admin_stripe_webhooks", "Stripe webhooks by what became of them.", ("outcome",), registry=PROCESS
)
EXPORTED_ROWS: Final = Counter(
    "admin_exported_rows", "Rows streamed as CSV, by list.", ("export",), registry=PROCESS
)

_FIRST_TABLE: Final = re.compile(r'\b(?:FROM|INTO|UPDATE|JOIN)\s+"?(\w+)', re.IGNORECASE)
_STARTED: Final = "admin_metrics_started"


def watch(database: Database) -> None:
    """Measure every statement of a database from now on."""
    for engine in {database.primary, database.replica}:
        event.listen(engine, "before_cursor_execute", _before)
        event.listen(engine, "after_cursor_execute", _after)
        event.listen(engine, "handle_error", _failed)


class Metrics:
    """Answers a scrape from this machine; everybody else is told nothing."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_OperationsByState(database))

    async def answer(self, request: Request) -> Response:
        """Every number in Prometheus' text format."""
        if not asks_from_this_machine(request):
            return PlainTextResponse("Not found.", 404)
        body = await to_thread.run_sync(lambda: generate_latest(PROCESS) + generate_latest(self.registry))
        return Response(body, media_type=CONTENT_TYPE)


class _OperationsByState(Collector):
    """Counted when asked for: the worker, another process, moves them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Named without asking the database, when it is registered."""
        yield self._family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One number per state."""
        family = self._family()
        statement = select(Operation.state, func.count()).group_by(Operation.state)
        with self.database.primary.execution_options(writes=False).connect() as connection:
            for state, count in connection.execute(statement):
                family.add_metric((state,), count)
        yield family

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily("admin_stripe_operations", "Stripe operations by state.", labels=("state",))


def _labels(statement: str) -> tuple[str, str]:
    table = _FIRST_TABLE.search(statement)
    return statement.lstrip("( \n").partition(" ")[0].upper()[:12], table[1].lower() if table else "none"


def _before(
    _connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    if context is not None:
        setattr(context, _STARTED, time.perf_counter())


def _after(
    _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    started = getattr(context, _STARTED, None)
    if started is not None:
        STATEMENTS.labels(*_labels(statement)).observe(time.perf_counter() - started)


def _failed(failure: ExceptionContext) -> None:
    STATEMENT_ERRORS.labels(*_labels(failure.statement or "")).inc()
