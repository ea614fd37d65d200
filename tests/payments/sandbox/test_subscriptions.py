"""Subscriptions: starting, changing, ending them."""

import time

import pytest
import stripe

from tests.payments.sandbox.account import MONTHLY, YEARLY, Account, refusal


def test_a_new_subscription_is_paid_at_once_and_active(account: Account) -> None:
    expand = ["latest_invoice.payments.data.payment.payment_intent"]
    subscription = account.subscription(expand=expand)
    invoice = subscription.latest_invoice
    intent = invoice.payments.data[0].payment.payment_intent

    assert subscription.status == "active"
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == (
        "paid",
        MONTHLY,
        "subscription_create",
    )
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert (intent.status, intent.amount_received) == ("succeeded", MONTHLY)


def test_the_events_of_a_first_payment_are_all_there(account: Account) -> None:
    subscription = account.subscription(expand=["latest_invoice"])
    of_invoice = [event.type for event in account.events(subscription.latest_invoice)]

    assert [event.type for event in account.events(subscription)] == ["customer.subscription.created"]
    assert of_invoice == [
        "invoice.created",
        "invoice.finalized",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_a_month_is_counted_from_the_start_and_shown_on_the_item(account: Account) -> None:
    item = account.subscription()["items"].data[0]

    assert 28 * 86_400 <= item.current_period_end - item.current_period_start <= 31 * 86_400
    assert item.price.unit_amount == MONTHLY


def test_a_trial_takes_no_money(account: Account) -> None:
    subscription = account.subscription(trial_period_days=14, expand=["latest_invoice"])

    assert subscription.status == "trialing"
    assert subscription.trial_end == subscription["items"].data[0].current_period_end
    assert (subscription.latest_invoice.status, subscription.latest_invoice.total) == ("paid", 0)
    assert account.v1.charges.list({"customer": subscription.customer}).data == []


def test_a_trial_needs_no_card(account: Account) -> None:
    subscription = account.subscription(account.customer(card=None), trial_period_days=7)

    assert subscription.status == "trialing"


def test_a_customer_without_a_card_cannot_start_a_paid_subscription(account: Account) -> None:
    customer = account.customer(card=None)
    error = refusal(lambda: account.subscription(customer))

    assert (error.http_status, error.code) == (400, "resource_missing")
    assert "no attached payment source or default payment method" in str(error.user_message)
    assert account.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []


def test_a_first_payment_that_fails_leaves_the_subscription_incomplete(account: Account) -> None:
    subscription = account.subscription(account.customer("pm_card_chargeCustomerFail"))

    assert subscription.status == "incomplete"


def test_a_first_payment_that_fails_can_be_asked_to_leave_nothing_behind(account: Account) -> None:
    customer = account.customer("pm_card_chargeCustomerFail")
    error = refusal(lambda: account.subscription(customer, payment_behavior="error_if_incomplete"))

    assert isinstance(error, stripe.CardError)
    assert error.json_body["error"]["decline_code"] == "generic_decline"
    assert account.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    assert account.v1.charges.list({"customer": customer.id}).data == []


def test_a_first_payment_can_wait_to_be_confirmed(account: Account) -> None:
    subscription = account.subscription(payment_behavior="default_incomplete")
    (payment,) = account.v1.invoice_payments.list({"invoice": subscription.latest_invoice}).data
    intent = payment.payment.payment_intent
    account.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})

    assert (subscription.status, payment.status) == ("incomplete", "open")
    assert account.v1.invoices.retrieve(subscription.latest_invoice).status == "paid"
    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_nothing_due_needs_no_card(account: Account) -> None:
    gift = account.v1.coupons.create({"percent_off": 100, "duration": "once"})
    discounts = [{"coupon": gift.id}]
    subscription = account.subscription(account.customer(card=None), discounts=discounts)

    assert subscription.status == "active"


def test_a_subscription_paid_by_invoice_is_active_before_it_is_paid(account: Account) -> None:
    subscription = account.subscription(
        account.customer(card=None),
        collection_method="send_invoice",
        days_until_due=14,
        expand=["latest_invoice"],
    )
    invoice = subscription.latest_invoice

    assert (subscription.status, invoice.status) == ("active", "open")
    assert invoice.due_date - invoice.created == 14 * 86_400


def test_a_one_time_price_cannot_be_subscribed_to(account: Account) -> None:
    error = refusal(lambda: account.subscription(price=account.price(interval=None)))

    assert error.param == "items[0][price]"


def test_cancelling_at_the_period_end_keeps_the_subscription_active(account: Account) -> None:
    subscription = account.subscription()
    changed = account.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    event = account.events(subscription)[-1]

    assert (changed.status, changed.cancel_at_period_end) == ("active", True)
    assert changed.cancel_at == subscription["items"].data[0].current_period_end
    assert changed.cancellation_details.reason == "cancellation_requested"
    assert event.type == "customer.subscription.updated"
    assert event.data.previous_attributes["cancel_at_period_end"] is False


def test_uncancelling_restores_what_was(account: Account) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    restored = account.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})

    assert restored.to_dict(for_json=True) == subscription.to_dict(for_json=True)


