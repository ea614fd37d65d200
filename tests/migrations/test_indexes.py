"""Revision 0101: the lists that staff open read from an index, in order, and so do the app's deletions."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Select, and_, event, func, make_url, or_, select, text

from lib import models
from lib.core import schema
from lib.core.schema.manifest import Table
from lib.models import (
    Assignment,
    DiscountCode,
    DiscountUsage,
    ErrorLog,
    Notification,
    Payment,
    Refund,
    Relationship,
    StripeWebhook,
    Subscription,
    User,
    sortable,
)
from lib.models.expressions import folded, starts_with
from tests.databases import opened

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


def newest(model: type[models.Base], moment: Any, *where: Any) -> Select[Any]:
    """The first page of a list."""
    statement = select(model).where(*where).order_by(sortable(moment).desc(), model.__table__.c["id"].desc())
    return statement.limit(50)


LISTS = {
    "idx_admin_users_created": newest(User, User.created_at),
    "idx_admin_relationships_created": newest(Relationship, Relationship.created_at),
    "idx_admin_relationships_status_created": newest(
        Relationship, Relationship.created_at, Relationship.status == "paused"
    ),
    "idx_admin_subscriptions_created": newest(Subscription, Subscription.created_at),
    "idx_admin_subscriptions_status_created": newest(
        Subscription, Subscription.created_at, Subscription.status == "past_due"
    ),
    "idx_admin_payment_transactions_created": newest(Payment, Payment.created_at),
    "idx_admin_payment_transactions_status_created": newest(
        Payment, Payment.created_at, Payment.status == "failed"
    ),
    "idx_admin_refunds_requested": newest(Refund, Refund.requested_at),
    "idx_admin_refunds_status_requested": newest(Refund, Refund.requested_at, Refund.status == "pending"),
    "idx_admin_stripe_webhooks_created": newest(StripeWebhook, StripeWebhook.created_at),
    "idx_admin_discount_codes_created": newest(DiscountCode, DiscountCode.created_at),
    "idx_admin_discount_usage_code_used": newest(
        DiscountUsage, DiscountUsage.used_at, DiscountUsage.discount_id == "d"
    ),
    "idx_admin_notifications_created": newest(Notification, Notification.created_at),
    "idx_admin_notifications_user_created": newest(
        Notification, Notification.created_at, Notification.user_id == "u"
    ),
    "idx_admin_analytics_events_user_created": newest(
        models.AnalyticsEvent, models.AnalyticsEvent.created_at, models.AnalyticsEvent.user_id == "u"
    ),
    "idx_admin_error_logs_created": newest(ErrorLog, ErrorLog.created_at),
    "idx_admin_error_logs_resolved_created": newest(
        ErrorLog, ErrorLog.created_at, ErrorLog.resolved.is_(False)
    ),
    "idx_admin_error_logs_critical": newest(
        ErrorLog, ErrorLog.created_at, ErrorLog.resolved.is_(False), ErrorLog.severity == "critical"
    ),
}

LOOK_UPS = {
    "idx_admin_users_email": select(User).where(starts_with(User.email, "Jo.Ann_")),
    "idx_admin_users_name": select(User).where(folded(User.name) == "anna"),
    "idx_admin_subscriptions_active_user": select(Subscription.id).where(
        Subscription.user_id == "u", Subscription.status == "active"
    ),
    "idx_admin_subscriptions_plans": select(Subscription.plan_id, func.sum(Subscription.price_cents))
    .where(Subscription.status == "active")
    .group_by(Subscription.plan_id),
    "idx_admin_ab_test_assignments_variant_id": select(
        func.count(), func.sum(Assignment.conversion_value_cents)
    ).group_by(Assignment.variant_id),
    "idx_admin_payment_transactions_stripe_charge_id": select(Payment).where(
        Payment.stripe_charge_id == "ch"
    ),
    "idx_admin_refunds_stripe_refund_id": select(Refund).where(Refund.stripe_refund_id == "re"),
}


@pytest.mark.parametrize("index", LISTS)
def test_a_list_newest_first_is_read_from_its_index_without_sorting(full_sqlite: Engine, index: str) -> None:
    plan = _plan(full_sqlite, LISTS[index])

    assert f"USING INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("index", LOOK_UPS)
def test_a_look_up_searches_its_index(full_sqlite: Engine, index: str) -> None:
    plan = _plan(full_sqlite, LOOK_UPS[index])

    assert f"INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    "index", ["idx_admin_subscriptions_plans", "idx_admin_ab_test_assignments_variant_id"]
)
def test_counts_are_read_from_the_index_alone(full_sqlite: Engine, index: str) -> None:
    assert f"USING COVERING INDEX {index}" in _plan(full_sqlite, LOOK_UPS[index])


def test_the_next_page_is_searched_by_the_last_row_of_the_one_before(full_sqlite: Engine) -> None:
    moment = sortable(User.created_at)
    after = and_(moment <= NOON, or_(moment < NOON, User.id < "u"))

    plan = _plan(full_sqlite, newest(User, User.created_at, after))

    assert "SEARCH users USING INDEX idx_admin_users_created (<expr><?)" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.postgres
@pytest.mark.parametrize("index", {**LISTS, **LOOK_UPS})
def test_postgresql_can_read_the_same_from_its_own(postgres_url: str, index: str) -> None:
    statement = {**LISTS, **LOOK_UPS}[index]
    with opened(postgres_url) as engine, engine.connect() as connection:
        # Of empty tables the planner would read everything; the question is what it could use.
        connection.execute(text("SET enable_seqscan = off"))
        connection.execute(text("SET enable_sort = off"))
        plan = _explained(connection, statement, "EXPLAIN")

    assert index in plan
    assert "Sort" not in plan


def test_every_foreign_key_of_production_is_found_by_an_index(full: Engine) -> None:
    without = [
        f"{name}.{key['column']}"
        for name, table in schema.manifest_of(full).items()
        for key in table["foreign_keys"]
        if key["column"] not in _leading(table)
    ]

    assert without == []


@pytest.mark.postgres
def test_parts_of_names_are_searched_by_trigrams_on_postgresql(postgres_url: str) -> None:
    with opened(postgres_url) as engine, engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = connection.scalars(text("EXPLAIN SELECT id FROM users WHERE name ILIKE '%arthol%'")).all()

    assert "idx_admin_users_name_trigrams" in "\n".join(plan)


@pytest.mark.postgres
def test_postgresql_without_the_right_to_create_extensions_is_upgraded_all_the_same(
    empty_postgres_url: str,
) -> None:
    role = f"guest_{uuid.uuid4().hex}"
    with opened(empty_postgres_url) as engine, engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT ALL ON SCHEMA public TO {role}"))
    url = make_url(empty_postgres_url).set(username=role).render_as_string(hide_password=False)

    with opened(url) as engine:
        schema.upgrade(engine)
        names = {index["name"] for index in schema.manifest_of(engine)["users"]["indexes"]}

    assert "idx_admin_users_name" in names
    assert "idx_admin_users_name_trigrams" not in names


def test_an_odd_text_in_a_moment_stops_neither_the_apps_insert_nor_the_list(full_sqlite: Engine) -> None:
    with full_sqlite.begin() as connection:
        connection.execute(
            text("INSERT INTO users (id, email, name, created_at) VALUES ('u', 'a@example.org', 'A', 'soon')")
        )
        listed = connection.execute(newest(User, User.created_at)).all()

    assert [row.id for row in listed] == ["u"]


def _leading(table: Table) -> set[str | None]:
    """The columns that an index, a UNIQUE or the primary key begins with; a partial index does not count."""
    return {
        *(index["columns"][0] for index in table["indexes"] if not index["partial"]),
        *(columns[0] for columns in table["unique"]),
        *(column["name"] for column in table["columns"] if column["pk"]),
    }


def _plan(engine: Engine, statement: Select[Any]) -> str:
    with engine.connect() as connection:
        return _explained(connection, statement, "EXPLAIN QUERY PLAN")


def _explained(connection: Connection, statement: Select[Any], explain: str) -> str:
    """How the database would read a statement, sent as the product sends it: with its values bound."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        sent.append((sql, parameters))

    event.listen(connection, "before_cursor_execute", note)
    connection.execute(statement).all()
    event.remove(connection, "before_cursor_execute", note)
    sql, parameters = sent[0]
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}", parameters))
