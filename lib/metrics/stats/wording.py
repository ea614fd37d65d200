"""Numbers of statistics as a reader sees them."""

from fractions import Fraction

from lib.metrics.figure import percent


def p_text(p: float) -> str:
    """`p = 0.031`, `p < 0.0001`."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def share_text(share: float) -> str:
    """A share of 1: `4.2 %`."""
    return percent(Fraction(share))


def lift_text(lift: float) -> str:
    """A lift with its sign: `+4.2 %`."""
    return f"{'+' if lift > 0 else ''}{percent(Fraction(lift))}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 day`, `1,200 couples`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
