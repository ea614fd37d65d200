"""Figures as the command line prints them: plain values for JSON, and lines for a reader."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from lib.core import money
from lib.metrics import rates
from lib.metrics.bridge import Bridge
from lib.metrics.figure import rounded
from lib.metrics.ledger_segments import SegmentForward
from lib.metrics.mrr import MOVEMENTS, Standing
from lib.metrics.policies import Policy
from lib.metrics.rates import Rate, RevenueDay
from lib.metrics.roll_forward import MonthForward, arr_of, couples_of, printed
from lib.metrics.series import Moved, MrrDay


def plain(value: Any) -> Any:
    """Dataclasses as objects, days as ISO text, shares as decimal numbers, amounts per couple as well."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Fraction):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def standing(found: Standing, policy: Policy, known: datetime | None) -> dict[str, Any]:
    """What recurs in one currency at a day's end."""
    return {
        "policy": policy.name,
        "as_of": found.day.isoformat(),
        "recorded_by": known.isoformat() if known else None,
        "currency": found.currency,
        "mrr_cents": found.mrr_cents,
        "arr_cents": found.arr_cents,
        "accounts": found.couples,
        "rows": found.subscriptions,
    }


def parts(found: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    """Segments of what recurs: annualised cents, which add up, beside monthly ones, and subscriptions."""
    return [
        {"segment": name, "mrr_cents": money.monthly(cents), "arr_cents": cents, "rows": rows}
        for name, (cents, rows) in sorted(found.items())
    ]


def month_forward(month: MonthForward) -> dict[str, Any]:
    """A month's roll-forward: monthly cents, annualised cents and couples, each of which ties."""
    segments = [{"segment": name, **_segment(each)} for name, each in month.segments.items()]
    return {
        "month": f"{month.month:%Y-%m}",
        "complete": month.complete,
        **_cents(month.printed),
        "opening_arr_cents": month.opening_arr_cents,
        **_moved(month.moved),
        "fx_arr_cents": month.fx_arr_cents,
        "closing_arr_cents": month.closing_arr_cents,
        "opening_couples": month.opening_couples,
        "closing_couples": month.closing_couples,
    } | ({"segments": segments} if segments else {})


def forward_line(month: MonthForward, currency: str) -> str:
    """A month's roll-forward for a reader."""
    return f"{month.month:%Y-%m}: {_said(month.printed, currency)}"


def segment_lines(month: MonthForward, currency: str) -> list[str]:
    """Each segment's roll-forward in a month, for a reader."""
    return [
        f"  {name or 'not known'}: {_said(_printed(each), currency)}" for name, each in month.segments.items()
    ]


def rates_of(month: MonthForward, days: Sequence[MrrDay]) -> list[Rate]:
    """The month's rates by each formula.

    `days` are those of the month and of the 31 before it; without these, what looks back 30 days is left
    out.
    """
    moved, opening = month.moved, month.opening_arr_cents
    churn, contraction = moved.churn_arr_cents, moved.contraction_arr_cents
    expansion, reactivation = moved.expansion_arr_cents, moved.reactivation_arr_cents
    customers = rates.customer_churn(moved.churned_couples, month.opening_couples)
    average = rates.arpa(Fraction(month.closing_arr_cents, 12), month.closing_couples)
    arr_days, couple_days = _daily(month, days)
    told = [
        customers,
        rates.customer_churn_chartmogul_b2c(couple_days),
        rates.customer_churn_revenuecat(
            moved.churned_couples, moved.reactivated_couples, month.opening_couples
        ),
        rates.gross_mrr_churn(opening, churn, contraction),
        rates.gross_mrr_churn_b2c(arr_days),
        rates.net_mrr_churn(opening, churn, contraction, expansion, reactivation),
        rates.net_mrr_churn_b2c(arr_days),
        rates.grr(opening, churn, contraction),
        rates.nrr(opening, churn, contraction, expansion, reactivation),
        rates.quick_ratio(moved.new_arr_cents, expansion, reactivation, contraction, churn),
        average,
    ]
    if average.value is not None and customers.value is not None:
        of_both = average.value, customers.value
        told += [rates.ltv(*of_both), rates.ltv_chartmogul(*of_both)]
    subscribers = _of_thirty_days(month, days)
    if subscribers is not None:
        told.append(subscribers)
        if average.value is not None and subscribers.value is not None:
            told.append(rates.ltv_stripe(average.value, subscribers.value))
    return told


def rate_text(rate: Rate, currency: str) -> str:
    """A rate by its formula's name for a reader."""
    is_money = rate.formula.kind == "money" and rate.value is not None
    return f"{rate.formula.name} {money.show(_value_in_cents(rate), currency) if is_money else rate.text}"


def formulas(told: Sequence[tuple[MonthForward, Sequence[Rate]]]) -> list[dict[str, Any]]:
    """Each formula with whose it is and how it goes, and its value for each month; money in cents."""
    found: dict[str, dict[str, Any]] = {}
    for month, month_rates in told:
        for rate in month_rates:
            formula = rate.formula
            described = {name: getattr(formula, name) for name in ("name", "vendor", "kind", "definition")}
            entry = found.setdefault(formula.name, described | {"source": formula.source, "months": []})
            entry["months"].append(
                {
                    "month": f"{month.month:%Y-%m}",
                    "value": _value(rate),
                    "infinite": rate.infinite,
                    "why_not": rate.why_not,
                    "remark": rate.remark,
                }
            )
    return list(found.values())


def month_churn(month: MonthForward, month_rates: Sequence[Rate]) -> dict[str, Any]:
    """What churned in a month, of its own will and not, and the rates by the names of their formulas."""
    moved = month.moved
    return {
        "month": f"{month.month:%Y-%m}",
        "complete": month.complete,
        "churn_cents": month.printed["churn"],
        "churn_arr_cents": moved.churn_arr_cents,
        "churned_couples": moved.churned_couples,
        "voluntary_churned_couples": moved.churned_couples - moved.involuntary_churned_couples,
        "involuntary_churned_couples": moved.involuntary_churned_couples,
        "involuntary_churn_arr_cents": moved.involuntary_churn_arr_cents,
        "rates": {rate.formula.name: _value(rate) for rate in month_rates},
    }


def bridge(found: Bridge, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A bridge with its reasons and the subscriptions that differ, each with an amount by reason."""
    return {
        "policy": found.ours.name,
        "against": found.theirs.name,
        "day": found.day.isoformat(),
        "currency": found.currency,
        "mrr_cents": money.monthly(found.ours_arr_cents),
        "arr_cents": found.ours_arr_cents,
        "against_mrr_cents": money.monthly(found.theirs_arr_cents),
        "against_arr_cents": found.theirs_arr_cents,
        "difference_arr_cents": found.difference_arr_cents,
        "untied_arr_cents": found.untied_arr_cents,
        "reasons": plain(found.steps),
        "rows": [dict(row) for row in rows],
    }


def _segment(each: SegmentForward) -> dict[str, Any]:
    return {
        **_cents(_printed(each)),
        "opening_arr_cents": each.opening_arr_cents,
        **_moved(each.moved),
        "transfer_arr_cents": each.transfer_arr_cents,
        "closing_arr_cents": each.closing_arr_cents,
    }


def _printed(each: SegmentForward) -> dict[str, int]:
    more = {"transfer": each.transfer_arr_cents}
    return printed(each.opening_arr_cents, each.moved, more, each.closing_arr_cents)


def _cents(amounts: Mapping[str, int]) -> dict[str, int]:
    return {f"{name}_cents": cents for name, cents in amounts.items()}


def _said(amounts: Mapping[str, int], currency: str) -> str:
    return ", ".join(f"{name} {money.show(cents, currency)}" for name, cents in amounts.items())


def _moved(moved: Moved) -> dict[str, int]:
    return {f"{name}_arr_cents": arr_of(moved, name) for name in MOVEMENTS} | {
        f"{name}_couples": couples_of(moved, name) for name in MOVEMENTS
    }


def _value(rate: Rate) -> float | int | None:
    if rate.formula.kind == "money":
        return _value_in_cents(rate)
    return None if rate.value is None else float(rate.value)


def _value_in_cents(rate: Rate) -> int | None:
    return None if rate.value is None else rounded(rate.value)


def _of_thirty_days(month: MonthForward, days: Sequence[MrrDay]) -> Rate | None:
    """Stripe's churn as of the month's newest day; None where the day 30 days before was not counted."""
    counted = {each.day: each for each in days}
    newest = max((each for each in counted if each.replace(day=1) == month.month), default=None)
    before = counted.get(newest - timedelta(days=30)) if newest else None
    if before is None:
        return None
    inside = [each for each in days if before.day < each.day and each.day <= (newest or each.day)]
    return rates.customer_churn_stripe(
        sum(each.churned_couples for each in inside),
        before.couples,
        sum(each.new_couples + each.reactivated_couples for each in inside),
    )


def _daily(month: MonthForward, days: Sequence[MrrDay]) -> tuple[list[RevenueDay], list[tuple[int, int]]]:
    """Each day of the month: what recurred and moved, and the couples that churned of those at its start."""
    arr, couples = month.opening_arr_cents, month.opening_couples
    of_money, of_couples = [], []
    for each in days:
        if each.day.replace(day=1) != month.month:
            continue
        of_money.append(
            RevenueDay(
                arr,
                each.arr_cents,
                new=each.new_arr_cents,
                contraction=each.contraction_arr_cents,
                churn=each.churn_arr_cents,
            )
        )
        of_couples.append((each.churned_couples, couples))
        arr, couples = each.arr_cents, each.couples
    return of_money, of_couples
