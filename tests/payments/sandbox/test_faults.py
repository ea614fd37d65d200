"""Faults on demand, and whether the request took effect."""

import pytest
import stripe

from tests.payments.sandbox.account import Account, refusal

EMAIL = {"email": "fault@example.org"}


@pytest.fixture
def faulty(hooked: Account) -> Account:
    """The module's own sandbox without faults and with an empty log."""
    hooked.control("DELETE", "/faults")
    hooked.control("DELETE", "/requests")
    return hooked


def created(account: Account) -> int:
    return len(account.v1.customers.list({"email": EMAIL["email"], "limit": 100}).data)


@pytest.mark.parametrize(
    ("fault", "error", "takes_effect"),
    [
        ("429", stripe.RateLimitError, False),
        ("500", stripe.APIError, False),
        ("drop_before", stripe.APIConnectionError, False),
        ("timeout_before", stripe.APIConnectionError, False),
        ("drop_after", stripe.APIConnectionError, True),
        ("timeout_after", stripe.APIConnectionError, True),
        ("invalid_json", stripe.APIError, True),
    ],
)
def test_a_fault_strikes_before_or_after_the_effect(
    faulty: Account, fault: str, error: type[Exception], takes_effect: bool
) -> None:
    before = created(faulty)
    faulty.control("POST", "/faults", fault=fault, method="POST", path="/v1/customers", delay_seconds=0.05)
    raised = refusal(lambda: faulty.v1.customers.create(EMAIL))

    assert type(raised) is error
    assert created(faulty) - before == takes_effect


@pytest.mark.parametrize("fault", ["500", "drop_before", "timeout_before", "drop_after", "timeout_after"])
def test_a_repetition_with_the_same_key_has_one_effect_whatever_broke(faulty: Account, fault: str) -> None:
    before = created(faulty)
    faulty.control("POST", "/faults", fault=fault, method="POST", delay_seconds=0.05)
    faulty.client_with(max_network_retries=2).v1.customers.create(EMAIL)

    assert created(faulty) - before == 1


def test_the_sdk_does_not_repeat_a_429(faulty: Account) -> None:
    faulty.control("POST", "/faults", fault="429")
    client = faulty.client_with(max_network_retries=2)
    error = refusal(lambda: client.v1.customers.create(EMAIL))

    assert isinstance(error, stripe.RateLimitError)
    assert error.json_body["error"]["code"] == "rate_limit"
    assert len(faulty.control("GET", "/requests")["requests"]) == 1


def test_a_silence_longer_than_the_callers_patience_is_a_time_out(faulty: Account) -> None:
    faulty.control("POST", "/faults", fault="timeout_after", delay_seconds=30)
    impatient = stripe.RequestsClient(timeout=(5, 0.3))
    client = faulty.client_with(http_client=impatient)
    error = refusal(lambda: client.v1.customers.create(EMAIL))
    impatient.close()

    assert isinstance(error, stripe.APIConnectionError)


def test_a_fault_strikes_only_what_it_names_and_as_often_as_it_says(faulty: Account) -> None:
    faulty.control("POST", "/faults", fault="500", path="^/v1/customers/cus_[a-z]+$", times=2)
    faulty.v1.customers.list()
    statuses = [refusal(lambda: faulty.v1.customers.retrieve("cus_a")).http_status for _ in range(3)]

    assert statuses == [500, 500, 404]


def test_faults_can_be_taken_away(faulty: Account) -> None:
    faulty.control("POST", "/faults", fault="500", times=10)
    faulty.control("DELETE", "/faults")

    assert faulty.v1.customers.list().object == "list"


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "earthquake"},
        {"fault": "500", "times": 0},
        {"fault": "500", "delay_seconds": -1},
        {"fault": "500", "path": "^("},
        {"fault": "500", "colour": "red"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(faulty: Account, fault: dict[str, object]) -> None:
    status, message = faulty.refused_control("POST", "/faults", **fault)

    assert status == 400
    assert message.endswith(".")


def test_the_log_tells_what_arrived_and_what_became_of_it(faulty: Account) -> None:
    faulty.control("POST", "/faults", fault="drop_before", method="POST")
    refusal(lambda: faulty.v1.customers.create(EMAIL, {"idempotency_key": "log-1"}))
    for _ in range(2):
        faulty.v1.customers.create(EMAIL, {"idempotency_key": "log-1"})
    logged = faulty.control("GET", "/requests")["requests"]

    assert [(one["method"], one["path"], one["idempotency_key"]) for one in logged] == [
        ("POST", "/v1/customers", "log-1")
    ] * 3
    assert [(one["status"], one["fault"], one["replayed"]) for one in logged] == [
        (None, "drop_before", False),
        (200, None, False),
        (200, None, True),
    ]
