"""The HTTP server around the sandbox: the app, the process that serves it, and how to start that process."""

import asyncio
import ipaddress
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from lib.core.errors import Invalid
from lib.payments.sandbox import api
from lib.payments.sandbox.control import Control
from lib.payments.sandbox.deferred import run_due
from lib.payments.sandbox.delivery import Delivery, WebhookTarget
from lib.payments.sandbox.faults import AFTER_EFFECT, Fault
from lib.payments.sandbox.store import Store

_CONFIGURED = "we_configured"
_TRANSPORT = "sandbox.transport"
_TICK_SECONDS = 0.25
_REPOSITORY = Path(__file__).parents[3]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Asgi = Callable[
    [Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


def create_app(store: Store, webhooks: WebhookTarget | None = None) -> Starlette:
    """The sandbox as an ASGI app; `webhooks` is an endpoint that receives every event.

    The store belongs to the app from now on: its lifespan delivers events and closes nothing.
    """
    _configure_endpoint(store, webhooks)
    control = Control(store, Delivery(store))

    async def stripe_api(request: Request) -> Response:
        return await _Exchange(control, request).answered()

    async def elsewhere(request: Request) -> Response:
        message = (
            f"Unrecognized request URL ({request.method}: {request.url.path}). The local Stripe has /v1 only."
        )
        return JSONResponse({"error": {"type": "invalid_request_error", "message": message}}, status_code=404)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(control.delivery.run()), asyncio.create_task(_tick(control))]
        yield
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    every = ["GET", "POST", "DELETE", "PUT", "PATCH"]
    return Starlette(
        routes=[
            Mount("/_sandbox", routes=control.routes()),
            Route("/v1/{path:path}", stripe_api, methods=every),
            Route("/{path:path}", elsewhere, methods=every),
        ],
        lifespan=lifespan,
    )


def _configure_endpoint(store: Store, webhooks: WebhookTarget | None) -> None:
    store.remove("webhook_endpoint", _CONFIGURED)
    if webhooks is not None:
        store.put(
            {
                "object": "webhook_endpoint",
                "id": _CONFIGURED,
                "created": int(time.time()),
                "url": webhooks.url,
                "secret": webhooks.secret,
                "enabled_events": ["*"],
                "api_version": webhooks.api_version,
                "status": "enabled",
            }
        )


async def _tick(control: Control) -> None:
    """Do what was put off, when it is due."""
    while True:
        await asyncio.sleep(_TICK_SECONDS)
        if run_due(control.store):
            control.delivery.wake()


class _Exchange:
    """One request to `/v1` and what goes wrong with it."""

    def __init__(self, control: Control, request: Request) -> None:
        self.control = control
        self.request = request

    async def answered(self) -> Response:
        request, control = self.request, self.control
        query = request.url.query
        sent = (await request.body()).decode() if request.method == "POST" else query
        call = api.Call(request.method, request.url.path, dict(request.headers), sent)
        fault = control.faults.take(call.method, call.path)
        if fault is None or fault.name in AFTER_EFFECT:
            reply = api.answer(control.store, call)
            if reply.recorded:
                control.delivery.wake()
        else:
            reply = _refused(call, fault)
        self._log(call, reply, fault)
        if fault:
            return await self._spoiled(reply, fault)
        return Response(reply.body, reply.status, reply.headers)

    def _log(self, call: api.Call, reply: api.Reply, fault: Fault | None) -> None:
        """`status` is what the request came to, heard or not; None when it never took effect."""
        silent = fault is not None and fault.name in ("timeout_before", "drop_before")
        self.control.calls.append(
            {
                "method": call.method,
                "path": call.path,
                "idempotency_key": call.idempotency_key,
                "status": None if silent else reply.status,
                "replayed": "Idempotent-Replayed" in reply.headers,
                "request_id": reply.headers["Request-Id"],
                "fault": fault.name if fault else None,
                "at": time.time(),
            }
        )

    async def _spoiled(self, reply: api.Reply, fault: Fault) -> Response:
        if fault.name in ("429", "500"):
            return Response(reply.body, reply.status, reply.headers)
        if fault.name == "invalid_json":
            return Response(b'{"id": "', reply.status, reply.headers)
        if fault.name.startswith("timeout"):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._caller_leaves(), fault.delay_seconds)
        self.request.scope[_TRANSPORT].abort()
        await self._caller_leaves()
        return Response(b"", 500)

    async def _caller_leaves(self) -> None:
        while (await self.request.receive())["type"] != "http.disconnect":
            continue


