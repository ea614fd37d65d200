"""`python -m lib metrics experiment NAME`: a test as the page shows it, with every method's figures."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, say
from lib.core import money
from lib.core.work import reading
from lib.metrics.stats import Analysis, Comparison, Gate
from lib.metrics.stats.wording import lift_text, p_text, share_text
from lib.services import experiments
from lib.services.experiments.results import Result


def experiment(
    name: Annotated[str, typer.Argument(help="The test's name, as production has it.")],
    unit: Annotated[Literal["couple", "user"], typer.Option(help="What is counted and compared.")] = "couple",
    anew: Annotated[
        bool, typer.Option("--anew", help="From the rows as they are, not as counted last.")
    ] = False,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """An A/B test: arms, comparisons by every method, health gates, segments, and the decision card."""
    with connected(database) as db, reading(db, OPERATOR) as view:
        result = experiments.result(view, name, unit, anew=anew)
        decisions = experiments.deciding(view, result).decisions
    data = _as_data(result) | {
        "decisions": [
            {key: value for key, value in asdict(each).items() if key not in {"digest", "why_not"}}
            for each in decisions
        ]
    }
    say(data, as_json, *_lines(result))


def _as_data(result: Result) -> dict[str, Any]:
    test, analysis, card = result.experiment, result.analysis, result.card
    return {
        "test": test.name,
        "state": result.state,
        "unit": result.unit,
        "control": result.control,
        "deciding": result.reading.deciding,
        "currency": "USD",
        "window_days": 30,
        "started_at": test.started_at,
        "ended_at": test.ended_at,
        "counted_at": result.counts.counted_at,
        "days_run": analysis.plan.days_run,
        "arms": [_arm(result, number) for number in range(len(result.arms))],
        "comparisons": _comparisons(analysis),
        "multiplicity": [asdict(each) for each in analysis.adjusted],
        "omnibus": asdict(analysis.omnibus),
        "sample_ratio": asdict(analysis.sample_ratio),
        "gates": [_gate(gate) for gate in analysis.gates],
        "reach": asdict(analysis.reach),
        "decision": {
            "decision": card.decision,
            "variant": card.variant,
            "days": card.days,
            "headline": card.headline,
            "grounds": list(card.grounds),
        },
        "guardrails": [
            {
                "guardrail": each.guardrail,
                "variant": each.variant,
                "state": each.state,
                "difference": each.effect.difference,
                "p": each.effect.p,
                "sentence": each.sentence,
            }
            for each in card.guarded
        ],
        "exposure": asdict(result.counts.exposure) | {"contaminated_units": result.contaminated},
        "without_contaminated": _comparisons(result.clean) if result.clean else None,
        "kept_money": _comparisons(result.kept) if result.kept else None,
        "segments": [asdict(each) for each in experiments.segments(result)],
        "timeline": [asdict(each) for each in experiments.timeline(result)],
        "remarks": list(result.remarks),
    }


def _arm(result: Result, number: int) -> dict[str, Any]:
    arm = result.arms[number]
    return {
        "variant": arm.name,
        "control": arm.is_control,
        "units": arm.units,
        "conversions": arm.conversions,
        "rate": arm.rate,
        "rate_interval": None if arm.low is None else [arm.low, arm.high],
        "revenue": arm.cents,
        "revenue_per_unit": result.analysis.arms[number].revenue_per_unit,
        "claimed": arm.claimed,
        "claimed_rate": arm.claimed_rate,
        "assigned": arm.assigned,
        "traffic_planned": arm.planned,
        "traffic_seen": arm.seen,
        "window_over": arm.over,
        "kept_units": arm.kept_units,
        "kept": arm.kept_cents,
        "renewed": arm.renewed,
        "refunded": arm.refunded,
        "errors": arm.erred,
        "subscribed": arm.subscribed,
        "churned": arm.churned,
    }


def _comparisons(analysis: Analysis) -> list[dict[str, Any]]:
    return [_comparison(each) for each in analysis.comparisons]


def _comparison(compared: Comparison) -> dict[str, Any]:
    effect = compared.effect
    return {
        "variant": compared.variant,
        "metric": compared.metric,
        "method": effect.method.name,
        "test": effect.method.test,
        "interval": effect.method.interval,
        "decides": compared.decides,
        "difference": effect.difference,
        "difference_interval": effect.difference_interval and list(effect.difference_interval),
        "relative_lift": effect.lift,
        "relative_lift_interval": effect.lift_interval and list(effect.lift_interval),
        "statistic": effect.statistic,
        "degrees": effect.degrees,
        "p": effect.p,
        "chance_to_win": effect.chance_to_win,
        "expected_loss": effect.expected_loss,
        "why_not": effect.why_not,
        "remark": effect.remark,
    }


def _gate(gate: Gate) -> dict[str, Any]:
    return {"name": gate.name, "state": gate.state, "value": gate.value, "sentence": gate.sentence}


def _lines(result: Result) -> list[str]:
    card = result.card
    lines = [f"{result.experiment.name}: {result.state.replace('_', ' ')}, {result.units:,} {result.unit}s"]
    lines.append(f"{card.headline} ({card.decision.replace('_', ' ')})")
    for arm in result.arms:
        rate = share_text(arm.rate) if arm.rate is not None else "–"
        per = money.show(arm.per_unit, "USD")
        lines.append(f"  {arm.name}: {arm.conversions:,} of {arm.units:,} ({rate}), {per} per {result.unit}")
    for compared in result.analysis.comparisons:
        if compared.decides:
            effect = compared.effect
            said = f"{lift_text(effect.lift)}, " if effect.lift is not None else ""
            said += p_text(effect.p) if effect.p is not None else effect.why_not or effect.remark or ""
            lines.append(f"  {compared.metric} in {compared.variant}: {said} ({effect.method.test})")
    lines += [f"  {gate.title}: {gate.state}. {gate.sentence}" for gate in result.analysis.gates]
    lines += [f"  Note: {remark}" for remark in result.remarks]
    return lines
