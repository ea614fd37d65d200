"""One request to `/v1`, from bytes to answer: key, version, idempotency, parameters, rule, shape.

The effect and the remembered answer are one transaction: a caller that never hears back can send the request
again with the same key and gets the first answer.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.payments.sandbox import shapes
from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.expansion import expand
from lib.payments.sandbox.forms import decode
from lib.payments.sandbox.idempotency import Remembered, recall, remember
from lib.payments.sandbox.ids import new_id
from lib.payments.sandbox.listing import Page
from lib.payments.sandbox.operations import ROUTER
from lib.payments.sandbox.router import Answer, Params, Rendered, Route
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.shapes.lists import list_of
from lib.payments.sandbox.store import Store
from lib.payments.sandbox.versions import Version, present, version

_TEST_KEY = re.compile(r"^[sr]k_test_\w+$")


@dataclass(frozen=True)
class Call:
    """What arrived: `sent` is the query string or the form body. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    sent: str

    @property
    def idempotency_key(self) -> str | None:
        """The key, which counts for POST only."""
        return self.headers.get("idempotency-key") if self.method == "POST" else None


@dataclass(frozen=True)
class Reply:
    """What goes back. `recorded` is how many events the request caused."""

    status: int
    body: bytes
    headers: dict[str, str]
    recorded: int = 0


def answer(store: Store, call: Call) -> Reply:
    """Do what the request asks for, completely or not at all."""
    request_id = new_id("req")
    try:
        _authenticate(call.headers)
        wanted = version(call.headers.get("stripe-version"))
        route, ids = ROUTER.find(call.method, call.path)
        form = decode(call.sent)
        with store.transaction():
            return _once(store, call, route, ids, form, wanted, request_id)
    except StripeError as error:
        return _reply(call, error.status, _dumped(error.body()), request_id)


def refusal(call: Call, status: int, type_: str, message: str, code: str | None = None) -> Reply:
    """An error that no rule raised: a fault that was asked for."""
    error = StripeError(message, status=status, type_=type_, code=code)
    return _reply(call, status, _dumped(error.body()), new_id("req"))


def _authenticate(headers: Mapping[str, str]) -> None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not _TEST_KEY.match(key):
        shown = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 16 else "*" * len(key)
        raise StripeError(
            f"Invalid API Key provided: {shown}. The local Stripe takes test keys (sk_test_…) only.",
            status=401,
        )


def _once(
    store: Store,
    call: Call,
    route: Route,
    ids: tuple[str, ...],
    form: Params,
    wanted: Version,
    request_id: str,
) -> Reply:
    now = int(time.time())
    key = call.idempotency_key
    if key and (first := recall(store, key, call.path, form, now)):
        replayed = {"Idempotent-Replayed": "true", "Original-Request": first.request_id}
        return _reply(call, first.status, first.body, first.request_id, replayed)
    params = route.checked(form)
    session = Session(store, now=now, request_id=request_id, idempotency_key=key)
    status, shape = _run(session, call, route, params, ids, wanted)
    body = _dumped(present(shape, wanted) if status == 200 else shape)
    if key:
        remember(store, key, call.path, form, Remembered(status, body, request_id), now)
    return _reply(call, status, body, request_id, recorded=session.recorded)


def _run(
    session: Session, call: Call, route: Route, params: Params, ids: tuple[str, ...], wanted: Version
) -> tuple[int, dict[str, Any]]:
    """Status and JSON. A refusal undoes the rule's writes, except what it says must stay."""
    session.store.connection.execute("SAVEPOINT rule")
    try:
        shape = _shape(session, call, route.answer(session, params, ids))
        expand(session, shape, params.get("expand") or [], wanted)
        status = 200
    except StripeError as error:
        if not error.keeps_effects:
            session.store.connection.execute("ROLLBACK TO rule")
        status, shape = error.status, error.body()
    session.store.connection.execute("RELEASE rule")
    return status, shape


def _shape(session: Session, call: Call, given: Answer) -> dict[str, Any]:
    if isinstance(given, Page):
        data = [shapes.render(session, facts) for facts in given.items]
        return list_of(data, call.path, has_more=given.has_more)
    return given.shape if isinstance(given, Rendered) else shapes.render(session, given)


def _dumped(shape: dict[str, Any]) -> bytes:
    return json.dumps(shape, separators=(",", ":")).encode()


def _reply(
    call: Call,
    status: int,
    body: bytes,
    request_id: str,
    more: Mapping[str, str] | None = None,
    recorded: int = 0,
) -> Reply:
    headers = {
        "Content-Type": "application/json",
        "Request-Id": request_id,
        "Stripe-Version": call.headers.get("stripe-version") or version(None).name,
        **(more or {}),
    }
    if call.idempotency_key:
        headers.setdefault("Original-Request", request_id)
        headers["Idempotency-Key"] = call.idempotency_key
    return Reply(status, body, headers, recorded)
