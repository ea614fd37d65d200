"""Products and prices. A price's amount never changes: a new price is made and the old one switched off."""

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError, missing_param, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Rendered, Route
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.session import Session


def create_product(session: Session, params: Params) -> Facts:
    """A new product, perhaps with an id of the caller's choice."""
    if "id" in params and session.exists("product", params["id"]):
        raise StripeError("Product already exists.", code="resource_already_exists", param="id")
    facts: Facts = {name: params[name] for name in ("id", "name", "active", "description") if name in params}
    merge_metadata(facts, params)
    return session.add("product", facts, "product.created")


def retrieve_product(session: Session, _params: Params, product_id: str) -> Facts:
    """One product."""
    return session.get("product", product_id)


def update_product(session: Session, params: Params, product_id: str) -> Facts:
    """Change name, description, default price, metadata, or switch it off."""
    product = session.get("product", product_id)
    if params.get("default_price"):
        session.get("price", params["default_price"], param="default_price")
    with session.changing(product, "product.updated"):
        product |= {
            name: params[name]
            for name in ("name", "active", "description", "default_price")
            if name in params
        }
        merge_metadata(product, params)
        product["updated"] = session.now
    return product


def delete_product(session: Session, _params: Params, product_id: str) -> Rendered:
    """Delete a product that has no prices."""
    product = session.get("product", product_id)
    if session.newest("price", parent=product_id):
        raise StripeError("This product cannot be deleted because it has one or more user-created prices.")
    return Rendered(session.remove(product, "product.deleted"))


def list_products(session: Session, params: Params) -> Page:
    """Products, newest first."""
    ids = set(params.get("ids", []))

    def keep(facts: Facts) -> bool:
        return (not ids or facts["id"] in ids) and params.get("active") in (None, facts.get("active", True))

    return page(session, "product", params, keep=keep)


def create_price(session: Session, params: Params) -> Facts:
    """A new price of a product, recurring or one-time, with a fixed amount."""
    if "product" not in params and "product_data" not in params:
        raise missing_param("product")
    if "unit_amount" not in params:
        raise missing_param("unit_amount")
    recurring = params.get("recurring") or {}
    if others := recurring.keys() - {"interval", "interval_count"}:
        raise unsupported(f"the parameter recurring[{min(others)}]")
    facts: Facts = {
        "product": _product(session, params),
        "unit_amount": params["unit_amount"],
        "currency": params["currency"].lower(),
        **recurring,
    }
    facts |= {name: params[name] for name in ("active", "nickname", "tax_behavior") if name in params}
    _take_lookup_key(session, facts, params)
    merge_metadata(facts, params)
    return session.add("price", facts, "price.created")


def _product(session: Session, params: Params) -> str:
    if "product" in params:
        return str(session.get("product", params["product"], param="product")["id"])
    data = params["product_data"]
    if others := data.keys() - {"name", "active", "id", "metadata"}:
        raise unsupported(f"the parameter product_data[{min(others)}]")
    return str(create_product(session, data)["id"])


def _take_lookup_key(session: Session, facts: Facts, params: Params) -> None:
    key = params.get("lookup_key")
    if key is None:
        return
    holder = session.newest("price", lookup=key)
    if holder and holder["id"] != facts.get("id"):
        if not params.get("transfer_lookup_key"):
            raise StripeError(
                f"A price (`{holder['id']}`) already uses that lookup key.",
                code="resource_already_exists",
                param="lookup_key",
            )
        with session.changing(holder, "price.updated"):
            holder["lookup_key"] = None
    facts["lookup_key"] = key


def retrieve_price(session: Session, _params: Params, price_id: str) -> Facts:
    """One price."""
    return session.get("price", price_id)


def update_price(session: Session, params: Params, price_id: str) -> Facts:
    """Change nickname, look-up key, metadata, or switch it off."""
    price = session.get("price", price_id)
    if params.get("active") is False:
        product = session.find("product", price["product"])
        if product is not None and product.get("default_price") == price_id:
            raise StripeError(
                "This price cannot be archived because it is the default price of its product.",
                param="active",
            )
    with session.changing(price, "price.updated"):
        price |= {name: params[name] for name in ("active", "nickname", "tax_behavior") if name in params}
        _take_lookup_key(session, price, params)
        merge_metadata(price, params)
    return price


def list_prices(session: Session, params: Params) -> Page:
    """Prices, newest first, of one product, with certain look-up keys, active or not, of one type."""
    keys = set(params.get("lookup_keys", []))

    def keep(facts: Facts) -> bool:
        kind = "recurring" if facts.get("interval") else "one_time"
        return (
            (not keys or facts.get("lookup_key") in keys)
            and params.get("active") in (None, facts.get("active", True))
            and params.get("type") in (None, kind)
            and params.get("currency") in (None, facts.get("currency", "usd"))
        )

    return page(session, "price", params, parent=params.get("product"), keep=keep)


ROUTES = (
    Route(
        "POST",
        "/v1/products",
        create_product,
        typed.ProductCreateParams,
        "id name active description metadata expand",
    ),
    Route("GET", "/v1/products", list_products, typed.ProductListParams, f"{PAGE_PARAMS} created active ids"),
    Route("GET", "/v1/products/{}", retrieve_product, typed.ProductRetrieveParams, "expand"),
    Route(
        "POST",
        "/v1/products/{}",
        update_product,
        typed.ProductUpdateParams,
        "name active description default_price metadata expand",
    ),
    Route("DELETE", "/v1/products/{}", delete_product, typed.ProductDeleteParams),
    Route(
        "POST",
        "/v1/prices",
        create_price,
        typed.PriceCreateParams,
        "currency product product_data unit_amount recurring active nickname lookup_key transfer_lookup_key "
        "tax_behavior metadata expand",
    ),
    Route(
        "GET",
        "/v1/prices",
        list_prices,
        typed.PriceListParams,
        f"{PAGE_PARAMS} created active currency lookup_keys product type",
    ),
    Route("GET", "/v1/prices/{}", retrieve_price, typed.PriceRetrieveParams, "expand"),
    Route(
        "POST",
        "/v1/prices/{}",
        update_price,
        typed.PriceUpdateParams,
        "active nickname lookup_key transfer_lookup_key tax_behavior metadata expand",
    ),
)
