"""`make run`: the local Stripe, the worker and the app, as three processes that live and end together."""

import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import httpx

from lib.core import schema
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import DEFAULT_DATABASE, ROOT, Settings, child_environment
from lib.demo import company, opening
from lib.demo.staff import ACCOUNTS, PASSWORD
from lib.web import keys

VAR: Final = ROOT / "var"
_PATIENCE_S: Final = 90.0
_GRACE_S: Final = 10.0
_LOOKED_AT_PORTS: Final = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One process: its name for the reader, its command, and the address that answers once it is up."""

    name: str
    command: Sequence[str]
    health: str | None = None


def run(port: int) -> None:
    """Make what is missing, start everything, say where it is, and end it all on Ctrl-C or when a part ends.

    Raises Invalid when a part does not come up.
    """
    VAR.mkdir(exist_ok=True)
    app_port, stripe_port = _free_port(port), _free_port(12111)
    environment = _environment(app_port, stripe_port)
    settings = Settings.from_environment(environment)
    _make_company(settings)
    address = environment["ADMIN_URL"]
    parts = [
        Part(
            "local Stripe",
            _stripe_command(stripe_port, environment, opening.stripe_file(settings)),
            f"http://127.0.0.1:{stripe_port}/_sandbox/health",
        ),
        Part("worker", [sys.executable, "-m", "lib", "worker"]),
        Part("app", _app_command(app_port), f"{address}/healthz"),
    ]
    _Together(parts, environment).run(address)


class _Together:
    def __init__(self, parts: Sequence[Part], environment: dict[str, str]) -> None:
        self._parts = parts
        self._environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def run(self, address: str) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._stop)
        try:
            for part in self._parts:
                self._start(part)
            if not self._stopping:
                print(_welcome(address), flush=True)
            while not self._stopping:
                self._refuse_a_lost_part()
                time.sleep(0.5)
        finally:
            self._end()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, part: Part) -> None:
        if self._stopping:
            return
        log = (VAR / f"{part.name.replace(' ', '-')}.log").open("ab")
        # A session of its own: Ctrl-C reaches only this process, which then ends the parts in order.
        self._running[part.name] = subprocess.Popen(  # noqa: S603 - our own commands
            part.command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
        )
        if part.health:
            self._wait(part, part.health)

    def _wait(self, part: Part, address: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not self._stopping and not _answers(address):
            self._refuse_a_lost_part()
            if time.monotonic() > deadline:
                raise Invalid(
                    f"The {part.name} did not come up in {_PATIENCE_S:.0f} s. See {_log(part.name)}."
                )
            time.sleep(0.2)

    def _refuse_a_lost_part(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None and not self._stopping:
                raise Invalid(f"The {name} ended with code {process.returncode}. See {_log(name)}.")

    def _end(self) -> None:
        for process in reversed(self._running.values()):
            process.terminate()
        deadline = time.monotonic() + _GRACE_S
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        print("Stopped.", flush=True)


def _environment(app_port: int, stripe_port: int) -> dict[str, str]:
    inherited = child_environment()
    return inherited | {
        "ADMIN_DEMO": "1",
        "ADMIN_URL": f"http://localhost:{app_port}",
        "DATABASE_URL": inherited.get("DATABASE_URL") or DEFAULT_DATABASE,
        "STRIPE_SECRET_KEY": inherited.get("STRIPE_SECRET_KEY") or "sk_test_local",
        "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        "STRIPE_WEBHOOK_SECRET": keys.kept(keys.FOLDER / "webhook_secret", _webhook_secret),
        "PYTHONUNBUFFERED": "1",
    }


def _webhook_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def _make_company(settings: Settings) -> None:
    database = Database(settings.database_url)
    try:
        database.ping()
        applied = schema.upgrade(database.primary)
        if applied:
            print(f"The database is at revision {applied[-1]}.", flush=True)
        if company.is_empty(database):
            print("Making the demo company; this takes about a minute.", flush=True)
            opening.fill(database, settings, couples=2000, months=24, seed=7, say=print)
    finally:
        database.dispose()


def _stripe_command(port: int, environment: dict[str, str], file: Path) -> list[str]:
    command = [sys.executable, "-m", "lib.payments.sandbox", "--file", str(file)]
    command += ["--port", str(port), "--webhook-url", f"{environment['ADMIN_URL']}/webhooks/stripe"]
    return [*command, "--webhook-secret", environment["STRIPE_WEBHOOK_SECRET"]]


def _app_command(port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]


def _welcome(address: str) -> str:
    people = "\n".join(f"    {account.email:<22} {account.purpose}" for account in ACCOUNTS)
    return f"""
Better Together admin: {address}

  Sign in as one of these; the password of each is {PASSWORD}
{people}

  Logs: {_shown(VAR)}/*.log     Stop: Ctrl-C     Start afresh: make demo-reset
"""


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2.0).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _free_port(first: int) -> int:
    for port in range(first, first + _LOOKED_AT_PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Invalid(f"The ports {first} to {first + _LOOKED_AT_PORTS - 1} are all in use.")


def _log(name: str) -> str:
    return f"{_shown(VAR)}/{name.replace(' ', '-')}.log"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))