def test_an_update_that_changes_nothing_records_no_event(account: Account) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})

    assert [event.type for event in account.events(subscription)] == ["customer.subscription.created"]


def test_a_date_to_cancel_on_is_set_and_cleared(account: Account) -> None:
    subscription = account.subscription()
    moment = int(time.time()) + 5 * 86_400
    dated = account.v1.subscriptions.update(subscription.id, {"cancel_at": moment})
    cleared = account.v1.subscriptions.update(subscription.id, {"cancel_at": ""})

    assert (dated.cancel_at, dated.cancel_at_period_end) == (moment, False)
    assert (cleared.cancel_at, cleared.canceled_at) == (None, None)


def test_cancelling_now_ends_it_and_says_so(account: Account) -> None:
    subscription = account.subscription()
    details = {"comment": "moved", "feedback": "unused"}
    ended = account.v1.subscriptions.cancel(subscription.id, {"cancellation_details": details})

    assert ended.status == "canceled"
    assert ended.ended_at == ended.canceled_at
    assert ended.cancellation_details.to_dict() == details | {"reason": "cancellation_requested"}
    assert account.events(subscription)[-1].type == "customer.subscription.deleted"


def test_cancelling_twice_is_a_404(account: Account) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.cancel(subscription.id)
    error = refusal(lambda: account.v1.subscriptions.cancel(subscription.id))

    assert (error.http_status, error.code) == (404, "resource_missing")
    assert error.user_message == f"No such subscription: '{subscription.id}'"
    assert account.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_an_ended_subscription_takes_only_metadata(account: Account) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.cancel(subscription.id)
    error = refusal(lambda: account.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True}))
    noted = account.v1.subscriptions.update(subscription.id, {"metadata": {"why": "moved"}})

    assert error.http_status == 400
    assert noted.metadata["why"] == "moved"


def test_cancelling_with_proration_makes_a_credit_and_sends_no_money_back(account: Account) -> None:
    customer = account.customer()
    subscription = account.subscription(customer)
    account.v1.subscriptions.cancel(subscription.id, {"prorate": True, "invoice_now": True})

    assert account.v1.customers.retrieve(customer.id).balance == -MONTHLY
    assert [one.amount_refunded for one in account.v1.charges.list({"customer": customer.id})] == [0]


def test_ended_subscriptions_are_listed_only_when_asked_for(account: Account) -> None:
    customer = account.customer()
    active, ended = account.subscription(customer), account.subscription(customer)
    account.v1.subscriptions.cancel(ended.id)

    def listed(**params: str) -> list[str]:
        return [one.id for one in account.v1.subscriptions.list({"customer": customer.id, **params})]

    assert listed() == [active.id]
    assert listed(status="canceled") == [ended.id]
    assert listed(status="all") == [ended.id, active.id]
    assert listed(status="past_due") == []


def test_pausing_collection_leaves_the_status_alone(account: Account) -> None:
    subscription = account.subscription()
    pause = {"behavior": "void", "resumes_at": int(time.time()) + 86_400}
    paused = account.v1.subscriptions.update(subscription.id, {"pause_collection": pause})
    resumed = account.v1.subscriptions.update(subscription.id, {"pause_collection": ""})

    assert (paused.status, paused.pause_collection.to_dict()) == ("active", pause)
    assert resumed.pause_collection is None


def test_the_real_pause_changes_the_status_until_it_is_resumed(account: Account) -> None:
    subscription = account.subscription()
    paused = account.v1.subscriptions.pause(subscription.id)
    resumed = account.v1.subscriptions.resume(
        subscription.id, {"billing_cycle_anchor": {"type": "unchanged"}}
    )

    assert (paused.status, resumed.status) == ("paused", "active")
    assert {event.type for event in account.events(subscription)} >= {
        "customer.subscription.paused",
        "customer.subscription.resumed",
    }


def test_only_flexible_billing_can_be_paused(account: Account) -> None:
    subscription = account.subscription(billing_mode={"type": "classic"})
    error = refusal(lambda: account.v1.subscriptions.pause(subscription.id))

    assert "flexible" in str(error.user_message)


def test_only_a_paused_subscription_can_be_resumed(account: Account) -> None:
    subscription = account.subscription()
    error = refusal(lambda: account.v1.subscriptions.resume(subscription.id))

    assert error.http_status == 400


def test_a_dearer_price_leaves_a_credit_and_a_charge_for_the_next_invoice(account: Account) -> None:
    subscription = account.subscription()
    dearer = account.price(5000)
    item = {"id": subscription["items"].data[0].id, "price": dearer.id}
    changed = account.v1.subscriptions.update(subscription.id, {"items": [item]})
    renewed = account.control("POST", f"/subscriptions/{subscription.id}/renew")
    invoice = account.v1.invoices.retrieve(renewed["latest_invoice"])

    assert changed["items"].data[0].price.id == dearer.id
    assert changed.latest_invoice == subscription.latest_invoice
    assert [line.amount for line in invoice.lines] == [-MONTHLY, 5000, 5000]
    assert invoice.total == 7000


