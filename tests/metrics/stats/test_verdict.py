"""The decision card: which advice, on which grounds, and when a person goes against it."""

from dataclasses import replace

import pytest

from lib.metrics.stats import Arm, Clusters, Guardrail, Overlap, Plan, analyse
from lib.metrics.verdict import Card, decide, goes_against

PLAN = Plan("control", {"control": 1, "new": 1}, days_run=20, units_per_arm=5000)
CLEAN = Overlap(20_000, 0, 10_000, 0)
WINS, EVEN, LOSES = 650, 500, 380


def card(new: int, *guardrails: Guardrail, units: int = 5000, plan: Plan = PLAN, revenue: int = 0) -> Card:
    """The card of a test whose control converts 10 %; both arms earn alike unless `revenue` is lost."""
    arms = [
        Arm("control", units, units // 10, 5_000_000, 12_000_000_000),
        Arm("new", units, new * units // 5000, 5_000_000 - revenue, 12_000_000_000),
    ]
    return decide(analyse(arms, plan, CLEAN), guardrails)


def refunds(control: int, new: int) -> Guardrail:
    return Guardrail("refunds", "Refunds", {"control": control, "new": new}, {"control": 500, "new": 500})


def test_a_clean_winner_of_its_size_is_shipped_with_its_test_and_correction_named() -> None:
    found = card(WINS, refunds(20, 21))

    assert (found.decision, found.variant, found.headline) == ("ship", "new", "Ship new.")
    assert found.grounds[0] == (
        "Conversion per couple in new: +30.0 % against control, p < 0.0001"
        " (two-proportion z-test with the pooled variance; corrected by Holm)."
    )
    assert [one.state for one in found.guarded] == ["clear"]


def test_a_loser_is_rolled_back() -> None:
    found = card(LOSES)

    assert (found.decision, found.headline) == ("roll_back", "Roll back to control.")


def test_a_difference_that_is_none_at_full_size_asks_for_a_look() -> None:
    found = card(EVEN)

    assert found.decision == "review"
    assert found.headline == (
        "It has its size and shows no difference: +10.0 % would have been found with 80.0 %."
    )


def test_before_its_size_a_test_keeps_running_for_as_long_as_its_pace_needs() -> None:
    found = card(EVEN, units=2500)

    assert (found.decision, found.days) == ("keep_running", 20)
    assert found.headline == "Keep running, about 20 days."


def test_a_test_that_would_need_too_long_asks_for_a_look() -> None:
    found = card(EVEN, units=500)

    assert (found.decision, found.days) == ("review", 180)
    assert found.headline == "Have a closer look: it would need 180 days more."


def test_before_the_minimum_time_a_winner_waits_for_it() -> None:
    found = card(WINS, plan=replace(PLAN, days_run=10.5))

    assert (found.decision, found.days) == ("keep_running", 4)


def test_what_is_clear_at_its_size_is_not_before_it_as_only_always_valid_tests_count_there() -> None:
    slight = 570

    assert card(slight).decision == "ship"
    assert card(slight, plan=replace(PLAN, units_per_arm=8000)).decision == "keep_running"


def test_a_strong_winner_is_shipped_before_its_size() -> None:
    found = card(WINS, plan=replace(PLAN, units_per_arm=8000))

    assert found.decision == "ship"
    assert "always-valid p of the difference" in found.grounds[0]


def test_a_winner_with_more_refunds_has_to_be_weighed() -> None:
    found = card(WINS, refunds(20, 60))

    assert found.decision == "review"
    assert found.headline == "new wins, and makes something else worse: weigh it."
    assert found.grounds[1].startswith("Refunds: 12.0 % in new, 4.0 % in control (p < 0.0001")


def test_a_winner_that_earns_less_has_to_be_weighed() -> None:
    found = card(WINS, revenue=1_500_000)

    assert found.decision == "review"
    assert "Revenue per couple in new: −30.0 %" in found.grounds[0]


def test_harm_without_a_win_rolls_back() -> None:
    assert card(EVEN, refunds(20, 60)).decision == "roll_back"


def test_a_guardrail_that_nobody_was_counted_for_is_unknown_and_stops_nothing() -> None:
    found = card(WINS, Guardrail("errors", "Errors", {}, {}))

    assert found.decision == "ship"
    assert [(one.state, one.sentence) for one in found.guarded] == [
        ("unknown", "Errors in new: Not computable: nobody is in the control arm.")
    ]


def test_one_bad_arm_of_three_does_not_stop_the_good_one() -> None:
    arms = [Arm("control", 5000, 500), Arm("good", 5000, 650), Arm("bad", 5000, 350)]
    plan = replace(PLAN, split={"control": 1, "good": 1, "bad": 1})
    found = decide(analyse(arms, plan, CLEAN))

    assert (found.decision, found.variant) == ("ship", "good")


def test_arms_of_the_wrong_size_are_reviewed_whatever_they_show() -> None:
    arms = [Arm("control", 6000, 600), Arm("new", 4000, 800)]
    found = decide(analyse(arms, PLAN, CLEAN))

    assert found.decision == "review"
    assert found.headline == "Its numbers cannot be trusted: find out why first."
    assert len(found.grounds) == 1
    assert found.grounds[0] == (
        "The arms do not have the planned sizes (control 60.0 % for 50.0 %, new 40.0 % for 50.0 %):"
        " p < 0.0001, chi² test."
    )


def test_people_in_several_arms_and_users_without_their_couples_are_reviewed() -> None:
    arms = [Arm("control", 5000, 500), Arm("new", 5000, 650)]
    crossed = decide(analyse(arms, PLAN, Overlap(10_000, 200, 5000, 0)))
    strangers = decide(analyse(arms, replace(PLAN, unit="user"), CLEAN))

    assert crossed.decision == strangers.decision == "review"


def test_users_whose_couples_are_known_are_decided_with_them() -> None:
    arms = [
        Arm(name, 10_000, conversions, clusters=Clusters(5000, 20_000, 2 * conversions, 2 * conversions))
        for name, conversions in (("control", 1000), ("new", 1300))
    ]
    found = decide(analyse(arms, replace(PLAN, unit="user"), CLEAN))

    assert found.decision == "ship"
    assert "errors clustered by couple" in found.grounds[0]


def test_revenue_can_be_what_decides() -> None:
    plan = replace(PLAN, primary="revenue")

    assert card(EVEN, plan=plan, revenue=1_500_000).decision == "roll_back"
    assert card(EVEN, plan=plan, revenue=-1_500_000).decision == "ship"


@pytest.mark.parametrize("correction", ["holm", "benjamini-hochberg", "bonferroni"])
def test_the_correction_of_the_plan_is_named(correction: str) -> None:
    found = card(WINS, plan=replace(PLAN, correction=correction))

    assert found.grounds[0].lower().replace("–", "-").endswith(f"corrected by {correction}).")


@pytest.mark.parametrize(
    ("decision", "stopping", "winner", "against"),
    [
        ("ship", True, "new", False),
        ("ship", True, "control", True),
        ("ship", True, None, True),
        ("ship", False, None, True),
        ("roll_back", True, None, False),
        ("roll_back", True, "control", False),
        ("roll_back", True, "new", True),
        ("roll_back", False, None, True),
        ("keep_running", False, None, False),
        ("keep_running", True, "new", True),
        ("review", False, None, False),
        ("review", True, None, True),
    ],
)
def test_a_person_goes_against_the_card_by_doing_otherwise(
    decision: str, stopping: bool, winner: str | None, against: bool
) -> None:
    advice = Card(decision, "new" if decision == "ship" else None, None, "", ())

    assert goes_against(advice, stopping, winner, "control") is against
