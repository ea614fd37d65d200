"""Visits and pages: where people come in, where they go out, how long they stay, on what.

    visit         a row of `user_sessions`, by the day on which it began (UTC)
    bounce        a visit of one page at most on which at most one thing was done / visits
    duration      mean of the visits whose duration is one: from 0 seconds to a day
    entry, exit   the first and the last page of a visit, as the app noted them
    view          a row of `page_views`; addresses are taken without what follows ? or #

Read from `admin_visit_days` and `admin_page_days`, which keep the hundred largest pages of each day by name.
"""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import func, select

from lib.core.access import Permission
from lib.core.listing import AnyRow, Column
from lib.core.work import View, query
from lib.metrics.features import NOTHING_YET
from lib.metrics.figure import Basis, share_of
from lib.metrics.usage.raw import DEVICES
from lib.models import PageDay, VisitDay

MEASURES: Final = ("views", "entries", "exits", "bounced")
"""What pages can be put in order by."""
WORDS: Final = {
    "views": "Views",
    "entries": "Visits that began here",
    "exits": "Visits that ended here",
    "bounced": "Visits that bounced",
}
MEANINGS: Final = {
    "Visit": "a row of `user_sessions`, by the UTC day on which it began",
    "Bounce": "a visit of one page at most on which at most one thing was done; the rate is of all visits, "
    "for a page of the visits that began there",
    "Mean duration": "of visits whose duration is from 0 seconds to a day; others are clocks that were wrong",
    "Began and ended here": "first and last page of a visit, as the app noted them",
    "View": "a row of `page_views`; what follows ? or # in an address is left out, and of each day the "
    "hundred largest pages are kept by name",
}
DAY_COLUMNS: Final = (
    Column("day", "Day (UTC)", "day"),
    Column("visits", "Visits", "count"),
    *(Column(device, device.capitalize(), "count") for device in DEVICES),
    Column("bounce_rate", "Bounce rate", "percent"),
    Column("seconds", "Mean seconds", "decimal"),
    Column("pages", "Pages a visit", "decimal"),
)
DEVICE_COLUMNS: Final = (
    Column("device", "Device", "code"),
    Column("visits", "Visits", "count"),
    Column("share", "Share", "percent"),
    Column("bounce_rate", "Bounce rate", "percent"),
    Column("seconds", "Mean seconds", "decimal"),
    Column("pages", "Pages a visit", "decimal"),
    Column("converted", "Converted (app's own)", "count"),
)
PAGE_COLUMNS: Final = (
    Column("page", "Page"),
    Column("views", "Views", "count"),
    Column("seconds", "Mean seconds", "decimal"),
    Column("entries", "Visits began here", "count"),
    Column("bounced", "of which bounced", "count"),
    Column("bounce_rate", "Bounce rate", "percent"),
    Column("exits", "Visits ended here", "count"),
    Column("exit_rate", "Exits / views", "percent"),
)


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of one day, or of one kind of device, or of all: means are None of nothing.

    `seconds` is the mean of `timed` visits, `pages` the mean of all.
    """

    day: date | None
    device: str
    visits: int
    share: Fraction | None
    bounced: int
    bounce_rate: Fraction | None
    timed: int
    seconds: Fraction | None
    pages: Fraction | None
    converted: int
    desktop: int
    mobile: int
    tablet: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Series:
    """All visits of a time, by day and by device; `why_not` when there was none."""

    total: Visits
    days: tuple[Visits, ...]
    devices: tuple[Visits, ...]
    basis: Basis
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page in a time; `bounce_rate` is of the visits that began there, `exit_rate` may be over 1.

    A page is seen more often than it is the last one; but the app notes the last page of a visit even where
    it noted no view of it.
    """

    page: str
    views: int
    seconds: Fraction | None
    entries: int
    bounced: int
    bounce_rate: Fraction | None
    exits: int
    exit_rate: Fraction | None


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages, those with the most of the chosen measure first; `why_not` when there is none."""

    pages: tuple[Page, ...]
    measure: str
    basis: Basis
    why_not: str | None


@query(Permission.USAGE_READ)
def visits(view: View, since: date, until: date) -> Series:
    """Visits by day and by device. One statement."""
    rows = view.session.execute(
        select(*VisitDay.__table__.columns).where(VisitDay.day.between(since, until)).order_by(VisitDay.day)
    ).all()
    by_day: dict[date, list[AnyRow]] = {}
    for row in rows:
        by_day.setdefault(row.day, []).append(row)
    everything = sum(row.visits for row in rows)
    by_device = {device: [row for row in rows if row.device == device] for device in DEVICES}
    counted_at: datetime | None = max((row.computed_at for row in rows), default=None)
    return Series(
        _sum(rows, everything),
        tuple(_sum(each, everything, day=day) for day, each in by_day.items()),
        tuple(_sum(each, everything, device=device) for device, each in by_device.items() if each),
        Basis(None, everything, "visits", counted_at),
        None if rows else NOTHING_YET,
    )


@query(Permission.USAGE_READ)
def pages(view: View, since: date, until: date, *, measure: str = "views") -> Pages:
    """Every page of a time, those with the most of a measure first. One statement."""
    row = PageDay
    names = ("views", "timed", "seconds", "entries", "bounced", "exits")
    rows = view.session.execute(
        select(row.page, *(func.sum(getattr(row, name)).label(name) for name in names))
        .where(row.day.between(since, until))
        .group_by(row.page)
    ).all()
    ordered = sorted(rows, key=lambda each: (-getattr(each, measure), each.page))
    found = tuple(_page(each) for each in ordered)
    return Pages(
        found,
        measure,
        Basis(None, sum(page.views for page in found), "views of pages", None),
        None if found else NOTHING_YET,
    )


def _sum(rows: Any, everything: int, *, day: date | None = None, device: str = "") -> Visits:
    number = sum(row.visits for row in rows)
    timed = sum(row.timed for row in rows)
    by_device = {name: sum(row.visits for row in rows if row.device == name) for name in DEVICES}
    bounced = sum(row.bounced for row in rows)
    return Visits(
        day,
        device,
        number,
        share_of(number, everything),
        bounced,
        share_of(bounced, number),
        timed,
        share_of(sum(row.seconds for row in rows), timed),
        share_of(sum(row.pages for row in rows), number),
        sum(row.converted for row in rows),
        **by_device,
    )


def _page(row: Any) -> Page:
    views, entries, bounced, exits = (
        int(getattr(row, name)) for name in ("views", "entries", "bounced", "exits")
    )
    return Page(
        row.page,
        views,
        share_of(int(row.seconds), int(row.timed)),
        entries,
        bounced,
        share_of(bounced, entries),
        exits,
        share_of(exits, views),
    )
