"""What the Revenue page is composed of: its tiles, the ways down from them, remarks, and all currencies."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import streamlit as st

from lib.core import moments
from lib.core.access import Permission
from lib.core.listing import Column
from lib.metrics import comparison, reported, revenue, revenue_figures
from lib.metrics.cohorts import RealisedLtv
from lib.metrics.comparison import Earlier
from lib.metrics.figure import Basis, Figure
from lib.metrics.policies import Policy
from lib.metrics.recurring_rates import RecurringRates
from lib.metrics.series import MrrDay, MrrSeries
from lib.services import remarks
from lib.services.remarks import Remark
from lib.ui import desk, resources
from lib.ui.charts import LAST_30_DAYS, chart, figure_tile, rate_tile
from lib.ui.filters import lead, one_of
from lib.ui.show import moment, plain, tiles, words

_POINTS: Final = 60
REPORTED_COLUMNS: Final = (
    Column("month", "Month", "day"),
    Column("opening_arr_cents", "Opening ARR", "money"),
    Column("new_arr_cents", "New", "money"),
    Column("reactivation_arr_cents", "Reactivation", "money"),
    Column("expansion_arr_cents", "Expansion", "money"),
    Column("contraction_arr_cents", "Contraction", "money"),
    Column("churn_arr_cents", "Churn", "money"),
    Column("fx_arr_cents", "Exchange rates", "money"),
    Column("closing_arr_cents", "Closing ARR", "money"),
    Column("why_not", "Remark"),
)


def compared_with(since: date, until: date, *, key: str = "compare") -> Earlier | None:
    """The earlier period that this one is compared with, from the address; None while nothing is chosen."""
    chosen: Any = one_of("Compare with", comparison.CHOICES, key=key, shown_as=words)
    return comparison.earlier(chosen, since, until)


def revenue_tiles(
    now: revenue.Summary,
    series: MrrSeries,
    held: RecurringRates,
    worth: RealisedLtv,
    before: MrrSeries | None,
    earlier: Earlier | None,
) -> None:
    """The figures at the top, each with its change and its past, and the ways down from them."""
    changes = {"mrr": now.growth}
    if before is not None:
        changes = comparison.growth(_newest(series), _newest(before), now.mrr.basis)
    against = f"against {earlier.last}" if earlier else "against 30 days before"
    past = series.days[:: max(1, len(series.days) // _POINTS)]
    arpa = [float(value) / 100 for day in past if (value := comparison.arpa(day)) is not None]
    mrr = [day.mrr_cents / 100 for day in past]
    tiles(
        [
            figure_tile("MRR", now.mrr, changes.get("mrr"), f"Monthly recurring revenue; {against}", mrr),
            figure_tile("ARR", now.arr, changes.get("mrr"), f"12 × MRR, exact; {against}", mrr),
            figure_tile(
                "Paying couples",
                now.couples,
                changes.get("couples"),
                f"Couples with MRR; {against}" if earlier else "Couples with MRR",
                [float(day.couples) for day in past],
            ),
            figure_tile("ARPA", now.arpa, changes.get("arpa"), "MRR for each paying couple", arpa),
        ]
    )
    tiles(
        [
            rate_tile(held.nrr, series.currency, "NRR"),
            rate_tile(held.grr, series.currency, "GRR"),
            rate_tile(held.quick_ratio, series.currency),
            rate_tile(held.ltv, series.currency, "LTV by formula"),
            figure_tile(
                "LTV realised",
                Figure(worth.so_far, "money", worth.basis, series.currency, worth.why_not),
                note="Money in less refunds so far / couples that ever joined, by Cohorts, Lifetime value",
            ),
        ]
    )


def ways_down() -> None:
    """From the tiles to the couples behind them, for those who may see them."""
    if not desk.may(Permission.REVENUE_COUPLES):
        return
    behind = revenue_figures.BEHIND
    with st.container(horizontal=True):
        for label, values in (
            ("Behind MRR: the couples that count", {"section": behind, "behind": "counted"}),
            (
                "Behind the rates: who moved in 30 days",
                {"section": behind, "behind": "moved", "month": LAST_30_DAYS, "moved": None},
            ),
        ):
            st.button(
                label,
                icon=":material/arrow_downward:",
                type="tertiary",
                on_click=lead,
                kwargs=values,
                key=f"way:{values['behind']}",
            )


def _newest(series: MrrSeries) -> MrrDay | None:
    return series.days[-1] if series.days else None


def day_remarks(found: Sequence[Remark], until: date) -> None:
    """What was written about the days on the charts, with their authors, and a form for another."""
    with st.expander(f"Remarks ({len(found)})", icon=":material/edit_note:"):
        if not found:
            st.caption("Nobody has written about these days. A remark stands on the charts, for everybody.")
        for remark in found:
            with st.container(
                horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
            ):
                st.markdown(f"**{remark.day}** {plain(remark.body)}", width="content")
                st.caption(f"{plain(remark.author_email)} · {moment(remark.created_at)}", width="content")
                if remark.author_id == desk.actor().id and st.button(
                    "Remove", key=f"remove:{remark.id}", type="tertiary", icon=":material/delete:"
                ):
                    desk.attempt(remarks.remove, remark.id)
                    desk.announce("The remark was removed.")
        if desk.may(Permission.REVENUE_REMARK):
            _write(until)


def _write(until: date) -> None:
    with (
        st.form("remark", clear_on_submit=True, border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        day = st.date_input("Day", until, max_value=moments.now().date(), width=160)
        body = st.text_input(
            "Remark", placeholder="Price page changed", max_chars=remarks.LONGEST, width="stretch"
        )
        sent = st.form_submit_button("Write it on the charts", icon=":material/add:")
    if sent and isinstance(day, date):
        attempt = desk.attempt(remarks.write, day, body=body or "")
        if attempt.why_not:
            st.error(attempt.why_not)
        else:
            desk.announce("The remark stands on the charts.")


def all_currencies(since: date, until: date, policy: Policy) -> None:
    """The months of all currencies in the reporting one, exchange rates as a movement of their own."""
    code = resources.settings().reporting_currency
    months = desk.read(reported.reported_months, since, until, policy, code)
    known = [month for month in months if month.closing_arr_cents is not None]
    chart(
        revenue_figures.reported_bars(months, code),
        title=f"What moved MRR, all currencies in {code}",
        about="Each currency's month by the rates that finance entered; what these moved stands apart",
        basis=Basis(policy, len(months), "months", None),
        rows=months,
        columns=REPORTED_COLUMNS,
        key="reported",
        why_not=None if known or not months else months[-1].why_not,
    )
    for each in months:
        if each.why_not and known:
            st.caption(f"{each.month:%b %Y}: {each.why_not}")
