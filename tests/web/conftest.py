"""The routes over a migrated database, as a browser and a program on this machine see them."""

import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import StarletteDeprecationWarning
from starlette.middleware import Middleware
from streamlit.auth_util import set_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.web import keys
from lib.web.headers import SecurityHeaders, WantedPage
from lib.web.routes import routes

with warnings.catch_warnings():
    # Starlette would rather have httpx2, which is not needed for anything else here.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

URL = "http://localhost:8501"
SECRET = "whsec_of_this_test"


@dataclass(frozen=True)
class Site:
    """The app's routes, its database and its settings."""

    client: TestClient
    database: Database
    settings: Settings

    def sign_in(self, role: Role, **over: Any) -> None:
        """Give the client the identity cookie that Streamlit gives a browser after the provider said yes."""
        now = moments.now().timestamp()
        claims = {
            "iss": f"{URL}/idp",
            "sub": role.value,
            "email": f"{role.value}@example.org",
            "nonce": f"nonce-{role.value}",
            "exp": now + 3600,
        }
        for name, value in identity_cookies(claims | over, self.settings.sign_in.cookie_secret).items():
            self.client.cookies.set(name, value)


def identity_cookies(claims: Mapping[str, Any], secret: str) -> dict[str, str]:
    """Streamlit's signed identity cookie, by the functions that it uses itself."""
    made: dict[str, str] = {}

    def signed(name: str, value: str) -> bytes:
        return create_signed_value(secret, name, value)

    def keep(name: str, value: str) -> None:
        made[name] = signed(name, value).decode()

    set_cookie_with_chunks(keep, signed, USER_COOKIE_NAME, dict(claims), cookie_attr_size=0)
    return made


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run's demo secrets are; making an RSA key for each test would take most of the time."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    """A database at the newest revision with the four demo accounts."""
    database = Database(f"sqlite:///{shutil.copy(staffed, tmp_path / 'admin.db')}")
    yield database
    database.dispose()


@pytest.fixture
def settings(keys_folder: Path) -> Settings:
    """A demo's settings, with a webhook secret and a test key."""
    read = Settings.from_environment(
        {
            "ADMIN_DEMO": "1",
            "ADMIN_URL": URL,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_SECRET_KEY": "sk_test_of_nobody",
        }
    )
    return replace(read, sign_in=keys.complete(read.sign_in, keys_folder))


@pytest.fixture
def make_site(database: Database, keys_folder: Path) -> Iterator[Callable[..., Site]]:
    """Make the site with given settings, asked from a given address."""
    opened: list[TestClient] = []

    def make(settings: Settings, *, asked_from: str = "127.0.0.1") -> Site:
        app = Starlette(
            routes=routes(settings, database, keys_folder=keys_folder),
            middleware=[
                Middleware(SecurityHeaders, url=settings.url),
                Middleware(WantedPage, url=settings.url),
            ],
        )
        client = TestClient(app, base_url=URL, client=(asked_from, 50_000), follow_redirects=False)
        opened.append(client)
        return Site(client, database, settings)

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def site(make_site: Callable[..., Site], settings: Settings) -> Site:
    """The site in demo mode, asked from this machine."""
    return make_site(settings)
