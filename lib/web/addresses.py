"""Addresses as people type them: each leads to the page that was meant, or to one that says there is none.

Streamlit answers every address with its own page, and knows only the names of pages: `/home` and `/nonsense`
would open a dialog for developers, `/users/usr_1` nothing at all, for ever.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LONGEST: Final = 200  # characters of an address that are said back
# What Streamlit and our own routes answer themselves.
NO_PAGES: Final = (
    *("/_stcore/", "/media/", "/component/", "/static/", "/auth/", "/oauth2callback", "/idp/"),
    *("/export/", "/healthz", "/metrics", "/webhooks/"),
)


class PageAddresses:
    """Redirects a browser from an address that is no page's own. `pages` are the names of all pages.

    `/home` leads to `/`, `/users/usr_1` to `/users?id=usr_1`, and what is unknown to the page `missing` with
    the `address` that was asked for. Parameters are kept.
    """

    def __init__(self, app: ASGIApp, *, pages: Collection[str], home: str, missing: str) -> None:
        self.app = app
        self.pages = frozenset(pages) - {home} | {missing}
        self.home = home
        self.missing = missing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        target = self._meant(scope["path"].strip("/")) if _asks_for_a_page(scope) else None
        if target is None:
            await self.app(scope, receive, send)
            return
        page, found = target
        asked = scope.get("query_string", b"").decode("latin-1")
        query = "&".join(part for part in (found, asked) if part)
        await RedirectResponse(f"/{page}?{query}" if query else f"/{page}", 307)(scope, receive, send)

    def _meant(self, path: str) -> tuple[str, str] | None:
        """The name of the page that was meant, and parameters; None where the address is right as it is."""
        name, _, key = path.partition("/")
        page = name.lower()
        if page == self.home and not key:
            return "", ""
        if page not in self.pages:
            return self.missing, urlencode({"address": f"/{path}"[:_LONGEST]})
        if key:
            return page, urlencode({"id": key})
        return None if name == page else (page, "")


def _asks_for_a_page(scope: Scope) -> bool:
    """Whether a browser opens an address, other than `/`, that no route and no file answers."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    path: str = scope["path"]
    is_file = "." in path.rpartition("/")[2] and path.count("/") == 1
    return (
        path != "/"
        and not is_file
        and not path.startswith(NO_PAGES)
        and "text/html" in Headers(scope=scope).get("accept", "")
    )
