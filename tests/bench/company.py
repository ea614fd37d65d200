"""The company that is measured: built once under `var/bench`, then used again."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import func, select

from lib.core import moments, schema
from lib.core.database import Database
from lib.core.settings import ROOT, Settings
from lib.demo import opening
from lib.jobs import search_index
from lib.models import AnalyticsEvent, ErrorLog, Payment, Relationship, Subscription
from tests.once import built_once

FOLDER: Final = ROOT / "var" / "bench"
MONTHS: Final = 24
SEED: Final = 7


def settings_for(url: str) -> Settings:
    """A demo's settings for a database."""
    return replace(Settings.from_environment({"ADMIN_DEMO": "1"}), database_url=url)


def of_size(couples: int) -> str:
    """The address of a company of so many couples, which is built unless it is there from before.

    It is built beside its place and then moved, so that a run that was stopped leaves none half done.
    """
    folder = FOLDER / str(couples)
    if not (folder / "admin.db").is_file():
        _say(f"Building a company of {couples:,} couples under {folder}.")
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        fill(f"sqlite:///{unfinished / 'admin.db'}", couples)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return f"sqlite:///{folder / 'admin.db'}"


def fill(url: str, couples: int, *, months: int = MONTHS) -> None:
    """Make the tables, the company, its figures and the index of names in an empty database."""
    database = Database(url)
    try:
        schema.upgrade(database.primary)
        opening.fill(database, settings_for(url), couples=couples, months=months, seed=SEED, say=_say)
        search_index.run(database, moments.now())
    finally:
        database.dispose()


def for_tests(factory: pytest.TempPathFactory, *, couples: int, months: int) -> Path:
    """The SQLite file of a small company of this process's own: a copy of what the run built once."""
    name = f"company-of-{couples}-{months}"
    own = factory.getbasetemp() / name
    if not own.is_dir():

        def build(folder: Path) -> None:
            fill(f"sqlite:///{folder / 'admin.db'}", couples, months=months)

        shutil.copytree(built_once(factory, name, build), own)
    return own / "admin.db"


def described(database: Database) -> str:
    """How much there is, in a few words."""
    with database.primary.connect() as connection:
        counts = [
            f"{connection.scalar(select(func.count()).select_from(table)):,} {words}"
            for table, words in (
                (Relationship, "couples"),
                (Subscription, "subscriptions"),
                (Payment, "payments"),
                (AnalyticsEvent, "events"),
                (ErrorLog, "errors"),
            )
        ]
    return ", ".join(counts)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
