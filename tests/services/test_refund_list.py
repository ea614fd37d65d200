"""Refunds and payments as they are listed: in order, by an index, masked until revealed, few statements."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid
from lib.core.work import reading
from lib.models import Reveal
from lib.services import payments, refunds
from tests.factories import make_couple, make_payment, make_refund, make_user, write
from tests.services.refund_steps import ask
from tests.staff import FINANCE, SUPPORT, read
from tests.statements import counted


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def test_pending_refunds_come_oldest_first_and_the_others_newest_first(database: Database) -> None:
    start = moments.now()
    for hours in (2, 1, 3):
        requested = start + timedelta(hours=hours)
        for status in ("pending", "processed"):
            make_refund(database, id=f"{status}_{hours}", status=status, requested_at=requested)

    def ids(status: str | None) -> list[str]:
        return [each.id for each in read(database, SUPPORT, refunds.requests.page, status=status).rows]

    assert ids("pending") == ["pending_1", "pending_2", "pending_3"]
    assert ids("processed") == ["processed_3", "processed_2", "processed_1"]
    assert len(ids(None)) == 6
    with pytest.raises(Invalid, match="Refunds are pending, approved"):
        ids("no such status")


def test_the_list_shows_people_masked(database: Database) -> None:
    make_refund(database, user_id=make_user(database, name="Mara Keller"))

    [line] = read(database, SUPPORT, refunds.requests.page).rows

    assert line.person == "Mara K."


@pytest.mark.parametrize("status", ["pending", "processed", None])
def test_the_list_is_served_by_an_index(database: Database, status: str | None) -> None:
    statement = refunds.requests.build(status=status).limit(50)
    with database.primary.connect() as connection:
        sql = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [step.detail for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]

    assert any("idx_admin_refunds_" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)


def test_a_persons_and_a_couples_payments_say_what_is_refundable(database: Database) -> None:
    couple, person = make_couple(database), make_user(database)
    mine = make_payment(database, user_id=person, relationship_id=couple)
    failed = make_payment(database, user_id=person, relationship_id=couple, status="failed")
    make_payment(database)

    lines = {line.id: line for line in read(database, SUPPORT, payments.of_person, person)}

    assert {key: (line.left_cents, line.why_not is None) for key, line in lines.items()} == {
        mine: (3000, True),
        failed: (0, False),
    }
    assert {line.id for line in read(database, SUPPORT, payments.of_couple, couple)} == {mine, failed}


def test_one_refund_takes_as_many_statements_whatever_happened_to_its_payment(database: Database) -> None:
    payment = make_payment(database, amount_cents=90_000)
    refund = ask(database, payment)
    numbers = []
    for more in (0, 20):
        for _ in range(more):
            make_refund(database, transaction_id=payment, refund_amount_cents=1)
        with reading(database, FINANCE) as view, counted(database) as sent:
            refunds.one(view, refund)
            numbers.append(len(sent))

    assert numbers[0] == numbers[1] <= 11


def test_a_euro_refund_is_shown_in_euros_among_the_others(database: Database) -> None:
    payment = make_payment(database, currency="EUR")
    make_refund(database, transaction_id=payment, refund_amount_cents=1)

    case = read(database, FINANCE, refunds.one, ask(database, payment))

    assert [(each.amount_cents, each.currency) for each in case.earlier] == [(1, "EUR")]


def test_a_person_who_was_revealed_is_shown_by_name_to_whoever_asked_only(database: Database) -> None:
    person = make_user(database, name="Mara Keller", email="mara@example.org")
    refund = make_refund(database, user_id=person)
    write(
        database,
        Reveal,
        id="reveal",
        admin_user_id=SUPPORT.id,
        person_id=person,
        reason="A call",
        revealed_at=moments.now(),
        until=moments.now() + timedelta(minutes=15),
    )

    shown, masked = (read(database, who, refunds.one, refund) for who in (SUPPORT, FINANCE))

    assert (shown.person, shown.email, shown.payment.person) == (
        "Mara Keller",
        "mara@example.org",
        "Mara Keller",
    )
    assert (masked.person, masked.email) == ("Mara K.", "m•••@example.org")
