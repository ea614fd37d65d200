"""The company as a whole: complete, consistent, the same again from the same seed, and on both engines."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from lib.core.database import Database
from lib.core.errors import Invalid, Refused
from lib.core.schema import manifest
from lib.demo import company
from lib.demo.loader import TABLES
from lib.models import Base
from tests.demo.conftest import SIZE, Company, built


def test_every_table_of_production_has_rows(small: Company) -> None:
    empty = [table for table in manifest.production() if not small.one(f'SELECT count(*) FROM "{table}"')]

    assert empty == []


def test_the_counts_are_those_of_the_tables(small: Company) -> None:
    assert {table: small.one(f'SELECT count(*) FROM "{table}"') for table in small.counts} == small.counts


def test_every_foreign_key_points_at_a_row(small: Company) -> None:
    assert small.all("PRAGMA foreign_key_check") == []


def test_the_file_is_whole_and_every_check_holds(small: Company) -> None:
    # integrity_check evaluates each CHECK and UNIQUE on each row, and compares the indexes with the tables.
    assert small.one("PRAGMA integrity_check") == "ok"


def test_the_indexes_are_those_of_the_schema(small: Company, sqlite_template: Path) -> None:
    statement = "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
    fresh = sqlite3.connect(f"file:{sqlite_template}?immutable=1", uri=True)
    expected = fresh.execute(statement).fetchall()
    fresh.close()

    assert small.all(statement) == expected


def test_a_second_build_from_the_same_seed_gives_the_same_rows(
    small: Company, tmp_path: Path, sqlite_template: Path
) -> None:
    again = built(tmp_path, sqlite_template)

    # What is seeded and audited through the real actions carries the time at which that was done.
    timed = {"subscription_plans", "subscription_addons", "challenges", "achievements"}
    for table in small.counts.keys() - timed:
        statement = f'SELECT * FROM "{table}"'
        assert again.all(statement) == small.all(statement), table
    statement = "SELECT id, facts FROM subscription ORDER BY seq"
    assert again.stripe.connection.execute(statement).fetchall() == (
        small.stripe.connection.execute(statement).fetchall()
    )


def test_another_seed_gives_another_company(small: Company, tmp_path: Path, sqlite_template: Path) -> None:
    other = built(tmp_path, sqlite_template, seed=8)

    statement = "SELECT name FROM users ORDER BY id"
    assert other.all(statement) != small.all(statement)


def test_more_events_leave_the_couples_as_they_were(
    small: Company, tmp_path: Path, sqlite_template: Path
) -> None:
    livelier = built(tmp_path, sqlite_template, events=9_000, assignments=700, errors=900)

    assert livelier.counts["analytics_events"] == pytest.approx(9_000, rel=0.1)
    assert livelier.counts["ab_test_assignments"] == 700
    assert livelier.counts["error_logs"] == pytest.approx(900, rel=0.1)
    statement = "SELECT id, amount_cents, status, created_at FROM payment_transactions"
    assert livelier.all(statement) == small.all(statement)


def test_both_forms_of_a_moment_occur_in_the_same_column(small: Company) -> None:
    for table in ("users", "payment_transactions", "analytics_events", "error_logs", "stripe_webhooks"):
        forms = small.all(f"SELECT DISTINCT length(created_at) FROM {table} ORDER BY 1")

        assert forms == [(len("2026-01-30 09:00:00"),), (len("2026-01-30T08:00:00.000Z"),)], table


def test_nothing_was_created_before_the_company_or_on_the_day_it_is_looked_at(small: Company) -> None:
    for table in small.counts.keys() & TABLES.keys():
        if "created_at" not in TABLES[table].columns or table in {"subscription_plans", "challenges"}:
            continue
        late = small.all(
            f'SELECT id, created_at FROM "{table}" WHERE created_at >= ? AND created_at < ?',
            "2026-11-22",
            "2027",
        )

        assert late == [], table


def test_e_mail_addresses_are_of_domains_that_nobody_owns(small: Company) -> None:
    domains = {email.partition("@")[2].lower() for (email,) in small.all("SELECT email FROM users")}

    assert domains == {"example.org", "example.com"}


def test_progress_is_told(tmp_path: Path, sqlite_template: Path) -> None:
    told: list[tuple[int, int]] = []

    built(tmp_path, sqlite_template, couples=3, months=1, progress=lambda *both: told.append(both))

    assert told[-1] == (3, 3)


def test_a_database_with_people_in_it_is_refused_and_keeps_them(
    tmp_path: Path, sqlite_template: Path
) -> None:
    first = built(tmp_path, sqlite_template, couples=3, months=1)

    with pytest.raises(Refused, match="already holds people"):
        company.build(Database(f"sqlite:///{tmp_path / 'admin.db'}"), None, **SIZE)
    assert first.one("SELECT count(*) FROM users") == first.counts["users"]


@pytest.mark.parametrize("wrong", [{"couples": 0}, {"months": 0}, {"months": 121}, {"events": -1}])
def test_a_size_that_makes_no_company_is_refused(sqlite_url: str, wrong: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        company.build(Database(sqlite_url), None, **(SIZE | wrong))


def test_the_first_day_of_a_company_can_be_built(tmp_path: Path, sqlite_template: Path) -> None:
    tiny = built(tmp_path, sqlite_template, couples=1, months=1, today=date(2026, 3, 1))

    assert tiny.counts["users"] >= 1


@pytest.mark.postgres
def test_postgresql_takes_the_same_company(small: Company, postgres_url: str) -> None:
    database = Database(postgres_url)

    counts = company.build(database, None, **SIZE)

    with database.primary.connect() as connection:
        found = {
            table: connection.scalar(select(func.count()).select_from(Base.metadata.tables[table]))
            for table in counts
        }
        newest = connection.scalar(select(func.max(Base.metadata.tables["users"].c.created_at)))
    database.dispose()
    assert counts == small.counts
    assert found == counts
    assert newest is not None
    assert newest.date() < date(2026, 11, 22)
