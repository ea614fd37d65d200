"""The price list, challenges and achievements of a new installation."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, text

from lib.core.access import Actor, Role, system
from lib.core.database import Database
from lib.core.errors import NotAllowed
from lib.core.work import working
from lib.models import Achievement, Addon, AuditEntry, Challenge, SubscriptionPlan
from lib.services import reference_data


@pytest.fixture
def installation(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def test_an_empty_installation_gets_everything(installation: Database) -> None:
    inserted = _seed(installation)

    assert inserted == {
        "subscription_plans": 3,
        "subscription_addons": 11,
        "challenges": 24,
        "achievements": 20,
    }
    with installation.primary.connect() as connection:
        for model in (SubscriptionPlan, Addon, Challenge, Achievement):
            rows = connection.scalar(select(func.count()).select_from(model))
            assert rows == inserted[model.__tablename__]


def test_seeding_again_inserts_nothing(installation: Database) -> None:
    _seed(installation)

    assert set(_seed(installation).values()) == {0}


def test_the_plans_cost_what_is_advertised(installation: Database) -> None:
    _seed(installation)

    with installation.primary.connect() as connection:
        plans = connection.execute(
            select(
                SubscriptionPlan.plan_name, SubscriptionPlan.billing_period, SubscriptionPlan.price_cents
            ).order_by(SubscriptionPlan.sort_order)
        ).all()
        box = connection.execute(
            select(Addon.price_cents, Addon.billing_period).where(Addon.id == "addon_surprise_box")
        ).one()
    assert [tuple(plan) for plan in plans] == [
        ("Try It Out", "monthly", 3_000),
        ("Better Together", "annual", 24_000),
        ("Premium Plus", "annual", 28_900),
    ]
    assert tuple(box) == (4_900, "monthly")


def test_what_was_edited_stays_as_it_is(installation: Database) -> None:
    _seed(installation)
    with installation.primary.begin() as connection:
        connection.execute(text("UPDATE subscription_addons SET price_cents = 1 WHERE id = 'addon_themes'"))
        connection.execute(text("DELETE FROM challenges WHERE id = 'challenge_yes_day'"))

    inserted = _seed(installation)

    assert {table: count for table, count in inserted.items() if count} == {"challenges": 1}
    with installation.primary.connect() as connection:
        assert connection.scalar(select(Addon.price_cents).where(Addon.id == "addon_themes")) == 1


def test_a_plan_that_the_app_knows_by_another_id_is_not_doubled(installation: Database) -> None:
    with installation.primary.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO subscription_plans (id, plan_name, plan_type, billing_period, price_cents, "
                "price_display, stripe_price_id) VALUES ('their-own', 'Try It Out', 'try_it_out', 'monthly', "
                "3000, '$30', 'price_try_it_out_monthly')"
            )
        )

    assert _seed(installation)["subscription_plans"] == 2


def test_seeding_leaves_one_entry_with_counts_in_the_audit(installation: Database) -> None:
    _seed(installation)

    with installation.primary.connect() as connection:
        entry = connection.execute(select(AuditEntry.action, AuditEntry.payload)).one()
    assert entry.action == "reference_data.seed"
    assert '"challenges":24' in entry.payload


def test_no_person_seeds(installation: Database) -> None:
    admin = Actor(id="a", email="admin@example.org", role=Role.ADMIN)

    with pytest.raises(NotAllowed), working(installation, admin) as work:
        reference_data.seed(work)


def _seed(database: Database) -> dict[str, int]:
    with working(database, system("seed")) as work:
        return reference_data.seed(work)
