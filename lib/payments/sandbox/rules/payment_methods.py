"""Payment methods: cards made from test numbers or from Stripe's ready-made test ids."""

from stripe import params as typed

from lib.payments.sandbox.cards import CARDS, DECLINES, named
from lib.payments.sandbox.errors import StripeError, card_declined, missing_param, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.session import Session


def usable(session: Session, method_id: str, *, param: str = "payment_method") -> Facts:
    """The payment method; a ready-made test id such as `pm_card_visa` makes a new one, as at Stripe."""
    if method_id in CARDS:
        return session.add("payment_method", {"card": method_id})
    return session.get("payment_method", method_id, param=param)


def attached(session: Session, method_id: str, customer_id: str) -> Facts:
    """The payment method, now the customer's. Raises StripeError when the bank refuses the card."""
    method = usable(session, method_id)
    if method.get("customer") == customer_id:
        return method
    if method.get("customer"):
        raise StripeError(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    card = CARDS[method.get("card", "pm_card_visa")]
    if card.decline and not card.attaches:
        decline = DECLINES[card.decline]
        raise card_declined(decline.code, decline.decline_code, decline.message)
    with session.changing(method, "payment_method.attached"):
        method["customer"] = customer_id
    return method


def owned(session: Session, method_id: str, customer_id: str, *, param: str) -> str:
    """The id of a card that is the customer's. A ready-made test id stands for the one made from it.

    Raises StripeError when the customer has no such card.
    """
    if method_id in CARDS:
        cards = session.select("payment_method", customer=customer_id)
        found = next((card for card in cards if card.get("card") == method_id), None)
    else:
        found = session.get("payment_method", method_id, param=param)
    if found is None or found.get("customer") != customer_id:
        raise StripeError(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must "
            "be attached to the customer.",
            code="resource_missing",
            param=param,
        )
    return str(found["id"])


def create(session: Session, params: Params) -> Facts:
    """A card from a test number or token. No other type exists here."""
    if params.get("type", "card") != "card":
        raise unsupported(f"payment methods of type {params['type']!r}")
    if "card" not in params:
        raise missing_param("card")
    given = params["card"]
    name = named(given.get("number") or given.get("token") or "")
    if name is None:
        raise StripeError(
            "Your card number is not one of the test cards: see https://docs.stripe.com/testing.",
            status=402,
            type_="card_error",
            code="incorrect_number",
            param="card[number]",
        )
    facts: Facts = {"card": name, "billing_details": params.get("billing_details") or {}}
    facts |= {name: given[name] for name in ("exp_month", "exp_year") if name in given}
    merge_metadata(facts, params)
    return session.add("payment_method", facts)


def retrieve(session: Session, _params: Params, method_id: str) -> Facts:
    """One payment method."""
    return session.get("payment_method", method_id)


def retrieve_of_customer(session: Session, _params: Params, customer_id: str, method_id: str) -> Facts:
    """One payment method of a customer."""
    session.get("customer", customer_id)
    method = session.get("payment_method", method_id)
    if method.get("customer") != customer_id:
        raise StripeError(
            f"No such PaymentMethod: '{method_id}'", status=404, code="resource_missing", param="id"
        )
    return method


def update(session: Session, params: Params, method_id: str) -> Facts:
    """Change billing details, expiry or metadata."""
    method = session.get("payment_method", method_id)
    with session.changing(method, "payment_method.updated"):
        merge_metadata(method, params)
        if "billing_details" in params:
            method["billing_details"] = params["billing_details"]
        for name in ("exp_month", "exp_year"):
            if name in params.get("card", {}):
                method[name] = params["card"][name]
    return method


def attach(session: Session, params: Params, method_id: str) -> Facts:
    """Give the card to a customer."""
    if "customer" not in params:
        raise missing_param("customer")
    session.get("customer", params["customer"], param="customer")
    return attached(session, method_id, params["customer"])


def detach(session: Session, _params: Params, method_id: str) -> Facts:
    """Take the card from its customer, also where it was the default."""
    method = session.get("payment_method", method_id)
    if not method.get("customer"):
        raise StripeError(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    customer = session.get("customer", method["customer"])
    if customer.get("default_payment_method") == method_id:
        with session.changing(customer, "customer.updated"):
            customer["default_payment_method"] = None
    with session.changing(method, "payment_method.detached"):
        method["customer"] = None
    return method


def list_(session: Session, params: Params) -> Page:
    """Cards of a customer."""
    if "customer" not in params:
        raise missing_param("customer")
    return list_of_customer(session, params, params["customer"])


def list_of_customer(session: Session, params: Params, customer_id: str) -> Page:
    """Cards of the customer in the path; another type has none."""
    session.get("customer", customer_id)
    wanted = params.get("type", "card")
    return page(session, "payment_method", params, customer=customer_id, keep=lambda _facts: wanted == "card")


ROUTES = (
    Route(
        "POST",
        "/v1/payment_methods",
        create,
        typed.PaymentMethodCreateParams,
        "type card billing_details metadata expand",
    ),
    Route("GET", "/v1/payment_methods", list_, typed.PaymentMethodListParams, f"{PAGE_PARAMS} customer type"),
    Route("GET", "/v1/payment_methods/{}", retrieve, typed.PaymentMethodRetrieveParams, "expand"),
    Route(
        "POST",
        "/v1/payment_methods/{}",
        update,
        typed.PaymentMethodUpdateParams,
        "billing_details card metadata expand",
    ),
    Route(
        "POST", "/v1/payment_methods/{}/attach", attach, typed.PaymentMethodAttachParams, "customer expand"
    ),
    Route("POST", "/v1/payment_methods/{}/detach", detach, typed.PaymentMethodDetachParams, "expand"),
    Route(
        "GET",
        "/v1/customers/{}/payment_methods",
        list_of_customer,
        typed.CustomerPaymentMethodListParams,
        f"{PAGE_PARAMS} type",
    ),
    Route(
        "GET",
        "/v1/customers/{}/payment_methods/{}",
        retrieve_of_customer,
        typed.CustomerPaymentMethodRetrieveParams,
        "expand",
    ),
)
