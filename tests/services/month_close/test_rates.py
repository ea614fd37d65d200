"""Exchange rates as finance enters them, and a close in two currencies."""

from datetime import date
from typing import Any

import pypdfium2
import pytest

from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, Refused
from lib.models import ExchangeRate
from lib.services import month_close
from lib.services.month_close import rates
from lib.services.month_close.files import pdf_of
from tests.metrics.ledger import ANNUAL, BOX, MONTHLY, NOW, entry, fill
from tests.payments.told import rows
from tests.services.desk import act, read, somebody

FINANCE = somebody("finance")
MAY = date(2026, 5, 1)


def enter(database: Database, rate: str, on: date, **over: Any) -> str:
    values = {"currency": "EUR", "rate": rate, "valid_from": on, "reason": "ECB reference rate"} | over
    key: str = act(database, rates.enter_rate, by=FINANCE, **values)
    return key


def test_a_rate_is_kept_as_it_was_typed_and_a_newer_one_takes_its_place(database: Database) -> None:
    enter(database, "1.0800", date(2026, 4, 30))
    enter(database, "1.10", date(2026, 4, 30))

    assert sorted(row.rate for row in rows(database, ExchangeRate)) == ["1.0800", "1.10"]
    listed = read(database, rates.rates.page, by=FINANCE).rows
    assert [(row.currency, row.rate, row.entered_by_email) for row in listed] == [
        ("EUR", "1.10", "finance@example.org"),
        ("EUR", "1.0800", "finance@example.org"),
    ]


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"currency": "EURO"}, "three letters"),
        ({"currency": "usd"}, "reporting currency itself"),
        ({"rate": "0"}, "A rate lies between"),
        ({"rate": "one"}, "not a rate"),
        ({"valid_from": date(2026, 6, 16)}, "has not come yet"),
        ({"rate": "10.8"}, "more than 5 times away"),
        ({"rate": "0.108"}, "more than 5 times away"),
    ],
)
def test_a_rate_that_cannot_be_right_gets_a_sentence(
    database: Database, over: dict[str, Any], sentence: str
) -> None:
    enter(database, "1.08", date(2026, 4, 30))

    with pytest.raises((Invalid, Refused), match=sentence):
        enter(database, **{"rate": "1.09", "on": date(2026, 5, 31)} | _named(over))
    assert len(rows(database, ExchangeRate)) == 1


def _named(over: dict[str, Any]) -> dict[str, Any]:
    return {("on" if name == "valid_from" else name): value for name, value in over.items()}


def test_rates_are_entered_by_finance(database: Database) -> None:
    with pytest.raises(NotAllowed):
        act(
            database,
            rates.enter_rate,
            by=somebody("support"),
            currency="EUR",
            rate="1.08",
            valid_from=MAY,
            reason="Curious",
        )


def test_a_close_in_two_currencies_adds_neither_to_the_other(database: Database) -> None:
    entry(database, "04-20", ANNUAL, currency="EUR", subscription_id="s9", relationship_id="c9")
    fill(database, "04-01", "06-15")
    enter(database, "1.10", date(2026, 4, 30))
    enter(database, "1.20", date(2026, 5, 31))
    key = act(database, month_close.freeze, MAY, by=FINANCE, now=NOW, reason="For the board")
    version = read(database, month_close.version, key, by=FINANCE)

    def value(section: Any, measure: str, currency: str) -> int | None:
        found: int | None = version.value(section, measure, currency, "house").value
        return found

    assert value("recurring", "closing_arr_cents", "EUR") == ANNUAL
    assert value("recurring", "closing_arr_cents", "USD") == MONTHLY + ANNUAL + BOX
    assert value("reported", "fx_arr_cents", "USD") == ANNUAL // 10
    assert value("reported", "closing_arr_cents", "USD") == MONTHLY + ANNUAL + BOX + ANNUAL * 12 // 10
    with pypdfium2.PdfDocument(read(database, pdf_of, key, by=FINANCE)) as pdf:
        text = "\n".join(page.get_textpage().get_text_bounded() for page in pdf)
    assert "Exchange rates" in text
    assert "€240.00" in text


def test_a_close_without_a_rate_says_which_one_is_missing_and_a_later_one_is_a_difference(
    database: Database,
) -> None:
    entry(database, "04-20", ANNUAL, currency="EUR", subscription_id="s9", relationship_id="c9")
    fill(database, "04-01", "06-15")
    act(database, month_close.freeze, MAY, by=FINANCE, now=NOW, reason="For the board")
    before = read(database, month_close.of_month, MAY, by=FINANCE, now=NOW)
    enter(database, "1.10", date(2026, 4, 30))
    after = read(database, month_close.of_month, MAY, by=FINANCE, now=NOW)

    [closing] = [
        each
        for each in before.differences
        if (each.section, each.policy, each.measure) == ("reported", "house", "closing_arr_cents")
    ]
    assert (closing.frozen, before.state) == (None, "frozen")
    assert closing.remark is not None
    assert "EUR to USD for 2026-04-30" in closing.remark
    assert after.state == "differs"
