"""The page Month close, as finance sees it: freeze, what came late, restate, payments at Stripe, rates."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.demo.staff import create_demo_staff
from lib.jobs import filling
from lib.models import ExchangeRate, MonthClose, PaymentReconciliation, ReconciledPayment
from tests.factories import make_payment, write
from tests.metrics.ledger import MONTHLY, entry
from tests.pages.at_desk import open_page, said, use, written
from tests.payments.told import only, rows
from tests.statements import counted

TODAY = moments.now().date()
LAST = moments.month_start(TODAY) - timedelta(days=1)
FIRST = moments.month_start(LAST)
BEFORE = moments.month_start(FIRST - timedelta(days=1))
NAME = f"{FIRST:%B %Y}"


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """A company whose last month is over and counted."""
    opened = Database(sqlite_url)
    create_demo_staff(opened)
    entry(opened, noon(BEFORE), MONTHLY)
    entry(opened, noon(FIRST + timedelta(days=4)), MONTHLY, subscription_id="s2", relationship_id="c2")
    count(opened)
    make_payment(opened, amount_cents=4200, processed_at=noon(FIRST), created_at=noon(FIRST))
    use(opened)
    yield opened
    opened.dispose()


def noon(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def count(database: Database) -> None:
    filling.fill(database, BEFORE, TODAY, now=moments.now(), trust_stored=False)


def press(page: Any, label: str, reason: str, key: str) -> Any:
    page.text_area(key=f"{key}:reason").input(reason)
    return next(button for button in page.button if button.label == label).click().run()


def tiles(page: Any) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_an_open_month_is_shown_as_it_stands_and_frozen_with_a_reason(database: Database) -> None:
    page = open_page(Role.FINANCE, "month_close")
    before = tiles(page)
    press(page, f"Freeze {NAME}", "For the board", "freeze")

    assert not page.exception
    assert before["MRR at the end"] == "$60.00"
    assert before["Paid"] == "$42.00"
    assert before["Net of refunds, disputes and fees"] == "–"
    close = only(database, MonthClose)
    assert (close.version, close.reason, close.closed_by_email) == (1, "For the board", "finance@example.org")
    assert f"{NAME}, version 1" in said(page).replace("\\", "")


def test_a_late_event_is_shown_beside_what_was_frozen_and_restated(database: Database) -> None:
    page = open_page(Role.FINANCE, "month_close")
    press(page, f"Freeze {NAME}", "For the board", "freeze")
    entry(database, noon(LAST), 0, status="canceled", cause="voluntary", recorded_at=moments.now())
    count(database)
    page = open_page(Role.FINANCE, "month_close")
    late = tiles(page)["MRR at the end"]
    behind = page.dataframe[-1].value
    press(page, "Restate", "A cancellation came late", "restate")
    restated = tiles(open_page(Role.FINANCE, "month_close"))["MRR at the end"]
    former = tiles(open_page(Role.FINANCE, "month_close", version="1"))["MRR at the end"]

    assert not page.exception
    assert (late, restated, former) == ("$60.00", "$30.00", "$60.00")
    assert list(behind["subscription_id"]) == ["s1"]
    assert [row.version for row in rows(database, MonthClose)] == [1, 2]


def test_a_month_that_differs_asks_few_questions(database: Database) -> None:
    press(open_page(Role.FINANCE, "month_close"), f"Freeze {NAME}", "For the board", "freeze")
    entry(database, noon(LAST), 0, status="canceled", cause="voluntary", recorded_at=moments.now())
    count(database)
    page = open_page(Role.FINANCE, "month_close")
    with counted(database) as sent:
        page.run()

    assert not page.exception
    assert len(sent) <= 12, "\n".join(sent)


def test_payments_are_compared_when_finance_asks(database: Database) -> None:
    page = open_page(Role.FINANCE, "month_close", section="Payments at Stripe")
    before = said(page)
    press(page, "Compare with Stripe", "Month end", "reconcile")

    assert not page.exception
    assert "were not compared with Stripe" in before.replace("\\", "")
    asked = only(database, PaymentReconciliation)
    assert (asked.state, asked.month) == ("asked", FIRST)


def test_a_rate_is_entered_and_an_absurd_one_gets_a_sentence(database: Database) -> None:
    page = open_page(Role.FINANCE, "month_close", section="Exchange rates")
    enter(page, "eur", "1.0837")
    good = [(row.currency, row.rate) for row in rows(database, ExchangeRate)]
    page = open_page(Role.FINANCE, "month_close", section="Exchange rates")
    enter(page, "EUR", "108.37")

    assert good == [("EUR", "1.0837")]
    assert "more than 5 times away" in said(page).replace("\\", "")
    assert len(rows(database, ExchangeRate)) == 1


def test_before_there_is_a_month_the_page_says_so(sqlite_url: str) -> None:
    empty = Database(sqlite_url)
    create_demo_staff(empty)
    use(empty)
    page = open_page(Role.FINANCE, "month_close")

    assert not page.exception
    assert "No month is over yet" in said(page)
    empty.dispose()


def test_support_and_product_have_no_part_in_it(database: Database) -> None:
    assert "Not allowed" in said(open_page(Role.SUPPORT, "month_close"))
    assert "Not allowed" in said(open_page(Role.PRODUCT, "month_close"))


def enter(page: Any, currency: str, rate: str) -> None:
    page.text_input(key="rate:currency").input(currency)
    page.text_input(key="rate:rate").input(rate)
    page.date_input(key="rate:valid_from").set_value(FIRST)
    press(page, "Enter a rate", "ECB reference rate", "rate")


def test_a_row_that_differs_leads_to_its_payment(database: Database) -> None:
    month = f"{FIRST:%Y-%m}"
    write(
        database,
        PaymentReconciliation,
        id="one",
        month=FIRST,
        state="done",
        stage="through",
        asked_by_email="finance@example.org",
        asked_at=moments.now(),
    )
    write(
        database,
        ReconciledPayment,
        reconciliation_id="one",
        object_id="pay_here",
        kind="payment",
        state="only_ours",
        payment_id=make_payment(database, amount_cents=700),
        currency="USD",
        ours_cents=700,
        moved_at=noon(FIRST),
    )
    section = open_page(Role.FINANCE, "month_close", section="Payments at Stripe", month=month)
    row = open_page(Role.FINANCE, "month_close", row="one/pay_here")

    assert not section.exception
    assert "1 row differs" in said(section).replace("\\", "")
    assert written(section.dataframe[-1], "ours_cents") == ["$7.00"]
    assert not row.exception
    assert "not in Stripe's balance" in said(row).replace("\\", "")
    assert "The payment" in [link.proto.label for link in row.get("page_link")]
