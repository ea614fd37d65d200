"""A result as rows of tables: comparisons by method, corrected p-values, and the columns of all tables."""

from dataclasses import dataclass, replace
from typing import Final

from lib.core import money
from lib.core.listing import Column
from lib.metrics.stats import Analysis, Comparison, Effect
from lib.metrics.stats.samples import MetricName
from lib.metrics.stats.wording import lift_text, share_text

ARM_COLUMNS: Final = (
    Column("name", "Arm"),
    Column("description", "What it shows"),
    Column("planned", "Traffic planned", "percent"),
    Column("seen", "Traffic seen", "percent"),
    Column("units", "Units", "count"),
    Column("conversions", "Converted", "count"),
    Column("rate", "Rate", "percent"),
    Column("cents", "Revenue, 30 days", "money"),
    Column("per_unit", "Per unit", "money"),
    Column("claimed", "Converted, says the app", "count"),
    Column("claimed_rate", "Rate, says the app", "percent"),
    Column("assigned", "Assignments", "count"),
    Column("over", "Their 30 days are over", "count"),
)
KEPT_COLUMNS: Final = (
    Column("name", "Arm"),
    Column("kept_units", "Their 65 days are over", "count"),
    Column("kept_cents", "Kept", "money"),
    Column("kept_per_unit", "Kept per couple", "money"),
    Column("renewed", "Renewed", "count"),
    Column("renewed_rate", "Renewed, share", "percent"),
    Column("refunded", "Refunded in 30 days", "count"),
    Column("subscribed", "With a subscription", "count"),
    Column("churned", "Of them, cancelled", "count"),
    Column("erred", "Saw an error", "count"),
)
COMPARISON_COLUMNS: Final = (
    Column("variant", "Arm"),
    Column("metric", "Metric"),
    Column("method", "Method"),
    Column("difference", "Difference", "figure"),
    Column("difference_interval", "95 % interval", "figure"),
    Column("lift", "Lift", "figure"),
    Column("lift_interval", "95 % interval", "figure"),
    Column("p", "p", "figure"),
    Column("chance", "Chance to win", "figure"),
    Column("test", "Test"),
    Column("why_not", "Note"),
)
METRIC_COLUMN: Final = Column("metric", "Metric")
DECIDING_COLUMNS: Final = (
    Column("variant", "Arm"),
    Column("lift", "Lift", "figure"),
    Column("lift_interval", "95 % interval", "figure"),
    Column("p", "p", "figure"),
    Column("chance", "Chance to win", "figure"),
    Column("difference", "Difference", "figure"),
    Column("difference_interval", "95 % interval", "figure"),
    Column("method", "Method"),
    Column("why_not", "Note"),
)
ADJUSTED_COLUMNS: Final = (
    Column("variant", "Arm"),
    Column("metric", "Metric"),
    Column("raw", "p", "figure"),
    Column("holm", "Holm", "figure"),
    Column("benjamini_hochberg", "Benjamini–Hochberg", "figure"),
    Column("bonferroni", "Bonferroni", "figure"),
    Column("test", "Test"),
)
SEGMENT_COLUMNS: Final = (
    Column("segment", "Segment"),
    Column("value", "Value"),
    Column("arm", "Arm"),
    Column("units", "Units", "count"),
    Column("rate", "Rate", "percent"),
    Column("control_units", "Units in the control", "count"),
    Column("control_rate", "Rate in the control", "percent"),
    Column("lift", "Lift", "percent"),
    Column("low", "From", "percent"),
    Column("high", "To", "percent"),
    Column("p", "p, not corrected", "figure"),
    Column("why_not", "Note"),
)
DAY_COLUMNS: Final = (
    Column("day", "Day (UTC)", "day"),
    Column("arm", "Arm"),
    Column("new_units", "Came that day", "count"),
    Column("units", "Units so far", "count"),
    Column("conversions", "Converted of them", "count"),
    Column("rate", "Rate", "percent"),
    Column("lift", "Lift so far", "percent"),
)


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A comparison as text, in the units of its metric; empty where the method gives none."""

    variant: str
    metric: str
    method: str
    difference: str | None
    difference_interval: str | None
    lift: str | None
    lift_interval: str | None
    p: str | None
    chance: str | None
    test: str
    why_not: str | None


@dataclass(frozen=True, slots=True)
class AdjustedRow:
    """A p-value beside its corrections, as text."""

    variant: str
    metric: str
    raw: str
    holm: str
    benjamini_hochberg: str
    bonferroni: str
    test: str


def comparisons(analysis: Analysis) -> list[ComparisonRow]:
    """Every comparison, by every method."""
    return [_row(each) for each in analysis.comparisons]


def deciding(analysis: Analysis, *, compared: MetricName) -> list[ComparisonRow]:
    """The comparisons in a metric whose test decides, with the chance to win that another method gives."""
    return [
        replace(_row(each), chance=_chance(analysis, each.variant, compared))
        for each in analysis.comparisons
        if each.decides and each.metric == compared
    ]


def _chance(analysis: Analysis, variant: str, metric: MetricName) -> str | None:
    chances = (each.effect.chance_to_win for each in analysis.of(variant, metric))
    found = next((chance for chance in chances if chance is not None), None)
    return None if found is None else share_text(found)


def adjusted(analysis: Analysis) -> list[AdjustedRow]:
    """The p-values that decide, with their corrections over arms and metrics."""
    return [
        AdjustedRow(
            each.variant,
            each.metric.capitalize(),
            shown_p(each.raw),
            shown_p(each.holm),
            shown_p(each.benjamini_hochberg),
            shown_p(each.bonferroni),
            each.test,
        )
        for each in analysis.adjusted
    ]


def shown_p(p: float) -> str:
    """A p-value as a table has it."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def _row(compared: Comparison) -> ComparisonRow:
    effect = compared.effect
    in_money = compared.metric == "revenue"
    return ComparisonRow(
        compared.variant,
        compared.metric.capitalize(),
        effect.method.title,
        None if effect.difference is None else _shown(effect.difference, in_money=in_money),
        _interval(effect, in_money=in_money),
        None if effect.lift is None else lift_text(effect.lift),
        effect.lift_interval and " to ".join(lift_text(end) for end in effect.lift_interval),
        None if effect.p is None else shown_p(effect.p),
        None if effect.chance_to_win is None else share_text(effect.chance_to_win),
        effect.method.test,
        effect.why_not or effect.remark,
    )


def _interval(effect: Effect, *, in_money: bool) -> str | None:
    ends = effect.difference_interval
    return ends and " to ".join(_shown(end, in_money=in_money) for end in ends)


def _shown(difference: float, *, in_money: bool) -> str:
    """Cents per unit as money, shares as percentage points."""
    if in_money:
        return money.show(round(difference), "USD")
    return f"{difference * 100:+.2f} pp".replace("-", "−")
