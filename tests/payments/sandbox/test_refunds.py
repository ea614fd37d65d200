"""Refunds: what is left of a charge is the limit, and a refund may fail later."""

import time

import pytest
import stripe

from tests.payments.sandbox.account import Account, refusal


def test_a_refund_without_an_amount_sends_back_all_of_it(account: Account) -> None:
    charge = account.charge(3000)
    refund = account.v1.refunds.create({"charge": charge.id, "reason": "requested_by_customer"})
    after = account.v1.charges.retrieve(charge.id)

    assert (refund.amount, refund.status, refund.reason) == (3000, "succeeded", "requested_by_customer")
    assert (refund.charge, refund.payment_intent) == (charge.id, charge.payment_intent)
    assert (after.amount_refunded, after.refunded) == (3000, True)


def test_partial_refunds_add_up_on_the_charge(account: Account) -> None:
    charge = account.charge(3000)
    for amount in (1000, 1000):
        account.v1.refunds.create({"payment_intent": charge.payment_intent, "amount": amount})
    after = account.v1.charges.retrieve(charge.id)

    assert (after.amount_refunded, after.refunded, after.refunds) == (2000, False, None)
    assert [one.amount for one in account.v1.refunds.list({"charge": charge.id})] == [1000, 1000]


def test_a_refund_of_more_than_the_charge_is_refused(account: Account) -> None:
    charge = account.charge(1000)
    error = refusal(lambda: account.v1.refunds.create({"charge": charge.id, "amount": 2000}))

    assert error.user_message == "Refund amount ($20.00) is greater than charge amount ($10.00)"
    assert (error.http_status, error.param) == (400, "amount")
    assert account.v1.charges.retrieve(charge.id).amount_refunded == 0


def test_a_refund_of_more_than_what_is_left_is_refused(account: Account) -> None:
    charge = account.charge(1000)
    account.v1.refunds.create({"charge": charge.id, "amount": 600})
    error = refusal(lambda: account.v1.refunds.create({"charge": charge.id, "amount": 500}))

    assert error.user_message == "Refund amount ($5.00) is greater than unrefunded amount on charge ($4.00)"


def test_a_charge_that_was_refunded_already_is_refused(account: Account) -> None:
    charge = account.charge(1000)
    account.v1.refunds.create({"charge": charge.id})
    error = refusal(lambda: account.v1.refunds.create({"payment_intent": charge.payment_intent}))

    assert (error.http_status, error.code) == (400, "charge_already_refunded")


@pytest.mark.parametrize("amount", [0, -5])
def test_a_refund_of_nothing_is_refused(account: Account, amount: int) -> None:
    charge = account.charge(1000)
    error = refusal(lambda: account.v1.refunds.create({"charge": charge.id, "amount": amount}))

    assert (error.code, error.param) == ("parameter_invalid_integer", "amount")


def test_a_refund_of_no_payment_at_all_is_refused(account: Account) -> None:
    error = refusal(lambda: account.v1.refunds.create({"amount": 5}))

    assert "payment_intent or charge" in str(error.user_message)


def test_a_payment_that_failed_cannot_be_refunded(account: Account) -> None:
    params = {
        "amount": 1000,
        "currency": "usd",
        "payment_method": "pm_card_chargeCustomerFail",
        "confirm": True,
    }
    declined = refusal(lambda: account.v1.payment_intents.create(params))
    assert isinstance(declined, stripe.CardError)
    intent = declined.json_body["error"]["payment_intent"]
    by_intent = refusal(lambda: account.v1.refunds.create({"payment_intent": intent["id"]}))
    by_charge = refusal(lambda: account.v1.refunds.create({"charge": intent["latest_charge"]}))

    assert by_intent.http_status == by_charge.http_status == 400
    assert account.v1.refunds.list({"payment_intent": intent["id"]}).data == []


def test_a_refund_is_found_again_by_its_metadata_among_those_of_its_payment(account: Account) -> None:
    charge = account.charge(3000)
    account.v1.refunds.create({"charge": charge.id, "amount": 500, "metadata": {"refund_id": "other"}})
    made = account.v1.refunds.create({"charge": charge.id, "amount": 500, "metadata": {"refund_id": "ours"}})
    listed = account.v1.refunds.list({"payment_intent": charge.payment_intent})
    found = [one for one in listed if one.metadata["refund_id"] == "ours"]

    assert [one.id for one in found] == [made.id]


def test_only_the_metadata_of_a_refund_can_be_changed(account: Account) -> None:
    refund = account.v1.refunds.create({"charge": account.charge().id})
    changed = account.v1.refunds.update(refund.id, {"metadata": {"ticket": "12"}})
    error = refusal(lambda: account.v1.refunds.update(refund.id, {"amount": 5}))

    assert changed.metadata["ticket"] == "12"
    assert error.code == "parameter_unknown"


def test_a_refund_is_told_by_two_events_and_the_charge_carries_the_sum(account: Account) -> None:
    charge = account.charge(3000)
    refund = account.v1.refunds.create({"charge": charge.id, "amount": 1000})
    refunded = account.events(charge)[-1]

    assert [event.type for event in account.events(refund)] == ["refund.created"]
    assert refunded.type == "charge.refunded"
    assert refunded.data.object["amount_refunded"] == 1000
    assert refunded.data.previous_attributes.to_dict() == {"amount_refunded": 0}


def test_a_refund_that_the_bank_sends_back_gives_the_amount_to_the_charge_again(account: Account) -> None:
    charge = account.charge(3000)
    refund = account.v1.refunds.create({"charge": charge.id})
    account.control("POST", f"/refunds/{refund.id}/fail")
    failed = account.v1.refunds.retrieve(refund.id)
    again = account.v1.refunds.create({"charge": charge.id})

    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert failed.failure_balance_transaction.startswith("txn_")
    assert [event.type for event in account.events(refund)] == [
        "refund.created",
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
    ]
    assert again.status == "succeeded"


def test_the_card_that_takes_no_refunds_makes_them_fail_by_themselves(account: Account) -> None:
    charge = account.charge(3000, card="pm_card_refundFail")
    refund = account.v1.refunds.create({"charge": charge.id})
    assert refund.status == "succeeded"
    deadline = time.monotonic() + 20
    while account.v1.refunds.retrieve(refund.id).status != "failed" and time.monotonic() < deadline:
        time.sleep(0.1)

    assert account.events(refund)[-1].type == "refund.failed"
    assert account.v1.charges.retrieve(charge.id).amount_refunded == 0
