"""What if: exact middles, a seeded range, and a sentence for what no company could have."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed
from lib.core.work import reading
from lib.metrics import scenario
from lib.metrics.figure import Basis
from lib.metrics.policies import HOUSE
from lib.metrics.scenario import Now, PastMonth, PlanNow, Wish
from lib.models import SubscriptionPlan
from tests.factories import write
from tests.metrics.ledger import ANNUAL, DESK, MONTHLY, NOW, entry, fill

MONTHLY_PLAN = PlanNow("m", "Try It Out", "monthly", 3_000, 10 * 36_000, 10, True, Fraction(1, 2))
ANNUAL_PLAN = PlanNow("a", "Better Together", "annual", 24_000, 10 * 24_000, 10, True, Fraction(1, 2))
STEADY = tuple(PastMonth(date(2026, month, 1), Fraction(1, 10), 2, Fraction(0)) for month in range(1, 6))
START = Now(
    date(2026, 6, 15),
    "USD",
    (MONTHLY_PLAN, ANNUAL_PLAN),
    STEADY,
    Basis(HOUSE, 5, "complete months", NOW),
)
UNEVEN = replace(
    START,
    months=tuple(
        PastMonth(date(2026, month, 1), Fraction(month, 50), month % 3, Fraction(month - 3, 500))
        for month in range(1, 6)
    ),
)


def test_as_it_goes_now_is_the_average_month_over_and_over() -> None:
    months = scenario.project(START).months
    first = Fraction(600_000 * 9, 10) + 2 * Fraction(36_000 + 24_000, 2)

    assert (months[0].month, months[0].mrr_cents) == (date(2026, 6, 1), 50_000)
    assert months[1].mrr_cents == first / 12
    assert months[2].mrr_cents == (first * Fraction(9, 10) + 60_000) / 12
    assert months[12].month == date(2027, 6, 1)
    assert all(month.difference_cents == 0 for month in months)


def test_months_that_were_all_alike_have_no_range() -> None:
    for month in scenario.project(START).months:
        assert month.low_cents == month.mrr_cents == month.high_cents


def test_the_range_holds_the_middle_and_is_the_same_every_time() -> None:
    once, again = scenario.project(UNEVEN), scenario.project(UNEVEN)

    assert once == again
    for month in once.months[1:]:
        assert month.low_cents < month.mrr_cents < month.high_cents


@pytest.mark.parametrize(
    ("wish", "first_month"),
    [
        (Wish(churn=Fraction(0)), 600_000 + 60_000),
        (Wish(came=Fraction(0)), 540_000),
        (Wish(came=Fraction(4)), 540_000 + 120_000),
        (Wish(prices={"m": 6_000}), 540_000 + 36_000 * 2 + 24_000),
        (Wish(shares={"m": Fraction(1)}), 540_000 + 2 * 36_000),
        (Wish(prices={"m": 6_000}, for_existing=True), 540_000 * Fraction(960, 600) + 36_000 * 2 + 24_000),
    ],
    ids=["no churn", "nobody comes", "twice as many", "price for new ones", "mix", "price for all"],
)
def test_each_wish_changes_the_first_month_as_the_formula_says(
    wish: Wish, first_month: int | Fraction
) -> None:
    assert scenario.project(START, wish).months[1].mrr_cents == Fraction(first_month) / 12


def test_annual_couples_take_a_new_price_as_they_renew() -> None:
    alone = replace(START, plans=(ANNUAL_PLAN,))
    wish = Wish(churn=Fraction(0), came=Fraction(0), prices={"a": 48_000}, for_existing=True)
    months = scenario.project(alone, wish).months

    assert [month.mrr_cents for month in months] == [
        round(Fraction(240_000, 12) * (1 + Fraction(number, 12))) for number in range(13)
    ]


def test_a_discount_stays_in_proportion_when_a_price_moves() -> None:
    halved = replace(MONTHLY_PLAN, arr_cents=5 * 36_000)

    assert halved.brings(3_000) == 18_000
    assert halved.brings(6_000) == 36_000
    assert replace(MONTHLY_PLAN, arr_cents=0, subscriptions=0).brings(4_000) == 48_000


@settings(deadline=None, max_examples=20)  # each draws a thousand courses, twice
@given(
    better=st.fractions(0, Fraction(1, 10)),
    worse=st.fractions(Fraction(1, 10), 1),
)
def test_less_churn_never_brings_less(better: Fraction, worse: Fraction) -> None:
    lower, higher = (scenario.project(START, Wish(churn=churn)).last.mrr_cents for churn in (better, worse))

    assert lower >= higher


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (
            Wish(churn=Fraction(101, 100)),
            "between 0 % and 100 % a month; 101.0 % is not possible.",
        ),
        (Wish(churn=Fraction(-1, 100)), "between 0 % and 100 % a month; −1.0 % is not possible."),
        (Wish(came=Fraction(-1)), "a number from 0 to 1,000,000"),
        (Wish(prices={"m": 0}), "The price of Try It Out, monthly, must be more than zero."),
        (
            Wish(shares={"m": Fraction(3, 2), "a": Fraction(-1, 2)}),
            "annual, cannot be below zero.",
        ),
        (Wish(shares={"m": Fraction(1, 2)}), "add up to 50.0 %; they have to make 100 %."),
    ],
    ids=["churn over 100", "churn below 0", "fewer than nobody", "for nothing", "share below 0", "not 100"],
)
def test_what_cannot_be_gets_a_sentence(wish: Wish, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        scenario.project(START, wish)

    assert sentence in str(refused.value)


def test_the_start_is_what_the_roll_ups_say(four_couples: Database) -> None:
    with reading(four_couples, DESK, now=NOW) as view:
        start = scenario.now(view)

    assert start.why_not is None
    assert {plan.plan_id: (plan.arr_cents, plan.subscriptions) for plan in start.plans} == {
        "m": (2 * MONTHLY, 2),
        "a": (ANNUAL, 1),
        "idle": (0, 0),
    }
    assert {plan.plan_id: plan.share for plan in start.plans} == {
        "m": Fraction(2, 3),
        "a": Fraction(1, 3),
        "idle": 0,
    }
    assert [(month.month.month, month.churn, month.came) for month in start.months] == [
        (3, Fraction(0), 1),
        (4, Fraction(0), 1),
        (5, Fraction(1, 4), 0),
    ]


def test_too_few_months_say_so(sqlite: Database) -> None:
    entry(sqlite, "04-20")
    fill(sqlite, "04-20", "06-15")
    with reading(sqlite, DESK, now=NOW) as view:
        start = scenario.now(view)

    assert start.why_not == "This needs 3 complete months to go by; there are 1."


def test_support_does_not_ask_what_if(sqlite: Database) -> None:
    support = Actor("staff_1", "support@example.org", Role.SUPPORT)

    with pytest.raises(NotAllowed, match="revenue:read"), reading(sqlite, support) as view:
        scenario.now(view)


@pytest.fixture
def four_couples(sqlite: Database) -> Database:
    """Four couples that came from February on, one of whom left in May; three plans on sale."""
    with sqlite.primary.begin() as connection:
        connection.execute(delete(SubscriptionPlan))
    for plan, period, price in (("m", "monthly", 3_000), ("a", "annual", 24_000), ("idle", "annual", 99)):
        write(
            sqlite,
            SubscriptionPlan,
            id=plan,
            plan_name=plan,
            plan_type="custom",
            billing_period=period,
            price_cents=price,
            price_display="",
        )
    for number, (on, plan) in enumerate((("02-10", "m"), ("02-11", "m"), ("03-10", "m"), ("04-10", "a"))):
        whose = {"subscription_id": f"s{number}", "relationship_id": f"c{number}", "plan_id": plan}
        terms = (ANNUAL, "annual") if plan == "a" else (MONTHLY, "monthly")
        entry(sqlite, on, terms[0], billing_period=terms[1], **whose)
    entry(sqlite, "05-10", status="canceled", subscription_id="s0", relationship_id="c0", plan_id="m")
    fill(sqlite, "02-01", "06-15")
    return sqlite
