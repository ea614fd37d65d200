"""Routes under `/_sandbox/` for tests and the demo: faults, delivery, renewals, disputes, the log of calls.

They take and give JSON, need no key, and are no part of Stripe's API.
"""

import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lib.core.errors import Invalid
from lib.payments.sandbox import shapes
from lib.payments.sandbox.delivery import Delivery
from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.faults import Faults
from lib.payments.sandbox.kinds import KINDS
from lib.payments.sandbox.rules import disputes, refunds, renewals
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.store import Store
from lib.payments.sandbox.versions import CURRENT, present

_LOGGED = 2_000

Endpoint = Callable[[Request], Awaitable[JSONResponse]]


@dataclass
class Control:
    """What the control routes act on, shared with the API of one server."""

    store: Store
    delivery: Delivery
    faults: Faults = field(default_factory=Faults)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_LOGGED))

    def routes(self) -> list[Route]:
        """The routes, relative to `/_sandbox`."""
        return [
            Route("/health", _safe(self._health)),
            Route("/requests", _safe(self._requests), methods=["GET", "DELETE"]),
            Route("/faults", _safe(self._faults), methods=["POST", "DELETE"]),
            Route("/webhooks", _safe(self._webhooks), methods=["GET", "POST"]),
            Route("/webhooks/flush", _safe(self._flush), methods=["POST"]),
            Route("/subscriptions/{id}/renew", _safe(self._renew), methods=["POST"]),
            Route("/charges/{id}/dispute", _safe(self._dispute), methods=["POST"]),
            Route("/refunds/{id}/fail", _safe(self._fail_refund), methods=["POST"]),
        ]

    async def _health(self, _request: Request) -> JSONResponse:
        """That the server answers, and how many objects of each kind it has."""
        return JSONResponse({"ok": True, "objects": {kind: self.store.count(kind) for kind in KINDS}})

    async def _requests(self, request: Request) -> JSONResponse:
        """The calls to `/v1` that arrived, oldest first; DELETE forgets them."""
        if request.method == "DELETE":
            self.calls.clear()
        return JSONResponse({"requests": list(self.calls)})

    async def _faults(self, request: Request) -> JSONResponse:
        """POST adds a fault (see `faults.Faults.add`), DELETE takes all away."""
        if request.method == "DELETE":
            self.faults.clear()
        else:
            self.faults.add(await _json(request))
        return JSONResponse({"ok": True})

    async def _webhooks(self, request: Request) -> JSONResponse:
        """POST `{mode}` changes how events are delivered; both methods tell how many wait."""
        if request.method == "POST":
            self.delivery.set_mode(str((await _json(request)).get("mode")))
        return JSONResponse({"mode": self.delivery.mode, "waiting": self.delivery.waiting()})

    async def _flush(self, request: Request) -> JSONResponse:
        """Send all that waits, now; `{order, copies}` are optional."""
        given = await _json(request)
        return JSONResponse(
            await self.delivery.flush(str(given.get("order", "arrival")), int(given.get("copies", 1)))
        )

    async def _renew(self, request: Request) -> JSONResponse:
        """End the current period; `{outcome: succeed | fail}` decides the payment."""
        outcome = (await _json(request)).get("outcome")
        if outcome not in (None, "succeed", "fail"):
            raise Invalid("The outcome of a renewal is 'succeed', 'fail' or left out.")
        return self._acted(lambda session: renewals.renew(session, request.path_params["id"], outcome))

    async def _fail_refund(self, request: Request) -> JSONResponse:
        """Have the bank send a refund back."""
        return self._acted(lambda session: refunds.fail(session, request.path_params["id"]))

    async def _dispute(self, request: Request) -> JSONResponse:
        """Open a dispute of a charge (`{reason, due_in_days}`), or with `{outcome}` decide the open one."""
        given, charge = await _json(request), request.path_params["id"]
        outcome = given.get("outcome")
        if outcome is None:
            reason, days = str(given.get("reason", "fraudulent")), int(given.get("due_in_days", 14))
            return self._acted(lambda session: disputes.open_(session, charge, reason, days))
        if outcome not in disputes.OUTCOMES:
            raise Invalid(f"The outcome of a dispute is {', '.join(disputes.OUTCOMES)}.")
        return self._acted(lambda session: disputes.decide(session, charge, outcome))

    def _acted(self, act: Callable[[Session], Facts]) -> JSONResponse:
        """Act in a transaction of its own and show the object that comes of it."""
        with self.store.transaction():
            session = Session(self.store)
            shape = present(shapes.render(session, act(session)), CURRENT)
        self.delivery.wake()
        return JSONResponse(shape)


async def _json(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Invalid(f"The body is no JSON: {error}.") from error
    if not isinstance(given, dict):
        raise Invalid("The body has to be a JSON object.")
    return given


def _safe(run: Endpoint) -> Endpoint:
    """Refusals become 400 or Stripe's own status, with a sentence."""

    async def answered(request: Request) -> JSONResponse:
        try:
            return await run(request)
        except Invalid as error:
            return JSONResponse({"error": {"type": "sandbox", "message": str(error)}}, status_code=400)
        except StripeError as error:
            return JSONResponse(error.body(), status_code=error.status)

    return answered
