"""`POST /webhooks/stripe`: check an event, store it once, answer. The worker applies it later."""

import logging
from typing import Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lib.core.database import Database
from lib.core.errors import AdminError
from lib.core.settings import Settings
from lib.payments import inbox
from lib.payments.gateway import verify_webhook
from lib.web.metrics import WEBHOOKS

log = logging.getLogger(__name__)

LARGEST_BODY: Final = 1024 * 1024  # bytes; the largest events seen are a tenth of it


class StripeWebhooks:
    """Answers 200 when the event is kept, 400 when it never will be, 503 when Stripe should try again."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database

    async def answer(self, request: Request) -> Response:
        """`{"received": true, "duplicate": …}`, or `{"error": sentence}`."""
        if self.settings.stripe_webhooks == "observe":
            return _no("unavailable", 503, "Webhooks are observed only here (STRIPE_WEBHOOKS=observe).")
        if not self.settings.stripe_webhook_secrets:
            return _no(
                "unavailable", 503, "Webhooks cannot be checked yet: STRIPE_WEBHOOK_SECRET is not set."
            )
        body = await _read(request)
        if body is None:
            return _no("too_large", 413, f"The body is larger than {LARGEST_BODY:,} bytes.")
        signature = request.headers.get("stripe-signature")
        try:
            duplicate = await to_thread.run_sync(self._store, body, signature)
        except AdminError as error:
            return _no("refused", 400, str(error))
        WEBHOOKS.labels("duplicate" if duplicate else "stored").inc()
        return JSONResponse({"received": True, "duplicate": duplicate})

    def _store(self, body: bytes, signature: str | None) -> bool:
        event = verify_webhook(body, signature, self.settings.stripe_webhook_secrets)
        stored = inbox.receive(self.database, event, livemode_expected=self.settings.livemode)
        return stored == "duplicate"


async def _read(request: Request) -> bytes | None:
    """The body, or None as soon as it is known to be too large."""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _no(outcome: str, status: int, sentence: str) -> Response:
    WEBHOOKS.labels(outcome).inc()
    log.warning("Stripe webhook %s: %s", outcome, sentence)
    return JSONResponse({"error": sentence}, status)
