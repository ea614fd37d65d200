"""`metrics movements` ties to the cent and to the couple, for the demo company and for random ones."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from lib.core.database import Database
from lib.core.moments import next_month
from lib.metrics.ledger_segments import SEGMENTS, By
from lib.metrics.policies import POLICIES
from lib.models import MetricDay
from tests.bench import company
from tests.cli.test_cli import Lib
from tests.metrics.test_roll_forward import ANY, histories, write
from tests.sized import times

GAINS, LOSSES = ("new", "reactivation", "expansion"), ("contraction", "churn")
SUMS = ("opening", *GAINS, *LOSSES, "closing")


@pytest.fixture
def lib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lib:
    return Lib(monkeypatch, capsys)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, tuple[str, ...]]:
    """The demo company's database, and the time of which its figures are known."""
    url = f"sqlite:///{company.for_tests(tmp_path_factory, couples=30, months=6)}"
    database = Database(url)
    with database.primary.connect() as connection:
        first, last = connection.execute(select(func.min(MetricDay.day), func.max(MetricDay.day))).one()
    database.dispose()
    # How the first month opened that was counted, nobody knows.
    return url, ("--from", next_month(first).isoformat(), "--to", last.isoformat())


def months(lib: Lib, url: str, *words: str) -> list[dict[str, Any]]:
    ended = lib("metrics", "movements", *words, "--database", url, "--json")
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout)["months"]
    return found


def tied(month: dict[str, Any], unit: str, more: str) -> bool:
    came = month[f"opening_{unit}"] + sum(month[f"{name}_{unit}"] for name in GAINS) + month[f"{more}_{unit}"]
    return bool(came - sum(month[f"{name}_{unit}"] for name in LOSSES) == month[f"closing_{unit}"])


def check(found: list[dict[str, Any]]) -> None:
    """Each month ties in cents, exact and as printed, and in couples, and opens as the one before closed."""
    for before, month in itertools.pairwise(found):
        assert month["opening_arr_cents"] == before["closing_arr_cents"]
        assert month["opening_couples"] == before["closing_couples"]
    for month in found:
        came = month["opening_couples"] + month["new_couples"] + month["reactivation_couples"]
        assert tied(month, "arr_cents", "fx")
        assert tied(month, "cents", "fx")
        assert came - month["churn_couples"] == month["closing_couples"]
        parts = month.get("segments", ())
        assert all(tied(part, "arr_cents", "transfer") and tied(part, "cents", "transfer") for part in parts)
        for name in SUMS if parts else ():
            assert sum(part[f"{name}_arr_cents"] for part in parts) == month[f"{name}_arr_cents"]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_demo_company_ties_under_every_policy(
    lib: Lib, demo: tuple[str, tuple[str, ...]], policy: str
) -> None:
    url, when = demo
    found = months(lib, url, *when, "--policy", policy)

    assert len(found) >= 5
    assert found[-1]["closing_arr_cents"] > 0
    check(found)


@pytest.mark.parametrize("by", SEGMENTS)
def test_the_segments_of_the_demo_company_tie_and_add_up(
    lib: Lib, demo: tuple[str, tuple[str, ...]], by: By
) -> None:
    url, when = demo
    found = months(lib, url, *when, "--by", by)
    stored = months(lib, url, *when)

    check(found)
    assert [{key: value for key, value in each.items() if key != "segments"} for each in found] == stored
    assert all(sum(part["transfer_arr_cents"] for part in each["segments"]) == 0 for each in found)


@pytest.mark.sized
@given(histories, st.sampled_from(tuple(POLICIES)), st.sampled_from(SEGMENTS))
@settings(max_examples=times(3, 20), **ANY)
def test_any_company_ties_on_the_command_line(
    lib: Lib, sqlite_url: str, history: list[dict[str, Any]], policy: str, by: By
) -> None:
    database = Database(sqlite_url)
    write(database, history)
    database.dispose()
    found = months(
        lib, sqlite_url, "--from", "2026-05-01", "--to", "2026-06-14", "--policy", policy, "--by", by
    )

    assert [month["month"] for month in found] == ["2026-05", "2026-06"]
    check(found)
