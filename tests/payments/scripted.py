"""A server on loopback that answers what a test tells it to, in order; Stripe's answers in small."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from lib.payments.events import RefundFacts
from lib.payments.gateway import Gateway

KEY = "sk_test_51AbCdEfGhIjKlMnOpQrStUv"

REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 1500,
    "charge": "ch_1",
    "currency": "usd",
    "payment_intent": "pi_1",
    "status": "succeeded",
    "metadata": {"refund_id": "0193-ours"},
    "created": 1764000000,
}
SUBSCRIPTION = {"id": "sub_1", "object": "subscription", "status": "active", "cancel_at_period_end": False}


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; `form` holds the body of a write and the query of a read."""

    method: str
    path: str
    form: dict[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """`body`: JSON, or bytes sent as they are. `fault`: `hang` never answers, `drop` hangs up."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    fault: str | None = None


class ScriptedServer(ThreadingHTTPServer):
    """Started by `with`; answers 599 when the script has come to its end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: deque[Answer] = deque()
        self.asked: list[Asked] = []
        self.ending = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answers(self, body: Any, status: int = 200, **headers: str) -> None:
        """Add an answer to the script; `Retry_After="7"` becomes a header."""
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        self.script.append(Answer(status, body, named))

    def fails(self, fault: str) -> None:
        self.script.append(Answer(fault=fault))

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.ending.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def _serve(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = dict(parse_qsl(address.query)) | dict(parse_qsl(body, keep_blank_values=True))
        self.server.asked.append(Asked(self.command, address.path, form, self.headers))
        answer = self.server.script.popleft() if self.server.script else Answer(599, b"the script has ended")
        if answer.fault is not None:
            if answer.fault == "hang":
                self.server.ending.wait(30)
            self.close_connection = True
            return
        sent = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Length", str(len(sent)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing on stderr."""


class Naps(list[float]):
    """Records how long the gateway would have slept."""

    __call__ = list.append


def refund(gateway: Gateway, **changes: Any) -> RefundFacts:
    """Ask for a refund of 15 dollars."""
    asked: dict[str, Any] = {
        "payment_intent_id": "pi_1",
        "amount_cents": 1500,
        "reason": None,
        "metadata": {"refund_id": "0193-ours"},
        "key": "refund:0193-op",
    }
    return gateway.refunds.create(**{**asked, **changes})


def page(*rows: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": more, "url": "/v1/somewhere"}


def error(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"type": kind, "message": message} | ({"code": code} if code else {})}
