"""Charts of funnels and of who comes back. What colour says is also written on each bar and square."""

from typing import Final

import plotly.graph_objects as go

from lib.metrics.drawing import SO_FAR, layout
from lib.metrics.figure import percent, rounded
from lib.metrics.figures import AVERAGE, Square, grid
from lib.metrics.funnels_read import Funnel
from lib.metrics.funnels_table import step_rows
from lib.metrics.retention_read import Retention
from lib.metrics.retention_table import cohort_name

_BAR: Final = 46  # pixels, with the space to the next
_OF: Final = {"came": "of the first step", "lost": "of the step before, lost"}
# Greys that read on white and on black.
_LOST, _LOST_EDGE, _LOST_TEXT = "rgba(128,128,128,.14)", "rgba(128,128,128,.5)", "#808080"


def funnel_bars(found: Funnel) -> go.Figure:
    """A bar for each step, the first on top: those who came, and pale those who were lost before it.

    A click gives the number of the step, and whether it was on those who came or who were lost.
    """
    rows = step_rows(found)
    names = [f"{row.number}. {row.step}" for row in rows]
    figure = layout(go.Figure())
    for outcome, name, numbers in (
        ("came", "Came", [row.reached for row in rows]),
        ("lost", "Lost before it", [row.dropped for row in rows]),
    ):
        came = outcome == "came"
        shares = [
            row.of_first if came else 1 - row.of_previous if row.of_previous is not None else None
            for row in rows
        ]
        figure.add_trace(
            go.Bar(
                name=name,
                orientation="h",
                y=names,
                x=numbers,
                text=[
                    f"{'' if came else '−'}{number:,} · {percent(share)}"
                    if number and share is not None
                    else ""
                    for number, share in zip(numbers, shares, strict=True)
                ],
                textposition="auto" if came else "inside",
                insidetextanchor="start",
                customdata=[(str(row.number), outcome) for row in rows],
                insidetextfont=None if came else {"color": _LOST_TEXT},
                marker=None if came else {"color": _LOST, "line": {"width": 1, "color": _LOST_EDGE}},
                hovertemplate=f"%{{y}}: %{{text}} {_OF[outcome]}<extra></extra>",
            )
        )
    figure.update_layout(
        barmode="stack",
        showlegend=True,
        height=_BAR * len(rows) + 90,
        clickmode="event+select",
        dragmode=False,
        uniformtext={"mode": "hide", "minsize": 11},
    )
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, automargin=True)
    figure.update_xaxes(tickformat=",d", rangemode="tozero", fixedrange=True)
    return figure


def retention_squares(found: Retention) -> go.Figure:
    """A heat map of cohorts by age; the average of those that are mature, all as one, is its last row.

    A cell whose time goes on is hatched. A click on one gives its cohort and its age.
    """
    period = found.asked.definition.period
    cells = [
        Square(
            cohort_name(found.asked, cohort.start),
            cell.age,
            float(cell.share),
            f"{rounded(100 * cell.share)} %",
            f"{cohort_name(found.asked, cohort.start)}, age {cell.age}: {percent(cell.share)}, "
            f"{cell.returned:,} of {cohort.size:,}{'' if cell.mature else f' ({SO_FAR})'}",
            cell.mature,
        )
        for cohort in found.cohorts
        for cell in cohort.cells
        if cell.share is not None
    ]
    averages = [
        Square(
            AVERAGE,
            each.age,
            float(each.pooled),
            f"{rounded(100 * each.pooled)} %",
            f"Age {each.age}: {percent(each.pooled)} of {each.people:,} in {each.cohorts:,} mature cohorts",
            mature=True,
        )
        for each in found.averages
        if each.pooled is not None
    ]
    across = f"{period.title()}s since the beginning"
    return grid([*cells, *averages], "Came back", top=1.0, tickformat=".0%", across=across)
