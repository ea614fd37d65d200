"""Coupons and promotion codes, and what they take off an invoice."""

import secrets
import time
from typing import Any

import pytest

from tests.payments.sandbox.account import MONTHLY, Account, refusal


def coupon(account: Account, **params: Any) -> Any:
    return account.v1.coupons.create({"percent_off": 20, "duration": "forever", **params})


def code(account: Account, **params: Any) -> Any:
    promotion = {"type": "coupon", "coupon": params.pop("coupon", None) or coupon(account).id}
    return account.v1.promotion_codes.create({"promotion": promotion, **params})


def paid(account: Account, **params: Any) -> Any:
    return account.subscription(expand=["latest_invoice", "discounts"], **params).latest_invoice


def test_a_coupon_id_is_taken_once(account: Account) -> None:
    name = f"LOVE-{secrets.token_hex(4)}"
    made = coupon(account, id=name)
    error = refusal(lambda: coupon(account, id=name))

    assert made.id == name
    assert (error.http_status, error.code) == (400, "resource_already_exists")


@pytest.mark.parametrize(
    "params",
    [
        {"percent_off": 101, "duration": "once"},
        {"percent_off": 0, "duration": "once"},
        {"duration": "once"},
        {"percent_off": 10, "amount_off": 100, "currency": "usd", "duration": "once"},
        {"amount_off": 100, "duration": "once"},
        {"percent_off": 10, "duration": "repeating"},
        {"percent_off": 10, "duration": "sometimes"},
    ],
)
def test_a_coupon_that_makes_no_sense_is_refused(account: Account, params: dict[str, Any]) -> None:
    assert refusal(lambda: account.v1.coupons.create(params)).http_status == 400


def test_a_percentage_comes_off_every_invoice_of_a_coupon_for_ever(account: Account) -> None:
    subscription = account.subscription(discounts=[{"coupon": coupon(account).id}])
    renewed = account.control("POST", f"/subscriptions/{subscription.id}/renew")
    first = account.v1.invoices.retrieve(subscription.latest_invoice)
    second = account.v1.invoices.retrieve(renewed["latest_invoice"])

    assert first.total == second.total == MONTHLY * 8 // 10
    assert first.total_discount_amounts[0].amount == MONTHLY * 2 // 10


def test_a_coupon_for_once_counts_once(account: Account) -> None:
    once = coupon(account, duration="once")
    subscription = account.subscription(discounts=[{"coupon": once.id}])
    renewed = account.control("POST", f"/subscriptions/{subscription.id}/renew")

    assert account.v1.invoices.retrieve(subscription.latest_invoice).total == MONTHLY * 8 // 10
    assert account.v1.invoices.retrieve(renewed["latest_invoice"]).total == MONTHLY


def test_an_amount_off_is_shared_between_the_lines_to_the_cent(account: Account) -> None:
    reduction = account.v1.coupons.create({"amount_off": 1000, "currency": "usd", "duration": "once"})
    items = [{"price": account.price(amount).id} for amount in (1000, 1000, 1000)]
    subscription = account.v1.subscriptions.create(
        {
            "customer": account.customer().id,
            "items": items,
            "discounts": [{"coupon": reduction.id}],
            "expand": ["latest_invoice"],
        }
    )
    shares = [line.discount_amounts[0].amount for line in subscription.latest_invoice.lines]

    assert subscription.latest_invoice.total == 2000
    assert sum(shares) == 1000
    assert max(shares) - min(shares) <= 1


def test_an_amount_off_takes_no_more_than_there_is(account: Account) -> None:
    large = account.v1.coupons.create({"amount_off": 99_999, "currency": "usd", "duration": "once"})
    invoice = paid(account, discounts=[{"coupon": large.id}])

    assert (invoice.total, invoice.status) == (0, "paid")


def test_a_coupon_for_one_product_leaves_others_alone(account: Account) -> None:
    other = account.price()
    limited = coupon(account, applies_to={"products": [other.product]})
    shown = account.v1.coupons.retrieve(limited.id, {"expand": ["applies_to"]})

    assert paid(account, discounts=[{"coupon": limited.id}]).total == MONTHLY
    assert paid(account, price=other, discounts=[{"coupon": limited.id}]).total == MONTHLY * 8 // 10
    assert shown.applies_to.products == [other.product]


def test_a_code_is_redeemed_and_counted_with_its_coupon(account: Account) -> None:
    promotion = code(account, max_redemptions=1)
    account.subscription(discounts=[{"promotion_code": promotion.id}])
    after = account.v1.promotion_codes.retrieve(promotion.id)
    error = refusal(lambda: account.subscription(discounts=[{"promotion_code": promotion.id}]))

    assert (after.times_redeemed, after.active) == (1, False)
    assert account.v1.coupons.retrieve(promotion.promotion.coupon).times_redeemed == 1
    assert (error.http_status, error.code) == (400, "coupon_expired")


def test_a_code_that_ran_out_cannot_be_redeemed(account: Account) -> None:
    promotion = code(account, expires_at=int(time.time()) - 60)
    error = refusal(lambda: account.subscription(discounts=[{"promotion_code": promotion.id}]))

    assert (promotion.active, error.code) == (False, "coupon_expired")


