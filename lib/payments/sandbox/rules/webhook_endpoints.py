"""Webhook endpoints: where events are sent, signed with the endpoint's secret."""

from stripe import params as typed

from lib.payments.sandbox import shapes
from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import new_id
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Rendered, Route
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.session import Session


def create(session: Session, params: Params) -> Rendered:
    """A new endpoint; only this answer shows its secret."""
    _check_url(params["url"])
    facts: Facts = {
        "url": params["url"],
        "secret": new_id("whsec"),
        "enabled_events": params["enabled_events"],
        "api_version": params.get("api_version"),
        "description": params.get("description"),
        "status": "enabled",
    }
    merge_metadata(facts, params)
    endpoint = session.add("webhook_endpoint", facts)
    return Rendered(shapes.render(session, endpoint) | {"secret": endpoint["secret"]})


def _check_url(url: str) -> None:
    if not url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]")):
        raise StripeError(
            "Invalid URL: the local Stripe delivers to this machine only (http://127.0.0.1 or localhost).",
            code="url_invalid",
            param="url",
        )


def retrieve(session: Session, _params: Params, endpoint_id: str) -> Facts:
    """One endpoint."""
    return session.get("webhook_endpoint", endpoint_id)


def update(session: Session, params: Params, endpoint_id: str) -> Facts:
    """Change the address, the events, or switch it on or off."""
    endpoint = session.get("webhook_endpoint", endpoint_id)
    if "url" in params:
        _check_url(params["url"])
    endpoint |= {name: params[name] for name in ("url", "enabled_events", "description") if name in params}
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    merge_metadata(endpoint, params)
    session.store.put(endpoint)
    return endpoint


def delete(session: Session, _params: Params, endpoint_id: str) -> Rendered:
    """Forget the endpoint and what waits for it."""
    session.get("webhook_endpoint", endpoint_id)
    session.store.remove("webhook_endpoint", endpoint_id)
    session.store.connection.execute("DELETE FROM delivery WHERE endpoint = ?", (endpoint_id,))
    return Rendered({"id": endpoint_id, "object": "webhook_endpoint", "deleted": True})


def list_(session: Session, params: Params) -> Page:
    """Endpoints, newest first."""
    return page(session, "webhook_endpoint", params)


ROUTES = (
    Route(
        "POST",
        "/v1/webhook_endpoints",
        create,
        typed.WebhookEndpointCreateParams,
        "url enabled_events api_version description metadata expand",
    ),
    Route("GET", "/v1/webhook_endpoints", list_, typed.WebhookEndpointListParams, PAGE_PARAMS),
    Route("GET", "/v1/webhook_endpoints/{}", retrieve, typed.WebhookEndpointRetrieveParams, "expand"),
    Route(
        "POST",
        "/v1/webhook_endpoints/{}",
        update,
        typed.WebhookEndpointUpdateParams,
        "url enabled_events description disabled metadata expand",
    ),
    Route("DELETE", "/v1/webhook_endpoints/{}", delete, typed.WebhookEndpointDeleteParams),
)
