"""Grids of cohorts; with its neighbours, the only place that knows Plotly.

Backgrounds, fonts and the palette are left to the page's theme, so that a chart reads in light and dark.
What colour says is also said by a dash, a pattern, a sign or a word. What is not complete yet is drawn
differently and named so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import plotly.graph_objects as go

from lib.core import money
from lib.metrics.cohorts import RealisedLtv, Retention
from lib.metrics.drawing import SO_FAR
from lib.metrics.drawing import layout as _layout
from lib.metrics.drawing import units as _units
from lib.metrics.figure import percent, rounded

ROW_HEIGHT: Final = 26  # pixels of a grid
# What is written on a square: by its own colour, whatever the theme's is.
_INK, _LIGHT, _DARK_FROM = "#10203a", "#ffffff", 0.68
AVERAGE: Final = "Average"
_HATCHED: Final = "/"


def retention_grid(found: Retention, measure: Literal["logo", "revenue"]) -> go.Figure:
    """A heat map of cohorts by age: couples kept (`logo`) or revenue kept; the averages are its last row.

    A cell whose month goes on is hatched. A click on one gives its cohort and its age.
    """
    cells = [
        Square(
            f"{cohort.cohort:%Y-%m}",
            cell.age,
            float(share),
            _whole_percent(share),
            f"{cohort.cohort:%b %Y}, {cell.age} months on: {percent(share)}, {cell.couples:,} of "
            f"{cohort.joined:,} couples, {money.show(cell.arr_cents, found.currency)} of "
            f"{money.show(cohort.opening_arr_cents, found.currency)} a year{_so_far(cell.mature)}",
            cell.mature,
        )
        for cohort in found.cohorts
        for cell in cohort.cells
        if (share := getattr(cell, measure)) is not None
    ]
    weight = "couples" if measure == "logo" else "opening revenue"
    averages = [
        Square(
            AVERAGE,
            each.age,
            float(share),
            _whole_percent(share),
            f"{each.age} months on: {percent(share)}, average of {_cohorts(each.cohorts)} by {weight}",
            mature=True,
        )
        for each in found.averages
        if (share := getattr(each, measure)) is not None
    ]
    return grid([*cells, *averages], "Kept", top=1.0, tickformat=".0%")


def ltv_grid(found: RealisedLtv) -> go.Figure:
    """A heat map of what each couple of a cohort has brought in by each age; drawn like `retention_grid`."""

    def square(row: str, age: int, value: Fraction, more: str, mature: bool) -> Square:
        text = money.show(rounded(value), found.currency)
        whole = money.show(rounded(value / 100) * 100, found.currency).partition(".")[0]
        return Square(
            row,
            age,
            _units(rounded(value), found.currency),
            whole,
            f"{row}, {age} months on: {text} for each {more}",
            mature,
        )

    cells = [
        square(
            f"{cohort.cohort:%Y-%m}",
            cell.age,
            cell.per_couple,
            f"of {cohort.joined:,} couples{_so_far(cell.mature)}",
            cell.mature,
        )
        for cohort in found.cohorts
        for cell in cohort.cells
        if cell.per_couple is not None
    ]
    averages = [
        square(AVERAGE, each.age, each.per_couple, f"of {each.joined:,} couples, weighted by couples", True)
        for each in found.averages
        if each.per_couple is not None
    ]
    squares = [*cells, *averages]
    return grid(
        squares,
        f"Kept money ({found.currency})",
        top=max((each.value for each in squares), default=1.0),
        tickformat="~s",
    )


@dataclass(frozen=True, slots=True)
class Square:
    """One square of a grid."""

    row: str
    age: int
    value: float
    text: str
    said: str
    mature: bool


def grid(
    squares: Sequence[Square],
    title: str,
    *,
    top: float,
    tickformat: str,
    across: str = "Months since the month of the first payment",
) -> go.Figure:
    """Squares in rows, the first row on top; `across` names the ages.

    Bars rather than a heat map: they can be hatched and clicked.
    """
    rows = list(dict.fromkeys(each.row for each in squares))
    figure = _layout(go.Figure())
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=[each.row for each in squares],
            base=[each.age - 0.5 for each in squares],
            x=[1] * len(squares),
            text=[each.text for each in squares],
            textposition="inside",
            insidetextanchor="middle",
            insidetextfont={"color": [_LIGHT if each.value > _DARK_FROM * top else _INK for each in squares]},
            textangle=0,
            customdata=[(each.row, str(each.age)) for each in squares],
            hovertext=[each.said for each in squares],
            hovertemplate="%{hovertext}<extra></extra>",
            marker={
                "color": [each.value for each in squares],
                "colorscale": "Blues",
                "cmin": 0,
                "cmax": top,
                "line": {"width": 1, "color": "rgba(128,128,128,.35)"},
                "colorbar": {
                    "title": {"text": title, "side": "top"},
                    "orientation": "h",
                    "y": 0,
                    "yanchor": "top",
                    "tickformat": tickformat,
                    "thickness": 8,
                },
                "pattern": {
                    "shape": ["" if each.mature else _HATCHED for each in squares],
                    "fillmode": "overlay",
                    "fgopacity": 0.45,
                    "size": 7,
                },
            },
        )
    )
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=rows[::-1], fixedrange=True)
    figure.update_xaxes(
        title=across,
        dtick=1,
        range=[-0.5, max((each.age for each in squares), default=0) + 0.5],
        tickangle=0,
        side="top",
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    figure.update_layout(
        height=ROW_HEIGHT * len(rows) + 120,
        bargap=0,
        showlegend=False,
        clickmode="event+select",
        dragmode=False,
        uniformtext={"mode": "hide", "minsize": 9},
    )
    return figure


def _cohorts(number: int) -> str:
    return f"{number:,} cohort{'' if number == 1 else 's'}"


def _whole_percent(share: Fraction) -> str:
    return f"{rounded(100 * share)} %"


def _so_far(mature: bool) -> str:
    return "" if mature else f" ({SO_FAR})"
