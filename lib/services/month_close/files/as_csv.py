"""A version as CSV: a line for each figure, amounts in whole units of their currency."""

import csv
import io
from typing import Final

from lib.core import money
from lib.core.access import Permission
from lib.core.work import View, query
from lib.services.month_close.lines import SECTIONS, Line
from lib.services.month_close.versions import Version, version

HEADINGS: Final = (
    "month",
    "version",
    "frozen_on",
    "frozen_by",
    "ledger_as_of",
    "section",
    "policy",
    "currency",
    "measure",
    "figure",
    "unit",
    "value",
    "remark",
    "digest",
)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # spreadsheets read UTF-8 by it


@query(Permission.REVENUE_CLOSE)
def csv_of(view: View, close_id: str) -> bytes:
    """The CSV of a version, RFC 4180 in UTF-8. Raises NotFound when there is none of this id."""
    return written(version(view, close_id))


def written(close: Version) -> bytes:
    """A version's CSV."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(HEADINGS)
    for line in close.lines:
        writer.writerow(
            [
                f"{close.month:%Y-%m}",
                close.number,
                f"{close.closed_at:%Y-%m-%d}",
                close.closed_by_email,
                f"{close.as_of:%Y-%m-%d %H:%M:%S}Z" if close.as_of else "",
                SECTIONS[line.section],
                line.policy,
                line.currency,
                line.measure,
                line.title,
                line.unit,
                _value(line),
                line.why_not or "",
                close.digest,
            ]
        )
    return _BYTE_ORDER_MARK + buffer.getvalue().encode()


def _value(line: Line) -> str:
    if line.value is None:
        return ""
    if line.unit == "count":
        return str(line.value)
    return str(money.units(line.value, line.currency))
