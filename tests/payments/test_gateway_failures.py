"""What the gateway makes of wrong keys, refusals, lost answers and requests to slow down."""

import traceback
from typing import Any

import pytest

from lib.core.errors import Invalid, StripeFailed
from lib.payments.gateway import Gateway
from tests.payments.scripted import KEY, REFUND, Naps, ScriptedServer, error, refund

# The key


@pytest.mark.parametrize(
    ("key", "live"), [("sk_test_1", False), ("rk_test_1", False), ("sk_live_1", True), ("rk_live_1", True)]
)
def test_the_mode_is_read_off_the_key(key: str, live: bool) -> None:
    gateway = Gateway(key)

    assert gateway.livemode is live
    assert key not in repr(gateway)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "is empty"),
        ("pk_live_1234", "publishable"),
        ("sk_live_1234\n", "does not look like"),
        ("whsec_1234", "does not look like"),
    ],
)
def test_what_is_no_secret_key_is_refused_without_repeating_it(key: str, words: str) -> None:
    with pytest.raises(Invalid, match="STRIPE_SECRET_KEY") as refused:
        Gateway(key)
    assert words in str(refused.value)
    assert "1234" not in str(refused.value)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500])
def test_no_error_repeats_the_key(server: ScriptedServer, gateway: Gateway, status: int) -> None:
    for _ in range(4):
        server.answers(error(f"Invalid API Key provided: {KEY}"), status)
    with pytest.raises(StripeFailed) as failed:
        refund(gateway)

    assert KEY not in "".join(traceback.format_exception(failed.value))


# What goes wrong


@pytest.mark.parametrize(
    ("status", "body", "retryable", "known", "code", "words"),
    [
        (400, error("Charge ch_1 has already been refunded.", "charge_already_refunded"), False, True,
         "charge_already_refunded", "Stripe refused. Charge ch_1 has already been refunded."),
        (400, error("Keys for idempotent requests …", kind="idempotency_error"), False, True,
         None, "idempotency key"),
        (401, error("Invalid API Key provided"), False, True, None, "STRIPE_SECRET_KEY"),
        (402, error("Your card was declined", "card_declined", "card_error"), False, True,
         "card_declined", "The card was declined. Your card was declined."),
        (403, error("The key needs rak_refund_write."), False, True, None, "lacks a permission"),
        (404, error("No such refund: 're_1'", "resource_missing"), False, True,
         "resource_missing", "another Stripe account"),
        (409, error("Another request runs with this key.", "idempotency_key_in_use"), True, False,
         "idempotency_key_in_use", "It is not known whether"),
        (500, error("An unknown error occurred", kind="api_error"), True, False, None, "fault of its own"),
        (502, b"<html>Bad gateway</html>", True, False, None, "Something between us and Stripe"),
        (403, {"error": "Forbidden by the proxy"}, True, False, None, "Something between us and Stripe"),
        (404, [], True, False, None, "Something between us and Stripe"),
        (200, b"<html>Welcome to the hotel</html>", True, False, None, "It is not known whether"),
        (200, b"[1]", True, False, None, "not an answer that Stripe gives"),
        (200, {"id": "ch_1", "object": "charge"}, True, False, None, "not an answer that Stripe gives"),
    ],
)  # fmt: skip
def test_what_stripe_answers_to_a_write_is_told_in_words(
    server: ScriptedServer, gateway: Gateway, status: int, body: Any, retryable: bool, known: bool,
    code: str | None, words: str,
) -> None:  # fmt: skip
    server.answers(body, status)
    with pytest.raises(StripeFailed) as failed:
        refund(gateway)

    assert (failed.value.retryable, failed.value.outcome_known) == (retryable, known)
    assert failed.value.code == code
    assert words in str(failed.value)
    assert ("It is not known whether" in str(failed.value)) is not known


