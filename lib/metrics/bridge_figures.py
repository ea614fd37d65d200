"""The chart of a bridge: from one number over each reason to the other."""

from typing import Final

import plotly.graph_objects as go

from lib.core import money
from lib.metrics.bridge import Bridge
from lib.metrics.drawing import chart, units
from lib.metrics.roll_forward import monthly_forward

# What colour says is said by the sign as well.
_ENDS, _MORE, _LESS = "#4c78a8", "#3a9d5d", "#d1495b"
_LONGEST: Final = 18  # letters of a name on the axis, in one line


def bridge_waterfall(bridge: Bridge) -> go.Figure:
    """Our MRR, what each reason adds or takes, and theirs. A click on a reason gives its name.

    Monthly cents that add up: the ends are rounded, and the reasons share what lies between.
    """
    cents = monthly_forward(
        bridge.ours_arr_cents,
        [step.difference_arr_cents for step in bridge.steps],
        bridge.theirs_arr_cents,
    )
    if bridge.untied_arr_cents:
        cents[1:-1] = [money.monthly(step.difference_arr_cents) for step in bridge.steps]
    names = [bridge.ours.title, *(step.words for step in bridge.steps), bridge.theirs_title]
    steps = len(bridge.steps)
    figure = chart(f"MRR ({bridge.currency})", bridge.currency)
    figure.add_trace(
        go.Waterfall(
            x=[_broken(name) for name in names],
            y=[units(each, bridge.currency) for each in cents],
            measure=["absolute", *["relative"] * steps, "absolute"],
            text=[
                f"{'+' if 0 < nth <= steps and each > 0 else ''}{money.show(each, bridge.currency)}"
                for nth, each in enumerate(cents)
            ],
            textposition="outside",
            cliponaxis=False,
            customdata=[(name,) for name in [None, *(step.reason for step in bridge.steps), None]],
            hovertemplate="%{x}: %{text}<extra></extra>",
            increasing_marker_color=_MORE,
            decreasing_marker_color=_LESS,
            totals_marker_color=_ENDS,
            connector_line={"width": 1, "dash": "dot", "color": "rgba(128,128,128,.6)"},
        )
    )
    figure.update_layout(showlegend=False, clickmode="event+select", dragmode=False, margin_t=24)
    figure.update_xaxes(type="category", tickangle=0)
    return figure


def _broken(name: str) -> str:
    """A name over two lines where it is long, so that several stand beside each other."""
    if len(name) <= _LONGEST or " " not in name:
        return name
    middle = min(
        (place for place, letter in enumerate(name) if letter == " "),
        key=lambda place: abs(place - len(name) / 2),
    )
    return f"{name[:middle]}<br>{name[middle + 1 :]}"
