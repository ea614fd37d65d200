"""Worked by hand; amounts are annualised cents unless a test says MRR."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from lib.core import money
from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import NotAllowed
from lib.core.work import reading
from lib.metrics import mrr
from tests.metrics import ledger
from tests.metrics.ledger import ANNUAL, BOX, DESK, MONTHLY, day, entry


def standing(database: Database, on: str) -> list[tuple[str, int, int, int]]:
    with reading(database, DESK) as view:
        return [
            (each.currency, each.arr_cents, each.subscriptions, each.couples)
            for each in mrr.mrr_at(view, day(on))
        ]


def moved(database: Database, since: str, until: str) -> list[tuple[str, str, int, int]]:
    rows = ledger.moved(database, since, until)
    return sorted((on.strftime("%m-%d"), movement, arr, couples) for on, _, movement, arr, couples in rows)


def test_an_empty_ledger_recurs_nothing(database: Database) -> None:
    assert standing(database, "06-15") == []


def test_two_partners_who_both_pay_are_one_couple_and_add_up(database: Database) -> None:
    entry(database, "06-01", MONTHLY, subscription_id="hers")
    entry(
        database, "06-02", ANNUAL, subscription_id="his", plan_id="better_together", billing_period="annual"
    )

    assert standing(database, "06-01") == [("USD", 36_000, 1, 1)]
    assert standing(database, "06-02") == [("USD", 60_000, 2, 1)]  # $50 of MRR
    assert moved(database, "06-01", "06-02") == [
        ("06-01", "new", 36_000, 1),
        ("06-02", "expansion", 24_000, 1),
    ]


def test_mrr_is_rounded_once_from_the_annualised_sum(database: Database) -> None:
    for number in range(3):
        entry(database, "06-01", BOX, subscription_id=f"s{number}", relationship_id=f"c{number}")
    with reading(database, DESK) as view:
        (found,) = mrr.mrr_at(view, day("06-01"))

    # 28,900 / 12 is 2,408⅓: three of them are 7,225, not 3 × 2,408 = 7,224
    assert (found.arr_cents, found.mrr_cents) == (86_700, 7_225)
    assert money.monthly(BOX) == 2_408


def test_a_couple_through_all_its_movements(database: Database) -> None:
    #   day    what happens                     stands   movement
    #   06-01  trial begins                          0
    #   06-08  pays $30 a month                 36,000   new           36,000
    #   06-10  moves to $240 a year             24,000   contraction   12,000
    #   06-12  moves to $289 a year             28,900   expansion      4,900
    #   06-14  set to cancel at the end         28,900
    #   06-20  ends                                  0   churn         28,900
    #   06-25  comes back at $30 a month        36,000   reactivation  36,000
    entry(database, "06-01", MONTHLY, status="trialing")
    entry(database, "06-08", MONTHLY)
    entry(database, "06-10", ANNUAL, plan_id="better_together", billing_period="annual")
    entry(database, "06-12", BOX, plan_id="premium_plus", billing_period="annual")
    entry(database, "06-14", BOX, plan_id="premium_plus", billing_period="annual", set_to_cancel=True)
    entry(database, "06-20", BOX, plan_id="premium_plus", billing_period="annual", status="canceled")
    entry(database, "06-25", MONTHLY, subscription_id="s2")

    assert moved(database, "06-01", "06-30") == [
        ("06-08", "new", 36_000, 1),
        ("06-10", "contraction", 12_000, 1),
        ("06-12", "expansion", 4_900, 1),
        ("06-20", "churn", 28_900, 1),
        ("06-25", "reactivation", 36_000, 1),
    ]
    assert [standing(database, on) for on in ("06-07", "06-19", "06-20", "06-25")] == [
        [],
        [("USD", 28_900, 1, 1)],
        [],
        [("USD", 36_000, 1, 1)],
    ]


@pytest.mark.parametrize(
    ("later", "movements"),
    [
        ({"status": "past_due"}, []),
        ({"set_to_cancel": True}, []),
        ({"status": "paused"}, [("06-05", "churn", 36_000, 1)]),
        ({"collection_paused": True}, [("06-05", "churn", 36_000, 1)]),
        ({"status": "canceled", "cause": "involuntary"}, [("06-05", "churn", 36_000, 1)]),
        ({"net_arr_cents": 18_000}, [("06-05", "contraction", 18_000, 1)]),  # half off for a while
        ({"net_arr_cents": 0}, [("06-05", "churn", 36_000, 1)]),  # nothing is paid any more
        ({"list_arr_cents": 40_000}, []),  # the price list moved, this couple's price did not
    ],
    ids=lambda value: (
        " ".join(f"{name}={it}" for name, it in value.items()) if isinstance(value, dict) else ""
    ),
)
def test_what_happens_to_a_paying_couple_moves_mrr_as_the_house_policy_says(
    database: Database, later: dict[str, Any], movements: list[Any]
) -> None:
    entry(database, "06-01")
    entry(database, "06-05", **later)

    assert moved(database, "06-02", "06-30") == movements


def test_a_gift_moves_nothing_when_it_ends_and_is_new_business_when_it_is_paid(database: Database) -> None:
    entry(database, "06-01", ANNUAL, is_gift=True)
    entry(database, "06-10", ANNUAL, is_gift=True, status="canceled")
    entry(database, "06-20", ANNUAL, subscription_id="s2")

    assert moved(database, "06-01", "06-30") == [("06-20", "new", 24_000, 1)]


def test_an_upgrade_by_a_new_subscription_on_the_same_day_is_not_churn(database: Database) -> None:
    entry(database, "06-01", ANNUAL)
    entry(database, datetime(2026, 6, 9, 10, tzinfo=UTC), ANNUAL, status="canceled")
    entry(database, datetime(2026, 6, 9, 11, tzinfo=UTC), MONTHLY, subscription_id="s2")

    assert moved(database, "06-02", "06-30") == [("06-09", "expansion", 12_000, 1)]


def test_of_two_entries_of_one_moment_the_later_one_counts(database: Database) -> None:
    entry(database, "06-01", MONTHLY)
    entry(database, "06-01", ANNUAL)

    assert standing(database, "06-01") == [("USD", 24_000, 1, 1)]


def test_a_day_ends_at_midnight_utc(database: Database) -> None:
    entry(database, datetime(2026, 6, 1, 23, 59, 59, tzinfo=UTC))
    entry(database, datetime(2026, 6, 2, 0, 0, 0, tzinfo=UTC), status="canceled")

    assert moved(database, "06-01", "06-02") == [("06-01", "new", 36_000, 1), ("06-02", "churn", 36_000, 1)]


def test_currencies_are_never_added_together(database: Database) -> None:
    entry(database, "06-01", MONTHLY)
    entry(database, "06-01", MONTHLY, subscription_id="s2", relationship_id="c2", currency="EUR")

    assert standing(database, "06-01") == [("EUR", 36_000, 1, 1), ("USD", 36_000, 1, 1)]


def test_a_subscription_that_was_handed_to_another_couple_leaves_the_first(database: Database) -> None:
    entry(database, "06-01", relationship_id="first")
    entry(database, "06-05", relationship_id="second")

    assert moved(database, "06-05", "06-05") == [("06-05", "churn", 36_000, 1), ("06-05", "new", 36_000, 1)]


def test_a_long_range_gives_what_its_days_give_one_by_one(database: Database) -> None:
    entry(database, "2026-01-10")
    entry(database, "2026-03-10", status="canceled")
    entry(database, "2026-06-10")
    one_by_one = [
        row for month in (1, 3, 6) for row in moved(database, f"2026-{month:02}-10", f"2026-{month:02}-10")
    ]

    assert moved(database, "2026-01-01", "2026-06-30") == one_by_one
    assert [movement for _, movement, _, _ in one_by_one] == ["new", "churn", "reactivation"]


def test_moments_in_the_apps_own_form_fall_on_their_day(sqlite: Database) -> None:
    entry(sqlite, "06-01")
    entry(sqlite, "06-02", status="canceled")
    with sqlite.primary.begin() as connection:
        for seq, moment in ((1, "2026-06-01T23:59:59.999Z"), (2, "2026-06-02T00:00:00.000Z")):
            connection.execute(
                text(
                    "UPDATE subscription_changes SET effective_at = CASE WHEN seq = :seq THEN :moment ELSE "
                    "effective_at END, superseded_at = CASE WHEN seq = :seq - 1 THEN :moment END"
                ),
                {"moment": moment, "seq": seq},
            )

    assert moved(sqlite, "06-01", "06-01") == [("06-01", "new", 36_000, 1)]
    assert moved(sqlite, "06-02", "06-02") == [("06-02", "churn", 36_000, 1)]


def test_support_does_not_read_revenue(sqlite: Database) -> None:
    support = Actor("staff_1", "support@example.org", Role.SUPPORT)

    with pytest.raises(NotAllowed, match="revenue:read"), reading(sqlite, support) as view:
        mrr.mrr_at(view, date(2026, 6, 15))
