"""The CSV of the largest list over the real route: when its first byte comes, and what it takes in memory.

python -m tests.bench.export DATABASE_URL PORT    serves the routes, as a process of its own
"""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from starlette.applications import Starlette

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.listing import LISTINGS
from lib.core.settings import Settings
from lib.core.work import reading, working
from lib.models import AdminUser
from lib.services import couples, error_logs, exports, people, staff, subscriptions
from lib.web import keys
from lib.web.routes import routes
from tests.bench import company, desk
from tests.web.conftest import identity_cookies

FIRST_BYTE_S: Final = 0.2
WEBHOOK_SECRET: Final = "whsec_of_the_bench"
_CANDIDATES: Final[dict[str, dict[str, Any]]] = {
    people.users.name: {},
    couples.couples.name: {},
    subscriptions.subscriptions.name: {},
    error_logs.error_logs.name: {"state": None},
}


@dataclass(frozen=True, slots=True)
class Download:
    """One list as CSV. `grown_mb` is by how much the server's memory was larger at its peak than before."""

    name: str
    rows: int
    megabytes: float
    first_byte_s: float
    seconds: float
    server_mb: float
    grown_mb: float

    @property
    def too_slow(self) -> bool:
        """Whether the first byte came too late."""
        return self.first_byte_s > FIRST_BYTE_S


def largest(database: Database) -> Download:
    """Download the list with the most rows, after a short one that warms the process up."""
    actor = _admin(database)
    name = max(_CANDIDATES, key=lambda each: _rows(database, actor, each))
    settings = _settings(str(database.primary.url.render_as_string(hide_password=False)))
    cookies = identity_cookies(desk.claims_of(Role.ADMIN), settings.sign_in.cookie_secret)
    with (
        served(settings.database_url) as (process, url),
        httpx.Client(cookies=cookies, trust_env=False) as client,
    ):
        for each in (staff.people.name, name):
            with working(database, actor) as work:
                token = exports.ticket(work, each, _CANDIDATES.get(each, {}))
            download = _download(client, f"{url}/export/{token}", process.pid, each)
    return download


def _download(client: httpx.Client, url: str, pid: int, name: str) -> Download:
    before = _memory(pid)["VmRSS"]
    began = time.perf_counter()
    first, lines, size = 0.0, 0, 0
    with client.stream("GET", url, timeout=300) as answer:
        answer.raise_for_status()
        for part in answer.iter_raw():
            first = first or time.perf_counter() - began
            lines += part.count(b"\r\n")
            size += len(part)
    seconds, peak = time.perf_counter() - began, _memory(pid)["VmHWM"]
    return Download(name, lines - 1, size / 1e6, first, seconds, peak, max(0.0, peak - before))


def _rows(database: Database, actor: Actor, name: str) -> int:
    with reading(database, actor) as view:
        statement = LISTINGS[name].build(**_CANDIDATES[name]).order_by(None)
        return len(view.session.execute(statement.with_only_columns(1, maintain_column_froms=True)).all())


def _admin(database: Database) -> Actor:
    with database.primary.connect() as connection:
        row = connection.exec_driver_sql(
            f"SELECT id, email FROM {AdminUser.__tablename__} WHERE email = 'admin@example.org'"
        ).one()
    return Actor(row.id, row.email, Role.ADMIN)


def _settings(url: str) -> Settings:
    settings = company.settings_for(url)
    return replace(
        settings, sign_in=keys.complete(settings.sign_in, _keys()), stripe_webhook_secrets=(WEBHOOK_SECRET,)
    )


def _keys() -> Path:
    folder = company.FOLDER / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _memory(pid: int) -> dict[str, float]:
    """Resident memory of a process now and at its peak, in megabytes (Linux)."""
    text = Path(f"/proc/{pid}/status").read_text()
    return {
        name: int(kib) / 1024 for name, kib in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", text, re.MULTILINE)
    }


@contextmanager
def served(database_url: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The routes in a process of their own, on a free port; gives the process and its address."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.export", database_url, str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{url}/healthz", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process, url
    finally:
        process.terminate()
        process.wait(10)


def serve(database_url: str, port: int) -> None:
    """Serve the routes of a database until the process is ended."""
    settings = _settings(database_url)
    app = Starlette(routes=routes(settings, Database(database_url), keys_folder=_keys()))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
