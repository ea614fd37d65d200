"""`python -m lib metrics`: the figures that the pages show, as JSON that ties."""

import json
from typing import Any

import pytest

from lib.core.database import Database
from tests.cli.test_cli import Lib
from tests.metrics.ledger import NOW, entry
from tests.services.month_close.conftest import company

MAY = ("--from", "2026-05-01", "--to", "2026-05-31")


@pytest.fixture
def lib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lib:
    return Lib(monkeypatch, capsys)


@pytest.fixture
def url(sqlite_url: str) -> str:
    database = Database(sqlite_url)
    company(database)
    entry(database, "05-25", 0, status="canceled", recorded_at=NOW)
    database.dispose()
    return sqlite_url


def data(lib: Lib, url: str, *words: str) -> Any:
    ended = lib("metrics", *words, "--database", url, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_movements_tie_and_as_of_a_moment_they_are_what_was_known(lib: Lib, url: str) -> None:
    stored = data(lib, url, "movements", *MAY)
    known = data(lib, url, "movements", *MAY, "--as-of", "2026-06-01T00:00:00Z", "--by", "plan")
    (month,) = stored["months"]
    (anew,) = known["months"]
    segments = anew.pop("segments")

    for unit in ("cents", "arr_cents"):
        came = sum(month[f"{name}_{unit}"] for name in ("opening", "new", "reactivation", "expansion", "fx"))
        gone = month[f"contraction_{unit}"] + month[f"churn_{unit}"]
        assert came - gone == month[f"closing_{unit}"]
    assert month["opening_couples"] + month["new_couples"] - month["churn_couples"] == 3
    assert (stored["from"], known["from"]) == ("roll-up", "ledger")
    assert anew == month
    assert sum(each["churn_arr_cents"] for each in segments) == month["churn_arr_cents"] == 36_000


def test_mrr_at_a_day_by_segment_as_it_was_known(lib: Lib, url: str) -> None:
    (now,) = data(lib, url, "mrr", "--to", "2026-05-31", "--by", "period")
    (known,) = data(lib, url, "mrr", "--date", "2026-05-31", "--as-of", "2026-06-01")

    assert known["arr_cents"] - now["arr_cents"] == 36_000
    assert known["mrr_cents"] == round(known["arr_cents"] / 12)
    assert sum(each["arr_cents"] for each in now["segments"]) == now["arr_cents"]


def test_churn_names_each_formula_and_whose_it_is(lib: Lib, url: str) -> None:
    found = data(lib, url, "churn", *MAY)
    named = {each["name"]: each for each in found["formulas"]}

    assert named["customer_churn"]["months"][0]["value"] == pytest.approx(1 / 3)
    assert named["customer_churn_chartmogul_b2c"]["vendor"] == "ChartMogul"
    # Of the three of 1 May, and the one that came, one left.
    assert named["customer_churn_stripe"]["months"][0]["value"] == pytest.approx(1 / 4)
    assert named["ltv_stripe"]["months"][0]["value"] == 9878
    assert named["ltv"]["months"][0]["value"] == 7408
    assert found["months"][0]["voluntary_churned_couples"] == 1


def test_a_reader_gets_lines_with_amounts(lib: Lib, url: str) -> None:
    moved = lib("metrics", "movements", *MAY, "--by", "plan", "--database", url).stdout
    told = lib("metrics", "churn", *MAY, "--database", url).stdout
    stands = lib("metrics", "mrr", "--to", "2026-05-31", "--by", "period", "--database", url).stdout

    assert moved.startswith("2026-05: opening $80.00, new $20.00")
    assert "\n  try_it_out: opening $80.00, new $20.00" in moved
    assert "transfer $0.00, closing $44.08" in moved
    assert "customer_churn 33.3 %" in told
    assert "ltv $74.08" in told
    assert "  monthly: $529.00 a year from 2 subscriptions" in stands


def test_the_bridge_leads_from_one_policy_to_the_other(lib: Lib, url: str) -> None:
    database = Database(url)
    entry(database, "05-02", subscription_id="s9", relationship_id="c9", collection_paused=True)
    database.dispose()
    found = data(lib, url, "bridge", "--to", "2026-05-31", "--against", "stripe")

    assert found["against_arr_cents"] - found["arr_cents"] == found["difference_arr_cents"] == 36_000
    assert [(row["subscription_id"], row["reasons"]) for row in found["rows"]] == [("s9", {"paused": 36_000})]
    assert found["untied_arr_cents"] == 0
    assert found["reasons"][0]["words"] == "Paused"


def test_revenue_cohorts_and_their_worth_are_printed(lib: Lib, url: str) -> None:
    lib("jobs", "run", "cohorts", "--date", "2026-06-15", "--database", url)
    days = data(lib, url, "revenue", *MAY)["days"]
    kept = data(lib, url, "retention", "--from", "2026-04-01", "--to", "2026-05-31")
    worth = data(lib, url, "ltv", "--from", "2026-04-01", "--to", "2026-05-31")

    assert (len(days), days[-1]["arr_cents"]) == (31, 88_900)
    assert [each["joined"] for each in kept["cohorts"]] == [3, 1]
    assert [each["joined"] for each in worth["cohorts"]] == [3, 1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("movements", "--from", "2026-05-01", "--to", "2026-07-31"), "July 2026 was not counted"),
        (("movements", "--from", "2026-05-01", "--to", "2026-04-01"), "is after"),
        (("movements", *MAY, "--as-of", "May"), "is not a moment"),
        (("movements", *MAY, "--reporting", "--by", "plan"), "leave out --as-of and --by"),
        (("churn", *MAY, "--policy", "nobody"), "There is no metrics policy"),
        (("retention", *MAY, "--currency", "CHF"), "."),
    ],
)
def test_what_cannot_be_printed_gets_a_sentence(
    lib: Lib, url: str, words: tuple[str, ...], sentence: str
) -> None:
    ended = lib("metrics", *words, "--database", url)

    assert ended.returncode == 1
    assert sentence in ended.stderr
