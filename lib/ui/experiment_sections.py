"""One test: what its decision card stands on, one section at a time."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import streamlit as st

from lib.core.access import Permission
from lib.metrics import experiment_figures
from lib.metrics.experiment_figures import LiftRow, RatePoint
from lib.metrics.stats.samples import MetricName
from lib.services import experiments
from lib.services.experiments import Deciding, Result, behind, decisions, plans, rows
from lib.ui.asks import REASON, Ask
from lib.ui.desk import may
from lib.ui.experiment_desk import DECIDE
from lib.ui.filters import one_of
from lib.ui.forms import action
from lib.ui.show import Tile, badge, facts, plain, tiles
from lib.ui.table import frame, sections, table

_METRICS: Final[Mapping[MetricName, str]] = {"conversion": "Conversion", "revenue": "Revenue"}
_STATE_WIDTH: Final = 104  # pixels, so that sentences stand below each other
_PICTURE: Final[dict[str, Any]] = {"displayModeBar": False}


def test_sections(result: Result, deciding: Deciding) -> None:
    """Everything that the card stands on, one section at a time."""
    shown: Mapping[str, Callable[[], None]] = {
        "Result": lambda: _result(result),
        "Arms": lambda: _arms(result),
        "Money": lambda: _money(result),
        "Segments": lambda: _segments(result),
        "Days": lambda: _days(result),
        "People": lambda: _people(result),
        "Decisions": lambda: _decisions(result, deciding),
    }
    shown[sections(*shown)]()


def _result(result: Result) -> None:
    st.subheader("Health", anchor=False, help="Gates that come before any verdict.")
    for gate in result.analysis.gates:
        _judged(gate.state, f"**{plain(gate.title)}.** {plain(gate.sentence)}")
    for metric in _METRICS:
        _intervals(result, metric)
    st.subheader("Guardrails", anchor=False, help="What must not get worse while something else gets better.")
    for guarded in result.card.guarded:
        _judged(guarded.state, plain(guarded.sentence))
    if not result.card.guarded:
        st.caption("Not looked at while the numbers cannot be trusted.")
    with st.expander("Every method"):
        frame(
            rows.comparisons(result.analysis),
            rows.COMPARISON_COLUMNS,
            key="methods",
            alt="Comparisons by method",
            empty="There is nothing to compare.",
        )
        st.caption(
            "Sequential intervals hold however often one looks; the others hold at the planned size. "
            "CUPED takes off what the same couples paid in the 30 days before."
        )
    with st.expander("Several arms and metrics"):
        frame(
            rows.adjusted(result.analysis),
            rows.ADJUSTED_COLUMNS,
            key="adjusted",
            alt="p-values corrected for several comparisons",
            empty="No p-value was computed.",
        )
    _clean(result)


def _judged(state: str, sentence: str) -> None:
    """A state as a badge, and beside it the sentence that says why."""
    with st.container(horizontal=True, vertical_alignment="top", wrap=False):
        with st.container(width=_STATE_WIDTH):
            badge(state)
        st.markdown(sentence)


def _intervals(result: Result, metric: MetricName) -> None:
    """The deciding comparison of each arm, drawn."""
    found = [each for each in result.analysis.comparisons if each.decides and each.metric == metric]
    drawn = [
        LiftRow(each.variant, each.effect.lift, *each.effect.lift_interval)
        for each in found
        if each.effect.lift is not None and each.effect.lift_interval is not None
    ]
    title = f"{_METRICS[metric]} per {result.unit}"
    st.subheader(title, anchor=False)
    if drawn:
        figure = experiment_figures.lift_intervals(drawn)
        st.plotly_chart(
            figure, key=f"lift:{metric}", config=_PICTURE, alt=f"{title}: lifts with 95 % intervals"
        )
    frame(
        rows.deciding(result.analysis, compared=metric),
        rows.DECIDING_COLUMNS,
        key=f"deciding:{metric}",
        alt=title,
        empty="There is nothing to compare.",
    )


def _clean(result: Result) -> None:
    st.subheader("Without contaminated couples", anchor=False)
    if result.clean is None:
        st.caption("No couple was seen in more than one arm, so it is the same run.")
        return
    st.caption(
        f"{result.contaminated:,} of {result.units:,} {result.unit}s belong to a couple that was seen in "
        "several arms. Without them:"
    )
    frame(
        [row for metric in _METRICS for row in rows.deciding(result.clean, compared=metric)],
        (rows.METRIC_COLUMN, *rows.DECIDING_COLUMNS),
        key="clean",
        alt="Comparisons without contaminated couples",
    )


def _arms(result: Result) -> None:
    seen = result.counts.exposure
    tiles(
        [
            Tile(f"{result.unit.capitalize()}s", f"{result.units:,}"),
            Tile(
                "Days",
                f"{result.analysis.plan.days_run:,.0f}",
                help="From the first arm's start to now, or its end.",
            ),
            Tile("Couples split over arms", f"{seen.split_couples:,}", good="down"),
            Tile("People in several arms", f"{seen.people_in_several_arms:,}", good="down"),
        ]
    )
    frame(result.arms, rows.ARM_COLUMNS, key="arms", alt="Arms")
    st.caption(
        "Converted: a payment went through within 30 days of the assignment. Revenue: payments of those days "
        "less what was paid back of them. Beside it stands what the app itself calls converted."
    )
    names = list(result.names.values())
    with st.container(horizontal=True):
        action(
            "Choose the control",
            experiments.choose_control,
            result.experiment.name,
            key="control",
            needs=DECIDE,
            ask=[Ask("control", "Control", "choice", options=names, shown={n: n for n in names}), REASON],
            effect="The other arms are held against it from now on.",
            done="The control is chosen.",
            icon=":material/flag:",
        )
        reading = result.reading
        action(
            "How it is read",
            experiments.set_plan,
            result.experiment.name,
            key="plan",
            needs=DECIDE,
            ask=[
                Ask("deciding", "What decides", "choice", options=list(plans.DECIDING), shown=plans.DECIDING),
                Ask(
                    "minimum_days",
                    "Days at least",
                    "count",
                    default=str(reading.minimum_days),
                    most=plans.LONGEST,
                ),
                Ask(
                    "lift_percent",
                    "Least lift to find, %",
                    "count",
                    default=f"{reading.lift * 100:.0f}",
                    most=1000,
                ),
                Ask(
                    "power_percent",
                    "Power, %",
                    "count",
                    default=f"{reading.power * 100:.0f}",
                    least=50,
                    most=99,
                ),
                REASON,
            ],
            effect="The card is worked out anew.",
            done="The test is read so from now on.",
            icon=":material/tune:",
        )


def _money(result: Result) -> None:
    frame(result.arms, rows.KEPT_COLUMNS, key="kept", alt="Money kept")
    st.caption(
        "Kept: payments of 65 days less everything paid back of them, of couples whose 65 days are over, so "
        "that the first monthly renewal is behind them. Annual plans renew later."
    )
    if result.kept is None:
        why = "Nobody's 65 days are over yet" if result.unit == "couple" else "Kept money is told by couple"
        st.info(f"{why}, so kept money is not compared.", icon=":material/hourglass:")
        return
    frame(
        rows.deciding(result.kept, compared="revenue"),
        rows.DECIDING_COLUMNS,
        key="kept:compared",
        alt="Kept money per couple",
    )


def _segments(result: Result) -> None:
    frame(
        experiments.segments(result),
        rows.SEGMENT_COLUMNS,
        key="segments",
        alt="Results by segment",
        empty="Nobody is in the test yet.",
    )
    st.caption(
        "Plan: the couple's newest one. Device: where it was put into the arm, or its first visit. New: "
        "signed up at most a day before. Of many segments one always looks like a difference: none decides "
        "alone."
    )


def _days(result: Result) -> None:
    found = experiments.timeline(result)
    points = [RatePoint(each.arm, each.day, each.rate, each.units) for each in found if each.rate is not None]
    if points:
        st.plotly_chart(
            experiment_figures.rate_lines(points),
            key="days:chart",
            config=_PICTURE,
            alt="Conversion rate of each arm day by day",
        )
    frame(found, rows.DAY_COLUMNS, key="days", alt="The test day by day", empty="Nobody is in the test yet.")
    st.caption(
        "By the day on which a couple came into its arm. The newest have had fewer than 30 days to convert."
    )


def _people(result: Result) -> None:
    if not may(Permission.PEOPLE_READ):
        st.info(
            "Who is in an arm is personal data, which your role does not include.", icon=":material/block:"
        )
        return
    arm = one_of("Arm", list(result.names), key="arm", shown_as=lambda key: result.names[key])
    table(
        behind.people,
        key="people",
        empty="Nobody with an account is in this arm.",
        opens=None,
        name=result.experiment.name,
        variant_id=arm,
    )


def _decisions(result: Result, deciding: Deciding) -> None:
    frame(
        deciding.decisions,
        decisions.COLUMNS,
        key="decisions",
        alt="Decisions",
        empty="Nothing was decided yet.",
    )
    facts({"Began": result.experiment.started_at, "Ends": result.experiment.ended_at})
