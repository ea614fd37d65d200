"""Invoices after they were made: paying, voiding, writing off, previews, and what was paid to them."""

import stripe

from tests.payments.sandbox.account import MONTHLY, YEARLY, Account, refusal


def open_invoice(account: Account) -> stripe.Invoice:
    """The invoice of a renewal whose payment failed."""
    subscription = account.subscription()
    renewed = account.control("POST", f"/subscriptions/{subscription.id}/renew", outcome="fail")
    invoice: stripe.Invoice = account.v1.invoices.retrieve(renewed["latest_invoice"])
    return invoice


def draft_invoice(account: Account) -> stripe.Invoice:
    """The invoice of a renewal while collection was paused."""
    subscription = account.subscription()
    pause = {"pause_collection": {"behavior": "keep_as_draft"}}
    account.v1.subscriptions.update(subscription.id, pause)
    renewed = account.control("POST", f"/subscriptions/{subscription.id}/renew")
    invoice: stripe.Invoice = account.v1.invoices.retrieve(renewed["latest_invoice"])
    return invoice


def test_a_refused_card_leaves_the_invoice_open_and_the_attempt_on_record(account: Account) -> None:
    invoice = open_invoice(account)
    error = refusal(
        lambda: account.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_chargeCustomerFail"})
    )
    after = account.v1.invoices.retrieve(invoice.id)

    assert isinstance(error, stripe.CardError)
    assert (error.code, error.http_status) == ("card_declined", 402)
    assert (after.status, after.attempt_count) == ("open", 2)


def test_a_paid_invoice_is_not_paid_again(account: Account) -> None:
    invoice = open_invoice(account)
    account.v1.invoices.pay(invoice.id)
    error = refusal(lambda: account.v1.invoices.pay(invoice.id))

    assert error.user_message == "Invoice is already paid"
    assert len(account.v1.invoice_payments.list({"invoice": invoice.id}).data) == 1


def test_an_invoice_paid_elsewhere_has_no_charge(account: Account) -> None:
    invoice = open_invoice(account)
    before = len(account.v1.charges.list({"customer": invoice.customer}).data)
    paid = account.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})

    assert paid.status == "paid"
    assert len(account.v1.charges.list({"customer": invoice.customer}).data) == before


def test_a_voided_invoice_is_final(account: Account) -> None:
    invoice = open_invoice(account)
    voided = account.v1.invoices.void_invoice(invoice.id)
    again = refusal(lambda: account.v1.invoices.void_invoice(invoice.id))
    pay = refusal(lambda: account.v1.invoices.pay(invoice.id))

    assert (voided.status, voided.next_payment_attempt) == ("void", None)
    assert again.http_status == pay.http_status == 400
    assert account.events(invoice)[-1].type == "invoice.voided"


def test_a_paid_invoice_cannot_be_voided(account: Account) -> None:
    invoice = account.subscription().latest_invoice
    error = refusal(lambda: account.v1.invoices.void_invoice(invoice))

    assert error.code == "invoice_not_editable"


def test_an_invoice_that_was_written_off_can_still_be_paid(account: Account) -> None:
    invoice = open_invoice(account)
    written_off = account.v1.invoices.mark_uncollectible(invoice.id)
    paid = account.v1.invoices.pay(invoice.id)

    assert (written_off.status, paid.status) == ("uncollectible", "paid")


def test_a_draft_becomes_final_once(account: Account) -> None:
    invoice = draft_invoice(account)
    final = account.v1.invoices.finalize_invoice(invoice.id)
    again = refusal(lambda: account.v1.invoices.finalize_invoice(invoice.id))

    assert (invoice.number, final.status) == (None, "open")
    assert final.number is not None
    assert again.code == "invoice_not_editable"


def test_credit_lowers_what_is_due_and_voiding_gives_it_back(account: Account) -> None:
    invoice = draft_invoice(account)
    account.v1.customers.update(invoice.customer, {"balance": -1000})
    final = account.v1.invoices.finalize_invoice(invoice.id)
    used = account.v1.customers.retrieve(invoice.customer).balance
    account.v1.invoices.void_invoice(invoice.id)

    assert (final.total, final.amount_due, final.starting_balance) == (MONTHLY, MONTHLY - 1000, -1000)
    assert used == 0
    assert account.v1.customers.retrieve(invoice.customer).balance == -1000


