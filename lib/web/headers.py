"""What goes with every answer: headers that keep a browser from doing what we never asked it to."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.web.addresses import NO_PAGES

# Unauthenticated in Streamlit; ours is /metrics, for this machine only.
_CLOSED: Final = frozenset({"/_stcore/metrics"})
_INLINE_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class SecurityHeaders:
    """Adds the headers to every HTTP answer, and Secure to every cookie of an https address.

    `scripts` are the pages' own inline scripts, the only ones that run beside Streamlit's.
    """

    def __init__(self, app: ASGIApp, *, url: str, scripts: Sequence[str] = ()) -> None:
        self.app = app
        self.secure = url.startswith("https://")
        host = urlsplit(url).netloc
        inline = (*_streamlits_inline_scripts(), *(script.encode() for script in scripts))
        allowed = " ".join(("'self'", "'wasm-unsafe-eval'", *map(_hashed, inline)))
        # Streamlit styles its elements inline; its data grid draws into blobs.
        self.policy = (
            f"default-src 'self'; script-src {allowed}; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
            f"connect-src 'self' ws://{host} wss://{host}; object-src 'none'; base-uri 'self'; "
            "form-action 'self'; frame-ancestors 'none'"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].rstrip("/") in _CLOSED:
            await PlainTextResponse("Not found.", 404)(scope, receive, self._adding(send))
            return
        await self.app(scope, receive, self._adding(send))

    def _adding(self, send: Send) -> Send:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A route that knows better, such as the provider's page, sets a stricter policy itself.
                headers.setdefault("Content-Security-Policy", self.policy)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=()"
                if self.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                    message["headers"] = _with_secure_cookies(message["headers"])
            await send(message)

        return adding


class WantedPage:
    """Brings a person back, after the sign-in, to the address they started it from, parameters and all.

    Streamlit always returns to `/`. The browser says where it came from when it asks for `/auth/login`; a
    cookie that only `/oauth2callback` gets keeps it over the sign-in, and the redirect there is rewritten.
    """

    COOKIE: Final = "admin_wanted_page"
    _TEN_MINUTES: Final = 600
    _LONGEST: Final = 2000

    def __init__(self, app: ASGIApp, *, url: str) -> None:
        self.app = app
        self.origin = urlsplit(url)[:2]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == "/auth/login":
            wanted = self._came_from(Headers(scope=scope).get("referer", ""))
            send = self._remembering(send, wanted)
        elif scope["type"] == "http" and scope["path"] == "/oauth2callback":
            wanted = self._remembered(Headers(scope=scope).get("cookie", ""))
            send = self._returning(send, wanted)
        await self.app(scope, receive, send)

    def _came_from(self, referer: str) -> str:
        address = urlsplit(referer)
        if address[:2] != self.origin:
            return "/"
        return _inside(address.path + (f"?{address.query}" if address.query else ""))

    def _remembered(self, cookie: str) -> str:
        found = SimpleCookie(cookie).get(self.COOKIE)
        return _inside(unquote(found.value)) if found else "/"

    def _remembering(self, send: Send, wanted: str) -> Send:
        value = quote(wanted, safe="/") if len(wanted) <= self._LONGEST else "/"
        return self._with_cookie(send, f"{value}; Max-Age={self._TEN_MINUTES}")

    def _returning(self, send: Send, wanted: str) -> Send:
        async def returning(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("location") == "/":
                    headers["location"] = wanted
            await send(message)

        return self._with_cookie(returning, "; Max-Age=0")

    def _with_cookie(self, send: Send, value: str) -> Send:
        async def setting(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append(
                    "set-cookie", f"{self.COOKIE}={value}; Path=/oauth2callback; HttpOnly; SameSite=Lax"
                )
            await send(message)

        return setting


def _streamlits_inline_scripts() -> list[bytes]:
    """The scripts that stand in Streamlit's own page."""
    return _INLINE_SCRIPT.findall((Path(streamlit.__file__).parent / "static" / "index.html").read_bytes())


def _hashed(script: bytes) -> str:
    """A script's hash as the policy names it, so that no other inline script runs."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"


def _inside(address: str) -> str:
    """The address if it is a page of this app, else `/`: never a way to somebody else's site."""
    path = address.partition("?")[0]
    leads_out = not path.startswith("/") or path.startswith("//") or "\\" in address
    strange = any(ord(character) < 33 or ord(character) > 126 for character in address)
    return "/" if leads_out or strange or path.startswith(NO_PAGES) else address


def _with_secure_cookies(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [
        (name, value + b"; Secure")
        if name.lower() == b"set-cookie" and b"secure" not in value.lower().split(b"; ")
        else (name, value)
        for name, value in headers
    ]
