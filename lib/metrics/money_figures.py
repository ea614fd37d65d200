"""Charts of money in, what went back, was refused and recovered; a click on a bar leads to its payments."""

from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from lib.core import money
from lib.metrics import drawing
from lib.metrics.money_in import KINDS, MoneyMonth

# The sum of a bar, its name, above (1) or below (-1) the line, its pattern, and where a click leads.
_Bar = tuple[str, str, int, str, str, str | None]
PICKS: Final = ("month", "what", "kind", "reason")
"""What a click on a bar gives: its month, what became of the money, what it was for, why it went back."""


def money_bars(months: Sequence[MoneyMonth], currency: str) -> go.Figure:
    """What couples paid in each month by what it was for, above the line; what went back, below it.

    A click on a bar gives its month, what became of the money, and what it was for.
    """
    paid = [(kind, title, 1, pattern, "paid", kind) for kind, title, pattern in KINDS]
    return _bars(months, currency, [*paid, ("refunded", "Refunds", -1, "x", "refunded", None)], "relative")


def refusal_bars(months: Sequence[MoneyMonth], currency: str) -> go.Figure:
    """What was refused in each month beside what went through after all; a click gives both as above."""
    bars: list[_Bar] = [
        ("failed", "Refused", 1, "x", "failed", None),
        ("recovered", "Recovered", 1, "", "recovered", None),
    ]
    return _bars(months, currency, bars, "group")


def _bars(months: Sequence[MoneyMonth], currency: str, bars: Sequence[_Bar], barmode: str) -> go.Figure:
    figure = drawing.chart(f"Payments ({currency})", currency)
    for field, title, sign, pattern, what, kind in bars:
        amounts = [sign * each.cents(field) for each in months]
        if not any(amounts):
            continue
        figure.add_trace(
            go.Bar(
                name=title,
                x=[_month_name(each) for each in months],
                y=[drawing.units(cents, currency) for cents in amounts],
                text=[money.show(cents, currency) for cents in amounts],
                textposition="none",
                marker_pattern_shape=pattern,
                customdata=[(f"{each.month:%Y-%m}", what, kind, None) for each in months],
                hovertemplate=f"%{{x}}, {title}: %{{text}}<extra></extra>",
            )
        )
    figure.update_layout(barmode=barmode, showlegend=True, clickmode="event+select", dragmode=False)
    figure.update_xaxes(type="category")
    return figure


def _month_name(each: MoneyMonth) -> str:
    return f"{each.month:%b %Y}" if each.complete else f"{each.month:%b %Y}, {drawing.SO_FAR}"
