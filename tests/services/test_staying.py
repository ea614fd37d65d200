"""Whether redeemers stayed, against couples of the same months who used no code."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from lib.core.database import Database
from lib.core.work import reading
from lib.jobs import runs, staying
from lib.models import DiscountCode, DiscountUsage
from lib.services import discounts
from tests.factories import make_couple, make_user, write
from tests.metrics.ledger import entry
from tests.staff import SUPPORT

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    for key in ("code", "other"):
        write(
            database,
            DiscountCode,
            id=key,
            code=key.upper(),
            discount_type="percentage",
            discount_value=100,
            valid_from=NOW,
            valid_until=NOW,
        )
    yield database
    database.dispose()


def couple(database: Database, begins: str, ends: str | None = None, code: str | None = None) -> str:
    """A couple that pays from one day to another, perhaps with a code."""
    user = make_user(database)
    key = make_couple(database, user_1_id=user)
    ids = {"subscription_id": f"s_{key}", "relationship_id": key}
    entry(database, at(begins), net_arr_cents=0 if code else 36_000, **ids)
    if ends:
        entry(database, at(ends), status="canceled", **ids)
    if code:
        values = {"discount_id": code, "user_id": user, "relationship_id": key}
        write(database, DiscountUsage, id=f"use_{key}", discount_amount_cents=3000, **values)
    return key


def at(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC) + timedelta(hours=12)


def stayed(database: Database, code: str = "code") -> list[tuple[str, int, str, str, str]]:
    staying.run(database, NOW)
    with reading(database, SUPPORT, now=NOW) as view:
        found = discounts.stayed(view, code)
    return [(line.who, line.couples, line.after_1, line.after_3, line.after_6) for line in found]


def test_a_code_that_nobody_used_has_no_comparison(database: Database) -> None:
    couple(database, "2026-01-10")

    assert stayed(database) == []


def test_a_couple_has_stayed_when_it_pays_on_the_day_even_at_nothing(database: Database) -> None:
    couple(database, "2026-01-10", code="code")
    # It ended on the 91st day, so it was not there any more; on the 30th it was.
    couple(database, "2026-01-10", ends="2026-04-11", code="code")

    assert stayed(database)[0] == (
        "with this code",
        2,
        "100% (2 of 2, few)",
        "50% (1 of 2, few)",
        "too early",
    )


def test_couples_that_have_not_been_here_for_so_long_are_not_counted(database: Database) -> None:
    couple(database, "2025-12-01", code="code")
    couple(database, "2026-05-30", ends="2026-06-02", code="code")

    assert stayed(database)[0][1:] == (2, "100% (1 of 1, few)", "100% (1 of 1, few)", "100% (1 of 1, few)")


def test_the_others_used_no_code_and_weigh_as_the_redeemers_months_do(database: Database) -> None:
    for _ in range(3):
        couple(database, "2026-01-10", code="code")
    couple(database, "2026-02-10", code="code")
    # January: one of two stays. February: none of one. March is nobody's month; another code is no control.
    couple(database, "2026-01-12")
    couple(database, "2026-01-12", ends="2026-01-20")
    couple(database, "2026-02-12", ends="2026-02-20")
    couple(database, "2026-03-12")
    couple(database, "2026-01-12", ends="2026-01-20", code="other")
    lines = {who: cells for who, *cells in stayed(database)}

    assert lines["in the same months, without a code"] == [
        3,
        "38% (of 3, few)",
        "38% (of 3, few)",
        "too early",
    ]
    assert lines["in 2026-01, without a code"] == [2, "50% (1 of 2, few)", "50% (1 of 2, few)", "too early"]
    assert lines["in 2026-02, with this code"][0] == 1
    assert "in 2026-03, without a code" not in lines


def test_a_couple_begins_with_its_first_payment_of_all(database: Database) -> None:
    key = couple(database, "2025-03-10", ends="2025-04-01")
    entry(database, at("2026-01-10"), subscription_id="again", relationship_id=key)
    user = make_user(database)
    values = {"discount_id": "code", "user_id": user, "relationship_id": key}
    write(database, DiscountUsage, id="late", discount_amount_cents=1, **values)

    assert stayed(database)[2][:3] == ("in 2025-03, with this code", 1, "0% (0 of 1, few)")


def test_what_a_page_reads_is_as_of_the_last_night(database: Database) -> None:
    couple(database, "2026-01-10", code="code")
    before = stayed(database)
    couple(database, "2026-01-11", code="code")
    with reading(database, SUPPORT, now=NOW) as view:
        meanwhile = discounts.stayed(view, "code")

    assert (before[0][1], meanwhile[0].couples, stayed(database)[0][1]) == (1, 1, 2)


def test_it_is_counted_once_a_day_and_again_soon_after_a_failure(database: Database) -> None:
    first = staying.is_due(database, NOW)
    with pytest.raises(ZeroDivisionError), runs.running(database, staying.NAME, clock=lambda: NOW):
        raise ZeroDivisionError
    failed = [staying.is_due(database, NOW + timedelta(minutes=minutes)) for minutes in (29, 30)]
    staying.run(database, NOW + timedelta(hours=1))
    done = [staying.is_due(database, NOW + timedelta(hours=hours)) for hours in (11, 13)]

    assert (first, failed, done) == (True, [False, True], [False, True])
