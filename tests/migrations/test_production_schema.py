"""Revisions 0001-0003 give production's schema: exactly on SQLite, in its own idiom on PostgreSQL."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from lib.core import schema
from lib.core.schema.differences import portable
from lib.core.settings import ROOT
from lib.models import Base
from tests.databases import Server, opened, unavailable

ZONED = """
    SELECT count(*) FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
"""


def test_the_first_three_revisions_give_exactly_productions_schema_on_sqlite(empty_sqlite_url: str) -> None:
    with opened(empty_sqlite_url) as engine:
        schema.upgrade(engine, "0003")
        found = schema.manifest_of(engine)

    assert schema.differences(schema.production(), found) == []
    assert json.dumps(found) == json.dumps(schema.production())


def test_the_manifest_that_ships_is_the_one_that_was_read_from_production() -> None:
    original = ROOT.parent / "shared" / "data" / "production-schema.json"
    if not original.exists():
        unavailable(f"There is no {original} to compare the shipped manifest with.")

    shipped = (ROOT / "lib" / "models" / "production-schema.json").read_text(encoding="utf-8")

    assert json.loads(shipped) == json.loads(original.read_text(encoding="utf-8"))


def test_the_manifest_counts_what_production_has() -> None:
    tables = schema.production().values()

    assert len(tables) == 37
    assert sum(len(table["columns"]) for table in tables) == 443
    assert sum(len(table["indexes"]) for table in tables) == 84
    assert sum(len(table["checks"]) for table in tables) == 47
    assert sum(len(table["foreign_keys"]) for table in tables) == 58


@pytest.mark.postgres
def test_postgresql_gets_the_same_schema_in_its_own_types(empty_postgres_url: str) -> None:
    with opened(empty_postgres_url) as engine:
        schema.upgrade(engine, "0003")
        found = schema.manifest_of(engine)
        with engine.connect() as connection:
            zoned = connection.scalar(text(ZONED))

    types = Counter(column["type"].split("(")[0] for table in found.values() for column in table["columns"])
    assert schema.differences(portable(schema.production()), portable(found)) == []
    assert types == {
        "TEXT": 247 - 9,
        "JSONB": 9,
        "TIMESTAMP": 70,
        "DATE": 20,
        "BOOLEAN": 20,
        "NUMERIC": 11,
        "INTEGER": 75 - 10,
        "BIGINT": 10,  # sums over all customers
    }
    assert zoned == 70


def test_models_and_migrations_agree_on_sqlite(full_sqlite: Engine, tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'models.db'}") as from_models:
        Base.metadata.create_all(from_models)
        expected = schema.manifest_of(from_models)

    migrated = _without_additions(schema.manifest_of(full_sqlite), "sqlite")

    assert schema.differences(expected, migrated) == []


@pytest.mark.postgres
def test_models_and_migrations_agree_on_postgresql(postgres: Server, postgres_url: str) -> None:
    with postgres.database() as url, opened(url) as from_models:
        Base.metadata.create_all(from_models)
        expected = schema.manifest_of(from_models)

    with opened(postgres_url) as migrated:
        found = _without_additions(schema.manifest_of(migrated), "postgresql")

    assert schema.differences(expected, found) == []


def test_no_table_of_ours_references_production(full: Engine) -> None:
    ours = Base.metadata.tables.keys() - schema.production().keys()

    assert "admin_audit_log" in ours
    assert [name for name in ours if inspect(full).get_foreign_keys(name)] == []


def _without_additions(manifest: schema.Manifest, dialect: str) -> schema.Manifest:
    """Less the indexes that revisions of ours add to the app's tables, which no model declares."""
    added = set(re.findall(r"CREATE INDEX (\w+)", schema.as_sql(dialect, "0100", "0101")))
    added |= set(re.findall(r"CREATE INDEX (\w+) ON payment_", schema.as_sql(dialect, "0101", "0104")))
    return {
        name: {**table, "indexes": [index for index in table["indexes"] if index["name"] not in added]}
        for name, table in manifest.items()
    }
