"""What the SDK raises, as StripeFailed with a sentence for staff."""

import stripe

from lib.core.errors import StripeFailed
from lib.payments.events.fields import at, text

FOREIGN_ERROR = b'{"error": {}}'
"""Stands in for the body of an error that somebody between us and Stripe answered with, such as a proxy."""

_OUTCOME_UNKNOWN = "It is not known whether Stripe did it: look at Stripe before sending it again."


def translate(error: stripe.StripeError, *, writes: bool, in_doubt: bool, key: str) -> StripeFailed:
    """The failure that `error` means.

    `writes`: the request was to change something; a failed read leaves nothing unknown.
    `in_doubt`: an earlier attempt of this call may have taken effect, whatever the last one was told.
    `key`: our secret key, blotted out wherever Stripe's words repeat it.
    """
    status = error.http_status
    refused = status is not None and 400 <= status < 500 and status != 409 and not _is_foreign(error)
    known = not writes or (refused and not in_doubt)
    sentence = _sentence(error, _said(error, key))
    return StripeFailed(
        sentence if known else f"{sentence} {_OUTCOME_UNKNOWN}",
        retryable=not refused or status == 429,
        outcome_known=known,
        code=_code(error),
    )


def unreadable(*, writes: bool) -> StripeFailed:
    """Something answered, but not with what Stripe answers to such a request."""
    sentence = "What came back is not an answer that Stripe gives to this request."
    return StripeFailed(
        f"{sentence} {_OUTCOME_UNKNOWN}" if writes else sentence, retryable=True, outcome_known=not writes
    )


def _sentence(error: stripe.StripeError, said: str) -> str:
    match error:
        case _ if _is_foreign(error):
            return f"Something between us and Stripe answered in its place (HTTP status {error.http_status})."
        case stripe.APIConnectionError():
            return "Stripe could not be reached, or did not answer in time."
        case stripe.RateLimitError():
            return "Stripe asks us to slow down. Try again in a minute."
        case stripe.AuthenticationError():
            return "Stripe does not accept our key. Check the setting STRIPE_SECRET_KEY."
        case stripe.PermissionError():
            return f"The key in STRIPE_SECRET_KEY lacks a permission for this. {said}".rstrip()
        case stripe.CardError():
            return f"The card was declined. {said}".rstrip()
        case stripe.IdempotencyError():
            return "Stripe knows this idempotency key from another request. Start this operation anew."
        case stripe.InvalidRequestError() if said.startswith("No such"):
            return f"{said} It may belong to another Stripe account, or to the other of test and live mode."
        case stripe.InvalidRequestError():
            return f"Stripe refused. {said}".rstrip()
        case _:
            return f"Stripe had a fault of its own (HTTP status {error.http_status})."


def _is_foreign(error: stripe.StripeError) -> bool:
    return isinstance(error.json_body, dict) and error.json_body.get("error") == {}


def _said(error: stripe.StripeError, key: str) -> str:
    """Stripe's own words as a sentence, with the number by which its support finds the request."""
    words = (error.user_message or "").replace(key, "[our key]").strip()
    if words and words[-1] not in ".!?":
        words += "."
    return f"{words} (Stripe request {error.request_id})" if words and error.request_id else words


def _code(error: stripe.StripeError) -> str | None:
    """Stripe's own code. The SDK passes it on for some classes only, so it is read from the body."""
    return text(error.code) or text(at(error.json_body, "error", "code"))
