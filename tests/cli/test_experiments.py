"""`python -m lib metrics experiment`: all of a test, as the page has it."""

import json
from typing import Any

import pytest

from lib.core.database import Database
from tests.cli.test_cli import Lib
from tests.trials import trial


@pytest.fixture
def lib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lib:
    return Lib(monkeypatch, capsys)


@pytest.fixture
def url(sqlite_url: str) -> str:
    database = Database(sqlite_url)
    trial(database)
    database.dispose()
    return sqlite_url


def data(lib: Lib, url: str, *words: str) -> Any:
    ended = lib("metrics", "experiment", "price", *words, "--database", url, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_all_of_a_test_comes_as_json(lib: Lib, url: str) -> None:
    found = data(lib, url)
    arms = {arm["variant"]: arm for arm in found["arms"]}
    [pooled] = [
        each
        for each in found["comparisons"]
        if (each["metric"], each["method"]) == ("conversion", "pooled_z")
    ]
    chances = [each["chance_to_win"] for each in found["comparisons"] if each["chance_to_win"] is not None]

    assert (arms["control"]["units"], arms["control"]["conversions"]) == (30, 8)
    assert arms["treatment"]["rate"] == 0.8
    assert arms["treatment"]["revenue"] == sum(3000 + number for number in range(24))
    assert pooled["relative_lift"] == pytest.approx(2.0)
    assert pooled["difference_interval"][0] < pooled["difference"] < pooled["difference_interval"][1]
    assert pooled["decides"]
    assert pooled["p"] < 0.001
    assert chances
    assert {gate["name"] for gate in found["gates"]} >= {"sample_ratio", "overlap", "run_time", "power"}
    assert found["decision"]["decision"] == "ship"
    assert found["segments"]
    assert found["timeline"]


def test_users_are_counted_on_demand(lib: Lib, url: str) -> None:
    found = data(lib, url, "--unit", "user")

    assert [arm["units"] for arm in found["arms"]] == [60, 60]
    assert "clustered" in {each["method"] for each in found["comparisons"] if each["decides"]}


def test_a_reader_gets_lines_and_a_wrong_name_a_sentence(lib: Lib, url: str) -> None:
    lines = lib("metrics", "experiment", "price", "--database", url)
    wrong = lib("metrics", "experiment", "nothing", "--database", url)

    assert "Ship treatment. (ship)" in lines.stdout
    assert "treatment: 24 of 30 (80.0 %)" in lines.stdout
    assert (wrong.returncode, "There is no test “nothing”" in wrong.stderr) == (1, True)
