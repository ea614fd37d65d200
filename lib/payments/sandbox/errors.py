"""Stripe's refusals: each becomes the JSON body and HTTP status that Stripe answers with.

Source of types, codes and wording: https://docs.stripe.com/error-codes and answers of Stripe's test mode.
"""

from typing import Any

_NAMES = {
    "payment_method": "PaymentMethod",
    "promotion_code": "promotion code",
    "webhook_endpoint": "webhook endpoint",
    "balance_transaction": "balance transaction",
    "invoice_payment": "invoice payment",
}


class StripeError(Exception):
    """The request is refused. `keeps_effects`: what was written so far stays, as after a declined card."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        keeps_effects: bool = False,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type_
        self.code = code
        self.param = param
        self.keeps_effects = keeps_effects
        self.more = more or {}

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://docs.stripe.com/error-codes#{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        return {"error": error | self.more}


def missing_object(kind: str, object_id: str, *, param: str | None = None) -> StripeError:
    """No such object: 404 when it is the one in the path, 400 when a parameter named it."""
    name = _NAMES.get(kind, kind.replace("_", ""))
    return StripeError(
        f"No such {name}: '{object_id}'",
        status=400 if param else 404,
        code="resource_missing",
        param=param or "id",
    )


def missing_param(name: str) -> StripeError:
    """A parameter that must be there is not."""
    return StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unsupported(what: str) -> StripeError:
    """Stripe has it, the sandbox does not: said aloud instead of ignored."""
    return StripeError(f"The local Stripe does not have {what}.", code="sandbox_unsupported")


def card_declined(code: str, decline_code: str | None, message: str, **more: Any) -> StripeError:
    """The bank said no. What led to it (the charge, the payment intent) stays on record."""
    if decline_code:
        more["decline_code"] = decline_code
    return StripeError(message, status=402, type_="card_error", code=code, keeps_effects=True, more=more)
