"""Production's database, made from the manifest alone as Wrangler left it: no model of ours is asked."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from lib.core.schema import production
from lib.core.schema.manifest import Column, Table

D1_LEDGER = """
CREATE TABLE d1_migrations(
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);
INSERT INTO d1_migrations (name) VALUES ('0001_initial_relationship_schema.sql'),
    ('0002_payment_subscription_schema.sql'), ('0003_analytics_events.sql'), ('0004_push_notifications.sql');
CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE push_subscriptions (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE, endpoint TEXT NOT NULL
);
CREATE INDEX idx_push_subscriptions_user ON push_subscriptions(user_id);
"""


def create_from_manifest(path: Path) -> None:
    """Make a SQLite file with production's tables, and what Cloudflare and a later migration put beside."""
    with sqlite3.connect(path) as connection:
        for name, table in production().items():
            connection.execute(f"CREATE TABLE {name} ({', '.join(_parts(table))})")
            for index in table["indexes"]:
                unique = "UNIQUE " if index["unique"] else ""
                columns = ", ".join(str(column) for column in index["columns"])
                connection.execute(f"CREATE {unique}INDEX {index['name']} ON {name} ({columns})")
        connection.executescript(D1_LEDGER)
    connection.close()


def _parts(table: Table) -> Iterator[str]:
    yield from (_column(column) for column in table["columns"])
    yield from (f"UNIQUE ({', '.join(columns)})" for columns in table["unique"])
    yield from (f"CHECK ({check})" for check in table["checks"])
    for key in table["foreign_keys"]:
        parent, column = key["references"].split(".")
        yield (f"FOREIGN KEY ({key['column']}) REFERENCES {parent}({column}) ON DELETE {key['on_delete']}")


def _column(column: Column) -> str:
    words = [column["name"], column["type"]]
    words += ["PRIMARY KEY"] if column["pk"] else []
    words += ["NOT NULL"] if column["notnull"] else []
    words += [f"DEFAULT {column['default']}"] if column["default"] is not None else []
    return " ".join(words)
