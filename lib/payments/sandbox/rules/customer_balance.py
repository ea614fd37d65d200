"""Customer balance transactions: each movement of what a customer's next invoice is lowered or raised by.

Source: https://docs.stripe.com/billing/customer/balance.
"""

from typing import Any

from stripe import params as typed

from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.listing import PAGE_PARAMS, Page, page
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.rules.merging import merge_metadata
from lib.payments.sandbox.session import Session

_PATH = "/v1/customers/{}/balance_transactions"


def move(session: Session, customer: Facts, amount: int, kind: str, **links: Any) -> Facts | None:
    """Change the balance by `amount` (negative is a credit) and keep the movement; None for no amount.

    `kind` is Stripe's type, such as `applied_to_invoice`; `links` are what it belongs to, and its words.
    """
    if amount == 0:
        return None
    with session.changing(customer, "customer.updated"):
        customer["balance"] = customer.get("balance", 0) + amount
    return session.add(
        "customer_balance_transaction",
        {
            "customer": customer["id"],
            "amount": amount,
            "ending_balance": customer["balance"],
            "currency": customer.get("currency") or "usd",
            "type": kind,
            **links,
        },
    )


def create(session: Session, params: Params, customer_id: str) -> Facts:
    """Credit (a negative amount) or debit the customer's balance by hand."""
    customer = session.get("customer", customer_id)
    currency = params["currency"].lower()
    if customer.get("currency") not in (None, currency):
        raise StripeError(
            f"The customer's balance is in {customer['currency']}; this transaction is in {currency}.",
            param="currency",
        )
    if params["amount"] == 0:
        raise StripeError("Invalid non-zero integer", code="parameter_invalid_integer", param="amount")
    customer["currency"] = currency
    made = move(session, customer, params["amount"], "adjustment", description=params.get("description"))
    assert made is not None
    merge_metadata(made, params)
    session.store.put(made)
    return made


def list_(session: Session, params: Params, customer_id: str) -> Page:
    """The movements of one customer's balance, newest first."""
    session.get("customer", customer_id)
    return page(session, "customer_balance_transaction", params, customer=customer_id)


def retrieve(session: Session, _params: Params, customer_id: str, transaction_id: str) -> Facts:
    """One movement."""
    session.get("customer", customer_id)
    return session.get("customer_balance_transaction", transaction_id)


ROUTES = (
    Route(
        "POST",
        _PATH,
        create,
        typed.CustomerBalanceTransactionCreateParams,
        "amount currency description metadata expand",
    ),
    Route("GET", _PATH, list_, typed.CustomerBalanceTransactionListParams, f"{PAGE_PARAMS} created"),
    Route("GET", f"{_PATH}/{{}}", retrieve, typed.CustomerBalanceTransactionRetrieveParams, "expand"),
)
