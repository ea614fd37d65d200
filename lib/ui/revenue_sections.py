"""The sections of the Revenue page: each a chart with its table, and the way down from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import streamlit as st

from lib.core.access import Permission
from lib.metrics import (
    comparison,
    money_figures,
    money_in,
    rates,
    recurring_rates,
    revenue,
    revenue_figures,
    segments,
    series,
    stored_revenue,
)
from lib.metrics.comparison import Earlier, MonthBeside
from lib.metrics.policies import Policy
from lib.metrics.recurring_rates import RecurringRates
from lib.metrics.series import MonthSeries, MrrSeries
from lib.services import remarks
from lib.services.remarks import Remark
from lib.ui import desk
from lib.ui.charts import chart, stands_on
from lib.ui.filters import choose, pick
from lib.ui.revenue_behind import payments_behind
from lib.ui.revenue_desk import day_remarks
from lib.ui.show import plain
from lib.ui.table import frame


@dataclass(frozen=True, slots=True)
class Looked:
    """What the page is looked at by: a period of one currency under one policy, and what it is beside."""

    since: date
    until: date
    currency: str
    policy: Policy
    earlier: Earlier | None
    written: Sequence[Remark]

    @property
    def said(self) -> dict[date, str]:
        """The remarks as a chart shows them."""
        return remarks.by_day(self.written)


def mrr_section(at: Looked, days: MrrSeries, before: MrrSeries | None, picks: Sequence[str]) -> None:
    """MRR by day, beside an earlier time or stacked by segment; a click on a day gives `picks`."""
    by = choose("Stacked by", segments.CHOICES, key="by")
    if by:
        whole = desk.read(segments.mrr_by_segment, at.since, at.until, by, at.currency, at.policy)
        parts = whole.of(_only(by, whole.names))
        chart(
            revenue_figures.segment_areas(parts),
            title=f"MRR by day and {by}",
            about="What recurs each month, at the end of each day, in each segment; they add up to MRR",
            basis=parts.basis,
            rows=parts.days,
            columns=segments.DAY_COLUMNS,
            key="segments",
            why_not=parts.why_not,
        )
    else:
        beside = comparison.days_beside(days.days, before.days, at.earlier) if before and at.earlier else ()
        chart(
            revenue_figures.mrr_line(days, beside=beside, remarks=at.said),
            title="MRR by day",
            about="What recurs each month, as it stood at the end of each day",
            basis=days.basis,
            rows=beside or days.days,
            columns=comparison.DAY_COLUMNS if beside else series.MRR_COLUMNS,
            key="mrr",
            why_not=days.why_not,
            picks=picks,
        )
    day_remarks(at.written, at.until)


def movements_section(at: Looked, picks: Sequence[str]) -> None:
    """What moved MRR in each month, beside an earlier time or by segment; a click gives `picks`."""
    by = choose("By", segments.CHOICES, key="by")
    if by:
        moved = desk.read(segments.movements_by_segment, at.since, at.until, by, at.currency, at.policy)
        parts = moved.of(_only(by, moved.names))
        chart(
            revenue_figures.segment_bars(parts.months, at.currency),
            title=f"What moved MRR by {by}",
            about="Gains less losses of MRR of each month in each segment; they add up to the whole",
            basis=parts.basis,
            rows=parts.months,
            columns=segments.MONTH_COLUMNS,
            key="segments",
            why_not=parts.why_not,
            picks=picks,
        )
    else:
        months = desk.read(revenue.churn_by_month, at.since, at.until, at.currency, at.policy)
        beside = _earlier_months(at, months)
        chart(
            revenue_figures.movement_bars(months, beside=beside, remarks=at.said),
            title="What moved MRR",
            about="New, reactivated, expanded, contracted and churned MRR of each month",
            basis=months.basis,
            rows=beside or months.months,
            columns=comparison.MONTH_COLUMNS if beside else series.MONTH_COLUMNS,
            key="movements",
            why_not=months.why_not,
            picks=picks,
        )
    day_remarks(at.written, at.until)


def plan_mix_section(at: Looked, picks: Sequence[str]) -> None:
    """What each plan brings in at the end of the period; a click gives `picks`."""
    mix = desk.read(revenue.plan_mix, at.until, at.currency, at.policy)
    chart(
        revenue_figures.plan_mix_bars(mix),
        title="MRR by plan",
        about="What each plan and billing period bring in",
        basis=mix.basis,
        rows=mix.plans,
        columns=series.PLAN_COLUMNS,
        key="mix",
        why_not=mix.why_not,
        picks=picks,
    )


def churn_section(at: Looked, held: RecurringRates, picks: Sequence[str]) -> None:
    """Customer churn by month, and of 30 days by each vendor's formula; a click gives `picks`."""
    months = desk.read(revenue.churn_by_month, at.since, at.until, at.currency, at.policy)
    beside = _earlier_months(at, months)
    chart(
        revenue_figures.churn_bars(months, beside=beside, remarks=at.said),
        title="Customer churn by month",
        about="Couples that churned / couples active at the month's start; involuntary: a payment failed",
        basis=months.basis,
        rows=beside or months.months,
        columns=comparison.MONTH_COLUMNS if beside else series.MONTH_COLUMNS,
        key="churn",
        why_not=months.why_not,
        picks=picks,
    )
    st.subheader("Churn by formula", anchor=False, help="The 30 days up to the newest day that was counted")
    frame(held.churn_rows, recurring_rates.CHURN_COLUMNS, key="formulas", alt="Customer churn by formula")
    for row in held.churn_rows:
        st.caption(f"**{plain(row.title)}**: {plain(row.definition)}")
    day_remarks(at.written, at.until)


