"""The pages Drift and Stripe inbox, and a subscription's own drift, as finance and support see them."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.core.work import working
from lib.demo.staff import create_demo_staff
from lib.models import DriftFinding, InboxReplay, Subscription
from lib.payments import inbox, reconcile
from lib.payments.gateway import Gateway
from lib.payments.reconcile import Budget
from lib.payments.sandbox import server
from lib.services import inbox_replays
from lib.ui import resources
from tests.pages.at_desk import open_page, said
from tests.payments import told
from tests.payments.reconcile import drifts
from tests.payments.reconcile.world import NOW, World, gateway_at, moment
from tests.payments.scripted import KEY
from tests.payments.told import only, rows
from tests.staff import FINANCE


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    create_demo_staff(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def gateway(database: Database, tmp_path: Path) -> Iterator[Gateway]:
    """A Stripe that says something else about one price, and that the pages may ask."""
    world = World()
    drifts.subscription_price(world, world.couple("dearer"))
    drifts.subscription_gone(world, world.couple("gone"))
    world.couple("equal")
    world.write(database, tmp_path / "stripe.db")
    with server.running(tmp_path / "stripe.db") as url:
        key = {"STRIPE_SECRET_KEY": KEY, "STRIPE_API_BASE": url, "ADMIN_DEMO": "1"}
        resources.set_up(Settings.from_environment(key), database)
        made = gateway_at(url)
        yield made
        made.close()


def test_findings_are_listed_by_class_with_what_is_at_stake(database: Database, gateway: Gateway) -> None:
    reconcile.walk(database, gateway, budget=Budget(10_000))
    page = open_page(Role.FINANCE, "drift")

    assert not page.exception
    assert {metric.label: metric.value for metric in page.metric} == {
        "Critical": "1",
        "High": "1",
        "Low": "0",
        "Info": "0",
    }
    text = said(page)
    assert "Another price at Stripe" in text
    assert "Subscription gone at Stripe" in text
    assert "objects were compared with Stripe" in text


def test_a_finding_shows_both_values_and_repairs_once(database: Database, gateway: Gateway) -> None:
    reconcile.walk(database, gateway, budget=Budget(10_000))
    finding = only(database, DriftFinding, kind="subscription_price")
    page = open_page(Role.FINANCE, "drift", id=finding.id)
    texts = said(page)
    page.text_area(key="repair:reason").input("As Stripe says")
    next(button for button in page.button if button.label == "Repair").click().run()
    reconcile.run(database, gateway, finding.id)

    assert not page.exception
    assert "$25.00" in texts
    assert "$30.00" in texts
    assert only(database, DriftFinding, kind="subscription_price").state == "repaired"
    assert only(database, Subscription, id="own_dearer").price_cents == 3000


def test_what_has_no_safe_repair_offers_none(database: Database, gateway: Gateway) -> None:
    reconcile.walk(database, gateway, budget=Budget(10_000))
    finding = only(database, DriftFinding, kind="subscription_gone")
    page = open_page(Role.FINANCE, "drift", id=finding.id)

    repair = next(button for button in page.button if button.label == "Repair")
    assert repair.disabled
    assert "another Stripe account" in said(page).replace("\\", "")


def test_before_the_first_comparison_the_page_says_so(database: Database) -> None:
    resources.set_up(Settings.from_environment({"ADMIN_DEMO": "1"}), database)
    page = open_page(Role.ADMIN, "drift")

    assert "Nothing was compared with Stripe yet" in said(page)


@pytest.mark.parametrize(
    ("couple", "sentence"),
    [
        ("dearer", "Another price at Stripe"),
        ("gone", "Subscription gone at Stripe"),
        ("equal", "Stripe says the same"),
    ],
)
@pytest.mark.usefixtures("gateway")
def test_a_subscription_that_is_opened_is_compared_with_stripe(
    database: Database, couple: str, sentence: str
) -> None:
    page = open_page(Role.SUPPORT, "subscriptions", id=f"own_{couple}")

    assert not page.exception
    assert sentence in said(page).replace("\\", "")
    assert rows(database, DriftFinding) == []


def test_the_link_from_a_subscription_finds_its_findings_and_that_of_a_class_its_class(
    database: Database, gateway: Gateway
) -> None:
    """Ids of Stripe are case-sensitive, and a class may have another title than its code."""
    reconcile.walk(database, gateway, budget=Budget(10_000))
    stripe_id = only(database, DriftFinding, kind="subscription_price").stripe_id or ""
    couple = only(database, Subscription, stripe_subscription_id=stripe_id).id
    subscription = open_page(Role.FINANCE, "subscriptions", id=couple)
    (link,) = [each.proto for each in subscription.get("page_link") if each.proto.label == "Drift"]
    found = open_page(Role.FINANCE, "drift", **dict(parse_qsl(link.query_string)))
    of_class = open_page(Role.FINANCE, "drift", kind="subscription_price")

    assert parse_qsl(link.query_string) == [("q", stripe_id)]
    for page in (found, of_class):
        assert not page.exception
        assert len(page.dataframe[0].value) == 1


@pytest.mark.usefixtures("gateway")
def test_an_event_is_rehearsed_shown_and_then_applied(database: Database) -> None:
    source = told.subscription("sub_gone", "price_try", status="past_due")
    event = told.event("customer.subscription.updated", source, moment(NOW))
    told.tell(database, event, now=moment(NOW))
    with database.primary.begin() as connection:
        connection.execute(Subscription.__table__.update().values(status="active"))
    with working(database, FINANCE) as work:
        replay = inbox_replays.rehearse(work, event["id"], reason="The row is wrong")
    waiting = open_page(Role.FINANCE, "inbox", id=event["id"])
    while inbox.advance(database, None, log=True):
        pass
    shown = open_page(Role.FINANCE, "inbox", id=event["id"])
    next(button for button in shown.button if button.label == "Do exactly this").click().run()
    while inbox.advance(database, None, log=True):
        pass
    done = open_page(Role.FINANCE, "inbox", replay=replay)

    assert [page.exception for page in (waiting, shown, done) if page.exception] == []
    assert "subscriptions/own_gone" in said(shown).replace("\\", "")
    assert only(database, Subscription, id="own_gone").status == "past_due"
    assert only(database, InboxReplay).state == "done"
    assert "1 applied" in said(done)


def test_the_payload_is_searched(database: Database) -> None:
    resources.set_up(Settings.from_environment({"ADMIN_DEMO": "1"}), database)
    event = told.event("customer.subscription.updated", told.subscription("sub_1", "price_try"))
    inbox.receive(database, event, livemode_expected=False)
    page = open_page(Role.FINANCE, "inbox", id=event["id"], section="Payload")
    page.text_input(key="payload:find").input("unit_amount").run()

    assert not page.exception
    found = page.dataframe[0].value
    assert list(found["Field"]) == ["data.object.items.data[0].price.unit_amount"]
