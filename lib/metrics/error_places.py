"""Where an error happened: the page without anybody's id, the kind of device, the browser."""

import re
from typing import Final

UNKNOWN: Final = "unknown"
_LONGEST: Final = 120
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_ID = re.compile(
    r"/(?:\d+|[0-9a-f-]{16,}|[a-z]{2,12}_[A-Za-z0-9]{4,}|(?=[^/]*\d[^/]*\d)[A-Za-z0-9_-]{8,})(?=/|$)"
)
# Each names itself as its forerunners do, so the first that is found counts.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("FxiOS", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("CFNetwork", "iOS app"),
    ("okhttp", "Android app"),
    ("bot", "Robot"),
)
_DEVICES: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def page_of(url: str | None) -> str:
    """The path of an address, ids as `:id`, without what is asked there: `/couples/:id/edit`."""
    path = _ADDRESS.sub("", (url or "").strip()[:2_000])
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    if not path:
        return "/" if url and url.strip() else UNKNOWN
    return _ID.sub("/:id", path)[:_LONGEST]


def browser_of(user_agent: str | None) -> str:
    """The browser that a user agent names."""
    return _first(_BROWSERS, user_agent)


def device_of(user_agent: str | None) -> str:
    """The kind of device that a user agent names."""
    return _first(_DEVICES, user_agent)


def _first(marks: tuple[tuple[str, str], ...], user_agent: str | None) -> str:
    text = (user_agent or "")[:1_000]
    return next((name for mark, name in marks if mark in text), UNKNOWN)
