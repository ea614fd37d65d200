"""Delivery of events: signed, in the endpoint's version, again until accepted, in the order asked for."""

import socket
from pathlib import Path

import pytest
import stripe

from tests.payments.sandbox.account import Account, opened, refusal
from tests.payments.sandbox.receiver import SECRET, Receiver


@pytest.fixture
def delivering(hooked: Account, receiver: Receiver) -> Account:
    """The module's own sandbox with nothing under way, delivering as usual."""
    hooked.control("POST", "/webhooks", mode="deliver")
    hooked.control("POST", "/webhooks/flush")
    receiver.forget()
    return hooked


def test_an_event_arrives_with_a_signature_that_the_sdk_accepts(
    delivering: Account, receiver: Receiver
) -> None:
    customer = delivering.v1.customers.create({"email": "a@example.org"})
    receiver.wait_for(1)
    (event,) = receiver.events()

    assert (event.type, event.data.object["id"]) == ("customer.created", customer.id)
    assert (event.api_version, event.livemode) == (stripe.api_version, False)
    assert event.request.id == customer.last_response.headers["request-id"]


def test_a_changed_body_does_not_pass_the_signature(delivering: Account, receiver: Receiver) -> None:
    delivering.v1.customers.create({"email": "a@example.org"})
    receiver.wait_for(1)
    receiver.bodies[0] = receiver.bodies[0].replace(b"a@example.org", b"b@example.org")

    with pytest.raises(stripe.SignatureVerificationError):
        receiver.events()


def test_what_is_delivered_can_be_listed_and_is_the_same(delivering: Account, receiver: Receiver) -> None:
    customer = delivering.v1.customers.create({"email": "a@example.org"})
    receiver.wait_for(1)
    delivering.v1.customers.update(customer.id, {"email": "b@example.org"})
    receiver.wait_for(2)
    delivering.control("POST", "/webhooks/flush")
    sent = receiver.events()
    listed = delivering.v1.events.list({"limit": 2}).data[::-1]

    assert [one.id for one in sent] == [one.id for one in listed]
    assert [one.data.to_dict() for one in sent] == [one.data.to_dict() for one in listed]
    assert sent[1].data.previous_attributes.to_dict() == {"email": "a@example.org"}


def test_a_delivery_is_repeated_until_it_is_accepted(delivering: Account, receiver: Receiver) -> None:
    receiver.answers = [500, 503]
    delivering.v1.customers.create({"email": "a@example.org"})
    receiver.wait_for(3)
    ids = {event.id for event in receiver.events()}

    assert len(ids) == 1
    assert delivering.control("POST", "/webhooks/flush") == {"delivered": 0, "waiting": 0}


def test_held_events_wait_until_they_are_sent_on_demand(delivering: Account, receiver: Receiver) -> None:
    delivering.control("POST", "/webhooks", mode="hold")
    made = [delivering.v1.customers.create({"email": "a@example.org"}).id for _ in range(3)]
    waiting = delivering.control("GET", "/webhooks")
    arrived_before = len(receiver.bodies)
    flushed = delivering.control("POST", "/webhooks/flush", order="reverse", copies=2)
    arrived = [event.data.object["id"] for event in receiver.events()]

    assert waiting == {"mode": "hold", "waiting": 3}
    assert arrived_before == 0
    assert flushed == {"delivered": 3, "waiting": 0}
    assert arrived == [one for one in reversed(made) for _ in range(2)]


def test_duplicating_sends_each_event_twice(delivering: Account, receiver: Receiver) -> None:
    delivering.control("POST", "/webhooks", mode="duplicate")
    delivering.v1.customers.create({"email": "a@example.org"})
    receiver.wait_for(2)

    assert len({event.id for event in receiver.events()}) == 1


def test_reordering_sends_what_gathered_in_reverse(delivering: Account, receiver: Receiver) -> None:
    delivering.control("POST", "/webhooks", mode="hold")
    first = delivering.v1.customers.create({"email": "a@example.org"})
    second = delivering.v1.customers.create({"email": "b@example.org"})
    delivering.control("POST", "/webhooks", mode="reorder")
    receiver.wait_for(2)

    assert [event.data.object["id"] for event in receiver.events()] == [second.id, first.id]


@pytest.mark.parametrize(
    ("path", "body"), [("/webhooks", {"mode": "lose"}), ("/webhooks/flush", {"order": "x"})]
)
def test_a_way_of_delivery_that_does_not_exist_is_refused(
    delivering: Account, path: str, body: dict[str, str]
) -> None:
    assert delivering.refused_control("POST", path, **body)[0] == 400


def test_an_endpoint_gets_the_events_that_it_asked_for_in_its_own_version(delivering: Account) -> None:
    with Receiver() as older:
        endpoint = delivering.v1.webhook_endpoints.create(
            {
                "url": older.url,
                "enabled_events": ["customer.subscription.updated"],
                "api_version": "2020-08-27",
            }
        )
        subscription = delivering.subscription()
        delivering.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
        older.wait_for(1)
        (event,) = older.events(endpoint.secret)
        shown = delivering.v1.webhook_endpoints.retrieve(endpoint.id)
        delivering.v1.webhook_endpoints.delete(endpoint.id)

    assert (event.type, event.api_version) == ("customer.subscription.updated", "2020-08-27")
    assert event.data.object["current_period_end"] == subscription["items"].data[0].current_period_end
    assert "secret" not in shown
    assert delivering.v1.webhook_endpoints.list().data[0].url != older.url


def test_an_endpoint_elsewhere_is_refused(delivering: Account) -> None:
    params = {"url": "https://example.org/webhooks", "enabled_events": ["*"]}
    error = refusal(lambda: delivering.v1.webhook_endpoints.create(params))

    assert error.code == "url_invalid"


def test_a_restart_loses_no_delivery(tmp_path: Path, receiver: Receiver) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        silent = f"http://127.0.0.1:{nobody.getsockname()[1]}/webhooks"
        with opened(tmp_path / "stripe.db", silent, SECRET) as account:
            customer = account.v1.customers.create({"email": "a@example.org"})
    receiver.forget()
    with opened(tmp_path / "stripe.db", receiver.url, SECRET) as account:
        account.control("POST", "/webhooks/flush")
        receiver.wait_for(1)

    assert receiver.events()[0].data.object["id"] == customer.id


def test_events_are_filtered_by_type(delivering: Account) -> None:
    delivering.charge()
    events = delivering.v1.events

    assert {one.type for one in events.list({"type": "charge.*"})} == {"charge.succeeded"}
    assert {one.type for one in events.list({"type": "charge.succeeded"})} == {"charge.succeeded"}
    assert {one.type for one in events.list({"types": ["payment_intent.created", "charge.failed"]})} == {
        "payment_intent.created"
    }
