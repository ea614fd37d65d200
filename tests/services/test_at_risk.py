"""The work list of couples at risk: who is on it and why, what is at stake, and how it gets shorter."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import Invalid, NotAllowed, NotFound, Refused
from lib.core.work import reading, working
from lib.jobs import at_risk as finding
from lib.models import (
    CardOnFile,
    CoupleAtRisk,
    EngagementScore,
    RiskAnswer,
    StripeWebhook,
    UserSession,
)
from lib.services import at_risk
from tests.factories import make_couple, make_invoice, make_payment, make_subscription, make_user, write
from tests.metrics.ledger import entry
from tests.staff import FINANCE, PRODUCT, SUPPORT
from tests.statements import counted

NOW = moments.now()
DAY = timedelta(days=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def pays(database: Database, key: str, arr: int = 36_000, **over: Any) -> str:
    """A couple with a subscription named after it, and its entry in the ledger; gives the subscription."""
    users = {side: make_user(database, id=f"{key}_{side}") for side in ("user_1_id", "user_2_id")}
    make_couple(database, id=key, **users)
    values = {
        "id": f"s_{key}",
        "relationship_id": key,
        "user_id": users["user_1_id"],
        "stripe_customer_id": f"cus_{key}",
        "created_at": NOW - 100 * DAY,
        "current_period_start": NOW - 10 * DAY,
        "current_period_end": NOW + 20 * DAY,
    }
    make_subscription(database, **values | over)
    status = {"status": over.get("status", "active"), "is_gift": over.get("is_gift", False)}
    entry(database, NOW - 100 * DAY, arr, subscription_id=f"s_{key}", relationship_id=key, **status)
    return f"s_{key}"


def found(database: Database, *, now: datetime = NOW) -> dict[str, Any]:
    """Run the job; gives the entries by their ids."""
    finding.run(database, now)
    with database.primary.connect() as connection:
        return {row.id: row for row in connection.execute(select(CoupleAtRisk.__table__))}


def listed(database: Database, **filters: Any) -> list[str]:
    """The ids of the list in its order."""
    with reading(database, SUPPORT) as view:
        return [row.id for row in at_risk.at_risk.page(view, **filters).rows]


def do(database: Database, action: Any, *args: Any, actor: Any = SUPPORT, **given: Any) -> Any:
    with working(database, actor) as work:
        return action(work, *args, **given)


def test_a_past_due_couple_is_there_with_its_next_try_and_the_payment_to_retry(database: Database) -> None:
    subscription = pays(database, "c1", status="past_due")
    payment = make_payment(database, subscription_id=subscription, status="failed")
    make_invoice(database, payment_id=payment, next_attempt_at=NOW + 2 * DAY, issued_at=NOW - 3 * DAY)
    row = found(database)["s_c1:past_due"]

    assert (row.relationship_id, row.object_id, row.arr_cents) == ("c1", payment, 36_000)
    assert (row.since, row.due_at, row.urgent) == (NOW - 3 * DAY, NOW + 2 * DAY, True)


def test_a_past_due_couple_without_an_invoice_is_there_as_well(database: Database) -> None:
    pays(database, "c1", status="past_due")
    row = found(database)["s_c1:past_due"]

    assert (row.object_id, row.since, row.due_at, row.urgent) == ("s_c1", NOW - 10 * DAY, None, True)


@pytest.mark.parametrize(("left", "there"), [(timedelta(days=45), True), (timedelta(days=46), False)])
def test_a_card_that_runs_out_within_45_days_puts_its_couple_there(
    database: Database, left: timedelta, there: bool
) -> None:
    pays(database, "c1")
    write(
        database,
        CardOnFile,
        stripe_customer_id="cus_c1",
        card_id="pm_1",
        good_until=NOW + left,
        told_at=NOW - 400 * DAY,
    )

    assert ("s_c1:card_expiring" in found(database)) is there


def test_a_subscription_that_is_set_to_cancel_is_there_until_its_end(database: Database) -> None:
    pays(database, "c1", canceled_at=NOW - 2 * DAY, current_period_end=NOW + 5 * DAY)
    row = found(database)["s_c1:set_to_cancel"]

    assert (row.since, row.due_at, row.urgent, row.arr_cents) == (NOW - 2 * DAY, NOW + 5 * DAY, True, 36_000)


def test_a_trial_that_is_set_to_cancel_has_at_stake_what_it_would_pay(database: Database) -> None:
    pays(database, "c1", status="trialing", canceled_at=NOW - DAY)

    assert found(database)["s_c1:set_to_cancel"].arr_cents == 36_000


def test_a_trial_is_there_when_it_ends_soon_and_no_card_is_known(database: Database) -> None:
    for key in ("c1", "c2", "c3"):
        pays(database, key, status="trialing", trial_end_date=NOW + (20 if key == "c3" else 10) * DAY)
    write(
        database,
        CardOnFile,
        stripe_customer_id="cus_c2",
        card_id="pm_2",
        good_until=NOW + 900 * DAY,
        told_at=NOW,
    )
    rows = found(database)

    assert list(rows) == ["s_c1:trial_without_card"]
    assert rows["s_c1:trial_without_card"].arr_cents == 36_000  # what it would pay


def test_where_stripe_tells_of_no_cards_a_missing_one_means_nothing(database: Database) -> None:
    pays(database, "c1", status="trialing", trial_end_date=NOW + 10 * DAY)

    assert found(database) == {}


def test_a_gift_is_there_when_it_ends_soon_and_the_couple_has_nothing_of_its_own(database: Database) -> None:
    pays(database, "c1", is_gift=True)
    pays(database, "c2", is_gift=True)
    make_subscription(database, id="own", relationship_id="c2", stripe_customer_id="cus_own")
    pays(database, "c3", is_gift=True, current_period_end=NOW + 60 * DAY)
    rows = found(database)

    assert [key for key in rows if key.endswith("gift_ending")] == ["s_c1:gift_ending"]
    assert rows["s_c1:gift_ending"].arr_cents == 36_000


def score(database: Database, couple: str, days_ago: int, points: int) -> None:
    on = (NOW - days_ago * DAY).date()
    write(
        database,
        EngagementScore,
        id=f"{couple}_{days_ago}",
        user_id=f"{couple}_user_1_id",
        relationship_id=couple,
        score_date=on,
        engagement_score=points,
    )


def test_a_couple_that_does_less_than_half_of_before_is_there_with_both_numbers(database: Database) -> None:
    for key, recently in (("c1", 40), ("c2", 60)):
        pays(database, key)
        for days_ago in (8, 15, 22, 28):
            score(database, key, days_ago, 90)
        score(database, key, 3, recently)
    rows = found(database)

    # 360 points in 21 days are 120 a week: 40 is less than half of it, 60 is not.
    assert list(rows) == ["s_c1:falling_engagement"]
    assert (rows["s_c1:falling_engagement"].before, rows["s_c1:falling_engagement"].after) == (120, 40)


def visit(database: Database, user: str, couple: str, days_ago: int) -> None:
    write(
        database,
        UserSession,
        id=f"{user}_{days_ago}",
        user_id=user,
        relationship_id=couple,
        session_start=NOW - days_ago * DAY,
    )


def test_a_couple_of_whom_one_alone_comes_is_there(database: Database) -> None:
    for key in ("c1", "c2", "c3"):
        pays(database, key)
        for days_ago in (1, 2, 3, 4)[: 3 if key == "c3" else 4]:
            visit(database, f"{key}_user_1_id", key, days_ago)
    visit(database, "c2_user_2_id", "c2", 5)
    visit(database, "c1_user_2_id", "c1", 40)
    rows = found(database)

    assert list(rows) == ["s_c1:one_sided"]
    assert (rows["s_c1:one_sided"].before, rows["s_c1:one_sided"].after) == (4, 0)


def test_what_both_partners_pay_is_at_stake_together(database: Database) -> None:
    pays(database, "c1")
    make_subscription(database, id="s_other", relationship_id="c1", stripe_customer_id="cus_other")
    entry(database, NOW - 50 * DAY, 24_000, subscription_id="s_other", relationship_id="c1")
    for days_ago in range(1, 5):
        visit(database, "c1_user_1_id", "c1", days_ago)

    assert found(database)["s_c1:one_sided"].arr_cents == 60_000


def test_a_run_finds_everybody_anew_and_the_same_twice(database: Database) -> None:
    pays(database, "c1", canceled_at=NOW - 2 * DAY)
    once, twice = found(database), found(database)
    with database.primary.begin() as connection:
        connection.exec_driver_sql("UPDATE subscriptions SET canceled_at = NULL")

    assert once == twice != {}
    assert found(database) == {}


def event(database: Database, number: int, kind: str, **card: Any) -> None:
    when = NOW - timedelta(minutes=60 - number)
    subject = {"id": "pm_1", "object": "payment_method", "customer": "cus_c1"} | card
    write(
        database,
        StripeWebhook,
        id=f"whk_{number}",
        event_id=f"evt_{number}",
        event_type=f"payment_method.{kind}",
        event_data={"id": f"evt_{number}", "created": int(when.timestamp()), "data": {"object": subject}},
        created_at=when,
    )


def cards(database: Database) -> list[tuple[Any, ...]]:
    columns = (CardOnFile.stripe_customer_id, CardOnFile.card_id, CardOnFile.good_until)
    with database.primary.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


def test_until_when_a_card_is_good_is_read_from_stripes_events_the_newest_counts(database: Database) -> None:
    event(database, 1, "attached", card={"exp_month": 12, "exp_year": 2027})
    event(database, 2, "attached", id="pm_2", card={"exp_month": 1, "exp_year": 2030})
    event(database, 3, "attached", id="pm_3", card="not a card")
    first = finding.run(database, NOW)
    stored = cards(database)
    event(database, 4, "detached", id="pm_2", customer=None)
    finding.run(database, NOW)

    assert first.card_events == 3
    assert stored == [("cus_c1", "pm_2", datetime(2030, 2, 1, tzinfo=NOW.tzinfo))]
    assert cards(database) == []


def two_at_risk(database: Database) -> tuple[str, str]:
    """One couple that ends within a week and pays little, another that ends later and pays more."""
    soon, later = NOW + 3 * DAY, NOW + 20 * DAY
    pays(database, "c1", 24_000, canceled_at=NOW - DAY, current_period_end=soon)
    pays(database, "c2", 36_000, canceled_at=NOW - DAY, current_period_end=later)
    found(database)
    return "s_c1:set_to_cancel", "s_c2:set_to_cancel"


def test_what_is_due_within_a_week_stands_first_then_the_most_money(database: Database) -> None:
    little, much = two_at_risk(database)
    pays(database, "c3", 12_000, canceled_at=NOW - DAY, current_period_end=NOW + 20 * DAY)
    found(database)

    assert listed(database) == [little, much, "s_c3:set_to_cancel"]
    assert listed(database, reason="past_due") == []


def test_a_snoozed_entry_is_out_of_the_list_until_its_day(database: Database) -> None:
    little, much = two_at_risk(database)
    do(database, at_risk.snooze, little, until=(NOW + 7 * DAY).date(), note="They call back")
    now = listed(database), listed(database, aside=True)
    with database.primary.begin() as connection:
        connection.execute(RiskAnswer.__table__.update().values(until=NOW - timedelta(minutes=1)))

    assert now == ([much], [little])
    assert listed(database) == [little, much]


def test_a_handled_entry_comes_back_when_its_reason_comes_up_anew(database: Database) -> None:
    little, much = two_at_risk(database)
    do(database, at_risk.handled, little, note="Given a free month")
    now = listed(database)
    found(database)
    found_again = listed(database)
    with database.primary.begin() as connection:
        connection.exec_driver_sql("UPDATE admin_couples_at_risk SET since = '2999-01-01 00:00:00'")

    assert now == found_again == [much]
    assert sorted(listed(database)) == [little, much]


def test_an_entry_is_put_back_once(database: Database) -> None:
    little, much = two_at_risk(database)
    do(database, at_risk.handled, little, note="Called")
    do(database, at_risk.put_back, little)

    assert listed(database) == [little, much]
    with pytest.raises(Refused, match="put it back already"):
        do(database, at_risk.put_back, little)


def test_the_sums_leave_out_what_is_put_aside_and_count_a_couple_once(database: Database) -> None:
    little, _ = two_at_risk(database)
    for days_ago in range(1, 5):
        visit(database, "c2_user_1_id", "c2", days_ago)
    found(database)
    with reading(database, FINANCE) as view:
        before = at_risk.stakes(view)
    do(database, at_risk.handled, little, note="Called")
    with reading(database, FINANCE) as view:
        after = at_risk.stakes(view)

    whole = [(each.couples, each.arr_cents, each.mrr_cents, each.urgent) for each in (before[0], after[0])]
    assert whole == [(2, 60_000, 5_000, 1), (1, 36_000, 3_000, 0)]
    assert {each.reason: each.arr_cents for each in after[1:]} == {
        "set_to_cancel": 36_000,
        "one_sided": 36_000,
    }


def test_an_entry_says_why_what_helps_and_what_was_done(database: Database) -> None:
    little, _ = two_at_risk(database)
    do(database, at_risk.snooze, little, until=(NOW + 7 * DAY).date(), note="They call back")
    with reading(database, SUPPORT) as view:
        case = at_risk.one(view, little)

    assert (case.why, case.mrr_cents) == (at_risk.WHY["set_to_cancel"], 2_000)
    assert [(step.page, step.section) for step in case.steps] == [
        ("subscriptions", "end"),
        ("subscriptions", "discounts"),
    ]
    assert case.aside is not None
    assert (case.aside.kind, case.aside.body, case.aside.author_email) == (
        "snoozed",
        "They call back",
        SUPPORT.email,
    )


def test_every_reason_has_words_and_a_step() -> None:
    assert set(at_risk.WHY) == set(at_risk.REASONS)
    assert all(at_risk.step_for(reason, has_payment=False) for reason in at_risk.REASONS)


@pytest.mark.parametrize("days", [-1, 0, 181])
def test_a_day_that_is_not_ahead_or_too_far_off_is_refused(database: Database, days: int) -> None:
    little, _ = two_at_risk(database)

    with pytest.raises(Invalid, match="from tomorrow"):
        do(database, at_risk.snooze, little, until=(NOW + days * DAY).date(), note="Later")


def test_a_note_is_needed_and_an_entry_that_is_gone_is_not_answered(database: Database) -> None:
    little, _ = two_at_risk(database)

    with pytest.raises(Invalid, match="empty"):
        do(database, at_risk.handled, little, note=" ")
    with pytest.raises(NotFound, match="no longer on the list"):
        do(database, at_risk.handled, "s_c9:past_due", note="Called")
    with pytest.raises(Invalid, match="Reasons are"):
        listed(database, reason="boredom")


def test_support_and_finance_work_the_list_and_product_does_not_see_it(database: Database) -> None:
    little, _ = two_at_risk(database)
    do(database, at_risk.handled, little, note="Called", actor=FINANCE)

    with pytest.raises(NotAllowed), reading(database, PRODUCT) as view:
        at_risk.stakes(view)


def test_the_list_and_its_sums_take_four_statements(database: Database) -> None:
    two_at_risk(database)
    with reading(database, SUPPORT) as view, counted(database) as statements:
        at_risk.stakes(view)
        at_risk.at_risk.page(view)

    assert len(statements) == 4


def test_the_job_is_due_every_hour(database: Database) -> None:
    first = finding.is_due(database, NOW)
    finding.run(database, NOW)

    assert first
    assert not finding.is_due(database, NOW + timedelta(minutes=59))
    assert finding.is_due(database, NOW + timedelta(minutes=60))
