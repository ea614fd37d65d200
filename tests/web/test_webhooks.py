import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from lib.core.settings import Settings
from lib.models import InboxEvent, StripeWebhook
from lib.web.webhooks import LARGEST_BODY
from tests.web.conftest import SECRET, Site

EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2025-03-31.basil",
    "created": 1_780_000_000,
    "livemode": False,
    "type": "charge.refunded",
    "data": {"object": {"id": "ch_1", "object": "charge", "amount": 3000, "currency": "usd"}},
}


def signed(body: bytes, *, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    moment = at or int(time.time())
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={digest}"}


def post(site: Site, body: bytes, headers: dict[str, str]) -> Any:
    return site.client.post("/webhooks/stripe", content=body, headers=headers)


def stored(site: Site) -> tuple[int, ...]:
    """How many events are in production's log and in our inbox."""
    counts = [select(func.count()).select_from(table) for table in (StripeWebhook, InboxEvent)]
    with site.database.primary.connect() as connection:
        return tuple(connection.execute(count).scalar_one() for count in counts)


def test_an_event_is_stored_once_however_often_it_comes(site: Site) -> None:
    body = json.dumps(EVENT).encode()
    first, second = post(site, body, signed(body)), post(site, body, signed(body))

    assert (first.status_code, first.json()) == (200, {"received": True, "duplicate": False})
    assert (second.status_code, second.json()) == (200, {"received": True, "duplicate": True})
    assert stored(site) == (1, 1)


def test_a_type_that_we_do_not_know_is_kept_too(site: Site) -> None:
    body = json.dumps(EVENT | {"type": "something.new"}).encode()

    assert post(site, body, signed(body)).status_code == 200
    assert stored(site) == (1, 1)


def _tampered(body: bytes) -> tuple[bytes, dict[str, str]]:
    return body.replace(b"3000", b"9000"), signed(body)


BAD: dict[str, tuple[Callable[[bytes], tuple[bytes, dict[str, str]]], str]] = {
    "unsigned": (lambda body: (body, {}), "no Stripe-Signature header"),
    "tampered": (_tampered, "does not fit"),
    "other secret": (lambda body: (body, signed(body, secret="whsec_other")), "does not fit"),
    "stale": (lambda body: (body, signed(body, at=int(time.time()) - 3600)), "seconds old"),
    "not JSON": (lambda _: (b"hello", signed(b"hello")), "not JSON"),
    "empty": (lambda _: (b"", signed(b"")), "not JSON"),
    "malformed header": (lambda body: (body, {"Stripe-Signature": "nonsense"}), "does not fit"),
}


@pytest.mark.parametrize(("spoil", "sentence"), BAD.values(), ids=BAD.keys())
def test_what_does_not_come_from_stripe_is_refused_with_a_sentence(
    site: Site, spoil: Callable[[bytes], tuple[bytes, dict[str, str]]], sentence: str
) -> None:
    answer = post(site, *spoil(json.dumps(EVENT).encode()))

    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    assert stored(site) == (0, 0)


def test_a_thin_event_is_refused(site: Site) -> None:
    body = json.dumps({"id": "evt_2", "object": "v2.core.event", "type": "v1.billing.meter.error"}).encode()
    answer = post(site, body, signed(body))

    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert stored(site) == (0, 0)


def test_a_live_event_does_not_enter_a_test_installation(site: Site) -> None:
    body = json.dumps(EVENT | {"livemode": True}).encode()
    answer = post(site, body, signed(body))

    assert answer.status_code == 400
    assert "live mode" in answer.json()["error"]
    assert stored(site) == (0, 0)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_not_read_to_its_end(site: Site, announced: bool) -> None:
    body = b"x" * (LARGEST_BODY + 1)
    content: Any = body if announced else (body[at : at + 65536] for at in range(0, len(body), 65536))
    answer = site.client.post("/webhooks/stripe", content=content, headers=signed(b""))

    assert answer.status_code == 413


@pytest.mark.parametrize("change", [{"stripe_webhooks": "observe"}, {"stripe_webhook_secrets": ()}], ids=str)
def test_stripe_is_asked_to_come_again_where_webhooks_cannot_be_taken(
    make_site: Callable[..., Site], settings: Settings, change: dict[str, Any]
) -> None:
    site = make_site(replace(settings, **change))
    body = json.dumps(EVENT).encode()
    answer = post(site, body, signed(body))

    assert answer.status_code == 503
    assert stored(site) == (0, 0)


def test_both_secrets_work_while_one_replaces_the_other(
    make_site: Callable[..., Site], settings: Settings
) -> None:
    site = make_site(replace(settings, stripe_webhook_secrets=("whsec_new", SECRET)))
    body = json.dumps(EVENT).encode()

    assert post(site, body, signed(body)).status_code == 200
    assert post(site, body, signed(body, secret="whsec_new")).json()["duplicate"] is True
