"""A database that the app made, taken over: nothing of ours built it, and every page opens on it."""

import sqlite3
from collections.abc import Iterator

import pytest

from lib.core import schema
from lib.core.access import Role
from lib.core.database import Database
from lib.demo.staff import create_demo_staff
from lib.ui import navigation
from tests.databases import opened
from tests.migrations.from_manifest import create_from_manifest
from tests.pages.at_desk import open_page, said, use

# Moments stand in both forms that production writes: SQLite's own, and JavaScript's. Some rows are as odd as
# the app's: a couple of one, names with Markdown in them, a payload that is no JSON.
ROWS = """
INSERT INTO users (id, email, name, created_at, last_active_at) VALUES
    ('u1', 'first@example.org', 'First *Person*', '2026-01-30 09:00:00', '2026-02-01T08:00:00.000Z'),
    ('u2', 'second@example.org', 'Second <b>Person</b>', '2026-01-30T08:00:00.000Z', '2026-02-01 09:00:00');
INSERT INTO relationships (id, user_1_id, user_2_id, status, created_at) VALUES
    ('r1', 'u1', 'u2', 'active', '2026-01-30 09:00:00'),
    ('r2', 'u1', 'u1', 'active', '2026-01-31T10:00:00.000Z');
INSERT INTO subscription_plans
    (id, plan_name, plan_type, billing_period, price_cents, price_display, stripe_price_id, stripe_product_id)
VALUES ('plan_1', 'Try It Out', 'try_it_out', 'monthly', 3000, '$30', 'price_1', 'prod_1');
INSERT INTO subscriptions
    (id, relationship_id, user_id, plan_id, stripe_customer_id, stripe_subscription_id, status,
     billing_period, price_cents, current_period_start, current_period_end, created_at)
VALUES
    ('s1', 'r1', 'u1', 'plan_1', 'cus_1', 'sub_1', 'active', 'monthly', 3000, '2026-02-01 00:00:00',
     '2026-03-01T00:00:00.000Z', '2026-02-01 00:00:00'),
    ('s2', 'r2', 'u1', 'plan_1', 'cus_2', 'sub_2', 'canceled', 'monthly', 3000, '2026-02-01T00:00:00.000Z',
     '2026-03-01 00:00:00', '2026-02-01T00:00:00.000Z');
INSERT INTO payment_transactions
    (id, user_id, relationship_id, stripe_payment_intent_id, transaction_type, amount_cents, currency, status,
     created_at)
VALUES
    ('p1', 'u1', 'r1', 'pi_1', 'subscription', 3000, 'USD', 'succeeded', '2026-02-01 00:00:01'),
    ('p2', 'u1', 'r1', 'pi_2', 'subscription', 3000, 'USD', 'failed', '2026-02-01T00:00:02.000Z');
INSERT INTO refunds
    (id, transaction_id, user_id, relationship_id, refund_amount_cents, refund_reason, status, requested_at)
VALUES
    ('f1', 'p1', 'u1', 'r1', 1000, 'requested_by_customer', 'pending', '2026-02-02 00:00:00'),
    ('f2', 'p1', 'u1', 'r1', 500, 'duplicate', 'denied', '2026-02-02T00:00:00.000Z');
INSERT INTO ai_credits
    (id, relationship_id, user_id, transaction_type, credits_amount, credits_balance, created_at)
VALUES
    ('c1', 'r1', 'u1', 'grant', 25, 25, '2026-02-01 00:00:01'),
    ('c2', 'r1', 'u1', 'usage', -5, 21, '2026-02-01T00:00:02.000Z');
INSERT INTO error_logs (id, user_id, error_type, error_message, severity, created_at) VALUES
    ('e1', 'u1', 'TypeError', 'Cannot read first@example.org', 'critical', '2026-02-02 00:00:00'),
    ('e2', NULL, 'RangeError', 'Too far', 'low', '2026-02-02T00:00:00.000Z');
INSERT INTO discount_codes (id, code, discount_type, discount_value, valid_from, valid_until, created_at)
VALUES
    ('d1', 'SPRING', 'percentage', 10, '2026-01-01 00:00:00', '2026-01-31T00:00:00.000Z',
     '2026-01-01T00:00:00.000Z'),
    ('d2', 'SUMMER', 'fixed_amount', 500, '2026-01-01T00:00:00.000Z', '2099-01-01 00:00:00',
     '2026-01-01 00:00:00');
INSERT INTO stripe_webhooks (id, event_id, event_type, event_data, processed, created_at) VALUES
    ('w1', 'evt_1', 'charge.refunded', '{"id": "evt_1", "type": "charge.refunded", "data": {}}', 1,
     '2026-02-02 00:00:00'),
    ('w2', 'evt_2', 'invoice.paid', 'no JSON', 0, '2026-02-02T00:00:00.000Z');
INSERT INTO ab_test_variants (id, test_name, variant_name, start_date, created_at) VALUES
    ('v1', 'price_page', 'control', '2026-01-01 00:00:00', '2026-01-01T00:00:00.000Z'),
    ('v2', 'price_page', 'cheaper', '2026-01-01T00:00:00.000Z', '2026-01-01 00:00:00');
"""
ROW_OF = {
    "users": "u1",
    "relationships": "r1",
    "subscriptions": "s1",
    "refunds": "f1",
    "discounts": "d1",
    "credits": "r1",
    "experiments": "price_page",
    "errors": "e1",
    "audit": "1",
}
SECTIONS = ("Timeline", "Money", "Engagement", "Life", "Messages", "Errors", "Notes", "Pause or end")


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The app's own database with rows, adopted, and with staff."""
    path = tmp_path_factory.mktemp("adopted") / "d1.sqlite"
    create_from_manifest(path)
    with sqlite3.connect(path) as connection:
        connection.executescript(ROWS)
    connection.close()
    with opened(f"sqlite:///{path}") as engine:
        schema.adopt(engine)
    database = Database(f"sqlite:///{path}")
    create_demo_staff(database)
    yield database
    database.dispose()


@pytest.mark.parametrize("desk", navigation.DESKS, ids=lambda desk: str(desk.slug))
def test_every_page_opens_on_a_database_that_the_app_made(adopted: Database, desk: navigation.Desk) -> None:
    use(adopted)
    page = open_page(Role.ADMIN, desk.slug)

    assert not page.exception, page.exception
    assert not page.error
    assert [title.value for title in page.title] == ["Today" if desk is navigation.HOME else desk.title]


@pytest.mark.parametrize(("slug", "key"), ROW_OF.items())
def test_every_row_opens_on_a_database_that_the_app_made(adopted: Database, slug: str, key: str) -> None:
    use(adopted)
    page = open_page(Role.ADMIN, slug, id=key)

    assert not page.exception, page.exception
    assert not page.error
    assert "There is no" not in said(page)
    assert len(page.subheader) >= 1


@pytest.mark.parametrize("section", [*SECTIONS, "Start or give"])
def test_every_section_of_a_couple_opens_on_a_database_that_the_app_made(
    adopted: Database, section: str
) -> None:
    use(adopted)
    page = open_page(Role.ADMIN, "relationships", id="r1", section=section)

    assert not page.exception, page.exception
    assert not page.error


def test_moments_in_both_forms_stand_in_one_order(adopted: Database) -> None:
    use(adopted)
    users = open_page(Role.ADMIN, "users").dataframe[0].value

    assert list(users["email"]) == ["f•••@example.org", "s•••@example.org"]
