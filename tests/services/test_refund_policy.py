"""The rule: which facts speak for a refund, which against it, and what comes of them together."""

from datetime import UTC, datetime, timedelta

import pytest

from lib.services import refund_policy
from lib.services.refund_policy import Facts, recommend

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def facts(*, days: float = 20, paid_for: str = "subscription", **over: object) -> Facts:
    return Facts(at=NOW, paid_at=NOW - timedelta(days=days), paid_for=paid_for, **over)


@pytest.mark.parametrize(
    ("given", "code", "sentence"),
    [
        (facts(days=0.25), "just paid", "Paid 6 hours ago."),
        (facts(days=9), "age", "Paid 9 days ago."),
        (facts(days=61), "paid long ago", "Paid 61 days ago, which is more than 60 days."),
        (facts(days=14), "inside the window", "Inside the 14-day window for payments of this kind"),
        (facts(days=17), "past the window", "3 days past the 14-day window"),
        (facts(days=17, paid_for="box"), "inside the window", "Inside the 30-day window"),
        (facts(active_days=(0,)), "hardly used", "Who paid used the app on 0 of the last 30 days."),
        (facts(active_days=(5, 22)), "used a lot", "The partner used the app on 22 of the last 30 days."),
        (
            facts(paid_for="credits", credits_bought=50, credits_used=30),
            "credits used up",
            "30 of the 50 credits that it bought are used.",
        ),
        (
            facts(paid_for="credits", credits_bought=50),
            "credits unused",
            "0 of the 50 credits that it bought are used.",
        ),
        (facts(credits_used=21), "many credits used", "21 AI credits used since the payment."),
        (
            facts(paid_for="box", days=9, shipped_at=NOW - timedelta(days=8)),
            "box shipped",
            "The box was shipped on 2026-06-07.",
        ),
        (facts(paid_for="box", days=9), "box shipped", "taken as shipped; our records hold no date"),
        (facts(paid_for="box", days=1), "box not shipped", "may still be stopped"),
        (facts(earlier_refunds=3), "many refunds", "The couple got 3 refunds within the last year."),
        (facts(twins=1), "charged twice", "Another payment of the same amount"),
    ],
)
def test_a_fact_becomes_a_ground_with_its_number(given: Facts, code: str, sentence: str) -> None:
    [ground] = [each for each in recommend(given).grounds if each.code == code]

    assert sentence in ground.sentence
    assert ground.weight == refund_policy.WEIGHTS.get(code, 0)
    assert ground.speaks == ("for" if ground.weight > 0 else "against" if ground.weight < 0 else "neither")


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (facts(days=1, active_days=(0, 0)), "refund"),
        (facts(days=90, active_days=(20, 20), earlier_refunds=2), "keep"),
        (facts(days=10, active_days=(20, 20)), "mixed"),
        (facts(days=90, active_days=(20, 20), twins=1), "mixed"),
        (facts(paid_for="box", days=10, active_days=(5, 5)), "mixed"),
    ],
)
def test_the_grounds_together_make_a_recommendation(given: Facts, verdict: str) -> None:
    made = recommend(given)

    assert made.verdict == verdict
    assert made.score == sum(ground.weight for ground in made.grounds)


def test_a_payment_without_a_date_says_so_and_weighs_nothing_by_its_age() -> None:
    made = recommend(Facts(at=NOW, paid_at=None, paid_for="subscription"))

    assert "do not say when" in made.grounds[0].sentence
    assert made.verdict == "mixed"


def test_only_a_clear_recommendation_can_be_overruled() -> None:
    clear, against, mixed = (
        recommend(given)
        for given in (facts(days=1), facts(days=90, earlier_refunds=2), facts(active_days=(0, 0)))
    )

    assert [each.verdict for each in (clear, against, mixed)] == ["refund", "keep", "mixed"]
    assert (clear.is_overruled_by("denied"), clear.is_overruled_by("approved")) == (True, False)
    assert (against.is_overruled_by("denied"), against.is_overruled_by("approved")) == (False, True)
    assert (mixed.is_overruled_by("denied"), mixed.is_overruled_by("approved")) == (False, False)


def test_every_weight_belongs_to_a_ground_that_the_rule_can_find() -> None:
    situations = (
        facts(days=0.5, active_days=(0, 20), twins=1, credits_used=30, earlier_refunds=2),
        facts(days=90, paid_for="box"),
        facts(days=1, paid_for="box"),
        facts(paid_for="credits", credits_bought=9),
        facts(paid_for="credits", credits_bought=9, credits_used=9),
    )
    found = {ground.code for each in situations for ground in recommend(each).grounds}

    assert refund_policy.WEIGHTS.keys() <= found
