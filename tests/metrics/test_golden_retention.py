"""`retention.json`: every published retention table and funnel comes out as printed, by the method named."""

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from lib.metrics import funnels, retention
from lib.metrics.figure import share_of
from lib.metrics.funnels import Event, Question, Step
from lib.metrics.retention import Cell, Cohort, Definition
from tests.conftest import golden

UNITS = {"days": "days", "minutes": "minutes", "hours": "hours"}


def cases() -> list[Any]:
    """The cases, each under its own name; where the file is missing the one test of it says so."""
    try:
        found = json.loads(golden("retention.json").read_text("utf-8"))["cases"]
    except pytest.skip.Exception:
        return [pytest.param(None, id="missing")]
    return [pytest.param(case, id=case["id"]) for case in found]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def funnel(case: dict[str, Any]) -> None:
    number, _, unit = (case["window"] or "").partition(" ")
    window = timedelta(**{UNITS[unit]: int(number)}) if number else None
    question = Question(
        tuple(Step(what) for what in case["steps"]), window, order=case["order"], unit="person"
    )
    events = [Event(each["user"], None, each["event"], moment(each["at"])) for each in case["events"]]
    found = funnels.walks(question, funnels.frame(events), date(2019, 1, 1), date(2030, 1, 1))
    counts = funnels.count(question, found)
    expected = case["expected"]

    assert [each.reached for each in counts] == expected["counts"]
    for name in ("average", "median"):
        printed = expected.get(f"{name[:3] if name == 'average' else name}_seconds")
        said = [getattr(each, f"{name}_seconds") for each in counts]
        assert printed is None or said == [None if each is None else Fraction(each) for each in printed]


def retention_table(case: dict[str, Any]) -> None:
    said = case["definition"]
    definition = Definition(
        case["unit"],
        cohort="recurring" if "EVERY period" in said else "first",
        counting="on_or_after" if "on-or-after" in said else "exact",
        times=3 if "at least 3" in said else 1,
        week_start="sunday",
    )
    first = date.fromisoformat(case["first_period"][:10])
    events = retention.frame((each["user"], moment(each["at"])) for each in case["events"])
    members = retention.members(definition, events, first, case["periods"])
    came = retention.returned(definition, members, events, first, case["periods"])
    cohorts, _ = retention.table(
        definition,
        retention.counts_of(definition, came),
        first,
        case["periods"],
        datetime(2030, 1, 1, tzinfo=UTC),
    )
    counts = [[cell.returned for cell in cohort.cells] for cohort in cohorts]

    assert cohorts[0].start == first
    assert counts == case["expected_counts_triangle"]


def average_row(case: dict[str, Any]) -> None:
    rows = case["input"]
    cohorts = [
        Cohort(
            date(2026, 3, number),
            row["size"],
            (Cell(1, row["day1"], Fraction(row["day1"], row["size"]), row.get("complete", True)),),
        )
        for number, row in enumerate(rows, 1)
    ]
    found = retention.average(1, cohorts)
    printed = {
        "mixpanel_rate": found.by_size_twice,
        "mixpanel_count_view": found.returned_by_size,
        "amplitude_rate": found.pooled,
        "naive_mean_of_rates": found.plain,
    }

    assert {name: round(float(value or 0), 2) for name, value in printed.items()} == case["expected"]


def bucket(case: dict[str, Any]) -> None:
    born, back = (moment(case["input"][name]) for name in ("birth", "return_"))
    ages = {
        f"{buckets}_bucket": retention.age_of(Definition(case["input"]["unit"], buckets=buckets), born, back)
        for buckets in ("calendar", "rolling")
    }

    assert ages == case["expected"]


def rate(case: dict[str, Any]) -> None:
    found = share_of(case["input"]["viewed_within_1_day"], case["input"]["signed_up"])

    assert found is not None
    assert round(float(100 * found), 2) == case["expected"]["rate_percent"]


def definition_of_subscription_retention(case: dict[str, Any]) -> None:
    """By first payment; who comes back is kept; paid back is gone; what goes on is in no average."""
    assert case["expected"].keys() == {"cohort", "rate", "incomplete", "resubscribe", "refund"}
    # Five first paid in January. "pause" skips February, "refunded" has March paid back, "gone" never renews.
    paid = {"stays": (1, 2, 3, 4), "pause": (1, 3, 4), "refunded": (1, 2, 3), "gone": (1,), "late": (1, 2)}
    payments = [
        (who, datetime(2026, month, 9, tzinfo=UTC)) for who, months in paid.items() for month in months
    ]
    events = retention.frame([*payments, ("next", datetime(2026, 2, 9, tzinfo=UTC))])
    losses = retention.frame([("refunded", datetime(2026, 3, 20, tzinfo=UTC))])
    by_month, first = Definition("month"), date(2026, 1, 1)
    members = retention.members(by_month, events, first, 4)
    came = retention.returned(by_month, members, events, first, 4, losses)
    cohorts, averages = retention.table(
        by_month, retention.counts_of(by_month, came), first, 4, datetime(2026, 4, 15, tzinfo=UTC)
    )
    january = cohorts[0]

    assert january.size == 5
    assert [cell.returned for cell in january.cells] == [5, 3, 2, 2]
    assert [cell.share for cell in january.cells[1:]] == [Fraction(3, 5), Fraction(2, 5), Fraction(2, 5)]
    assert [cell.mature for cell in january.cells] == [True, True, True, False]
    assert (averages[3].pooled, averages[3].cohorts) == (None, 0)


CHECKS = {
    "retention_table": retention_table,
    "average_row": average_row,
    "bucket": bucket,
    "rate": rate,
    "definition": definition_of_subscription_retention,
    "funnel": funnel,
}


@pytest.mark.parametrize("case", cases())
def test_a_published_case_comes_out_as_printed(case: dict[str, Any] | None) -> None:
    if case is None:
        golden("retention.json")
    assert case is not None

    CHECKS[case["type"]](case)
