"""A whole test analysed: what decides, what is corrected, which gates hold, what bad input says of itself."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.metrics.stats import Analysis, Arm, BeforeTest, Clusters, Overlap, Plan, analyse, methods
from lib.metrics.stats.power import minimum_detectable_lift, planned, sample_size
from lib.metrics.verdict import decide
from tests.sized import times

PLAN = Plan("control", {"control": 50, "new": 50}, days_run=20)
PEOPLE = Overlap(4000, 10, 2000, 6)


def analysed(control: tuple[int, int], new: tuple[int, int], plan: Plan = PLAN) -> Analysis:
    return analyse([Arm("control", control[1], control[0]), Arm("new", new[1], new[0])], plan, PEOPLE)


def state(analysis: Analysis, gate: str) -> str:
    return analysis.gate(gate).state


def test_a_large_test_is_decided_by_the_pooled_z_and_a_small_one_by_fisher() -> None:
    large, tiny = analysed((100, 1000), (130, 1000)), analysed((2, 40), (6, 40))

    assert large.of("new", "conversion")[0].effect.method == methods.POOLED_Z
    assert tiny.of("new", "conversion")[0].effect.method == methods.FISHER
    assert sum(one.decides for one in tiny.comparisons) == 2


def test_revenue_is_decided_by_welch_and_corrected_together_with_conversion() -> None:
    analysis = analyse(
        [Arm("control", 1000, 100, 500_000, 900_000_000), Arm("new", 1000, 130, 700_000, 1_400_000_000)], PLAN
    )
    raw = [row.raw for row in analysis.adjusted]

    assert [(row.metric, row.test) for row in analysis.adjusted] == [
        ("conversion", methods.POOLED_Z.test),
        ("revenue", methods.WELCH.test),
    ]
    assert [row.bonferroni for row in analysis.adjusted] == pytest.approx([min(1, 2 * p) for p in raw])
    assert all(row.raw <= row.benjamini_hochberg <= row.holm <= row.bonferroni for row in analysis.adjusted)


def test_users_are_decided_with_couples_respected_and_every_naive_figure_says_so() -> None:
    clusters = Clusters(500, 2000, 240, 200)
    arms = [Arm(name, 1000, 100, 90_000, 10**9, clusters=clusters) for name in ("control", "new")]
    analysis = analyse(arms, replace(PLAN, unit="user"))
    naive = [
        one.effect
        for one in analysis.comparisons
        if one.effect.method in (methods.POOLED_Z, methods.BETA_POSTERIOR, methods.WELCH)
    ]

    assert analysis.of("new", "conversion")[0].effect.method == methods.CLUSTERED
    assert all("partners for strangers" in (effect.remark or "") for effect in naive)
    assert state(analysis, "clusters") == "passed"
    assert (
        state(analyse([Arm("control", 9, 1), Arm("new", 9, 1)], replace(PLAN, unit="user")), "clusters")
        == "failed"
    )


def test_partners_who_act_alike_make_a_test_of_users_need_more_of_them() -> None:
    alike, strangers = Clusters(500, 2000, 200, 200), Clusters(1000, 1000, 100, 100)

    def needed(clusters: Clusters) -> int:
        arms = [Arm(name, 1000, 100, clusters=clusters) for name in ("control", "new")]
        found = analyse(arms, replace(PLAN, unit="user")).reach.needed
        assert found
        return found

    assert needed(alike) == pytest.approx(2 * needed(strangers), rel=0.01)


def test_a_period_before_adds_cuped_to_both_metrics() -> None:
    before = BeforeTest(50_000, 100_000_000, 60_000_000, 9000)
    arms = [Arm(name, 100, 20, 60_000, 110_000_000, before) for name in ("control", "new")]
    found = [one.metric for one in analyse(arms, PLAN).comparisons if one.effect.method == methods.CUPED]

    assert found == ["conversion", "revenue"]


def test_planned_looks_add_an_interval_that_is_wider_than_that_of_one_look() -> None:
    analysis = analysed((100, 1000), (130, 1000), replace(PLAN, looks=(0.25, 0.5)))
    effects = {one.effect.method: one.effect for one in analysis.of("new", "conversion")}
    planned_looks = effects[methods.GROUP_SEQUENTIAL].difference_interval
    single = effects[
        methods.WALD if methods.WALD in effects else methods.GROWTHBOOK_DIFFERENCE
    ].difference_interval

    assert planned_looks
    assert single
    assert planned_looks.low < single.low
    assert planned_looks.high > single.high
    unordered = analysed((100, 1000), (130, 1000), replace(PLAN, looks=(0.5, 0.25)))
    (effect,) = (
        one.effect
        for one in unordered.of("new", "conversion")
        if one.effect.method == methods.GROUP_SEQUENTIAL
    )
    assert effect.why_not == "Not computable: looks have to rise, from above 0 to the planned size."


@pytest.mark.parametrize(
    ("arms", "sentence"),
    [
        ([], "The control arm control is not among the arms."),
        ([Arm("new", 10, 1)], "The control arm control is not among the arms."),
        ([Arm("control", 10, 1)], "The test has one arm: there is nothing to compare it with."),
        (
            [Arm("control", 10, 1), Arm("control", 9, 1)],
            "Two arms have the same name, so nobody can tell them apart.",
        ),
        ([Arm("control", 10, 1), Arm("new", 0, 0)], "Nobody was put into new."),
        ([Arm("control", 10, 1), Arm("new", 10, 11)], "More conversions than couples were counted in new."),
    ],
)
def test_arms_that_cannot_be_compared_are_explained_and_no_lift_is_shown(
    arms: list[Arm], sentence: str
) -> None:
    analysis = analyse(arms, PLAN)
    card = decide(analysis)

    assert (analysis.gate("arms").state, analysis.gate("arms").sentence) == ("failed", sentence)
    assert {one.effect.lift for one in analysis.comparisons if one.metric == "conversion"} <= {None}
    assert {one.effect.p for one in analysis.comparisons if one.metric == "conversion"} <= {None}
    assert (card.decision, card.grounds[0]) == ("review", sentence)


def test_an_arm_that_was_planned_and_has_nobody_is_missed() -> None:
    analysis = analysed((10, 100), (12, 100), replace(PLAN, split={"control": 1, "new": 1, "third": 1}))

    assert analysis.gate("arms").sentence == "Nobody was put into third."


def test_nobody_converting_has_no_lift_by_any_method_and_every_gap_says_why() -> None:
    analysis = analysed((0, 500), (0, 500))

    assert {one.effect.lift for one in analysis.comparisons} == {None}
    assert all(one.effect.why_not or one.effect.remark for one in analysis.comparisons)
    assert analysis.omnibus.why_not == "Not computable: nobody converted, or everybody did."
    assert analysis.reach.why_not == "No size can be told: the control shows no rate to build on."


@pytest.mark.parametrize(
    ("units", "split", "expected"),
    [
        ((6000, 4000), {"control": 50, "new": 50}, "failed"),
        ((6000, 4000), {"control": 60, "new": 40}, "passed"),
        ((6000, 4000), {"control": 3, "new": 2}, "passed"),
        ((5100, 4900), {"control": 1, "new": 1}, "passed"),
        ((7, 0), {"control": 1, "new": 1}, "unknown"),
        ((100, 0), {"control": 1, "new": 1}, "failed"),
        ((100, 100), {"control": 100}, "unknown"),
        ((0, 0), {"control": 1, "new": 1}, "unknown"),
    ],
)
def test_the_sample_ratio_is_held_against_the_planned_weights(
    units: tuple[int, int], split: dict[str, float], expected: str
) -> None:
    analysis = analysed((0, units[0]), (0, units[1]), replace(PLAN, split=split))

    assert state(analysis, "sample_ratio") == expected
    assert analysis.gate("sample_ratio").sentence


def test_a_test_bears_one_percent_in_several_arms_and_unknown_people_are_not_clean() -> None:
    arms = [Arm("control", 1000, 100), Arm("new", 1000, 100)]

    assert state(analyse(arms, PLAN, Overlap(1000, 10, 500, 5)), "overlap") == "passed"
    assert state(analyse(arms, PLAN, Overlap(1000, 11, 500, 5)), "overlap") == "failed"
    assert state(analyse(arms, PLAN, Overlap(1000, 10, 500, 6)), "overlap") == "failed"
    assert state(analyse(arms, PLAN), "overlap") == "unknown"
    assert state(analyse(arms, PLAN, Overlap(0, 0)), "overlap") == "unknown"


@pytest.mark.parametrize(
    ("days", "expected"), [(-3, "failed"), (0, "failed"), (13.9, "failed"), (14, "passed")]
)
def test_a_test_runs_two_weeks_before_it_is_believed(days: float, expected: str) -> None:
    assert state(analysed((100, 1000), (110, 1000), replace(PLAN, days_run=days)), "run_time") == expected


def test_the_days_to_go_follow_the_pace_of_the_smallest_arm() -> None:
    plan = replace(PLAN, days_run=10, units_per_arm=3000)
    reach = analysed((100, 1500), (100, 1000), plan).reach

    assert (reach.needed, reach.have, reach.days_to_go) == (3000, 1000, 20)
    assert analysed((100, 1500), (100, 1000), replace(plan, units_per_arm=1000)).reach.days_to_go == 0
    assert analysed((100, 1500), (100, 1000), replace(plan, days_run=0)).reach.days_to_go is None


def test_without_a_planned_size_it_follows_from_the_control_and_the_lift_worth_finding() -> None:
    reach = analysed((200, 1000), (200, 1000), replace(PLAN, minimum_lift=0.25)).reach

    assert reach.needed == 1094
    assert reach.detectable_lift == pytest.approx(minimum_detectable_lift(0.2, 1000))
    assert sample_size(0.2, reach.detectable_lift or 0) == pytest.approx(1000)
    hopeless = analysed((900, 1000), (900, 1000), replace(PLAN, minimum_lift=0.25)).reach
    assert (
        hopeless.why_not == "No size can be told: the planned lift would leave no rate between 0 and 100 %."
    )


def test_the_size_for_revenue_follows_from_its_spread() -> None:
    arms = [Arm(name, 1000, 100, 1_000_000, 5_000_000_000) for name in ("control", "new")]
    reach = analyse(arms, replace(PLAN, primary="revenue", minimum_lift=0.2)).reach
    beyond = analyse(arms, replace(PLAN, primary="revenue", minimum_lift=0.0)).reach

    # 15.7 × variance / (0.2 × mean)²: 4,000,000 / 40,000 = 100.
    assert reach.needed == pytest.approx(15.7 * 100 * 1.001, abs=2)
    assert reach.power == pytest.approx(0.61, abs=0.01)
    assert beyond.needed is None


def test_the_planner_says_size_and_days_or_why_not() -> None:
    even, uneven = planned(0.2, 0.25, 100), planned(0.2, 0.25, 100, split=(80, 20))

    assert (even.per_arm, even.total, even.days) == (1094, 2188, 22)
    assert (uneven.per_arm, uneven.total, uneven.days) == (1094, 5470, 55)
    assert planned(0.2, 0.25, 0).why_not == "No days: nobody is expected to come into the test."
    assert planned(0.0, 0.25, 10).why_not == (
        "Not computable: the baseline has to lie between 0 and 100 %, both excluded."
    )
    assert planned(0.5, 1.5, 10).why_not == planned(0.5, 0.0, 10).why_not
    assert planned(0.2, 0.1, 10, split=(1,)).why_not == planned(0.2, 0.1, 10, split=(1, 0)).why_not
    assert minimum_detectable_lift(0.5, 2) is None
    assert minimum_detectable_lift(0.0, 100) is None


counts = st.integers(0, 3000)
cents = st.integers(-(10**7), 10**9)


@pytest.mark.sized
@settings(max_examples=times(40, 1000), deadline=None)
@given(
    data=st.lists(st.tuples(counts, counts, cents), min_size=0, max_size=4),
    unit=st.sampled_from(["couple", "user"]),
    primary=st.sampled_from(["conversion", "revenue"]),
    days=st.floats(-100, 1000),
    overlap=st.one_of(st.none(), st.builds(Overlap, counts, counts, counts, counts)),
)
def test_whatever_was_counted_is_analysed_and_decided_without_an_error(
    data: list[tuple[int, int, int]], unit: str, primary: str, days: float, overlap: Overlap | None
) -> None:
    arms = [
        Arm(str(number), units, conversions, total if units else 0, abs(total) * 1000 if units else 0)
        for number, (units, conversions, total) in enumerate(data)
    ]
    plan = Plan("0", {str(number): number for number in range(1, 5)}, unit, primary, days)
    analysis = analyse(arms, plan, overlap)
    card = decide(analysis)

    assert card.headline
    for one in analysis.comparisons:
        effect = one.effect
        assert effect.p is None or 0 <= effect.p <= 1
        assert effect.chance_to_win is None or -1e-9 <= effect.chance_to_win <= 1 + 1e-9
        assert effect.why_not is None or all(
            getattr(effect, field.name) is None
            for field in fields(effect)
            if field.name not in ("method", "loss_of", "why_not")
        )