def test_a_code_that_was_switched_off_cannot_be_redeemed(account: Account) -> None:
    promotion = code(account)
    account.v1.promotion_codes.update(promotion.id, {"active": False})
    error = refusal(lambda: account.subscription(discounts=[{"promotion_code": promotion.id}]))

    assert error.http_status == 400


def test_a_code_for_first_purchases_is_refused_to_who_bought_before(account: Account) -> None:
    promotion = code(account, restrictions={"first_time_transaction": True})
    customer = account.customer()
    account.subscription(customer)
    error = refusal(lambda: account.subscription(customer, discounts=[{"promotion_code": promotion.id}]))

    assert "prior transactions" in str(error.user_message)
    assert account.v1.promotion_codes.retrieve(promotion.id).times_redeemed == 0


def test_a_code_of_another_customer_is_refused(account: Account) -> None:
    promotion = code(account, customer=account.customer().id)
    error = refusal(lambda: account.subscription(discounts=[{"promotion_code": promotion.id}]))

    assert error.http_status == 400


def test_an_active_code_text_is_taken_whatever_its_case(account: Account) -> None:
    text = f"Spring{secrets.token_hex(4)}"
    first = code(account, code=text)
    error = refusal(lambda: code(account, code=text.upper()))
    account.v1.promotion_codes.update(first.id, {"active": False})
    second = code(account, code=text)

    assert error.code == "resource_already_exists"
    assert [one.id for one in account.v1.promotion_codes.list({"code": text})] == [second.id, first.id]
    assert [one.id for one in account.v1.promotion_codes.list({"code": text, "active": True})] == [second.id]


@pytest.mark.parametrize("text", ["SPRING 20", "ÄPFEL", "A_B", "50%"])
def test_a_code_has_letters_digits_and_dashes_only(account: Account, text: str) -> None:
    assert refusal(lambda: code(account, code=text)).param == "code"
    assert code(account, code=f"Spring-{secrets.token_hex(4)}").active is True


def test_a_code_promises_no_more_than_its_coupon(account: Account) -> None:
    soon = int(time.time()) + 60
    limited = coupon(account, max_redemptions=5, redeem_by=soon).id
    too_often = refusal(lambda: code(account, coupon=limited, max_redemptions=6))
    too_long = refusal(lambda: code(account, coupon=limited, expires_at=soon + 1))
    never = refusal(lambda: code(account, coupon=limited, max_redemptions=0))

    assert (too_often.param, too_long.param) == ("max_redemptions", "expires_at")
    assert never.code == "parameter_invalid_integer"
    assert code(account, coupon=limited, max_redemptions=5, expires_at=soon).active is True


def test_a_coupons_name_fits_on_an_invoice(account: Account) -> None:
    assert coupon(account, name="n" * 40).name == "n" * 40
    assert refusal(lambda: coupon(account, name="n" * 41)).param == "name"


def test_codes_are_listed_by_their_coupon_with_their_metadata(account: Account) -> None:
    shared = coupon(account).id
    made = [code(account, coupon=shared, metadata={"revision": str(n)}) for n in range(3)]
    found = account.v1.promotion_codes.list({"coupon": shared})

    assert [one.id for one in found] == [one.id for one in reversed(made)]
    assert [one.metadata["revision"] for one in found] == ["2", "1", "0"]


def test_a_discount_is_added_kept_and_removed_by_updates(account: Account) -> None:
    subscription = account.subscription()
    added = account.v1.subscriptions.update(
        subscription.id, {"discounts": [{"coupon": coupon(account).id}], "expand": ["discounts"]}
    )
    (discount,) = added.discounts
    kept = account.v1.subscriptions.update(subscription.id, {"discounts": [{"discount": discount.id}]})
    removed = account.v1.subscriptions.update(subscription.id, {"discounts": ""})
    events = [event.type for event in account.events(discount)]

    assert (discount.source.type, discount.subscription) == ("coupon", subscription.id)
    assert kept.discounts == [discount.id]
    assert removed.discounts == []
    assert events == ["customer.discount.created", "customer.discount.deleted"]


def test_a_discount_is_removed_by_its_own_operation(account: Account) -> None:
    subscription = account.subscription(discounts=[{"coupon": coupon(account).id}])
    gone = account.v1.subscriptions.delete_discount(subscription.id)
    again = refusal(lambda: account.v1.subscriptions.delete_discount(subscription.id))

    assert gone.deleted is True
    assert (again.http_status, again.code) == (404, "resource_missing")


def test_a_discount_outlives_its_deleted_coupon(account: Account) -> None:
    lost = coupon(account)
    subscription = account.subscription(discounts=[{"coupon": lost.id}])
    account.v1.coupons.delete(lost.id)
    renewed = account.control("POST", f"/subscriptions/{subscription.id}/renew")
    error = refusal(lambda: account.subscription(discounts=[{"coupon": lost.id}]))

    assert account.v1.invoices.retrieve(renewed["latest_invoice"]).total == MONTHLY * 8 // 10
    assert error.code == "resource_missing"


def test_a_repeating_coupon_says_until_when(account: Account) -> None:
    repeating = coupon(account, duration="repeating", duration_in_months=3)
    subscription = account.subscription(
        discounts=[{"coupon": repeating.id}], expand=["discounts.source.coupon"]
    )
    (discount,) = subscription.discounts

    assert discount.source.coupon.duration_in_months == 3
    assert 89 * 86_400 <= discount.end - discount.start <= 92 * 86_400
