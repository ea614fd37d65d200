"""The app as `streamlit run` starts it: it ends with one sentence where it cannot serve."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from lib.core.database import Database
from lib.core.errors import Refused
from lib.core.settings import ROOT, Settings
from lib.web import start
from tests.faults import processes


def minimal(folder: Path) -> dict[str, str]:
    """What a process needs, and nothing that is set for these tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "DATABASE_URL": f"sqlite:///{folder}/x.db"}


def begin_with(environment: dict[str, str]) -> None:
    """Do what `app.py` begins with."""
    os.environ.clear()
    os.environ.update(environment)
    start.settings_and_database()


def test_the_app_ends_with_the_sentence_alone(tmp_path: Path) -> None:
    environment = minimal(tmp_path) | {"ADMIN_DEMO": "1", "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    assert ended.returncode == 1
    assert "Demo mode listens on this machine only" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "Set ADMIN_COOKIE_SECRET, OIDC_CLIENT_ID"),
        ({"ADMIN_DEMO": "1", "ADMIN_URL": "https://admin.example.org"}, "Demo mode serves this machine only"),
        ({"ADMIN_DEMO": "1", "STRIPE_SECRET_KEY": "sk_live_x"}, "does not start with a live Stripe key"),
        ({"ADMIN_DEMO": "1", "DATABASE_URL": "sqlite:////no/such/folder/x.db"}, "does not exist"),
        ({"ADMIN_DEMO": "1", "DATABASE_URL": "nonsense"}, "not a database address"),
    ],
    ids=["nothing set", "public address", "live key", "no folder", "no URL"],
)
def test_it_says_why_it_does_not_start(tmp_path: Path, environment: dict[str, str], sentence: str) -> None:
    code, said = processes.run(begin_with, minimal(tmp_path) | environment)

    assert code == 1
    assert sentence in said
    assert "Traceback" not in said


def test_an_empty_database_is_not_served(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(Refused, match="db upgrade"):
        start.refuse_wrong_schema(database)
    database.dispose()


def test_a_database_behind_its_schema_is_not_served(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    start.refuse_wrong_schema(database)
    with database.primary.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))

    with pytest.raises(Refused, match=r"at revision 0003; 0100, .* are missing"):
        start.refuse_wrong_schema(database)
    database.dispose()


def test_streamlit_gets_its_sign_in_section_from_the_settings(settings: Settings) -> None:
    auth = start.auth_secrets(settings)["auth"]

    assert auth["redirect_uri"] == f"{settings.url}/oauth2callback"
    assert auth["server_metadata_url"] == f"{settings.url}/idp/.well-known/openid-configuration"
    assert auth["cookie_secret"] == settings.sign_in.cookie_secret
