"""Products and prices: an amount never changes, and what is on offer is not archived by accident."""

import secrets
from typing import Any

from tests.payments.sandbox.account import Account, refusal


def product(account: Account, **params: Any) -> Any:
    return account.v1.products.create({"name": "Better Together", **params})


def price(account: Account, product_id: str, amount: int = 3000, **params: Any) -> Any:
    given = {"product": product_id, "unit_amount": amount, "currency": "usd"}
    return account.v1.prices.create({**given, "recurring": {"interval": "month"}, **params})


def test_a_product_id_is_taken_once(account: Account) -> None:
    name = f"prod_{secrets.token_hex(4)}"
    made = product(account, id=name)
    error = refusal(lambda: product(account, id=name))

    assert (made.id, error.code) == (name, "resource_already_exists")


def test_the_amount_of_a_price_cannot_be_changed(account: Account) -> None:
    made = price(account, product(account).id)

    assert refusal(lambda: account.v1.prices.update(made.id, {"unit_amount": 1})).http_status == 400


def test_the_default_price_is_archived_only_after_another_took_its_place(account: Account) -> None:
    sold = product(account).id
    old, new = price(account, sold), price(account, sold, 3300)
    account.v1.products.update(sold, {"default_price": old.id})
    refused = refusal(lambda: account.v1.prices.update(old.id, {"active": False}))
    account.v1.products.update(sold, {"default_price": new.id})

    assert "default price" in str(refused.user_message)
    assert account.v1.prices.update(old.id, {"active": False}).active is False


def test_a_new_price_takes_the_lookup_key_over(account: Account) -> None:
    key, sold = f"plan_{secrets.token_hex(4)}", product(account).id
    old = price(account, sold, lookup_key=key)
    refused = refusal(lambda: price(account, sold, lookup_key=key))
    new = price(account, sold, lookup_key=key, transfer_lookup_key=True)

    assert refused.code == "resource_already_exists"
    assert account.v1.prices.retrieve(old.id).lookup_key is None
    assert [one.id for one in account.v1.prices.list({"lookup_keys": [key]})] == [new.id]


def test_a_subscription_keeps_a_price_that_was_archived(account: Account) -> None:
    made = price(account, product(account).id)
    subscription = account.subscription(price=made)
    account.v1.prices.update(made.id, {"active": False})
    renewed = account.control("POST", f"/subscriptions/{subscription.id}/renew")
    refused = refusal(lambda: account.subscription(price=made))

    assert account.v1.invoices.retrieve(renewed["latest_invoice"]).total == 3000
    assert "inactive" in str(refused.user_message)
