"""A webhook endpoint on loopback that keeps what it receives."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import stripe

SECRET = "whsec_sandbox_test"


class Receiver:
    """Answers 200 to each delivery, or what `answers` says, one status for each delivery in turn."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signatures: list[str] = []
        self.answers: list[int] = []
        self._arrived = threading.Condition()
        receiver = self

        class Endpoint(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver._took(body, self.headers["Stripe-Signature"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"

    def _took(self, body: bytes, signature: str) -> int:
        with self._arrived:
            self.bodies.append(body)
            self.signatures.append(signature)
            self._arrived.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait_for(self, count: int) -> None:
        """Return once so many deliveries have arrived; fail after 20 seconds."""
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.bodies) >= count, timeout=20)
        assert arrived, f"{len(self.bodies)} of {count} deliveries arrived"

    def events(self, secret: str = SECRET) -> list[stripe.Event]:
        """What arrived, each signature checked by the SDK."""
        return [
            stripe.Webhook.construct_event(body, signature, secret)
            for body, signature in zip(self.bodies, self.signatures, strict=True)
        ]

    def forget(self) -> None:
        """As if nothing had arrived."""
        with self._arrived:
            self.bodies.clear()
            self.signatures.clear()
            self.answers.clear()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
