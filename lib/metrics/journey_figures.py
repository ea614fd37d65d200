"""Charts of funnels and of who comes back. What colour says is also written on each bar and square."""

from typing import Final

import plotly.graph_objects as go

from lib.metrics.drawing import layout
from lib.metrics.figure import percent
from lib.metrics.funnels_read import Funnel
from lib.metrics.funnels_table import step_rows

_BAR: Final = 46  # pixels, with the space to the next
_OF: Final = {"came": "of the first step", "lost": "of the step before, lost"}
_LOST: Final = "rgba(128, 128, 128, 0.25)"


def funnel_bars(found: Funnel) -> go.Figure:
    """A bar for each step, the first on top: those who came, and hatched those who were lost before it.

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
                    f"{number:,} · {percent(share)}" if number and share is not None else ""
                    for number, share in zip(numbers, shares, strict=True)
                ],
                textposition="auto" if came else "inside",
                insidetextanchor="start",
                customdata=[(str(row.number), outcome) for row in rows],
                marker=None if came else {"color": _LOST, "pattern": {"shape": "/", "fgopacity": 0.3}},
                hovertemplate=f"%{{y}}: %{{text}} {_OF[outcome]}<extra></extra>",
            )
        )
    figure.update_layout(
        barmode="stack",
        showlegend=True,
        height=_BAR * len(rows) + 90,
        clickmode="event+select",
        dragmode=False,
        uniformtext={"mode": "hide", "minsize": 9},
    )
    figure.update_yaxes(autorange="reversed", type="category", fixedrange=True, automargin=True)
    figure.update_xaxes(tickformat=",d", rangemode="tozero", fixedrange=True)
    return figure
