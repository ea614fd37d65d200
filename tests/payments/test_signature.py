"""Only what Stripe signed, and signed lately, is taken for a webhook."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from lib.core.errors import Invalid
from lib.payments.gateway import verify_webhook
from tests.conftest import golden

SECRET = "whsec_current"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVENT = {"id": "evt_1", "object": "event", "type": "charge.refunded", "data": {"object": {}}}


def body_of(payload: Any) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def signed(payload: Any = EVENT, *, secret: str = SECRET, age: int = 0) -> tuple[bytes, str]:
    """A body and the header that Stripe would send with it, `age` seconds before NOW."""
    body = body_of(payload)
    header = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=int(NOW.timestamp()) - age
    )
    return body, header


def golden_vector() -> tuple[bytes, dict[str, Any]]:
    vector = json.loads(golden("webhooks/signature_vector.json").read_text())
    return golden(f"webhooks/{vector['body_file']}").read_bytes(), vector


def at(vector: dict[str, Any], seconds: int) -> datetime:
    return datetime.fromtimestamp(vector["timestamp"] + seconds, UTC)


def test_a_signature_made_elsewhere_is_accepted() -> None:
    body, vector = golden_vector()
    payload = verify_webhook(body, vector["header"], [vector["secret"]], now=at(vector, 100))

    assert payload == json.loads(body)


def test_it_is_refused_when_it_is_too_old() -> None:
    body, vector = golden_vector()

    with pytest.raises(Invalid, match="400 seconds old, and 300 are allowed"):
        verify_webhook(body, vector["header"], [vector["secret"]], now=at(vector, 400))


@pytest.mark.parametrize("extra", [b" ", b"\n", b"\x00", b"\xff"])
def test_it_is_refused_when_a_byte_is_appended(extra: bytes) -> None:
    body, vector = golden_vector()

    with pytest.raises(Invalid, match="does not fit"):
        verify_webhook(body + extra, vector["header"], [vector["secret"]], now=at(vector, 100))


def test_today_is_the_time_that_is_compared_with_by_default() -> None:
    body = body_of(EVENT)

    with pytest.raises(Invalid, match="seconds old"):
        verify_webhook(body, "t=1,v1=" + _signature(body, 1), [SECRET])
    fresh = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET)
    assert verify_webhook(body, fresh, [SECRET]) == EVENT


def _signature(body: bytes, timestamp: int) -> str:
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET, timestamp=timestamp)
    return header.partition("v1=")[2]


@pytest.mark.parametrize(("age", "accepted"), [(300, True), (301, False)])
def test_the_tolerance_is_exact(age: int, accepted: bool) -> None:
    body, header = signed(age=age)

    if accepted:
        assert verify_webhook(body, header, [SECRET], now=NOW) == EVENT
    else:
        with pytest.raises(Invalid, match="301 seconds old"):
            verify_webhook(body, header, [SECRET], now=NOW)


def test_both_secrets_are_good_while_one_is_being_replaced() -> None:
    for secret in ("whsec_old", "whsec_new"):
        body, header = signed(secret=secret)

        assert verify_webhook(body, header, ["whsec_new", "", "whsec_old"], now=NOW) == EVENT


def test_one_of_several_signatures_is_enough() -> None:
    body, header = signed()
    timestamp, signature = header.split(",")

    assert verify_webhook(body, f"{timestamp},v1={'0' * 64},{signature},v0=beef", [SECRET], now=NOW) == EVENT


@pytest.mark.parametrize(
    "header",
    ["nonsense", "t=,v1=", "t=1", "v1=aa", f"t={int(NOW.timestamp())},v1=ä", "t=1,v1=" + "0" * 64, ",,,=,"],
)
def test_a_header_that_is_no_signature_is_refused(header: str) -> None:
    with pytest.raises(Invalid, match="does not fit"):
        verify_webhook(body_of(EVENT), header, [SECRET], now=NOW)


def test_a_signature_of_the_retired_scheme_is_refused() -> None:
    body, header = signed()

    with pytest.raises(Invalid, match="does not fit"):
        verify_webhook(body, header.replace("v1=", "v0="), [SECRET], now=NOW)


@pytest.mark.parametrize("header", [None, ""])
def test_a_request_without_a_signature_is_refused(header: str | None) -> None:
    with pytest.raises(Invalid, match="no Stripe-Signature header"):
        verify_webhook(body_of(EVENT), header, [SECRET], now=NOW)


@pytest.mark.parametrize("secrets", [[], [""], ["  "]])
def test_without_a_secret_nothing_is_accepted(secrets: list[str]) -> None:
    body, header = signed(secret="")

    with pytest.raises(Invalid, match="STRIPE_WEBHOOK_SECRET is empty"):
        verify_webhook(body, header, secrets, now=NOW)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "not a Stripe event"),
        ({"id": "evt_1", "object": "v2.core.event", "type": "v2.core.account.updated"}, "thin event"),
        ({"object": "event", "type": "charge.refunded"}, "no “id”"),
    ],
)
def test_what_is_signed_but_no_event_is_refused(payload: Any, words: str) -> None:
    body, header = signed(payload)

    with pytest.raises(Invalid, match=words):
        verify_webhook(body, header, [SECRET], now=NOW)
