"""What every session of this process shares: the settings and the database, made once."""

from dataclasses import dataclass
from functools import cache

from lib.core.database import Database
from lib.core.settings import Settings


@dataclass(slots=True)
class _Chosen:
    settings: Settings | None = None
    database: Database | None = None


_chosen = _Chosen()


def set_up(settings: Settings, database: Database) -> None:
    """Use these from now on; the entry point calls it once, and a test for each of its databases."""
    _chosen.settings, _chosen.database = settings, database


def settings() -> Settings:
    """The settings that were set up, or else the environment's."""
    return _chosen.settings or _from_environment()


def database() -> Database:
    """The database that was set up, or else the one that the settings name."""
    return _chosen.database or _of_environment()


@cache
def _from_environment() -> Settings:
    return Settings.from_environment()


@cache
def _of_environment() -> Database:
    chosen = settings()
    return Database(chosen.database_url, replica_url=chosen.replica_url)
