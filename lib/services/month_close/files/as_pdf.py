"""A version as a PDF for people: definitions, policy, every figure with its currency, and pictures.

Its bytes follow from the version alone: reportlab writes no time and no random id (`invariant`), and the
fonts are those that it brings.
"""

import io
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import KeepTogether, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from lib.core.access import Permission
from lib.core.work import View, query
from lib.metrics.policies import HOUSE, POLICIES
from lib.services.month_close.files import pictures
from lib.services.month_close.lines import LOSSES, SECTIONS, Line, Section
from lib.services.month_close.versions import Version, version

MARGIN: Final = 56.0  # points
_EDGE: Final = MARGIN + 6  # a frame has a padding of its own
DEFINITIONS: Final = (
    (
        "Recurring revenue is annualised: 12 times a monthly price, an annual price once; MRR is a twelfth "
        "of it, rounded once. The unit is the couple: two subscriptions of one couple count as one."
    ),
    (
        "New: the couple's first recurring revenue. Reactivation: it had some, had none, and has some again. "
        "Expansion and contraction: more, or less, than before. Churn: to none. "
        "Opening + new + reactivation + expansion − contraction − churn = closing, to the cent."
    ),
    (
        "Exchange rates: what is left of the closing in the reporting currency after the opening, at the "
        "rate of the day before the month, and the movements, at the rate of its last day."
    ),
    (
        "Payments, refunds and disputes are those of our rows, by the day of the business on which they "
        "moved. Fees are those of Stripe's balance transactions. Net is payments less refunds, disputes and "
        "fees."
    ),
)
_INK, _QUIET, _LINE = HexColor("#1f2937"), HexColor("#6b7280"), HexColor("#d1d5db")
_BOLD: Final = "VeraBd"
_WATERFALL: Final = (
    "opening_arr_cents",
    "new_arr_cents",
    "reactivation_arr_cents",
    "expansion_arr_cents",
    "contraction_arr_cents",
    "churn_arr_cents",
    "closing_arr_cents",
)


@query(Permission.REVENUE_CLOSE)
def pdf_of(view: View, close_id: str) -> bytes:
    """The PDF of a version. Raises NotFound when there is none of this id."""
    return drawn(version(view, close_id))


def drawn(close: Version) -> bytes:
    """A version's PDF: the same bytes for the same figures, day, person and reason."""
    _fonts()
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=f"Month close, {close.title}",
        author="Better Together admin",
        subject=f"Digest {close.digest}",
        invariant=1,
        lang="en",
    )
    story = [*_head(close), *_figures(close), *_cash(close), *_other_policies(close), *_definitions()]
    document.build(story, onFirstPage=_foot(close), onLaterPages=_foot(close))
    return buffer.getvalue()


def _head(close: Version) -> Iterator[Any]:
    yield _paragraph(f"Month close: {close.title}", "title")
    as_of = f"{close.as_of:%Y-%m-%d %H:%M:%S} UTC" if close.as_of else "an empty ledger"
    yield _paragraph(
        f"Frozen on {close.closed_at:%Y-%m-%d} by {close.closed_by_email}. Ledger as of {as_of}. "
        f"Reporting currency: {close.reporting_currency}.",
        "quiet",
    )
    yield _paragraph(f"Reason: {close.reason}", "quiet")


def _figures(close: Version) -> Iterator[Any]:
    """The house policy in each currency: the year, the month's movements, and the table of both."""
    for currency in _currencies(close, "recurring"):
        recurring = close.of("recurring", HOUSE.name, currency)
        if not recurring:
            continue
        title = f"{SECTIONS['recurring']}: {POLICIES[HOUSE.name].title}, {currency}"
        moved = [line for name in _WATERFALL for line in recurring if line.measure == name]
        yield _section(
            title,
            _paragraph("MRR at the end of each month", "caption"),
            pictures.mrr_line(close.of("history", HOUSE.name, currency) or recurring[:1]),
            _paragraph("MRR: from the opening to the closing", "caption"),
            pictures.waterfall(moved),
        )
        yield _table(recurring)
    yield from _reported(close, HOUSE.name)


def _cash(close: Version) -> Iterator[Any]:
    for currency in _currencies(close, "cash"):
        lines = close.of("cash", "", currency)
        yield _section(f"Cash, {currency}", pictures.cash_bars(lines))
        yield _table(lines)
        for sentence in dict.fromkeys(line.why_not for line in lines if line.why_not):
            yield _paragraph(sentence, "quiet")


