"""Credit at the local Stripe: the customer's balance, and credit notes before and after the payment."""

from typing import Any

import stripe

from tests.payments.sandbox.account import MONTHLY, Account, refusal


def open_invoice(account: Account) -> Any:
    """An invoice that its customer's card did not pay."""
    customer = account.customer("pm_card_chargeCustomerFail")
    subscription = account.subscription(customer, payment_behavior="allow_incomplete")
    return account.v1.invoices.retrieve(subscription.latest_invoice)


def paid_invoice(account: Account) -> Any:
    return account.v1.invoices.retrieve(account.subscription().latest_invoice)


def entries(account: Account, customer: str) -> list[tuple[str, int, int]]:
    """The movements of a balance, oldest first: type, amount, balance after it."""
    found = account.v1.customers.balance_transactions.list(customer).data
    return [(each.type, each.amount, each.ending_balance) for each in reversed(found)]


def test_a_credit_lowers_the_next_invoice_and_each_movement_is_listed(account: Account) -> None:
    customer = account.customer()
    account.v1.customers.balance_transactions.create(
        customer.id, {"amount": -1000, "currency": "usd", "metadata": {"credit_id": "crd_1"}}
    )

    invoice = account.v1.invoices.retrieve(account.subscription(customer).latest_invoice)

    assert (invoice.amount_due, invoice.starting_balance, invoice.ending_balance) == (
        MONTHLY - 1000,
        -1000,
        0,
    )
    assert entries(account, customer.id) == [
        ("adjustment", -1000, -1000),
        ("applied_to_invoice", 1000, 0),
    ]
    assert account.v1.customers.retrieve(customer.id).balance == 0


def test_a_balance_is_in_one_currency_and_moves_by_something(account: Account) -> None:
    customer = account.customer()
    create = account.v1.customers.balance_transactions.create
    create(customer.id, {"amount": -500, "currency": "usd"})

    other = refusal(lambda: create(customer.id, {"amount": -500, "currency": "eur"}))
    nothing = refusal(lambda: create(customer.id, {"amount": 0, "currency": "usd"}))

    assert other.param == "currency"
    assert nothing.code == "parameter_invalid_integer"


def test_setting_the_balance_of_a_customer_is_a_movement_too(account: Account) -> None:
    customer = account.customer()

    account.v1.customers.update(customer.id, {"balance": -700})

    assert entries(account, customer.id) == [("adjustment", -700, -700)]
    assert [event.type for event in account.events(customer)].count("customer.updated") == 1


def test_voiding_an_invoice_gives_the_credit_back_that_it_used(account: Account) -> None:
    customer = account.customer("pm_card_chargeCustomerFail")
    account.v1.customers.balance_transactions.create(customer.id, {"amount": -1000, "currency": "usd"})
    subscription = account.subscription(customer, payment_behavior="allow_incomplete")

    account.v1.invoices.void_invoice(subscription.latest_invoice)

    assert entries(account, customer.id)[-1] == ("unapplied_from_invoice", -1000, -1000)


def test_a_credit_note_of_an_open_invoice_lowers_what_it_asks_for(account: Account) -> None:
    invoice = open_invoice(account)

    note = account.v1.credit_notes.create({"invoice": invoice.id, "amount": 1000, "expand": ["invoice"]})

    assert (note.type, note.pre_payment_amount, note.post_payment_amount) == ("pre_payment", 1000, 0)
    assert note.invoice.amount_remaining == MONTHLY - 1000
    assert note.invoice.pre_payment_credit_notes_amount == 1000
    assert note.number == f"{invoice.number}-CN-01"


def test_what_is_left_after_a_credit_note_is_what_the_card_is_charged(account: Account) -> None:
    invoice = open_invoice(account)
    account.v1.credit_notes.create({"invoice": invoice.id, "amount": 1000})
    card = account.v1.payment_methods.attach("pm_card_visa", {"customer": invoice.customer})

    paid = account.v1.invoices.pay(invoice.id, {"payment_method": card.id})

    assert (paid.status, paid.amount_paid) == ("paid", MONTHLY - 1000)


def test_a_credit_note_over_all_of_an_open_invoice_settles_it_without_money(account: Account) -> None:
    invoice = open_invoice(account)

    account.v1.credit_notes.create({"invoice": invoice.id, "amount": MONTHLY})

    settled = account.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (settled.status, settled.amount_paid, settled.amount_due) == ("paid", 0, 0)
    assert [payment.status for payment in settled.payments.data] == ["canceled"]
    parent = settled.parent.subscription_details.subscription
    assert account.v1.subscriptions.retrieve(parent).status == "active"


def test_a_credit_note_of_a_paid_invoice_is_credited_to_the_customer(account: Account) -> None:
    invoice = paid_invoice(account)

    note = account.v1.credit_notes.create({"invoice": invoice.id, "amount": 1200, "credit_amount": 1200})

    assert (note.type, note.post_payment_amount) == ("post_payment", 1200)
    assert account.v1.customers.retrieve(invoice.customer).balance == -1200
    moved = account.v1.customers.balance_transactions.list(invoice.customer).data[0]
    assert (moved.id, moved.credit_note) == (note.customer_balance_transaction, note.id)
    assert account.v1.invoices.retrieve(invoice.id).amount_paid == MONTHLY


def test_a_preview_says_what_a_note_would_do_and_does_nothing(account: Account) -> None:
    invoice = open_invoice(account)

    preview = account.v1.credit_notes.preview({"invoice": invoice.id, "amount": 1000})

    assert (preview.pre_payment_amount, preview.post_payment_amount) == (1000, 0)
    assert account.v1.credit_notes.list({"invoice": invoice.id}).data == []
    assert account.v1.invoices.retrieve(invoice.id).amount_remaining == MONTHLY


def test_no_more_is_credited_than_is_left_of_an_invoice(account: Account) -> None:
    unpaid, paid = open_invoice(account), paid_invoice(account)
    create = account.v1.credit_notes.create
    create({"invoice": paid.id, "amount": 2000, "credit_amount": 2000})

    refusals = [
        refusal(lambda: create({"invoice": unpaid.id, "amount": MONTHLY + 1})),
        refusal(lambda: create({"invoice": paid.id, "amount": 1001, "credit_amount": 1001})),
        refusal(lambda: create({"invoice": paid.id, "amount": 0, "credit_amount": 0})),
    ]

    assert [error.param for error in refusals] == ["amount"] * 3


def test_a_paid_invoice_has_to_be_told_where_the_amount_goes(account: Account) -> None:
    paid, unpaid = paid_invoice(account), open_invoice(account)
    create = account.v1.credit_notes.create

    untold = refusal(lambda: create({"invoice": paid.id, "amount": 500}))
    not_paid = refusal(lambda: create({"invoice": unpaid.id, "amount": 500, "credit_amount": 500}))

    assert (untold.param, not_paid.param) == ("credit_amount", "credit_amount")


def test_an_invoice_that_was_voided_takes_no_credit_note(account: Account) -> None:
    invoice = open_invoice(account)
    account.v1.invoices.void_invoice(invoice.id)

    error = refusal(lambda: account.v1.credit_notes.create({"invoice": invoice.id, "amount": 500}))

    assert isinstance(error, stripe.InvalidRequestError)
    assert error.param == "invoice"
