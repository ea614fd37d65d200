"""`python -m lib metrics funnel|comeback|fill-funnels`: what the pages show, and a sentence for bad words."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from lib.core import moments
from lib.core.database import Database
from lib.models import AnalyticsEvent, UserSession
from tests.cli.test_cli import Lib
from tests.factories import make_couple, make_payment, make_subscription, make_user, write


@pytest.fixture
def lib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lib:
    return Lib(monkeypatch, capsys)


@pytest.fixture
def url(sqlite_url: str) -> str:
    """A couple that looked at the plans ten days ago, subscribed at once, and came back after a week."""
    database = Database(sqlite_url)
    looked = moments.now() - timedelta(days=10)
    person = make_user(database, created_at=looked)
    couple = make_couple(database, user_1_id=person, user_2_id=make_user(database, created_at=looked))
    theirs = {"user_id": person, "relationship_id": couple}
    noted = {"event_name": "plan_viewed", "event_category": "conversion", "created_at": looked}
    write(database, AnalyticsEvent, id="e1", **theirs, **noted)
    make_subscription(database, **theirs, created_at=looked + timedelta(hours=2))
    make_payment(database, **theirs, created_at=looked + timedelta(hours=3))
    write(database, UserSession, id="s1", session_start=looked + timedelta(days=7), **theirs)
    database.dispose()
    return sqlite_url


def test_a_funnel_that_was_filled_and_one_of_raw_rows_say_the_same(lib: Lib, url: str) -> None:
    since = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"
    filled = lib("metrics", "fill-funnels", "--from", since, "--database", url)
    ready = lib("metrics", "funnel", "plans", "--database", url, "--json")
    steps = ("event:plan_viewed", "subscribed", "paid")
    own = lib("metrics", "funnel", *steps, "--window", "336", "--database", url, "--json")

    assert filled.returncode == 0, filled.stderr
    assert json.loads(ready.stdout)["steps"] == json.loads(own.stdout)["steps"]
    assert [step["reached"] for step in json.loads(own.stdout)["steps"]] == [1, 1, 1]
    assert json.loads(own.stdout)["steps"][1]["average_seconds"] == 7200


def test_who_comes_back_is_printed_with_its_definition(lib: Lib, url: str) -> None:
    said = lib("metrics", "comeback", "--buckets", "rolling", "--cohorts", "3", "--database", url)
    data = json.loads(
        lib(
            "metrics", "comeback", "--buckets", "rolling", "--cohorts", "3", "--database", url, "--json"
        ).stdout
    )

    assert "spans of 7 days since each one's own beginning" in said.stdout
    assert sum(cell["returned"] for cohort in data["cohorts"] for cell in cohort["cells"]) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("funnel", "telepathy"), "There is no funnel"),
        (("funnel", "event:x", "telepathy"), "cannot be a step"),
        (("funnel", "visit", "paid", "--window", "0"), "window of 0"),
        (("funnel", "visit", "paid", "--from", "2026-05-02", "--to", "2026-05-01"), "turned round"),
        (("funnel", "visit", "paid", "--order", "sideways"), "A funnel is"),
        (("comeback", "--times", "0"), "Ask for 1 time or more"),
        (("comeback", "--period", "fortnight"), "is not one of"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    lib: Lib, sqlite_url: str, words: tuple[str, ...], sentence: str
) -> None:
    ended = lib("metrics", *words, "--database", sqlite_url)

    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
