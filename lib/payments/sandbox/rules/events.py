"""Events: retrieve and list. Stripe lists those of the last 30 days, and so does the sandbox."""

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, bounds, page
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.session import Session

LISTED_FOR = 30 * 86_400
"""Seconds for which an event can be listed."""


def retrieve(session: Session, _params: Params, event_id: str) -> Facts:
    """One event."""
    return session.get("event", event_id)


def list_(session: Session, params: Params) -> Page:
    """Events of the last 30 days, newest first; `type` and `types` take names, `type` also `charge.*`."""
    if "type" in params and "types" in params:
        raise StripeError("You may pass either `type` or `types`, but not both.", param="types")
    wanted = params.get("type")
    types = set(params.get("types", []))
    created = bounds(params) or {}
    created["gte"] = max(created.get("gte", 0), session.now - LISTED_FOR)

    def keep(facts: Facts) -> bool:
        if wanted and wanted.endswith("*"):
            return str(facts["type"]).startswith(wanted[:-1])
        return not types or facts["type"] in types

    exact = wanted if wanted and not wanted.endswith("*") else None
    return page(session, "event", params | {"created": created}, lookup=exact, keep=keep)


ROUTES = (
    Route("GET", "/v1/events", list_, typed.EventListParams, f"{PAGE_PARAMS} created type types"),
    Route("GET", "/v1/events/{}", retrieve, typed.EventRetrieveParams, "expand"),
)