def _refused(call: api.Call, fault: Fault) -> api.Reply:
    """The answer to a request that a fault stopped before it took effect; only two faults let it go out."""
    if fault.name == "429":
        message = "Request rate limit exceeded. See https://docs.stripe.com/rate-limits."
        return api.refusal(call, 429, "invalid_request_error", message, "rate_limit")
    return api.refusal(call, 500, "api_error", "An unknown error occurred.")


class _Protocol(H11Protocol):
    """HTTP/1.1 whose app is given the connection, so that a fault can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app: Asgi = self.app

        async def with_transport(scope: Scope, receive: Any, send: Any) -> None:
            await app({**scope, _TRANSPORT: transport}, receive, send)

        self.app = with_transport


class _Server(uvicorn.Server):
    """Says where it is, in one line, once it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        host, port = (sockets or [])[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"Local Stripe at http://{shown}:{port}", flush=True)


def serve(
    path: str | Path,
    host: str = "127.0.0.1",
    port: int = 12111,
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
    webhook_version: str | None = None,
) -> None:
    """Serve the file at `path` until SIGTERM or Ctrl-C; port 0 takes a free one.

    Raises Invalid for a host other than loopback, for a webhook without a secret, and for a port in use.
    """
    _only_loopback(host)
    if webhook_url and not webhook_secret:
        raise Invalid("Webhooks need a secret to be signed with: give one beside the address.")
    target = WebhookTarget(webhook_url, webhook_secret or "", webhook_version) if webhook_url else None
    store = Store(path)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off (40 ms a call) only where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(listener, host, port)
        config = uvicorn.Config(
            create_app(store, target),
            http=_Protocol,
            ws="none",
            log_level="warning",
            access_log=False,
            timeout_keep_alive=120,
            timeout_graceful_shutdown=2,
        )
        # uvicorn raises the signal again once it has shut down; by then there is nothing left to end.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        _Server(config).run(sockets=[listener])
    finally:
        listener.close()
        store.close()


def _only_loopback(host: str) -> None:
    with suppress(ValueError):
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return
    raise Invalid(
        f"The local Stripe answers on loopback only (127.0.0.1, ::1 or localhost), not on {host!r}."
    )


def _bind(listener: socket.socket, host: str, port: int) -> None:
    try:
        listener.bind((host, port))
    except OSError as error:
        raise Invalid(f"The local Stripe cannot listen on {host}:{port}: {error.strerror}.") from error


@contextmanager
def running(
    path: str | Path, webhook_url: str | None = None, webhook_secret: str | None = None
) -> Iterator[str]:
    """The sandbox in a process of its own on a free port, ended with the block; yields its address.

    Raises Invalid when it does not start; the message holds what it said.
    """
    command = [sys.executable, "-m", "lib.payments.sandbox", "--file", str(path), "--port", "0"]
    if webhook_url:
        command += ["--webhook-url", webhook_url, "--webhook-secret", webhook_secret or ""]
    # Complaints go to a file: a pipe that nobody empties would stop the server once it is full.
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command, cwd=_REPOSITORY, stdout=subprocess.PIPE, stderr=complaints, text=True
        )
        try:
            yield _address(process, complaints)
        finally:
            _end(process)
            complaints.seek(0)
            sys.stderr.write(complaints.read())


def _address(process: subprocess.Popen[str], complaints: IO[str]) -> str:
    """What the process prints once it answers."""
    line = process.stdout.readline() if process.stdout else ""
    if " at http://" in line:
        return line.rpartition(" ")[2].strip()
    process.wait(timeout=10)
    complaints.seek(0)
    raise Invalid(f"The local Stripe did not start: {complaints.read().strip()[-500:]}")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
