"""The pictures of a month's close, as vectors: the line of thirteen months, the waterfall, the cash.

Each value is written beside its mark; a gain and a loss differ by their sign and place, not by colour alone.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from reportlab.graphics.shapes import Circle, Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import HexColor

from lib.core import money
from lib.services.month_close import lines as closing

WIDTH: Final = 471.0  # points: what A4 leaves between the margins
HEIGHT: Final = 150.0
FONT: Final = "Vera"
_INK, _QUIET, _GRID = HexColor("#1f2937"), HexColor("#6b7280"), HexColor("#d1d5db")
_TOTAL, _GAIN, _LOSS = HexColor("#374151"), HexColor("#2f7d5b"), HexColor("#b4533c")
_SMALL: Final = 6.5
_TOP: Final = 14.0  # points above the highest mark, for its value
_BOTTOM: Final = 22.0  # and below the base, for the names
_BARS: Final = ("opening_arr_cents", "closing_arr_cents")


def mrr_line(history: Sequence[closing.Line]) -> Drawing:
    """What recurred, monthly, at the end of each month, as a line from zero."""
    drawing = Drawing(WIDTH, HEIGHT)
    amounts = [money.monthly(line.value or 0) for line in history]
    scale = _Scale([0, *amounts])
    _base(drawing, scale)
    step = WIDTH / len(history)
    places = [(step * (position + 0.5), scale.at(cents)) for position, cents in enumerate(amounts)]
    if len(places) > 1:
        points = [each for place in places for each in place]
        drawing.add(PolyLine(points, strokeColor=_TOTAL, strokeWidth=1.2))
    for (x, y), line, cents in zip(places, history, amounts, strict=True):
        drawing.add(Circle(x, y, 1.8, fillColor=_TOTAL, strokeColor=None))
        _text(drawing, x, y + 5, compact(cents, line.currency))
        _text(drawing, x, _BOTTOM - 11, line.measure, _QUIET)
    return drawing


def waterfall(lines: Sequence[closing.Line]) -> Drawing:
    """From the opening over each movement to the closing, monthly."""
    steps: list[tuple[closing.Line, int, int]] = []
    level = 0
    for line in lines:
        cents = line.value or 0
        if line.measure in _BARS:
            steps.append((line, 0, cents))
            level = cents
        else:
            after = level - cents if line.measure in closing.LOSSES else level + cents
            steps.append((line, level, after))
            level = after
    return _bars([(line, money.monthly(low), money.monthly(high)) for line, low, high in steps])


def cash_bars(lines: Sequence[closing.Line]) -> Drawing:
    """What came in, what went out, and what was left of it."""
    return _bars(
        [
            (line, 0, -(line.value or 0) if line.measure in closing.LOSSES else line.value or 0)
            for line in lines
            if line.unit == "money" and line.value is not None
        ]
    )


def compact(cents: int, currency: str) -> str:
    """An amount as a mark has room for it: `$12.3k`, `-€450`."""
    units = money.units(cents, currency)
    symbol = money.SYMBOLS.get(currency.lower(), f"{currency} ")
    size, unit = abs(units), ""
    for limit, letter in ((Decimal(1_000_000), "m"), (Decimal(1_000), "k")):
        if size >= limit:
            size, unit = size / limit, letter
            break
    shown = f"{size:,.1f}" if unit else f"{size:,.0f}"
    return f"{'-' if units < 0 else ''}{symbol}{shown}{unit}"


class _Scale:
    """Amounts as heights: from the lowest to the highest of them, zero among them."""

    def __init__(self, amounts: Sequence[int]) -> None:
        self.low, self.high = min(0, *amounts), max(0, *amounts)

    def at(self, cents: int) -> float:
        """Where an amount lies, in points from below."""
        room = HEIGHT - _TOP - _BOTTOM
        return _BOTTOM + room * (cents - self.low) / ((self.high - self.low) or 1)


def _bars(steps: Sequence[tuple[closing.Line, int, int]]) -> Drawing:
    drawing = Drawing(WIDTH, HEIGHT)
    scale = _Scale([edge for _, low, high in steps for edge in (low, high)] or [0])
    _base(drawing, scale)
    step = WIDTH / max(1, len(steps))
    for position, (line, first, last) in enumerate(steps):
        x = step * (position + 0.5)
        low, high = sorted((scale.at(first), scale.at(last)))
        whole = line.measure in _BARS or line.measure == "net_cents"
        colour = _TOTAL if whole else _LOSS if last < first else _GAIN
        drawing.add(
            Rect(
                x - step * 0.3,
                low,
                step * 0.6,
                max(high - low, 0.6),
                fillColor=colour,
                strokeColor=None,
            )
        )
        change = last if whole else last - first
        sign = "+" if change > 0 and not whole else ""
        _text(drawing, x, high + 3, f"{sign}{compact(change, line.currency)}")
        _text(drawing, x, _BOTTOM - 11, line.title, _QUIET)
    return drawing


def _base(drawing: Drawing, scale: _Scale) -> None:
    drawing.add(Line(0, scale.at(0), WIDTH, scale.at(0), strokeColor=_GRID, strokeWidth=0.8))


def _text(drawing: Drawing, x: float, y: float, text: str, colour: HexColor = _INK) -> None:
    drawing.add(String(x, y, text, textAnchor="middle", fontName=FONT, fontSize=_SMALL, fillColor=colour))