def test_the_payment_of_an_invoice_is_found_from_both_sides(account: Account) -> None:
    subscription = account.subscription()
    (of_invoice,) = account.v1.invoice_payments.list({"invoice": subscription.latest_invoice}).data
    intent = of_invoice.payment.payment_intent
    params = {"payment": {"type": "payment_intent", "payment_intent": intent}}
    (of_intent,) = account.v1.invoice_payments.list(params).data

    assert of_invoice.id == of_intent.id == account.v1.invoice_payments.retrieve(of_invoice.id).id
    assert (of_intent.invoice, of_intent.status) == (subscription.latest_invoice, "paid")
    assert of_intent.amount_paid == MONTHLY


def test_a_payment_outside_of_invoices_belongs_to_none(account: Account) -> None:
    intent = account.charge().payment_intent
    params = {"payment": {"type": "payment_intent", "payment_intent": intent}}

    assert account.v1.invoice_payments.list(params).data == []


def test_invoices_are_listed_by_subscription_and_status(account: Account) -> None:
    subscription = account.subscription()
    account.control("POST", f"/subscriptions/{subscription.id}/renew", outcome="fail")
    found = account.v1.invoices.list({"subscription": subscription.id}).data
    unpaid = account.v1.invoices.list({"subscription": subscription.id, "status": "open"}).data

    assert [one.status for one in found] == ["open", "paid"]
    assert [one.id for one in unpaid] == [found[0].id]


def test_a_preview_shows_the_next_invoice_and_changes_nothing(account: Account) -> None:
    subscription = account.subscription()
    preview = account.v1.invoices.create_preview({"subscription": subscription.id})
    events = len(account.events(subscription))

    assert (preview.total, preview.status, preview.number) == (MONTHLY, "draft", None)
    assert preview.lines.data[0].period.start == subscription["items"].data[0].current_period_end
    assert account.v1.subscriptions.retrieve(subscription.id).to_dict(for_json=True) == (
        subscription.to_dict(for_json=True)
    )
    assert events == 1


def test_a_preview_of_a_change_says_what_the_change_then_costs(account: Account) -> None:
    subscription = account.subscription()
    items = [{"id": subscription["items"].data[0].id, "price": account.price(YEARLY, "year").id}]
    preview = account.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": {"items": items}}
    )
    changed = account.v1.subscriptions.update(subscription.id, {"items": items, "expand": ["latest_invoice"]})

    assert preview.total == changed.latest_invoice.total == YEARLY - MONTHLY


def test_a_preview_of_cancelling_now_is_a_credit(account: Account) -> None:
    subscription = account.subscription()
    details = {"cancel_now": True}
    preview = account.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": details}
    )

    assert (preview.total, preview.amount_due) == (-MONTHLY, 0)


def test_an_ending_subscription_has_no_next_invoice(account: Account) -> None:
    subscription = account.subscription(cancel_at_period_end=True)
    error = refusal(lambda: account.v1.invoices.create_preview({"subscription": subscription.id}))

    assert (error.http_status, error.code) == (404, "invoice_upcoming_none")


def test_a_preview_of_a_new_subscription_is_its_first_invoice_and_begins_nothing(account: Account) -> None:
    customer, price = account.customer(), account.price()
    coupon = account.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    wish = {"customer": customer.id, "discounts": [{"coupon": coupon.id}]}
    items = [{"price": price.id}]

    preview = account.v1.invoices.create_preview({**wish, "subscription_details": {"items": items}})

    assert (preview.amount_due, preview.status, preview.number) == (MONTHLY * 80 // 100, "draft", None)
    assert account.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    assert account.v1.charges.list({"customer": customer.id}).data == []
    begun = account.v1.subscriptions.create({**wish, "items": items, "expand": ["latest_invoice"]})
    assert begun.latest_invoice.amount_paid == preview.amount_due


def test_a_preview_of_a_new_subscription_with_a_trial_charges_nothing(account: Account) -> None:
    customer, price = account.customer(card=None), account.price()
    details = {"items": [{"price": price.id}], "trial_end": customer.created + 14 * 86_400}

    preview = account.v1.invoices.create_preview({"customer": customer.id, "subscription_details": details})

    assert preview.amount_due == 0
    assert preview.lines.data[0].period.end == details["trial_end"]


def test_a_preview_of_nothing_is_refused(account: Account) -> None:
    error = refusal(lambda: account.v1.invoices.create_preview({"customer": account.customer().id}))

    assert (error.http_status, error.code) == (400, "parameter_missing")
