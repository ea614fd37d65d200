import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from lib.web.headers import SecurityHeaders, WantedPage
from tests.web.conftest import TestClient


def client(url: str) -> TestClient:
    """Stand-ins for Streamlit's own routes, behind our middleware."""

    async def page(_request: Request) -> Response:
        return PlainTextResponse("page")

    async def login(_request: Request) -> Response:
        return RedirectResponse("https://id.example.com/authorize")

    async def callback(request: Request) -> Response:
        answer = RedirectResponse(request.query_params.get("to", "/"), 302)
        answer.set_cookie("_streamlit_user", "somebody", httponly=True)
        return answer

    app = Starlette(
        routes=[
            Route("/auth/login", login),
            Route("/oauth2callback", callback),
            Route("/_stcore/metrics", page),
            Route("/{path:path}", page),
        ],
        middleware=[Middleware(SecurityHeaders, url=url), Middleware(WantedPage, url=url)],
    )
    return TestClient(app, base_url=url, follow_redirects=False)


def after_sign_in_from(referer: str | None, **query: str) -> str:
    browser = client("https://admin.example.org")
    browser.get("/auth/login", headers={"Referer": referer} if referer else {})
    return str(browser.get("/oauth2callback", params=query).headers["location"])


def test_every_answer_forbids_what_we_never_ask_for() -> None:
    headers = client("https://admin.example.org").get("/users").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))

    assert "unsafe-inline" not in policy["script-src"]
    assert "unsafe-eval" not in policy["script-src"].replace("wasm-unsafe-eval", "")
    assert policy["frame-ancestors"] == "'none'"
    assert "wss://admin.example.org" in policy["connect-src"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("url", "secure"), [("https://admin.example.org", True), ("http://localhost", False)]
)
def test_cookies_are_secure_when_the_address_is(url: str, secure: bool) -> None:
    cookies = client(url).get("/oauth2callback").headers.get_list("set-cookie")

    assert len(cookies) == 2
    assert all(("; Secure" in cookie) is secure for cookie in cookies)


def test_streamlits_open_metrics_are_closed() -> None:
    browser = client("http://localhost")

    assert browser.get("/_stcore/metrics").status_code == 404
    assert browser.get("/_stcore/metrics/").status_code == 404


def test_the_sign_in_returns_to_the_page_it_started_from_with_its_parameters() -> None:
    wanted = "https://admin.example.org/refunds?id=ref_1&status=pending&q=a%20b"

    assert after_sign_in_from(wanted) == "/refunds?id=ref_1&status=pending&q=a%20b"


def test_it_is_remembered_for_one_sign_in_only() -> None:
    browser = client("http://localhost")
    browser.get("/auth/login", headers={"Referer": "http://localhost/users?id=1"})
    places = [browser.get("/oauth2callback").headers["location"] for _ in range(2)]

    assert places == ["/users?id=1", "/"]


@pytest.mark.parametrize(
    "referer",
    [
        None,
        "https://evil.example.com/users",
        "http://admin.example.org/users",
        "https://admin.example.org//evil.example.com",
        "https://admin.example.org/\\evil.example.com",
        "https://admin.example.org/auth/login?provider=x",
        "https://admin.example.org/oauth2callback?code=1",
        "https://admin.example.org/_stcore/metrics",
        "https://admin.example.org/export/ticket",
        "https://admin.example.org/users?q=" + "x" * 3000,
    ],
)
def test_anything_but_a_page_of_ours_leads_home(referer: str | None) -> None:
    assert after_sign_in_from(referer) == "/"


@pytest.mark.parametrize("value", ["//evil.example.com", "https://evil.example.com", "/%0d%0ax:y", "%5Cx"])
def test_a_cookie_that_somebody_planted_leads_nowhere_else(value: str) -> None:
    browser = client("http://localhost")
    answer = browser.get("/oauth2callback", headers={"Cookie": f"{WantedPage.COOKIE}={value}"})

    assert answer.headers["location"] == "/"
    assert "x" not in answer.headers


def test_a_redirect_to_elsewhere_is_left_alone() -> None:
    assert after_sign_in_from("https://admin.example.org/users", to="/elsewhere") == "/elsewhere"


def test_websockets_pass_untouched() -> None:
    seen: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        seen.append(send)

    async def send(_message: Any) -> None: ...

    async def receive() -> Any: ...

    asyncio.run(SecurityHeaders(app, url="http://localhost")({"type": "websocket"}, receive, send))

    assert seen == [send]
