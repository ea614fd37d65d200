"""What the gateway asks of Stripe, through the real SDK, and what it makes of the answers."""

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from lib.core.errors import StripeFailed
from lib.payments.events import ChargeFacts, RefundFacts
from lib.payments.gateway import API_VERSION, Gateway
from tests.payments.scripted import KEY, REFUND, SUBSCRIPTION, ScriptedServer, error, page, refund


def test_a_refund_is_sent_with_its_key_its_metadata_and_the_pinned_version(
    server: ScriptedServer, gateway: Gateway
) -> None:
    server.answers(REFUND)
    made = refund(gateway, reason="requested_by_customer")
    (asked,) = server.asked

    assert (asked.method, asked.path) == ("POST", "/v1/refunds")
    assert asked.form == {
        "payment_intent": "pi_1",
        "amount": "1500",
        "reason": "requested_by_customer",
        "metadata[refund_id]": "0193-ours",
    }
    assert asked.headers["Idempotency-Key"] == "refund:0193-op"
    assert asked.headers["Stripe-Version"] == API_VERSION == stripe.api_version
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert (made.id, made.amount, made.status) == ("re_1", 1500, "succeeded")
    assert made.metadata == {"refund_id": "0193-ours"}
    assert made.created == datetime.fromtimestamp(1764000000, UTC)