def payments_section(at: Looked) -> None:
    """What was paid, given back, refused and recovered in each month, and the payments behind it."""
    paid = desk.read(money_in.money_in, at.since, at.until, at.currency, at.policy)
    chart(
        money_figures.money_bars(paid.months, at.currency),
        title="Payments by month",
        about="What couples paid, by what it was for, and what went back; whatever the policy",
        basis=paid.basis,
        rows=paid.months,
        columns=money_in.COLUMNS,
        key="money",
        why_not=paid.why_not,
        picks=money_figures.PICKS,
    )
    chart(
        money_figures.refusal_bars(paid.months, at.currency),
        title="Refused and recovered",
        about=f"The failed payment rate is: {rates.FAILED_PAYMENTS.definition.rstrip('.').lower()}",
        basis=paid.basis,
        rows=paid.months,
        columns=money_in.REFUSED_COLUMNS,
        key="refused",
        why_not=paid.why_not,
        picks=money_figures.PICKS,
    )
    if paid.reasons:
        st.subheader("Refunds by reason", anchor=False, help="Refunds that Stripe paid in these months")
        frame(paid.reasons, money_in.REASON_COLUMNS, key="reasons", alt="Refunds by reason")
    if desk.may(Permission.PAYMENTS_READ):
        payments_behind(at.since, at.until, at.currency, at.policy.zone)


def _only(by: str, names: Sequence[str]) -> str | None:
    """The one segment that is looked at, from the address; None for all of them."""
    return pick("Only", names, key=f"only_{by}".replace(" ", "_"), shown_as=plain)


def stored_section(at: Looked) -> None:
    """What the app itself stored as MRR, where it differs from what the ledger gives."""
    found = desk.read(stored_revenue.stored_revenue, at.since, at.until)
    st.subheader("MRR as the app stored it", anchor=False, help="It knows no policy: the house's, in USD")
    if not found.differing:
        st.success(f"The {found.compared:,} days that were compared are stored as the ledger gives them.")
    else:
        st.markdown(f"**{len(found.differing):,}** of {found.compared:,} days are stored otherwise.")
        frame(found.differing, stored_revenue.COLUMNS, key="stored", alt="MRR stored by the app")
    stands_on(found.basis)


def _earlier_months(at: Looked, months: MonthSeries) -> tuple[MonthBeside, ...]:
    """The months beside the earlier ones that they are compared with; none where nothing is compared."""
    if at.earlier is None:
        return ()
    first, last = at.earlier.months_since, at.earlier.months_until
    then = desk.read(revenue.churn_by_month, first, last, at.currency, at.policy)
    return comparison.months_beside(months.months, then.months, at.earlier)
