"""The app without a browser: open a page as the demo account of a role, and read what it says."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import ROOT, Settings
from lib.ui import navigation, resources

SHELL = ROOT / "lib" / "ui" / "shell.py"


def staffed_copy(staffed: Path, path: Path) -> Database:
    """A copy of the SQLite file with the demo accounts, which the pages use from now on."""
    database = Database(f"sqlite:///{shutil.copy(staffed, path)}")
    use(database)
    return database


def use(database: Database) -> None:
    """Let the pages read from and write to a database."""
    resources.set_up(Settings.from_environment({"ADMIN_DEMO": "1"}), database)


def open_page(role: Role, slug: str, **parameters: str) -> AppTest:
    """The page at an address, run once. What broke, if anything did, is in its `exception`."""
    shell = AppTest.from_file(SHELL, default_timeout=120)
    exp = (moments.now() + timedelta(hours=1)).timestamp()
    identity: dict[str, Any] = {"is_logged_in": True, "iss": "test", "nonce": f"n-{role}", "exp": exp}
    shell.user = identity | {"email": f"{role.value}@example.org"}
    for name, value in parameters.items():
        shell.query_params[name] = value
    # The menu finds a page by the hash of its address, as a browser's first message does.
    shell._page_hash = "" if slug == navigation.HOME.slug else calc_hash(slug)
    return shell.run()


def said(shell: AppTest) -> str:
    """Every text on the page, one a line, as Markdown or plain text that Streamlit was given."""
    elements = [*shell.title, *shell.subheader, *shell.markdown, *shell.caption, *shell.text]
    elements += [*shell.warning, *shell.info, *shell.error, *shell.success]
    return "\n".join(str(element.value) for element in elements)


def written(table: Any, column: str) -> list[str]:
    """A column of a table as the grid writes it: money is a number beneath."""
    shown = pa.ipc.open_stream(table.proto.arrow_data.styler.display_values)
    return list(shown.read_pandas()[column])
