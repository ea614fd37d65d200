import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lib.web.addresses import PageAddresses
from tests.web.conftest import TestClient

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def client() -> TestClient:
    """A stand-in for Streamlit, which answers every address, behind our middleware."""

    async def page(_request: Request) -> Response:
        return PlainTextResponse("page")

    app = Starlette(
        routes=[Route("/{path:path}", page, methods=["GET", "POST"])],
        middleware=[Middleware(PageAddresses, pages=["home", "users"], home="home", missing="missing")],
    )
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("/home", "/"),
        ("/home/", "/"),
        ("/home?q=a%20b&page=2", "/?q=a%20b&page=2"),
        ("/Users", "/users"),
        ("/users/usr_1", "/users?id=usr_1"),
        ("/users/usr_1?section=Notes", "/users?id=usr_1&section=Notes"),
        ("/users/a%20b%26c", "/users?id=a+b%26c"),
        ("/nonsense", "/missing?address=%2Fnonsense"),
        ("/home/users", "/missing?address=%2Fhome%2Fusers"),
        ("//evil.example/users", "/missing?address=%2Fevil.example%2Fusers"),
    ],
)
def test_an_address_leads_to_the_page_that_was_meant(client: TestClient, typed: str, leads_to: str) -> None:
    answer = client.get(f"http://localhost{typed}", headers=BROWSER)

    assert answer.status_code == 307
    assert answer.headers["location"] == leads_to


@pytest.mark.parametrize(
    "address",
    ["/", "/users", "/users/", "/users?id=usr_1", "/missing", "/favicon.png", "/static/js/x.js", "/idp/x"],
)
def test_an_address_that_is_right_is_left_alone(client: TestClient, address: str) -> None:
    assert client.get(address, headers=BROWSER).text == "page"


def test_programs_are_not_sent_anywhere(client: TestClient) -> None:
    assert client.get("/nonsense", headers={"Accept": "*/*"}).text == "page"
    assert client.post("/webhooks/stripe", headers=BROWSER).text == "page"
