"""A desk without a browser: the shell and its pages under Streamlit's AppTest, for one member of staff."""

from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import ROOT, Settings
from lib.ui import resources

SHELL = ROOT / "lib" / "ui" / "shell.py"


class Unreadable(AssertionError):
    """A page ended with an exception instead of a screen."""


def sit_down(settings: Settings, database: Database, role: Role) -> AppTest:
    """Sign the demo account of a role in, and give the app with Home open."""
    resources.set_up(settings, database)
    app = AppTest.from_file(str(SHELL), default_timeout=60)
    app.user = claims_of(role)
    return app.run()


def claims_of(role: Role) -> dict[str, Any]:
    """What the identity provider says about the demo account of a role."""
    return {
        "is_logged_in": True,
        "iss": "https://idp.example.org",
        "sub": role.value,
        "email": f"{role.value}@example.org",
        "nonce": f"bench-{role.value}",
        "exp": moments.now().timestamp() + 3600,
    }


def go_to(app: AppTest, page: str, address: Mapping[str, str]) -> AppTest:
    """Open a page with nothing else in its address."""
    app.switch_page(str(ROOT / "pages" / f"{page}.py"))
    app.query_params.clear()
    app.query_params.update(address)
    return look_again(app)


def look_again(app: AppTest) -> AppTest:
    """Run the page that is open once more. Raises Unreadable when it ends with an exception."""
    app.run()
    if app.exception:
        raise Unreadable("\n".join(each.message for each in app.exception))
    return app
