"""Whether a webhook really comes from Stripe.

Scheme (https://docs.stripe.com/webhooks#verify-manually): the header holds `t=<Unix seconds>` and one `v1=`
for each secret that is valid at the moment; `v1` is the HMAC-SHA256 of `<t>.<body>` under the secret.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import stripe

from lib.core import moments
from lib.core.errors import Invalid
from lib.payments.events import require_event


def verify_webhook(
    body: bytes,
    signature_header: str | None,
    secrets: Sequence[str],
    tolerance: int = 300,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The event in `body`, once its signature under any of `secrets` and its age are checked.

    `body`: the bytes as received; parsing and printing them again would change the signature.
    `secrets`: of the endpoint (`whsec_…`); several while one is being replaced.
    `tolerance`: seconds that the signature may be old, which bounds how late a request can be replayed.
    `now`: the time to compare with, the current time by default.

    Raises Invalid with a sentence of its own for: no secret set, no header, a wrong signature, one that is
    too old, a body that is not JSON, and one that is not an event that carries its object.
    """
    known = [secret for secret in secrets if secret.strip()]
    if not known:
        raise Invalid("Webhooks cannot be checked: the setting STRIPE_WEBHOOK_SECRET is empty.")
    if not signature_header:
        raise Invalid("The request has no Stripe-Signature header, so it does not come from Stripe.")
    if not any(_is_signed(body, signature_header, secret) for secret in known):
        raise Invalid(
            "The signature does not fit the request: it was altered on the way, or not signed with "
            "STRIPE_WEBHOOK_SECRET."
        )
    age = ((now or moments.now()) - _signed_at(signature_header)).total_seconds()
    if age > tolerance:
        raise Invalid(
            f"The signature is {age:.0f} seconds old, and {tolerance} are allowed: the request is a replay, "
            "or a clock is wrong."
        )
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid("The request is signed, but its body is not JSON.") from None
    return dict(require_event(payload))


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether a signature in the header fits, of any age: the SDK can compare it with the present only."""
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None))
    # The latter two: a body that is not UTF-8, a header that is not ASCII.
    except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError):
        return False


def _signed_at(header: str) -> datetime:
    """The `t` of a header whose signature was found right: the first one, which is the one that is signed."""
    seconds = next(part.split("=")[1] for part in header.split(",") if part.startswith("t="))
    return datetime.fromtimestamp(int(seconds), UTC)
