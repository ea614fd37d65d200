"""The MRR ledger: what is recorded when something changes, and what is worked out where nobody recorded."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from lib.core.access import Actor, Role, system
from lib.core.database import Database
from lib.core.errors import NotAllowed
from lib.core.work import Work, job, working
from lib.models import (
    AuditEntry,
    CohortMember,
    DiscountCode,
    DiscountUsage,
    Payment,
    Subscription,
    SubscriptionChange,
)
from lib.payments import ledger
from lib.payments.ledger.history import Known, history_of
from tests.factories import NOW, make_couple, make_payment, make_plan, make_subscription, make_user, write
from tests.payments.told import only, rows

CREATED = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def each_engine(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def known(**over: Any) -> Known:
    """A monthly subscription of 30 dollars since January."""
    values: dict[str, Any] = {
        "id": "s1",
        "relationship_id": "r1",
        "plan_id": "p1",
        "status": "active",
        "billing_period": "monthly",
        "price_cents": 3000,
        "currency": "USD",
        "is_gift": False,
        "created_at": CREATED,
        "updated_at": CREATED,
        "trial_end_date": None,
        "current_period_start": NOW - timedelta(days=5),
        "current_period_end": NOW + timedelta(days=25),
        "canceled_at": None,
        "cancel_reason": None,
    }
    return Known(**values | over)


def chain(known: Known) -> list[tuple[Any, ...]]:
    return [(link.effective_at, link.state.status) for link in history_of(known, NOW)]


def test_an_active_subscription_has_been_active_since_it_was_made() -> None:
    (link,) = history_of(known(), NOW)

    assert (link.effective_at, link.state.status, link.cause) == (CREATED, "active", None)
    assert (link.state.list_arr_cents, link.state.net_arr_cents) == (36_000, 36_000)


def test_an_annual_price_is_its_own_year() -> None:
    (link,) = history_of(known(billing_period="annual", price_cents=28_900), NOW)

    assert link.state.list_arr_cents == 28_900


def test_a_trial_is_followed_by_what_came_after_it() -> None:
    trial_end = CREATED + timedelta(days=14)

    assert chain(known(trial_end_date=trial_end)) == [(CREATED, "trialing"), (trial_end, "active")]


def test_a_running_trial_is_a_trial() -> None:
    trial_end = NOW + timedelta(days=3)

    assert chain(known(status="trialing", trial_end_date=trial_end)) == [(CREATED, "trialing")]


def test_a_trial_that_was_canceled_never_was_active() -> None:
    ended = CREATED + timedelta(days=4)
    trial = known(status="canceled", trial_end_date=CREATED + timedelta(days=14), canceled_at=ended)

    assert chain(trial) == [(CREATED, "trialing"), (ended, "canceled")]


def test_one_that_was_written_before_its_period_ended_was_over_when_it_was_canceled() -> None:
    canceled = NOW - timedelta(days=2)

    assert chain(known(status="canceled", canceled_at=canceled, updated_at=canceled)) == [
        (CREATED, "active"),
        (canceled, "canceled"),
    ]


def test_one_that_ran_out_was_set_to_cancel_first() -> None:
    asked, end = NOW - timedelta(days=40), NOW - timedelta(days=20)
    links = history_of(
        known(status="canceled", canceled_at=asked, current_period_end=end, updated_at=end), NOW
    )

    assert [(link.effective_at, link.state.status, link.state.set_to_cancel) for link in links] == [
        (CREATED, "active", False),
        (asked, "active", True),
        (end, "canceled", False),
    ]
    assert [link.cause for link in links] == [None, None, "voluntary"]


def test_one_that_will_run_out_is_set_to_cancel() -> None:
    links = history_of(known(canceled_at=NOW - timedelta(days=1)), NOW)

    assert [(link.state.status, link.state.set_to_cancel) for link in links] == [
        ("active", False),
        ("active", True),
    ]


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"last_paid": NOW - timedelta(days=40), "last_failed": NOW - timedelta(days=9)}, "involuntary"),
        ({"last_paid": NOW - timedelta(days=9), "last_failed": NOW - timedelta(days=40)}, "voluntary"),
        ({"cancel_reason": "payment_failed"}, "involuntary"),
        ({"cancel_reason": "too expensive"}, "voluntary"),
    ],
)
def test_churn_is_involuntary_when_the_last_try_to_collect_had_failed(
    facts: dict[str, Any], cause: str
) -> None:
    links = history_of(known(status="canceled", canceled_at=NOW - timedelta(days=1), **facts), NOW)

    assert links[-1].cause == cause


def test_past_due_began_with_the_period_that_was_not_paid() -> None:
    assert chain(known(status="past_due")) == [(CREATED, "active"), (NOW - timedelta(days=5), "past_due")]


def test_paused_began_when_the_row_was_last_written() -> None:
    written = NOW - timedelta(days=7)

    assert chain(known(status="paused", updated_at=written)) == [(CREATED, "active"), (written, "paused")]


def test_one_that_was_never_paid_is_incomplete() -> None:
    assert chain(known(status="incomplete")) == [(CREATED, "incomplete")]


def test_a_discount_lasts_for_the_period_that_it_was_redeemed_in() -> None:
    second = CREATED + timedelta(days=31)
    links = history_of(known(discounts=[(CREATED, 1000), (second, 1000)]), NOW)

    assert [(link.effective_at, link.state.net_arr_cents) for link in links] == [
        (CREATED, 24_000),
        (second + timedelta(days=30), 36_000),
    ]
    assert {link.state.list_arr_cents for link in links} == {36_000}


def test_a_date_that_cannot_be_read_is_replaced_by_the_first_payment() -> None:
    paid = CREATED + timedelta(hours=1)

    assert chain(known(created_at=None, first_paid=paid)) == [(paid, "active")]
    assert chain(known(created_at=None, current_period_start=None)) == []


@pytest.mark.parametrize("status", ["active", "trialing", "past_due", "paused", "incomplete", "canceled"])
@pytest.mark.parametrize("created", [NOW - timedelta(days=400), NOW, NOW + timedelta(days=2)])
@pytest.mark.parametrize("canceled", [None, NOW - timedelta(days=500), NOW - timedelta(days=3)])
@pytest.mark.parametrize("trial_end", [None, NOW - timedelta(days=100), NOW + timedelta(days=100)])
def test_a_chain_goes_forward_and_ends_in_the_present_state(
    status: str, created: datetime, canceled: datetime | None, trial_end: datetime | None
) -> None:
    links = history_of(
        known(status=status, created_at=created, canceled_at=canceled, trial_end_date=trial_end), NOW
    )
    moments = [link.effective_at for link in links]

    assert moments == sorted(set(moments))
    assert moments[-1] <= NOW
    assert links[-1].state.status == status
    assert all(one.state != other.state for one, other in itertools.pairwise(links))


@pytest.mark.postgres
def test_the_backfill_reads_payments_codes_and_both_forms_of_time(each_engine: Database) -> None:
    database = each_engine
    trial = make_subscription(
        database, created_at=CREATED, trial_end_date=CREATED + timedelta(days=14), updated_at=CREATED
    )
    lost = make_subscription(
        database, created_at=CREATED, status="canceled", canceled_at=NOW - timedelta(days=1), updated_at=NOW
    )
    make_payment(database, subscription_id=lost, processed_at=CREATED)
    make_payment(
        database, subscription_id=lost, status="failed", processed_at=None, created_at=NOW - timedelta(days=6)
    )
    paid = make_payment(database, subscription_id=trial, processed_at=CREATED + timedelta(days=14))
    code = write(
        database,
        DiscountCode,
        id="code",
        code="HALF",
        discount_type="percentage",
        discount_value=50,
        valid_from=CREATED,
        valid_until=NOW,
    )
    write(
        database,
        DiscountUsage,
        id="usage",
        discount_id=code,
        user_id=make_user(database),
        transaction_id=paid,
        discount_amount_cents=1500,
    )
    if database.primary.dialect.name == "sqlite":
        with database.primary.begin() as connection:
            connection.exec_driver_sql("UPDATE subscriptions SET created_at = '2026-01-10T08:00:00.000Z'")
    added = _backfill(database)

    got = [
        (row.subscription_id, row.effective_at, row.status, row.net_arr_cents, row.cause, row.source)
        for row in rows(database, SubscriptionChange)
    ]
    assert added == len(got) == 5
    assert sorted(got) == sorted(
        [
            (trial, CREATED, "trialing", 36_000, None, "backfill"),
            (trial, CREATED + timedelta(days=14), "active", 18_000, None, "backfill"),
            (trial, CREATED + timedelta(days=44), "active", 36_000, None, "backfill"),
            (lost, CREATED, "active", 36_000, None, "backfill"),
            (lost, NOW - timedelta(days=1), "canceled", 36_000, "involuntary", "backfill"),
        ]
    )


def test_the_backfill_adds_nothing_the_second_time(database: Database) -> None:
    make_subscription(database)
    first, second = _backfill(database), _backfill(database)

    assert (first, second, len(rows(database, SubscriptionChange))) == (1, 0, 1)


def test_the_backfill_leaves_recorded_chains_alone(database: Database) -> None:
    recorded, bare = make_subscription(database), make_subscription(database)
    _record(database, recorded)
    before = [row for row in rows(database, SubscriptionChange) if row.subscription_id == recorded]
    _backfill(database)

    after = rows(database, SubscriptionChange)
    assert [row for row in after if row.subscription_id == recorded] == before
    assert [row.subscription_id for row in after if row not in before] == [bare]


def test_the_backfill_goes_on_over_the_end_of_a_chunk(database: Database) -> None:
    plan = make_plan(database)
    made = {make_subscription(database, plan_id=plan) for _ in range(7)}
    with working(database, system("worker"), now=NOW) as work:
        added = ledger.backfill(work, chunk=3)

    assert added == 7
    assert {row.subscription_id for row in rows(database, SubscriptionChange)} == made


def test_no_person_may_backfill(database: Database) -> None:
    admin = Actor("admin", "admin@example.org", Role.ADMIN)
    with pytest.raises(NotAllowed), working(database, admin) as work:
        ledger.backfill(work)

    assert only(database, AuditEntry).outcome == "denied"


def test_the_backfill_needs_as_many_statements_for_a_thousand_as_for_ten(database: Database) -> None:
    _many(database, 1_010)
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(database.primary, "before_cursor_execute", note)
    with working(database, system("worker"), now=NOW) as work:
        added = ledger.backfill(work, chunk=1_000)

    assert added == 2_020
    first, second = [number for number, text in enumerate(statements) if "INTO subscription_changes" in text]
    # Two chunks, each of them read with four statements and written with one.
    assert second - first == 5


@pytest.mark.postgres
def test_recording_the_same_state_twice_adds_one_row(each_engine: Database) -> None:
    subscription = make_subscription(each_engine)
    for _ in range(2):
        _record(each_engine, subscription)

    assert len(rows(each_engine, SubscriptionChange)) == 1


def test_a_change_is_recorded_with_who_knew_and_from_when(database: Database) -> None:
    subscription = make_subscription(database)
    _record(database, subscription)
    _record(database, subscription, price_cents=4000)

    first, second = rows(database, SubscriptionChange)
    assert (first.net_arr_cents, second.net_arr_cents) == (36_000, 48_000)
    assert (second.effective_at, second.recorded_at, second.source, second.source_id) == (
        NOW,
        NOW,
        "action",
        "op_1",
    )


def test_a_chain_never_goes_back_in_time(database: Database) -> None:
    subscription = make_subscription(database)
    _record(database, subscription, price_cents=4000)
    _record(database, subscription, price_cents=5000, at=NOW - timedelta(days=90))

    assert [row.effective_at for row in rows(database, SubscriptionChange)] == [NOW, NOW]


@pytest.mark.parametrize("known_by", ["the backfill", "its first recorded change"])
def test_an_entry_says_how_the_couple_came_as_the_app_knew_it_first(
    database: Database, known_by: str
) -> None:
    subscription = make_subscription(database)
    with database.primary.connect() as connection:
        couple = connection.scalar(
            select(Subscription.relationship_id).where(Subscription.id == subscription)
        )
    member = {"cohort_name": "2026-01", "cohort_date": CREATED.date(), "user_id": make_user(database)}
    write(database, CohortMember, id="member", relationship_id=couple, joined_via="referral", **member)
    if known_by == "the backfill":
        _backfill(database)
    _record(database, subscription, price_cents=4000)

    assert {row.acquired_via for row in rows(database, SubscriptionChange)} == {"referral"}


def test_a_discount_and_a_pause_last_until_somebody_says_otherwise(database: Database) -> None:
    subscription = make_subscription(database)
    _record(database, subscription, discount_arr_cents=18_000, collection_paused=True)
    _record(database, subscription, price_cents=4000)
    _record(database, subscription, discount_arr_cents=0, collection_paused=False)

    assert [
        (row.list_arr_cents, row.net_arr_cents, row.collection_paused)
        for row in rows(database, SubscriptionChange)
    ] == [(36_000, 18_000, True), (48_000, 24_000, True), (48_000, 48_000, False)]


def test_why_it_ended_stands_on_the_row_of_its_end_only(database: Database) -> None:
    subscription = make_subscription(database)
    _record(database, subscription, cause="involuntary")
    _record(database, subscription, status="canceled", cause="involuntary")

    assert [row.cause for row in rows(database, SubscriptionChange)] == [None, "involuntary"]


def _backfill(database: Database) -> int:
    with working(database, system("worker"), now=NOW) as work:
        return ledger.backfill(work)


def _record(database: Database, subscription_id: str, **over: Any) -> None:
    columns = {name: over.pop(name) for name in ("price_cents", "status") if name in over}
    with working(database, system("worker"), now=NOW) as work:
        _change(work, subscription_id, columns, over)


@job
def _change(work: Work, subscription_id: str, columns: dict[str, Any], over: dict[str, Any]) -> None:
    row = work.session.get_one(Subscription, subscription_id)
    for name, value in columns.items():
        setattr(row, name, value)
    at = over.pop("at", work.now)
    ledger.record(work, row, effective_at=at, source="action", source_id="op_1", **over)


def _many(database: Database, number: int) -> None:
    plan, couple, user = make_plan(database), make_couple(database), make_user(database)
    subscriptions = [
        {
            "id": f"s{n:06}",
            "relationship_id": couple,
            "plan_id": plan,
            "user_id": user,
            "status": "canceled",
            "billing_period": "monthly",
            "price_cents": 3000,
            "created_at": CREATED,
            "updated_at": NOW,
            "canceled_at": CREATED + timedelta(days=60),
            "current_period_start": CREATED + timedelta(days=30),
            "current_period_end": CREATED + timedelta(days=60),
        }
        for n in range(number)
    ]
    payments = [
        {
            "id": f"p{n}",
            "subscription_id": f"s{n % number:06}",
            "user_id": user,
            "transaction_type": "subscription",
            "amount_cents": 3000,
            "status": "succeeded",
            "processed_at": CREATED + timedelta(days=30 * (n // number)),
            "created_at": CREATED,
        }
        for n in range(number * 3)
    ]
    with database.primary.begin() as connection:
        connection.execute(insert(Subscription.__table__), subscriptions)
        connection.execute(insert(Payment.__table__), payments)
