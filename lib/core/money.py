"""Money: integer minor units with a currency, until it is shown."""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from lib.core.errors import Invalid

# Stripe, https://docs.stripe.com/currencies: amounts of these are whole units, of the next thousandths.
ZERO_DECIMAL: Final = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split())
THREE_DECIMAL: Final = frozenset("bhd jod kwd omr tnd".split())
CREDITS: Final = "credits"
"""AI credits, where they are counted like a currency of whole units: in what staff may give of them."""
SYMBOLS: Final = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def decimals(currency: str | None) -> int:
    """How many decimals a currency has; the United States dollar's two when it is not named."""
    code = (currency or "usd").lower()
    return 0 if code in ZERO_DECIMAL or code == CREDITS else 3 if code in THREE_DECIMAL else 2


def units(cents: int, currency: str | None = "USD") -> Decimal:
    """Minor units in whole units of the currency, exactly: 1234 of the United States dollar are 12.34."""
    return Decimal(cents).scaleb(-decimals(currency))


def minor(amount: float | Decimal, currency: str | None = "USD") -> int:
    """Whole units of a currency as minor units, the nearest: what `units` gave, even after a float."""
    return round(Decimal(str(amount)).scaleb(decimals(currency)))


def show(cents: int | None, currency: str | None = "USD") -> str:
    """Format minor units for a reader: `$1,234.50`, `−€3.00`, `1,200.00 CHF`; credits; a dash for None."""
    if cents is None:
        return "–"
    code = (currency or "USD").lower()
    amount = f"{units(abs(cents), code):,.{decimals(code)}f}"
    sign = "−" if cents < 0 else ""
    if code == CREDITS:
        return f"{sign}{amount} credits"
    symbol = SYMBOLS.get(code)
    return f"{sign}{symbol}{amount}" if symbol else f"{sign}{amount} {code.upper()}"


def typed(cents: int, currency: str | None = "USD") -> str:
    """Minor units as a person would type them into a form, which `parse` reads back: `1234.50`."""
    return f"{units(cents, currency):.{decimals(currency)}f}"


def parse(text: str, currency: str | None = "USD") -> int:
    """Read an amount that a person typed (`30`, `30.00`, `$1,200.50`) as minor units.

    Raises Invalid when it is not a positive amount that the currency can express.
    """
    code = (currency or "USD").upper()
    cleaned = (
        text.strip().removeprefix(SYMBOLS.get(code.lower(), "")).removesuffix(code).replace(",", "").strip()
    )
    try:
        minor = Decimal(cleaned.replace(",", "").strip()).scaleb(decimals(code))
    except InvalidOperation:
        raise Invalid(f"“{text[:40]}” is not an amount of money. Write it like 30.00.") from None
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise Invalid(f"{code} has {decimals(code)} decimals at most.")
    if minor <= 0:
        raise Invalid("The amount must be more than zero.")
    return int(minor)


def monthly(arr_cents: int) -> int:
    """Monthly from annualised cents, rounded half up, once, for showing: 28,900 -> 2,408."""
    return int((Fraction(arr_cents, 12) + Fraction(1, 2)).__floor__())


def annualised(price_cents: int, billing_period: str) -> int:
    """Annualised cents of a price: 12 x a monthly one, 1 x an annual one; Invalid for other periods."""
    if billing_period == "monthly":
        return 12 * price_cents
    if billing_period == "annual":
        return price_cents
    raise Invalid(f"The billing period “{billing_period}” is neither monthly nor annual.")