def test_an_old_payment_is_refunded_by_its_charge(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers(REFUND)
    refund(gateway, payment_intent_id=None, charge_id="ch_1")

    assert server.asked[0].form == {"charge": "ch_1", "amount": "1500", "metadata[refund_id]": "0193-ours"}


@pytest.mark.parametrize("both", [{"payment_intent_id": None}, {"charge_id": "ch_1"}])
def test_a_refund_of_no_payment_or_of_two_is_a_bug_and_never_sent(
    server: ScriptedServer, gateway: Gateway, both: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="name one of them"):
        refund(gateway, **both)
    assert server.asked == []


@pytest.mark.parametrize("kind", ["charges", "disputes", "invoices", "refunds", "subscriptions"])
def test_an_id_stays_one_part_of_the_address_whatever_is_in_it(
    server: ScriptedServer, gateway: Gateway, kind: str
) -> None:
    with pytest.raises(StripeFailed):
        getattr(gateway, kind).retrieve("x/refunds?limit=1")

    [asked] = server.asked
    assert (asked.method, asked.path) == ("GET", f"/v1/{kind}/x%2Frefunds%3Flimit%3D1")


def test_no_figures_about_our_requests_are_sent_along(server: ScriptedServer, gateway: Gateway) -> None:
    for _ in range(2):
        server.answers(REFUND, Request_Id="req_1")
        gateway.refunds.retrieve("re_1")

    assert "X-Stripe-Client-Telemetry" not in server.asked[1].headers


def test_every_write_to_a_subscription_carries_its_key(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers({**SUBSCRIPTION, "status": "canceled"})
    server.answers({**SUBSCRIPTION, "cancel_at_period_end": True})
    server.answers(SUBSCRIPTION)
    ended = gateway.subscriptions.cancel("sub_1", key="cancel:1")
    ending = gateway.subscriptions.cancel_at_period_end("sub_1", key="cancel_at_period_end:2")
    kept = gateway.subscriptions.keep("sub_1", key="keep:3")

    assert (ended.status, ending.cancel_at_period_end, kept.cancel_at_period_end) == ("canceled", True, False)
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("DELETE", "/v1/subscriptions/sub_1"),
        ("POST", "/v1/subscriptions/sub_1"),
        ("POST", "/v1/subscriptions/sub_1"),
    ]
    assert [asked.headers["Idempotency-Key"] for asked in server.asked] == [
        "cancel:1",
        "cancel_at_period_end:2",
        "keep:3",
    ]
    assert [asked.form for asked in server.asked[1:]] == [
        {"cancel_at_period_end": "true", "expand[0]": "discounts"},
        {"cancel_at_period_end": "false", "expand[0]": "discounts"},
    ]


def test_our_refund_is_found_on_a_later_page(server: ScriptedServer, gateway: Gateway) -> None:
    foreign = {**REFUND, "metadata": {}}
    server.answers(page({**foreign, "id": "re_9"}, {**foreign, "id": "re_8"}, more=True))
    server.answers(page(REFUND))
    found = gateway.refunds.find("pi_1", "0193-ours")

    assert found is not None
    assert found.id == "re_1"
    assert [asked.form for asked in server.asked] == [
        {"payment_intent": "pi_1", "limit": "100"},
        {"payment_intent": "pi_1", "limit": "100", "starting_after": "re_8"},
    ]


def test_a_refund_that_was_never_made_is_not_found(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers(page({**REFUND, "metadata": {"refund_id": "another"}}))

    assert gateway.refunds.find(None, "0193-ours", charge_id="ch_1") is None
    assert server.asked[0].form["charge"] == "ch_1"


@pytest.mark.parametrize(
    ("states", "expected"),
    [(("failed", "succeeded"), "re_1"), (("pending", "failed"), "re_0"), (("failed", "canceled"), "re_0")],
)
def test_of_several_tries_the_one_that_lives_is_found_and_else_the_newest(
    server: ScriptedServer, gateway: Gateway, states: tuple[str, ...], expected: str
) -> None:
    rows = [{**REFUND, "id": f"re_{number}", "status": state} for number, state in enumerate(states)]
    server.answers(page(*rows))
    found = gateway.refunds.find("pi_1", "0193-ours")

    assert found is not None
    assert found.id == expected


def test_all_refunds_of_a_charge_are_listed(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers(page(REFUND, {**REFUND, "id": "re_2"}, more=True))
    server.answers(page({**REFUND, "id": "re_3"}))

    assert [each.id for each in gateway.refunds.of_charge("ch_1")] == ["re_1", "re_2", "re_3"]


@pytest.mark.parametrize("expanded", [True, False])
def test_the_charge_of_a_payment_is_found(server: ScriptedServer, gateway: Gateway, expanded: bool) -> None:
    charge = {"id": "ch_1", "object": "charge", "amount": 3000, "amount_refunded": 1500, "refunds": None}
    latest = charge if expanded else "ch_1"
    server.answers({"id": "pi_1", "object": "payment_intent", "latest_charge": latest})
    server.answers(charge)
    found = gateway.charges.of_payment("pi_1")

    assert isinstance(found, ChargeFacts)
    assert (found.id, found.amount_refunded, found.refunds) == ("ch_1", 1500, None)
    assert server.asked[0].form == {"expand[0]": "latest_charge"}
    assert len(server.asked) == (1 if expanded else 2)


def test_a_payment_that_was_never_tried_has_no_charge(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers({"id": "pi_1", "object": "payment_intent", "latest_charge": None})

    assert gateway.charges.of_payment("pi_1") is None


def test_refunds_and_charges_are_read_as_facts(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers(REFUND)
    server.answers({"id": "ch_1", "object": "charge", "disputed": True})

    assert gateway.refunds.retrieve("re_1").amount == 1500
    assert gateway.charges.retrieve("ch_1").disputed is True
    assert [asked.path for asked in server.asked] == ["/v1/refunds/re_1", "/v1/charges/ch_1"]


def test_a_subscription_is_read_with_its_coupons(server: ScriptedServer, gateway: Gateway) -> None:
    discount = {"id": "di_1", "source": {"type": "coupon", "coupon": "SPRING"}, "promotion_code": "promo_1"}
    server.answers({**SUBSCRIPTION, "discounts": [discount]})
    (found,) = gateway.subscriptions.retrieve("sub_1").discounts

    assert (found.coupon_id, found.promotion_code_id) == ("SPRING", "promo_1")
    assert server.asked[0].form == {"expand[0]": "discounts"}


def test_an_invoice_is_read_with_the_payment_behind_it(server: ScriptedServer, gateway: Gateway) -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "last_payment_error": {"message": "Declined."}}
    payment = {"is_default": True, "payment": {"type": "payment_intent", "payment_intent": intent}}
    server.answers({"id": "in_1", "object": "invoice", "amount_due": 3000, "payments": page(payment)})
    invoice = gateway.invoices.retrieve("in_1")

    assert (invoice.amount_due, invoice.payment_intent_id) == (3000, "pi_1")
    assert invoice.error_message == "Declined."
    assert server.asked[0].form == {"expand[0]": "payments.data.payment.payment_intent"}


def test_the_payments_of_an_invoice_are_listed_the_paid_one_first(
    server: ScriptedServer, gateway: Gateway
) -> None:
    def row(status: str, payment_intent: str | None) -> dict[str, Any]:
        payment = {"type": "payment_intent", "payment_intent": payment_intent}
        return {"id": f"inpay_{payment_intent}", "status": status, "payment": payment}

    server.answers(page(row("canceled", "pi_1"), row("paid", None), row("paid", "pi_2")))

    assert gateway.invoices.payments("in_1") == ["pi_2", "pi_1"]
    assert server.asked[0].form == {"invoice": "in_1", "limit": "100"}


@pytest.mark.parametrize(("rows", "expected"), [([{"id": "inpay_1", "invoice": "in_1"}], "in_1"), ([], None)])
def test_the_invoice_of_a_payment_is_found(
    server: ScriptedServer, gateway: Gateway, rows: list[dict[str, Any]], expected: str | None
) -> None:
    server.answers(page(*rows))

    assert gateway.invoices.of_payment("pi_1") == expected
    assert server.asked[0].form == {
        "payment[type]": "payment_intent",
        "payment[payment_intent]": "pi_1",
        "limit": "100",
    }


def test_events_are_listed_page_by_page_as_they_are_used(server: ScriptedServer, gateway: Gateway) -> None:
    event = {
        "object": "event",
        "type": "charge.refunded",
        "data": {"object": {"id": "ch_1", "object": "charge"}},
    }
    server.answers(page({**event, "id": "evt_2"}, more=True))
    server.answers(page({**event, "id": "evt_1"}))
    listed = gateway.events.since(datetime(2026, 1, 1, tzinfo=UTC), {"refund.failed", "charge.refunded"})
    newest = next(listed)

    assert len(server.asked) == 1
    assert newest.id == "evt_2"
    assert isinstance(newest.facts, ChargeFacts)
    assert [each.id for each in listed] == ["evt_1"]
    assert server.asked[1].form == {
        "created[gte]": "1767225600",
        "types[0]": "charge.refunded",
        "types[1]": "refund.failed",
        "limit": "100",
        "starting_after": "evt_2",
    }


def test_one_event_is_read_again(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers({"id": "evt_1", "object": "event", "type": "refund.failed", "data": {"object": REFUND}})
    event = gateway.events.retrieve("evt_1")

    assert event.type == "refund.failed"
    assert isinstance(event.facts, RefundFacts)


def test_the_key_says_whose_it_is(server: ScriptedServer, gateway: Gateway) -> None:
    dashboard = {"settings": {"dashboard": {"display_name": "Better Together"}}}
    server.answers({"id": "acct_1", "object": "account", **dashboard})
    account = gateway.check_key()

    assert (account.id, account.name, account.livemode) == ("acct_1", "Better Together", False)


def test_a_change_of_plan_is_previewed_and_sent_with_the_same_parameters(
    server: ScriptedServer, gateway: Gateway
) -> None:
    item = {"id": "si_1", "price": {"id": "price_1"}}
    there = {**SUBSCRIPTION, "items": {"object": "list", "data": [item]}}
    moment = datetime(2026, 6, 15, 12, tzinfo=UTC)
    server.answers({"id": "upcoming_in_1", "object": "invoice", "total": 2000})
    server.answers(there)
    server.answers(there)
    chosen: dict[str, Any] = {"proration": "always_invoice", "moment": moment}
    gateway.previews.plan_change("sub_1", item_id="si_1", price_id="price_2", **chosen)
    gateway.subscriptions.change_plan(
        "sub_1", from_price="price_1", to_price="price_2", mark="m", key="change:1", **chosen
    )
    preview, _, change = (asked.form for asked in server.asked)

    inside = {
        name.removeprefix("subscription_details[").replace("]", "", 1): value
        for name, value in preview.items()
        if name != "subscription"
    }
    assert inside == {
        "items[0][id]": "si_1",
        "items[0][price]": "price_2",
        "proration_behavior": "always_invoice",
        "proration_date": "1781524800",
    }
    assert change == inside | {
        "payment_behavior": "error_if_incomplete",
        "metadata[admin_change]": "m",
        "expand[0]": "discounts",
    }


@pytest.mark.parametrize("prices", [(), ("price_8", "price_9")])
def test_a_plan_is_not_changed_where_stripe_has_other_prices_than_we_have(
    server: ScriptedServer, gateway: Gateway, prices: tuple[str, ...]
) -> None:
    items = [{"id": f"si_{price}", "price": {"id": price}} for price in prices]
    server.answers({**SUBSCRIPTION, "items": {"object": "list", "data": items}})

    with pytest.raises(StripeFailed, match="other prices than here"):
        gateway.subscriptions.change_plan(
            "sub_1",
            from_price="price_1",
            to_price="price_2",
            proration="none",
            moment=datetime(2026, 6, 15, tzinfo=UTC),
            mark="m",
            key="change:1",
        )
    assert len(server.asked) == 1


def test_no_further_invoice_is_an_answer_and_no_failure(server: ScriptedServer, gateway: Gateway) -> None:
    server.answers(error("No upcoming invoices", "invoice_upcoming_none"), status=404)
    server.answers(error("No such subscription", "resource_missing"), status=404)

    assert gateway.previews.next_invoice("sub_1") is None
    with pytest.raises(StripeFailed):
        gateway.previews.next_invoice("sub_1")


def test_an_end_on_a_date_is_taken_back_by_clearing_the_date(
    server: ScriptedServer, gateway: Gateway
) -> None:
    server.answers(SUBSCRIPTION)
    gateway.subscriptions.keep("sub_1", key="keep:1", dated=True)

    assert server.asked[0].form == {"cancel_at": "", "expand[0]": "discounts"}
