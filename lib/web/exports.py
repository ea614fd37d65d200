"""`GET /export/TICKET`: a list as CSV, streamed row by row, so that its size does not matter.

RFC 4180 with a byte-order mark, which makes spreadsheets read UTF-8. Personal data is masked as on screen.
"""

import csv
import io
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from lib.core import moments, money
from lib.core.access import Actor
from lib.core.database import Database
from lib.core.errors import AdminError, NotAllowed
from lib.core.listing import AnyRow, Column
from lib.core.settings import Settings
from lib.core.work import reading, working
from lib.services import exports
from lib.services.exports import Export
from lib.web.browser import signed_in
from lib.web.metrics import EXPORTED_ROWS

log = logging.getLogger(__name__)

_CHUNK: Final = 32 * 1024  # characters
# What a spreadsheet takes for the start of a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Exports:
    """Uses a ticket up and streams its list to the browser of the person who asked for it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database

    async def answer(self, request: Request) -> Response:
        """The CSV, or one sentence that says why there is none."""
        try:
            actor, export = await to_thread.run_sync(self._use, request)
        except AdminError as error:
            return PlainTextResponse(str(error), 403 if isinstance(error, NotAllowed) else 410)
        name = f"{export.listing.name.replace('.', '-')}-{moments.now():%Y-%m-%d}.csv"
        return StreamingResponse(
            self._stream(actor, export),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    def _use(self, request: Request) -> tuple[Actor, Export]:
        actor = signed_in(request, self.database, self.settings.sign_in)
        with working(self.database, actor) as work:
            return actor, exports.download(work, request.path_params["token"])

    def _stream(self, actor: Actor, export: Export) -> Iterator[bytes]:
        columns, sent = export.listing.columns, 0
        yield b"\xef\xbb\xbf" + csv_lines([[column.title for column in columns]])
        with reading(self.database, actor) as view:
            buffer, writer = _writer()
            for row in export.listing.stream(view, **export.filters):
                writer.writerow(cells(row, columns))
                sent += 1
                if buffer.tell() >= _CHUNK:
                    yield _taken(buffer)
            yield _taken(buffer)
        EXPORTED_ROWS.labels(export.listing.name).inc(sent)


def csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as lines of CSV."""
    buffer, writer = _writer()
    writer.writerows(rows)
    return _taken(buffer)


def cells(row: AnyRow, columns: Sequence[Column]) -> list[str]:
    """A row's values as text, in the columns' order."""
    currency = getattr(row, "currency", None)
    return [_cell(column.value(row), column, currency) for column in columns]


def _cell(value: Any, column: Column, currency: str | None) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
        case date():
            return value.isoformat()
        case int() if column.kind == "money":
            return str(Decimal(value).scaleb(-money.decimals(currency)))
        case int() | float() | Decimal():
            return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _writer() -> tuple[io.StringIO, Any]:
    buffer = io.StringIO(newline="")
    return buffer, csv.writer(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8")
