"""Customers, cards, payment intents and charges."""

import pytest
import stripe

from tests.payments.sandbox.account import Account, refusal


def test_a_ready_made_card_becomes_a_card_of_the_customer(account: Account) -> None:
    customer = account.customer()
    (card,) = account.v1.customers.payment_methods.list(customer.id).data

    assert card.id != "pm_card_visa"
    assert (card.card.brand, card.card.last4, card.customer) == ("visa", "4242", customer.id)
    assert customer.invoice_settings.default_payment_method == card.id


def test_a_test_number_makes_a_card_and_another_number_does_not(account: Account) -> None:
    card = {"number": "4000 0000 0000 0341", "exp_month": 5, "exp_year": 2040, "cvc": "123"}
    made = account.v1.payment_methods.create({"type": "card", "card": card})
    error = refusal(
        lambda: account.v1.payment_methods.create({"type": "card", "card": card | {"number": "1234"}})
    )

    assert (made.card.last4, made.card.exp_year) == ("0341", 2040)
    assert isinstance(error, stripe.CardError)


def test_a_card_that_is_refused_cannot_be_attached(account: Account) -> None:
    customer = account.customer(card=None)
    params = {"customer": customer.id}
    error = refusal(lambda: account.v1.payment_methods.attach("pm_card_chargeDeclined", params))

    assert isinstance(error, stripe.CardError)
    assert account.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data == []


def test_a_card_belongs_to_one_customer_until_it_is_detached(account: Account) -> None:
    first, second = account.customer(), account.customer(card=None)
    card = first.invoice_settings.default_payment_method
    taken = refusal(lambda: account.v1.payment_methods.attach(card, {"customer": second.id}))
    account.v1.payment_methods.detach(card)
    attached = account.v1.payment_methods.attach(card, {"customer": second.id})

    assert taken.code == "payment_method_unexpected_state"
    assert attached.customer == second.id
    assert account.v1.customers.retrieve(first.id).invoice_settings.default_payment_method is None


def test_deleting_a_customer_ends_its_subscriptions(account: Account) -> None:
    subscription = account.subscription()
    account.v1.customers.delete(subscription.customer)

    assert account.v1.customers.retrieve(subscription.customer).deleted is True
    assert account.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert refusal(lambda: account.v1.customers.update(subscription.customer, {})).http_status == 404


def test_a_declined_payment_leaves_a_charge_and_can_be_tried_again(account: Account) -> None:
    intent = account.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    fails = {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"}
    error = refusal(lambda: account.v1.payment_intents.confirm(intent.id, fails))
    after = account.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    paid = account.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    assert error.json_body["error"]["decline_code"] == "insufficient_funds"
    assert (after.status, after.latest_charge.status) == ("requires_payment_method", "failed")
    assert after.last_payment_error.decline_code == "insufficient_funds"
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert [event.type for event in account.events(intent)] == [
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]


def test_a_payment_needs_a_card_to_be_confirmed(account: Account) -> None:
    intent = account.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    error = refusal(lambda: account.v1.payment_intents.confirm(intent.id))

    assert error.code == "payment_intent_unexpected_state"


def test_a_payment_that_succeeded_is_neither_confirmed_nor_canceled_again(account: Account) -> None:
    intent = account.charge().payment_intent
    confirm = refusal(lambda: account.v1.payment_intents.confirm(intent))
    cancel = refusal(lambda: account.v1.payment_intents.cancel(intent))

    assert confirm.code == cancel.code == "payment_intent_unexpected_state"
    assert len(account.v1.charges.list({"payment_intent": intent}).data) == 1


def test_a_charge_says_which_card_paid_and_what_it_cost(account: Account) -> None:
    charge = account.charge(5000, card="pm_card_mastercard")
    transaction = account.v1.balance_transactions.retrieve(charge.balance_transaction)

    assert (charge.paid, charge.captured, charge.amount_captured) == (True, True, 5000)
    assert charge.payment_method_details.card.last4 == "4444"
    assert (transaction.fee, transaction.net) == (175, 4825)


@pytest.mark.parametrize("amount", [0, 49])
def test_a_payment_of_too_little_is_refused(account: Account, amount: int) -> None:
    error = refusal(lambda: account.v1.payment_intents.create({"amount": amount, "currency": "usd"}))

    assert error.code == "amount_too_small"


def test_a_product_with_prices_cannot_be_deleted_and_an_amount_cannot_be_changed(
    account: Account,
) -> None:
    price = account.price()
    deleting = refusal(lambda: account.v1.products.delete(price.product))
    changing = refusal(lambda: account.v1.prices.update(price.id, {"unit_amount": 1}))

    assert deleting.http_status == 400
    assert changing.code == "parameter_unknown"
