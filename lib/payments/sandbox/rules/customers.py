"""Customers: create, retrieve, update, list, search by metadata, delete."""

import re
from typing import Any, Final

from stripe import params as typed

from lib.payments.sandbox.errors import unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, cut, page, page_size
from lib.payments.sandbox.router import Params, Rendered, Route
from lib.payments.sandbox.rules import customer_balance
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.rules.payment_methods import attached, owned
from lib.payments.sandbox.rules.subscriptions import end
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.shapes import render

_METADATA: Final = re.compile(r"metadata\['(?P<name>[^']+)'\]:'(?P<value>(?:[^'\\]|\\.)*)'")
_PLAIN = (
    "address",
    "description",
    "email",
    "name",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
)


def create(session: Session, params: Params) -> Facts:
    """A new customer, perhaps with a card attached to it."""
    customer = session.add("customer", {"next_invoice_sequence": 1, "balance": params.get("balance", 0)})
    if "payment_method" in params:
        attached(session, params["payment_method"], customer["id"])
    _apply(session, customer, params)
    session.store.put(customer)
    session.record_now("customer.created", customer)
    return customer


def retrieve(session: Session, _params: Params, customer_id: str) -> Facts | Rendered:
    """The customer; a deleted one is a short answer that says so."""
    customer = session.find("customer", customer_id)
    if customer and customer.get("deleted"):
        return Rendered({"id": customer_id, "object": "customer", "deleted": True})
    return session.get("customer", customer_id)


def update(session: Session, params: Params, customer_id: str) -> Facts:
    """Change what is given."""
    customer = session.get("customer", customer_id)
    if "balance" in params:
        moved = params["balance"] - customer.get("balance", 0)
        customer_balance.move(session, customer, moved, "adjustment")
    with session.changing(customer, "customer.updated"):
        _apply(session, customer, params)
    return customer


def _apply(session: Session, customer: Facts, params: Params) -> None:
    for name in _PLAIN:
        if name in params:
            customer[name] = params[name]
    merge_metadata(customer, params)
    settings: dict[str, Any] = params.get("invoice_settings") or {}
    if others := settings.keys() - {"default_payment_method"}:
        raise unsupported(f"the parameter invoice_settings[{min(others)}]")
    if method := settings.get("default_payment_method"):
        customer["default_payment_method"] = owned(
            session, method, customer["id"], param="invoice_settings[default_payment_method]"
        )
    elif "default_payment_method" in settings:
        customer["default_payment_method"] = None


def list_(session: Session, params: Params) -> Page:
    """Customers, newest first, perhaps of one e-mail address."""
    return page(session, "customer", params, lookup=params.get("email"))


def search(session: Session, params: Params) -> Rendered:
    """Customers whose metadata has one value, newest first: the only query that is spoken here."""
    asked = _METADATA.fullmatch(params["query"].strip())
    if asked is None:
        raise unsupported(f"the search query {params['query'][:60]}")
    name, value = asked["name"], re.sub(r"\\(.)", r"\1", asked["value"])
    found = (
        facts
        for facts in session.select("customer")
        if not facts.get("deleted") and (facts.get("metadata") or {}).get(name) == value
    )
    items, has_more = cut(found, page_size(params))
    return Rendered(
        {
            "object": "search_result",
            "data": [render(session, facts) for facts in items],
            "has_more": has_more,
            "next_page": None,
            "url": "/v1/customers/search",
        }
    )


def delete(session: Session, _params: Params, customer_id: str) -> Rendered:
    """Delete the customer; its subscriptions end at once."""
    customer = session.get("customer", customer_id)
    for subscription in list(session.select("subscription", customer=customer_id)):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            end(session, subscription)
    return Rendered(session.remove(customer, "customer.deleted"))


_CREATE = " ".join([*_PLAIN, "balance metadata invoice_settings expand"])

ROUTES = (
    Route("POST", "/v1/customers", create, typed.CustomerCreateParams, f"{_CREATE} payment_method"),
    Route("GET", "/v1/customers/search", search, typed.CustomerSearchParams, "query limit"),
    Route("GET", "/v1/customers", list_, typed.CustomerListParams, f"{PAGE_PARAMS} created email"),
    Route("GET", "/v1/customers/{}", retrieve, typed.CustomerRetrieveParams, "expand"),
    Route("POST", "/v1/customers/{}", update, typed.CustomerUpdateParams, _CREATE),
    Route("DELETE", "/v1/customers/{}", delete, typed.CustomerDeleteParams),
)
