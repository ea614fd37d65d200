"""What the sandbox refuses before any rule: keys, versions, paths and parameters."""

import pytest
import stripe

from tests.payments.sandbox.account import Account, refusal


def test_an_unknown_parameter_is_refused_by_name(account: Account) -> None:
    error = refusal(lambda: account.v1.refunds.create({"charge": "ch_1", "colour": "red"}))

    assert isinstance(error, stripe.InvalidRequestError)
    assert (error.http_status, error.code, error.param) == (400, "parameter_unknown", "colour")
    assert error.user_message == "Received unknown parameter: colour"


def test_an_unknown_parameter_deep_inside_is_named_with_its_path(account: Account) -> None:
    items = [{"price": "price_1", "colour": "red"}]
    error = refusal(lambda: account.v1.subscriptions.create({"customer": "cus_1", "items": items}))

    assert error.param == "items[0][colour]"


def test_a_missing_parameter_is_named(account: Account) -> None:
    error = refusal(lambda: account.v1.payment_intents.create({"amount": 1000}))

    assert (error.http_status, error.code, error.param) == (400, "parameter_missing", "currency")


@pytest.mark.parametrize(
    ("params", "param", "message"),
    [
        ({"amount": "ten"}, "amount", "Invalid integer: ten"),
        (
            {"reason": "regret"},
            "reason",
            "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer",
        ),
        ({"metadata": "text"}, "metadata", "Invalid object"),
        ({"expand": {"a": "charge"}}, "expand", "Invalid array"),
        ({"refund_application_fee": "perhaps"}, "refund_application_fee", "Invalid boolean: perhaps"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    account: Account, params: dict[str, object], param: str, message: str
) -> None:
    error = refusal(lambda: account.v1.refunds.create({"charge": "ch_1", **params}))

    assert (error.http_status, error.param, error.user_message) == (400, param, message)


def test_an_empty_text_for_what_cannot_be_cleared_is_refused(account: Account) -> None:
    error = refusal(lambda: account.v1.refunds.create({"charge": ""}))

    assert (error.code, error.param) == ("parameter_invalid_empty", "charge")


def test_a_parameter_that_stripe_has_and_the_sandbox_has_not_is_refused_aloud(account: Account) -> None:
    error = refusal(lambda: account.v1.refunds.create({"charge": "ch_1", "reverse_transfer": True}))

    assert (error.http_status, error.code) == (400, "sandbox_unsupported")
    assert "reverse_transfer" in str(error.user_message)


def test_an_operation_that_the_sandbox_has_not_answers_404_with_a_sentence(account: Account) -> None:
    error = refusal(lambda: account.v1.test_helpers.test_clocks.create({"frozen_time": 1}))

    assert error.http_status == 404
    assert "test clocks" in str(error.user_message)


def test_an_object_in_the_path_that_does_not_exist_is_a_404(account: Account) -> None:
    error = refusal(lambda: account.v1.customers.retrieve("cus_nobody"))

    assert (error.http_status, error.code, error.param) == (404, "resource_missing", "id")
    assert error.user_message == "No such customer: 'cus_nobody'"


def test_an_object_in_a_parameter_that_does_not_exist_is_a_400(account: Account) -> None:
    error = refusal(lambda: account.v1.refunds.create({"charge": "ch_none"}))

    assert (error.http_status, error.code, error.param) == (400, "resource_missing", "charge")


@pytest.mark.parametrize("key", ["sk_live_1234567890123456", "pk_test_1", "nonsense"])
def test_only_a_secret_test_key_is_accepted(account: Account, key: str) -> None:
    customers = account.client_with(api_key=key).v1.customers
    error = refusal(customers.list)

    assert isinstance(error, stripe.AuthenticationError)
    assert "1234567890" not in str(error)


def test_every_answer_names_its_request_and_version(account: Account) -> None:
    headers = account.v1.customers.list({"limit": 1}).last_response.headers

    assert headers["request-id"].startswith("req_")
    assert headers["stripe-version"] == stripe.api_version


def test_a_version_that_is_none_is_refused(account: Account) -> None:
    error = refusal(lambda: account.v1.customers.list(options={"stripe_version": "newest"}))

    assert error.http_status == 400


def test_metadata_is_merged_key_by_key_and_cleared_by_an_empty_value(account: Account) -> None:
    customer = account.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    merged = account.v1.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
    cleared = account.v1.customers.update(customer.id, {"metadata": ""})

    assert merged.metadata.to_dict() == {"a": "1", "c": "3"}
    assert cleared.metadata.to_dict() == {}


@pytest.mark.parametrize(
    "metadata", [{"k" * 41: "v"}, {"k": "v" * 501}, {f"k{number}": "v" for number in range(51)}]
)
def test_metadata_past_stripes_limits_is_refused(account: Account, metadata: dict[str, str]) -> None:
    error = refusal(lambda: account.v1.customers.create({"metadata": metadata}))

    assert (error.http_status, error.param) == (400, "metadata")
