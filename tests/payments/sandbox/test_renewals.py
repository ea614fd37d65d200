"""The end of a billing period, brought about by the control route."""

import time

import pytest

from tests.payments.sandbox.account import MONTHLY, Account


def renew(account: Account, subscription_id: str, outcome: str | None = None) -> dict[str, object]:
    renewed: dict[str, object] = account.control(
        "POST", f"/subscriptions/{subscription_id}/renew", **({"outcome": outcome} if outcome else {})
    )
    return renewed


def test_a_renewal_moves_the_period_on_and_collects_it(account: Account) -> None:
    subscription = account.subscription()
    before = subscription["items"].data[0]
    renew(account, subscription.id)
    after = account.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    item = after["items"].data[0]

    assert item.current_period_start == before.current_period_end
    assert item.current_period_end > before.current_period_end
    assert (after.status, after.latest_invoice.status) == ("active", "paid")
    assert after.latest_invoice.billing_reason == "subscription_cycle"
    assert len(account.v1.charges.list({"customer": subscription.customer}).data) == 2


def test_a_renewal_that_fails_makes_the_subscription_past_due(account: Account) -> None:
    subscription = account.subscription()
    renew(account, subscription.id, "fail")
    after = account.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    invoice = after.latest_invoice
    charge = account.v1.charges.list({"customer": subscription.customer}).data[0]

    assert after.status == "past_due"
    assert (invoice.status, invoice.attempt_count, invoice.amount_remaining) == ("open", 1, MONTHLY)
    assert invoice.next_payment_attempt > invoice.created
    assert (charge.status, charge.failure_code, charge.paid) == ("failed", "card_declined", False)
    assert account.v1.customers.retrieve(subscription.customer).delinquent is True
    assert account.events(invoice)[-1].type == "invoice.payment_failed"
    assert account.events(charge)[-1].type == "charge.failed"
    assert account.events(subscription)[-1].data.previous_attributes["status"] == "active"


def test_a_card_that_always_fails_decides_the_outcome_itself(account: Account) -> None:
    customer = account.customer("pm_card_chargeCustomerFail")
    subscription = account.subscription(customer, trial_period_days=7)
    renewed = renew(account, subscription.id)

    assert renewed["status"] == "past_due"


def test_a_trial_ends_in_the_first_payment(account: Account) -> None:
    subscription = account.subscription(trial_period_days=7)
    renewed = renew(account, subscription.id)

    assert renewed["status"] == "active"
    assert account.v1.charges.list({"customer": subscription.customer}).data[0].amount == MONTHLY


def test_paying_what_is_open_makes_the_subscription_active_again(account: Account) -> None:
    subscription = account.subscription()
    renewed = renew(account, subscription.id, "fail")
    paid = account.v1.invoices.pay(str(renewed["latest_invoice"]))

    assert (paid.status, paid.attempt_count) == ("paid", 2)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_subscription_that_was_to_end_with_the_period_ends(account: Account) -> None:
    subscription = account.subscription(cancel_at_period_end=True)
    renewed = renew(account, subscription.id)

    assert renewed["status"] == "canceled"
    assert account.events(subscription)[-1].type == "customer.subscription.deleted"
    assert len(account.v1.charges.list({"customer": subscription.customer}).data) == 1


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("void", "void"), ("mark_uncollectible", "uncollectible")],
)
def test_nothing_is_collected_while_collection_is_paused(
    account: Account, behavior: str, status: str
) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": behavior}})
    renewed = renew(account, subscription.id)

    assert renewed["status"] == "active"
    assert account.v1.invoices.retrieve(str(renewed["latest_invoice"])).status == status
    assert len(account.v1.charges.list({"customer": subscription.customer}).data) == 1


def test_a_pause_of_collection_is_over_when_it_was_to_end_before_the_renewal(account: Account) -> None:
    subscription = account.subscription()
    pause = {"behavior": "void", "resumes_at": int(time.time()) + 86_400}
    account.v1.subscriptions.update(subscription.id, {"pause_collection": pause})
    renewed = renew(account, subscription.id)

    assert renewed["pause_collection"] is None
    assert account.v1.invoices.retrieve(str(renewed["latest_invoice"])).status == "paid"


def test_an_ended_subscription_does_not_renew(account: Account) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.cancel(subscription.id)
    status, message = account.refused_control("POST", f"/subscriptions/{subscription.id}/renew")

    assert (status, message) == (400, "A subscription with status `canceled` does not renew.")


def test_an_outcome_that_does_not_exist_is_refused(account: Account) -> None:
    status, message = account.refused_control("POST", "/subscriptions/sub_1/renew", outcome="maybe")

    assert status == 400
    assert "succeed" in message


def test_a_renewal_of_nothing_is_a_404(account: Account) -> None:
    assert account.refused_control("POST", "/subscriptions/sub_1/renew")[0] == 404
