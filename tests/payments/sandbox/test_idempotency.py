"""Idempotency keys: the same request twice has one effect and one answer."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import stripe

from tests.payments.sandbox.account import Account, refusal


def fresh() -> dict[str, str]:
    return {"idempotency_key": f"refund:{secrets.token_hex(8)}"}


def test_the_same_request_with_the_same_key_gets_the_first_answer(account: Account) -> None:
    charge, options = account.charge(), fresh()
    params = {"charge": charge.id, "amount": 500, "metadata": {"a": "1", "b": "2"}}
    turned = {"metadata": {"b": "2", "a": "1"}, "amount": 500, "charge": charge.id}
    first = account.v1.refunds.create(params, options)
    second = account.v1.refunds.create(turned, options)

    assert second.id == first.id
    assert "idempotent-replayed" not in first.last_response.headers
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert second.last_response.headers["original-request"] == first.last_response.headers["request-id"]
    assert account.v1.charges.retrieve(charge.id).amount_refunded == 500


def test_the_same_key_with_other_parameters_is_an_error(account: Account) -> None:
    charge, options = account.charge(), fresh()
    account.v1.refunds.create({"charge": charge.id, "amount": 500}, options)
    error = refusal(lambda: account.v1.refunds.create({"charge": charge.id, "amount": 600}, options))

    assert isinstance(error, stripe.IdempotencyError)
    assert error.http_status == 400
    assert account.v1.charges.retrieve(charge.id).amount_refunded == 500


def test_the_same_key_at_another_endpoint_is_an_error(account: Account) -> None:
    options = fresh()
    account.v1.customers.create({"email": "a@example.org"}, options)
    error = refusal(lambda: account.v1.products.create({"name": "a"}, options))

    assert isinstance(error, stripe.IdempotencyError)
    assert "/v1/customers" in str(error)


def test_a_refusal_by_a_rule_is_remembered(account: Account) -> None:
    charge, options = account.charge(1000), fresh()
    params = {"charge": charge.id, "amount": 2000}
    first = refusal(lambda: account.v1.refunds.create(params, options))
    second = refusal(lambda: account.v1.refunds.create(params, options))

    assert first.user_message == second.user_message
    assert second.headers["idempotent-replayed"] == "true"


def test_a_declined_card_is_not_charged_again_by_a_repetition(account: Account) -> None:
    options = fresh()
    params = {
        "amount": 1000,
        "currency": "usd",
        "customer": account.customer(card=None).id,
        "payment_method": "pm_card_chargeCustomerFail",
        "confirm": True,
    }
    for _ in range(2):
        error = refusal(lambda: account.v1.payment_intents.create(params, options))
        assert isinstance(error, stripe.CardError)

    assert len(account.v1.charges.list({"customer": params["customer"]}).data) == 1


def test_refused_parameters_do_not_use_the_key_up(account: Account) -> None:
    charge, options = account.charge(), fresh()
    refusal(lambda: account.v1.refunds.create({"charge": charge.id, "amount": "x"}, options))
    refund = account.v1.refunds.create({"charge": charge.id}, options)

    assert refund.status == "succeeded"


def test_many_at_once_with_one_key_have_one_effect(account: Account) -> None:
    charge, options = account.charge(3000), fresh()
    with ThreadPoolExecutor(8) as pool:
        calls = [
            pool.submit(account.v1.refunds.create, {"charge": charge.id, "amount": 100}, options)
            for _ in range(24)
        ]
        ids = {call.result().id for call in calls}

    assert len(ids) == 1
    assert account.v1.charges.retrieve(charge.id).amount_refunded == 100


def test_a_key_counts_for_nothing_on_a_deletion(account: Account) -> None:
    subscription, options = account.subscription(), fresh()
    account.v1.subscriptions.cancel(subscription.id, {}, options)
    error = refusal(lambda: account.v1.subscriptions.cancel(subscription.id, {}, options))

    assert error.http_status == 404