def test_a_change_without_proration_costs_nothing_now(account: Account) -> None:
    subscription = account.subscription()
    item = {"id": subscription["items"].data[0].id, "quantity": 2}
    params = {"items": [item], "proration_behavior": "none"}
    account.v1.subscriptions.update(subscription.id, params)
    renewed = account.control("POST", f"/subscriptions/{subscription.id}/renew")

    assert account.v1.invoices.retrieve(renewed["latest_invoice"]).total == 2 * MONTHLY


def test_always_invoice_collects_the_difference_at_once(account: Account) -> None:
    subscription = account.subscription()
    item = {"id": subscription["items"].data[0].id, "price": account.price(5000).id}
    changed = account.v1.subscriptions.update(
        subscription.id,
        {"items": [item], "proration_behavior": "always_invoice", "expand": ["latest_invoice"]},
    )

    assert (changed.latest_invoice.status, changed.latest_invoice.total) == ("paid", 2000)


def test_another_interval_begins_a_new_period_now(account: Account) -> None:
    subscription = account.subscription()
    item = {"id": subscription["items"].data[0].id, "price": account.price(YEARLY, "year").id}
    changed = account.v1.subscriptions.update(
        subscription.id, {"items": [item], "expand": ["latest_invoice"]}
    )
    period = changed["items"].data[0]

    assert period.current_period_end - period.current_period_start >= 365 * 86_400
    assert changed.latest_invoice.total == YEARLY - MONTHLY


def test_the_last_item_cannot_be_deleted(account: Account) -> None:
    subscription = account.subscription()
    items = [{"id": subscription["items"].data[0].id, "deleted": True}]
    error = refusal(lambda: account.v1.subscriptions.update(subscription.id, {"items": items}))

    assert error.http_status == 400


def test_a_trial_can_be_made_longer_and_ended(account: Account) -> None:
    subscription = account.subscription(trial_period_days=7)
    later = subscription.trial_end + 7 * 86_400
    longer = account.v1.subscriptions.update(subscription.id, {"trial_end": later})
    ended = account.v1.subscriptions.update(subscription.id, {"trial_end": "now"})

    assert (longer.status, longer["items"].data[0].current_period_end) == ("trialing", later)
    assert ended.status == "active"
    assert len(account.v1.charges.list({"customer": subscription.customer}).data) == 1


def test_a_card_of_someone_else_cannot_pay(account: Account) -> None:
    other = account.v1.customers.payment_methods.list(account.customer().id).data[0]
    subscription = account.subscription()
    error = refusal(
        lambda: account.v1.subscriptions.update(subscription.id, {"default_payment_method": other.id})
    )

    assert (error.code, error.param) == ("resource_missing", "default_payment_method")


@pytest.mark.parametrize("metadata", [{"couple": "7"}, {"ünïcode": "✓ [x]&=?"}])
def test_metadata_comes_back_as_it_was_given(account: Account, metadata: dict[str, str]) -> None:
    subscription = account.subscription(metadata=metadata)

    assert account.v1.subscriptions.retrieve(subscription.id).metadata.to_dict() == metadata


def test_the_real_pause_leaves_the_unused_time_as_a_credit_for_the_first_invoice_afterwards(
    account: Account,
) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.pause(subscription.id, {"bill_for": {"unused_time_from": {"type": "now"}}})
    coming = account.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": {"resume_at": "now"}}
    )
    resumed = account.v1.subscriptions.resume(subscription.id, {"expand": ["latest_invoice"]})

    assert [line.amount for line in coming.lines] == [-MONTHLY, MONTHLY]
    assert resumed.latest_invoice.total == coming.total == 0
    assert resumed.status == "active"


def test_the_real_pause_can_leave_no_credit(account: Account) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.pause(subscription.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    resumed = account.v1.subscriptions.resume(subscription.id, {"expand": ["latest_invoice"]})

    assert resumed.latest_invoice.total == MONTHLY


def test_a_trial_that_is_paused_leaves_no_credit(account: Account) -> None:
    subscription = account.subscription(trial_period_days=7)
    account.v1.subscriptions.pause(subscription.id)
    resumed = account.v1.subscriptions.resume(subscription.id, {"expand": ["latest_invoice"]})

    assert resumed.latest_invoice.total == MONTHLY


def test_a_paused_subscription_has_no_next_invoice(account: Account) -> None:
    subscription = account.subscription()
    account.v1.subscriptions.pause(subscription.id)
    error = refusal(lambda: account.v1.invoices.create_preview({"subscription": subscription.id}))

    assert (error.http_status, error.code) == (404, "invoice_upcoming_none")


def test_an_invoice_at_the_beginning_of_a_pause_is_not_here(account: Account) -> None:
    subscription = account.subscription()
    params = {"invoicing_behavior": "invoice"}
    error = refusal(lambda: account.v1.subscriptions.pause(subscription.id, params))

    assert "an invoice at the beginning of a pause" in str(error.user_message)
    assert account.v1.subscriptions.retrieve(subscription.id).status == "active"
