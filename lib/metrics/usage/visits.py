"""Visits by device, and pages with the visits that began or ended there, by day."""

from collections import Counter
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from lib.metrics.usage import raw

OTHER: Final = "(other pages)"
PAGES_A_DAY: Final = 100
_LONGEST_PATH: Final = 80
_COUNTS: Final = ("views", "timed", "seconds", "entries", "bounced", "exits")


def visit_rows(session: Session, first: date, last: date, now: datetime) -> list[dict[str, Any]]:
    """The rows of `admin_visit_days`."""
    found = session.execute(raw.visits_by_device(first, last)).mappings()
    return [{**row, "computed_at": now} for row in found if row["day"] is not None]


def page_rows(session: Session, first: date, last: date) -> list[dict[str, Any]]:
    """The rows of `admin_page_days`: each day's hundred pages with the most traffic, and the rest as one."""
    found: dict[date, dict[str, Counter[str]]] = {}
    for statement in (raw.views(first, last), raw.entries(first, last), raw.exits(first, last)):
        for row in session.execute(statement).mappings():
            if row["day"] is None:
                continue
            counts = found.setdefault(row["day"], {}).setdefault(page_of(row["path"]), Counter())
            counts.update({name: int(row[name]) for name in _COUNTS if name in row})
    return [
        {"day": day, "page": page} | {name: counts[name] for name in _COUNTS}
        for day, pages in found.items()
        for page, counts in _largest(pages).items()
    ]


def page_of(path: str) -> str:
    """A path without what follows ? or #, and not longer than it can be read."""
    return path.partition("?")[0].partition("#")[0][:_LONGEST_PATH] or "/"


def _largest(pages: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    order = sorted(pages, key=lambda page: (-pages[page]["views"] - pages[page]["entries"], page))
    kept = {page: pages[page] for page in order[:PAGES_A_DAY] if page != OTHER}
    rest = Counter[str]()
    for page in pages.keys() - kept.keys():
        rest.update(pages[page])
    return kept | ({OTHER: rest} if rest else {})
