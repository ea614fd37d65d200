"""Exchange rates into the reporting currency, as finance enters them: none is changed, the newest counts."""

from datetime import date
from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Work, action
from lib.metrics.exchange import checked
from lib.metrics.reported import DEFAULT_CURRENCY, rates_into
from lib.models import ExchangeRate, new_id

CURRENCIES: Final = ("USD", "EUR", "GBP", "CHF", "CAD", "AUD", "JPY", "SEK", "NOK", "DKK", "PLN")
"""Those that the form offers; a rate for another is entered by its three letters."""

FARTHEST: Final = 5
"""A rate so many times the one before, or so small a part of it, is taken for a slip."""

_LETTERS: Final = 3


@action(Permission.REVENUE_CLOSE)
def enter_rate(
    work: Work,
    *,
    currency: str,
    rate: str,
    valid_from: date,
    reason: str,
    reporting: str = DEFAULT_CURRENCY,
) -> str:
    """Enter what one unit of a currency is worth in the reporting one from a day on; gives the row's id.

    Raises Invalid for what is no currency or no rate, and for a day that has not come; Refused for a rate
    that is far from the one before it.
    """
    code = currency.strip().upper()
    if len(code) != _LETTERS or not code.isascii() or not code.isalpha():
        raise Invalid(f"A currency is its three letters, such as EUR, not “{currency[:20]}”.")
    if code == reporting:
        raise Invalid(f"{reporting} is the reporting currency itself: it needs no rate.")
    if valid_from > work.now.date():
        raise Invalid(f"{valid_from} has not come yet. A rate is entered once it is known.")
    exact = checked(rate)
    before = rates_into(work.session, reporting).on(code, valid_from)
    if before is not None and not before / FARTHEST <= exact <= before * FARTHEST:
        raise Refused(
            f"1 {code} was worth {before} {reporting} before; {exact} is more than {FARTHEST} times away. "
            "Check the decimal point, and which way round the rate is."
        )
    row = ExchangeRate(
        id=new_id(),
        currency=code,
        reporting_currency=reporting,
        valid_from=valid_from,
        rate=format(exact, "f"),
        entered_by=work.actor.id,
        entered_by_email=work.actor.email,
        recorded_at=work.now,
    )
    work.about("admin_exchange_rates", row.id)
    work.session.add(row)
    return row.id


@listing(
    Permission.REVENUE_CLOSE,
    columns=(
        Column("currency", "Currency"),
        Column("valid_from", "From", "day"),
        Column("rate", "Rate"),
        Column("reporting_currency", "Into"),
        Column("entered_by_email", "Entered by"),
        Column("recorded_at", "Entered", "moment"),
    ),
)
def rates(*, reporting: str = DEFAULT_CURRENCY) -> AnySelect:
    """Every rate that was entered, by currency, the newest day first; of one day the first row counts."""
    row = ExchangeRate
    return (
        select(
            row.id,
            row.currency.label("currency"),
            row.valid_from,
            row.rate,
            row.reporting_currency,
            row.entered_by_email,
            row.recorded_at,
        )
        .where(row.reporting_currency == reporting)
        .order_by(row.currency, row.valid_from.desc(), row.recorded_at.desc(), row.id.desc())
    )
