"""Answers in versions from before 2025-03-31, next to today's."""

from typing import Any

import pytest

from tests.payments.sandbox.account import MONTHLY, Account

OLD = {"stripe_version": "2024-06-20"}


@pytest.fixture(scope="module")
def subscription(account: Account) -> Any:
    """A paid subscription with a discount."""
    coupon = account.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    return account.subscription(discounts=[{"coupon": coupon.id}])


def old(service: Any, object_id: str, **params: Any) -> dict[str, Any]:
    shown: dict[str, Any] = service.retrieve(object_id, params, OLD).to_dict(for_json=True)
    return shown


def test_a_subscription_shows_its_period_and_whole_discount(account: Account, subscription: Any) -> None:
    shown = old(account.v1.subscriptions, subscription.id)
    item = subscription["items"].data[0]

    assert shown["current_period_start"] == item.current_period_start
    assert shown["current_period_end"] == item.current_period_end
    assert "current_period_end" not in shown["items"]["data"][0]
    assert shown["discount"]["coupon"]["percent_off"] == 50
    assert shown["plan"]["amount"] == MONTHLY


def test_an_invoice_names_its_subscription_payment_and_charge(account: Account, subscription: Any) -> None:
    shown = old(account.v1.invoices, subscription.latest_invoice)
    (payment,) = account.v1.invoice_payments.list({"invoice": subscription.latest_invoice}).data
    line = shown["lines"]["data"][0]

    assert shown["subscription"] == subscription.id
    assert shown["payment_intent"] == payment.payment.payment_intent
    assert shown["charge"].startswith("ch_")
    assert (shown["paid"], shown["tax"]) == (True, None)
    assert shown["discount"]["coupon"]["percent_off"] == 50
    assert (line["price"]["unit_amount"], line["type"], line["proration"]) == (MONTHLY, "subscription", False)
    assert not {"parent", "payments", "total_taxes"} & shown.keys()


def test_a_charge_and_a_payment_name_their_invoice(account: Account, subscription: Any) -> None:
    invoice = old(account.v1.invoices, subscription.latest_invoice)
    charge = old(account.v1.charges, invoice["charge"])
    intent = old(account.v1.payment_intents, invoice["payment_intent"])

    assert charge["invoice"] == intent["invoice"] == invoice["id"]


def test_old_references_can_be_expanded(account: Account, subscription: Any) -> None:
    expand = ["latest_invoice.payment_intent", "latest_invoice.charge.invoice"]
    invoice = old(account.v1.subscriptions, subscription.id, expand=expand)["latest_invoice"]

    assert invoice["payment_intent"]["status"] == "succeeded"
    assert invoice["charge"]["invoice"]["id"] == invoice["id"]


def test_the_oldest_versions_include_the_refunds_of_a_charge(account: Account) -> None:
    refund = account.v1.refunds.create({"charge": account.charge().id, "amount": 100})
    oldest = account.v1.charges.retrieve(refund.charge, options={"stripe_version": "2020-03-02"})
    later = account.v1.charges.retrieve(refund.charge, options=OLD)

    assert [one.id for one in oldest.refunds.data] == [refund.id]
    assert later.refunds is None


def test_a_promotion_code_shows_its_whole_coupon(account: Account) -> None:
    coupon = account.v1.coupons.create({"percent_off": 50, "duration": "once"})
    promotion = {"type": "coupon", "coupon": coupon.id}
    code = account.v1.promotion_codes.create({"promotion": promotion})
    shown = old(account.v1.promotion_codes, code.id)

    assert shown["coupon"]["id"] == coupon.id
    assert "promotion" not in shown


def test_no_private_key_reaches_an_answer(account: Account, subscription: Any) -> None:
    def private(shown: Any) -> list[str]:
        if isinstance(shown, dict):
            return [name for name in shown if name.startswith("_")] + [
                name for inner in shown.values() for name in private(inner)
            ]
        return [name for inner in shown for name in private(inner)] if isinstance(shown, list) else []

    for options in ({}, OLD):
        for service, params in (
            (account.v1.events, {"limit": 30}),
            (account.v1.invoices, {"subscription": subscription.id}),
            (account.v1.subscriptions, {"expand": ["data.latest_invoice", "data.discounts"]}),
        ):
            assert private(service.list(params, options).to_dict(for_json=True)) == []


def test_metadata_with_an_underscore_is_no_private_key(account: Account) -> None:
    customer = account.v1.customers.create({"metadata": {"_ours": "1", "object": "refund"}})

    assert customer.metadata.to_dict() == {"_ours": "1", "object": "refund"}
