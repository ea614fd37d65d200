"""What a recount says before it changes anything, of our own roll-ups and of production's."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, update

from lib.core.database import Database
from lib.core.settings import Settings
from lib.jobs import daily, recount
from lib.jobs.recount import Change, Recounted
from lib.jobs.revenue_analytics import Difference
from lib.models import CohortCheck, CohortMember, MetricDay, RevenueDay
from tests.factories import make_couple, make_payment, make_user, write
from tests.metrics.ledger import NOW, day, entry, stored

OBSERVING = Settings.from_environment({"ROLLUPS": "observe"})
WRITING = replace(OBSERVING, rollups="write")
TODAY = day("06-15")


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """One couple pays 3,000; our roll-up and the app's were made wrong, and the partner has no cohort."""
    opened = Database(sqlite_url)
    entry(opened, "06-14")
    make_couple(opened, id="c1", user_1_id=make_user(opened, id="u1", created_at=NOW))
    make_payment(opened, user_id="u1", amount_cents=3_000, created_at=NOW)
    daily.run_daily(opened, TODAY, WRITING, now=NOW)
    with opened.primary.begin() as connection:
        connection.execute(
            update(MetricDay).where(MetricDay.day == TODAY, MetricDay.policy == "house").values(arr_cents=1)
        )
        connection.execute(
            update(RevenueDay).where(RevenueDay.analytics_date == TODAY).values(total_revenue_cents=9_999)
        )
    write(
        opened,
        CohortMember,
        id="coh_1",
        cohort_name="2026-06",
        cohort_date=date(2026, 6, 1),
        user_id="u1",
        relationship_id="c1",
        total_revenue_cents=1,
        is_active=False,
    )
    yield opened
    opened.dispose()


def recounted(database: Database, settings: Settings = WRITING, *, dry_run: bool = False) -> Recounted:
    return recount.backfill(database, day("06-14"), TODAY, settings, now=NOW, dry_run=dry_run)


def theirs(database: Database) -> tuple[int | None, int | None]:
    """What the app's roll-ups say now: revenue of the day, revenue of the person."""
    with database.primary.connect() as connection:
        return (
            connection.scalar(
                select(RevenueDay.total_revenue_cents).where(RevenueDay.analytics_date == TODAY)
            ),
            connection.scalar(select(CohortMember.total_revenue_cents).where(CohortMember.id == "coh_1")),
        )


def test_a_dry_run_says_what_is_stored_wrongly_on_both_sides_and_changes_nothing(database: Database) -> None:
    before = stored(database, without=())
    found = recounted(database, dry_run=True)

    assert found.changed == (Change(TODAY, "house", "USD", 1, 36_000),)
    assert found.production == (Difference(TODAY, "total_revenue_cents", 9_999, 3_000),)
    assert found.people == 2
    assert stored(database, without=()) == before
    assert theirs(database) == (9_999, 1)


def test_what_changes_is_said_while_nothing_is_changed_yet(database: Database) -> None:
    heard = []
    recount.backfill(
        database,
        day("06-14"),
        TODAY,
        WRITING,
        now=NOW,
        before=lambda found: heard.append((found.differs, theirs(database))),
    )

    assert heard == [(True, (9_999, 1))]
    assert theirs(database) == (3_000, 3_000)


def test_productions_tables_are_compared_and_left_alone_where_the_app_fills_them(database: Database) -> None:
    found = recounted(database, OBSERVING)
    with database.primary.connect() as connection:
        kept = connection.execute(select(CohortCheck.differing, CohortCheck.written)).one()

    assert (len(found.production), found.people) == (1, 2)
    assert theirs(database) == (9_999, 1)
    assert tuple(kept) == (1, False)


def test_after_it_was_written_a_second_recount_finds_nothing(database: Database) -> None:
    recounted(database)

    assert not recounted(database).differs


def test_a_row_that_production_lacks_is_told_from_one_that_says_nothing(database: Database) -> None:
    with database.primary.begin() as connection:
        connection.execute(RevenueDay.__table__.delete())
    found = {(each.figure, each.stored) for each in recounted(database, dry_run=True).production}

    assert ("total_revenue_cents", None) in found
    assert not any(figure == "refunds_cents" for figure, _ in found)


def test_the_daily_run_says_what_production_had_otherwise(database: Database) -> None:
    observed = daily.run_daily(database, TODAY, OBSERVING, now=NOW)
    left_alone = theirs(database)
    corrected = daily.run_daily(database, TODAY, WRITING, now=NOW)

    assert observed.production == (Difference(TODAY, "total_revenue_cents", 9_999, 3_000),)
    assert corrected.production == observed.production
    assert (left_alone[0], theirs(database)[0]) == (9_999, 3_000)