def _other_policies(close: Version) -> Iterator[Any]:
    policies = dict.fromkeys(line.policy for line in close.lines if line.section == "recurring")
    for name in policies:
        if name == HOUSE.name:
            continue
        title = POLICIES[name].title if name in POLICIES else name
        for currency in _currencies(close, "recurring"):
            lines = close.of("recurring", name, currency)
            if lines:
                yield _section(f"{SECTIONS['recurring']}: {title}, {currency}", _table(lines))
        yield from _reported(close, name)


def _reported(close: Version, policy: str) -> Iterator[Any]:
    lines = close.of("reported", policy, close.reporting_currency)
    if not lines:
        return
    yield _section(f"In {close.reporting_currency}, annualised", _table(lines))
    for sentence in dict.fromkeys(line.why_not for line in lines if line.why_not):
        yield _paragraph(sentence, "quiet")


def _definitions() -> Iterator[Any]:
    yield _paragraph("Definitions", "heading")
    for sentence in DEFINITIONS:
        yield _paragraph(sentence, "text")
    answers = [f"{question}: {answer}" for question, answer in POLICIES[HOUSE.name].answers]
    yield _paragraph(f"{POLICIES[HOUSE.name].title}. {'. '.join(answers)}.", "text")


def _currencies(close: Version, section: Section) -> list[str]:
    return list(dict.fromkeys(line.currency for line in close.lines if line.section == section))


def _section(title: str, *parts: Any) -> KeepTogether:
    return KeepTogether([_paragraph(title, "heading"), *parts, Spacer(1, 4)])


def _table(lines: Sequence[Line]) -> LongTable:
    """Figures with their values; what is taken off has its sign."""
    rows = [[_paragraph(line.title, "cell"), _signed(line)] for line in lines]
    table = LongTable(rows, colWidths=[pictures.WIDTH * 0.7, pictures.WIDTH * 0.3], spaceAfter=8)
    bold = [
        place
        for place, line in enumerate(lines)
        if line.measure in {"opening_arr_cents", "closing_arr_cents", "net_cents"}
    ]
    table.setStyle(
        TableStyle(
            [
                ("FONT", (1, 0), (1, -1), pictures.FONT, 8),
                ("TEXTCOLOR", (0, 0), (-1, -1), _INK),
                ("ALIGN", (1, 0), (1, -1), "RIGHT"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
                ("TOPPADDING", (0, 0), (-1, -1), 2.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("RIGHTPADDING", (1, 0), (1, -1), 0),
                *(("FONT", (1, place), (1, place), _BOLD, 8) for place in bold),
            ]
        )
    )
    return table


def _signed(line: Line) -> str:
    return f"−{line.text}" if line.value and line.value > 0 and line.measure in LOSSES else line.text


def _paragraph(text: str, style: str) -> Paragraph:
    return Paragraph(escape(text), _styles()[style])


@cache
def _styles() -> dict[str, ParagraphStyle]:
    text = ParagraphStyle(
        "text", fontName=pictures.FONT, fontSize=8, leading=11.5, textColor=_INK, spaceAfter=5
    )
    return {
        "text": text,
        "cell": ParagraphStyle("cell", text, spaceAfter=0, leading=10),
        "quiet": ParagraphStyle("quiet", text, textColor=_QUIET),
        "caption": ParagraphStyle("caption", text, textColor=_QUIET, spaceBefore=4, spaceAfter=2),
        "heading": ParagraphStyle(
            "heading", text, fontName=_BOLD, fontSize=10, leading=13, spaceBefore=10, spaceAfter=4
        ),
        "title": ParagraphStyle("title", text, fontName=_BOLD, fontSize=16, leading=20, spaceAfter=6),
    }


def _foot(close: Version) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.setFont(pictures.FONT, 6.5)
        canvas.setFillColor(_QUIET)
        canvas.drawString(_EDGE, MARGIN / 2, f"{close.title} · digest {close.digest}")
        canvas.drawRightString(A4[0] - _EDGE, MARGIN / 2, f"Page {document.page}")

    return draw


@cache
def _fonts() -> None:
    """Bitstream Vera, which reportlab brings: it has the minus and the currencies; a subset is embedded."""
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in (pictures.FONT, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
