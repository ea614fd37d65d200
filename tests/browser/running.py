"""The app in a process of its own, and how a person signs in there."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Page

from lib.core.database import Database
from lib.core.settings import ROOT
from lib.demo.staff import PASSWORD

# Chromium's switches on a machine without a desktop and without a way out.
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@dataclass(frozen=True)
class RunningApp:
    """An app in a process of its own, at `url`, and the database behind it."""

    url: str
    database_path: Path
    database: Database
    process: subprocess.Popen[bytes]
    log: Path


STREAMLIT: Final = ("streamlit", "run", "app.py", "--server.port")
UVICORN: Final = ("uvicorn", "app:app", "--host", "localhost", "--port")


@contextmanager
def running_app(
    database_path: Path,
    folder: Path,
    *,
    server: Sequence[str] = STREAMLIT,
    port: int | None = None,
    **environment: str,
) -> Iterator[RunningApp]:
    """Start the app over a database that is at the newest revision; stop it at the end.

    `server` is one of the two ways to start it, up to its port; `port` a free one unless it is given.
    """
    port = port or free_port()
    url, log = f"http://localhost:{port}", folder / f"app-{port}.log"
    given = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ADMIN_DEMO": "1",
        "ADMIN_URL": url,
        "DATABASE_URL": f"sqlite:///{database_path}",
    }
    command = [sys.executable, "-m", *server, str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=given | environment, stdout=output, stderr=subprocess.STDOUT
        )
    database = Database(f"sqlite:///{database_path}")
    try:
        _wait_until_it_answers(url, process, log)
        yield RunningApp(url, database_path, database, process, log)
    finally:
        database.dispose()
        process.terminate()
        process.wait(timeout=30)


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Go through the sign-in from the page that asks for it."""
    page.get_by_role("button", name="Sign in").click()
    fill_in(page, email, password)


def fill_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill in the provider's form and send it."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/healthz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"The app did not start:\n{log.read_text()}")
