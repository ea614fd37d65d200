"""Charts: each with what it stands on, its table and, in the table, its CSV."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

import streamlit as st

from lib.core import moments, money
from lib.core.listing import Column
from lib.metrics import policies
from lib.metrics.figure import Basis, Figure, rounded
from lib.metrics.policies import Policy
from lib.metrics.rates import Rate
from lib.ui import resources
from lib.ui.filters import first_page, lead, one_of
from lib.ui.show import Tile, moment
from lib.ui.table import frame

LAST_30_DAYS: Final = "Last 30 days"
PERIODS: Final[Mapping[str, int]] = {"3 months": 92, "6 months": 183, "12 months": 365, "24 months": 730}


def chart(
    figure: Any,
    *,
    title: str,
    about: str,
    basis: Basis,
    rows: Sequence[Any],
    columns: Sequence[Column],
    key: str,
    why_not: str | None = None,
    picks: Sequence[str] = (),
    unfolded: bool = False,
) -> None:
    """Show a chart with its title, its definition, its basis and, folded, its table; or why there is none.

    `figure` comes from `lib.metrics.figures`. With `picks`, a click on a point sets the filters of these
    names to the values that the point carries. Its one button saves it as a picture. `unfolded` shows the
    table from the start.
    """
    st.subheader(title, anchor=False, help=about)
    if why_not:
        st.info(why_not, icon=":material/query_stats:")
        return
    st.plotly_chart(
        figure,
        key=key,
        config=_picture_only(title),
        alt=f"{title}: {about}",
        on_select=partial(_pick, key, picks) if picks else "ignore",
        selection_mode="points",
    )
    stands_on(basis)
    with st.expander("Table", expanded=unfolded):
        frame(rows, columns, key=f"{key}:table", alt=title)


def _picture_only(title: str) -> dict[str, Any]:
    """Plotly's bar with the camera alone; the file is named as the chart is, twice as sharp as on screen."""
    name = "-".join("".join(letter if letter.isalnum() else " " for letter in title.lower()).split())
    return {
        "displayModeBar": "hover",
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
    }


def _pick(key: str, names: Sequence[str]) -> None:
    """Set filters to what the clicked point carries; a click beside the points changes nothing.

    Neither does one on a point of an earlier period, or on a remark: they carry nothing.
    """
    points = st.session_state[key].selection.points
    carried = points[0].get("customdata") if points else None
    if carried:
        lead(**dict(zip(names, carried, strict=True)))


def stands_on(basis: Basis) -> None:
    """Say under a figure which policy if it takes one, how many rows, and as of when."""
    policy_of_it = f"Policy: {basis.policy.title} · " if basis.policy else ""
    counted_at = f" · counted {moment(basis.computed_at)}" if basis.computed_at else ""
    st.caption(f"{policy_of_it}{basis.rows:,} {basis.of_what}{counted_at}")


def figure_tile(
    label: str,
    figure: Figure,
    change: Figure | None = None,
    note: str | None = None,
    trend: Sequence[float] = (),
) -> Tile:
    """A figure as a tile, its past as a line in it; what cannot be computed says why on hovering."""
    said = change.text if change is not None and change.value is not None else None
    why_not = change.why_not if change is not None else None
    helps = figure.why_not or " ".join(part for part in (note, why_not) if part)
    return Tile(label, figure.text, said, help=helps or None, trend=trend)


def rate_tile(rate: Rate, currency: str, label: str | None = None) -> Tile:
    """A rate as a tile, under its title or a shorter label.

    Whose formula it is, and why it cannot be computed, is said on hovering.
    """
    formula = rate.formula
    in_money = formula.kind == "money" and rate.value is not None
    text = money.show(rounded(rate.value or 0), currency) if in_money else rate.text
    title = f"{formula.title}. " if label else ""
    said = (f"{title}{formula.vendor}: {formula.definition}", rate.why_not, rate.remark)
    return Tile(label or formula.title, text, help=" ".join(part for part in said if part))


def policy(*, key: str = "policy") -> Policy:
    """The policy that decides what recurs, from the address, the house's until another is chosen.

    Beside it unfolds how it answers each question on which vendors differ.
    """
    known = policies.of(resources.settings())
    name = one_of("Policy", list(known), key=key, shown_as=lambda name: known[name].title)
    with (
        st.container(width="content", height="stretch", vertical_alignment="bottom"),
        st.popover("How this policy counts", icon=":material/rule:", type="tertiary"),
    ):
        st.markdown("\n".join(f"- {question}: **{answer}**" for question, answer in known[name].answers))
    return known[name]


def period(*, key: str = "period") -> tuple[date, date]:
    """The period that is looked at, from the address: its first and its last day (UTC), today included."""
    chosen = st.segmented_control(
        "Period",
        list(PERIODS),
        key=key,
        default="12 months",
        required=True,
        bind="query-params",
        wrap=True,
    )
    today = moments.now().date()
    return today - timedelta(days=PERIODS[chosen or "12 months"]), today


def month(since: date, until: date, *, key: str = "month") -> tuple[date, date]:
    """One month of a period, or the last 30 days of it, from the address: the first and the last day.

    The newest month until another is chosen.
    """
    firsts = [moments.month_start(until)]
    while firsts[-1] > since:
        firsts.append(moments.month_start(firsts[-1] - timedelta(days=1)))
    named = {f"{first:%Y-%m}": first for first in firsts}
    asked = st.query_params.get(key)
    if key not in st.session_state and asked in (*named, LAST_30_DAYS):
        st.session_state[key] = asked  # a click that led here left it in the address alone
    chosen = st.selectbox("Month", [*named, LAST_30_DAYS], key=key, bind="query-params", on_change=first_page)
    if chosen == LAST_30_DAYS:
        return until - timedelta(days=29), until
    first = named.get(chosen or "", firsts[0])
    return first, min(until, moments.next_month(first) - timedelta(days=1))
