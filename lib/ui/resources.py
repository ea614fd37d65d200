"""What every session of this process shares: the settings, the database and Stripe, each made once."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.payments.gateway import Gateway

QUESTION_TIMEOUT: Final = (3.0, 8.0)
"""Seconds to connect, and to wait: a person is looking at the screen."""


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


def gateway() -> Gateway:
    """Stripe, for questions that a page has; Invalid where no key is set."""
    chosen = settings()
    found = _gateway_of(chosen.stripe_key, chosen.stripe_api_base)
    if found is None:
        raise Invalid("Stripe cannot be asked: STRIPE_SECRET_KEY is not set (docs/settings.md).")
    return found


@cache
def _gateway_of(key: str | None, api_base: str | None) -> Gateway | None:
    return Gateway(key, api_base=api_base, timeout=QUESTION_TIMEOUT, retries=1) if key else None


@cache
def _from_environment() -> Settings:
    return Settings.from_environment()


@cache
def _of_environment() -> Database:
    chosen = settings()
    return Database(chosen.database_url, replica_url=chosen.replica_url)