def test_a_failed_read_leaves_nothing_unknown(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers(error("An unknown error occurred", kind="api_error"), 500)
    with pytest.raises(StripeFailed) as failed:
        gateway.refunds.retrieve("re_1")

    assert (failed.value.retryable, failed.value.outcome_known) == (True, True)
    assert "not known" not in str(failed.value)


def test_the_number_of_the_request_is_told_for_stripes_support(
    server: ScriptedServer, gateway: Gateway
) -> None:
    server.answers(error("Amount is too large"), 400, Request_Id="req_77")

    with pytest.raises(StripeFailed, match=r"Amount is too large\. \(Stripe request req_77\)"):
        refund(gateway)


@pytest.mark.parametrize("fault", ["hang", "drop"])
def test_a_write_without_an_answer_has_an_unknown_outcome(
    server: ScriptedServer, naps: Naps, fault: str
) -> None:
    server.fails(fault)
    impatient = Gateway(KEY, api_base=server.url, timeout=(2.0, 0.2), retries=0, sleep=naps)
    with pytest.raises(StripeFailed, match="could not be reached, or did not answer in time") as failed:
        impatient.subscriptions.cancel("sub_1", key="cancel:1")
    impatient.close()

    assert (failed.value.retryable, failed.value.outcome_known) == (True, False)


def test_a_server_that_is_not_there_is_told_in_words() -> None:
    with ScriptedServer() as gone:
        address = gone.url
    gateway = Gateway(KEY, api_base=address, retries=0)
    with pytest.raises(StripeFailed, match="could not be reached") as read:
        gateway.check_key()
    with pytest.raises(StripeFailed, match="could not be reached") as write:
        refund(gateway)

    assert (read.value.retryable, read.value.outcome_known) == (True, True)
    assert (write.value.retryable, write.value.outcome_known) == (True, False)


def test_a_5xx_is_repeated_with_the_same_key(server: ScriptedServer) -> None:
    server.answers(error("An unknown error occurred", kind="api_error"), 503)
    server.answers(REFUND)
    gateway = Gateway(KEY, api_base=server.url, retries=1)
    made = refund(gateway)
    gateway.close()

    assert made.id == "re_1"
    assert [asked.headers["Idempotency-Key"] for asked in server.asked] == ["refund:0193-op"] * 2


# Slowing down


def test_after_a_429_it_waits_as_long_as_stripe_asks_and_tries_again(
    server: ScriptedServer, gateway: Gateway, naps: Naps
) -> None:
    server.answers(error("Too many requests", "rate_limit"), 429, Retry_After="7")
    server.answers(error("Too many requests", "rate_limit"), 429, Retry_After="3600")
    server.answers(REFUND)
    made = refund(gateway)

    assert made.id == "re_1"
    assert naps == [7.0, 20.0]
    assert {asked.headers["Idempotency-Key"] for asked in server.asked} == {"refund:0193-op"}


def test_after_four_429_it_gives_up_and_knows_that_nothing_was_done(
    server: ScriptedServer, gateway: Gateway, naps: Naps
) -> None:
    for _ in range(4):
        server.answers(error("Too many requests", "rate_limit"), 429)
    with pytest.raises(StripeFailed, match="slow down") as failed:
        refund(gateway)

    assert (failed.value.retryable, failed.value.outcome_known) == (True, True)
    assert failed.value.code == "rate_limit"
    assert len(server.asked) == 4
    assert [low <= nap <= 2 * low for nap, low in zip(naps, [0.5, 1.0, 2.0], strict=True)] == [True] * 3


@pytest.mark.parametrize("first", ["lost", 409, 500])
def test_a_429_after_an_attempt_without_a_clear_answer_leaves_the_outcome_unknown(
    server: ScriptedServer, naps: Naps, first: str | int
) -> None:
    if isinstance(first, int):
        server.answers(error("Something else happened"), first)
    else:
        server.fails("drop")
    for _ in range(4):
        server.answers(error("Too many requests", "rate_limit"), 429)
    gateway = Gateway(KEY, api_base=server.url, retries=1, sleep=naps)
    with pytest.raises(StripeFailed, match="slow down") as failed:
        refund(gateway)
    gateway.close()

    assert failed.value.outcome_known is False


def test_doubt_about_one_request_does_not_touch_the_next(server: ScriptedServer, gateway: Gateway) -> None:
    server.fails("drop")
    server.answers(error("Amount is too large"), 400)
    with pytest.raises(StripeFailed) as lost:
        refund(gateway)
    with pytest.raises(StripeFailed) as refused:
        refund(gateway)

    assert (lost.value.outcome_known, refused.value.outcome_known) == (False, True)
