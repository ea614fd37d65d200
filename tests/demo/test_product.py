"""What product and operations look at: tests, errors, webhooks; and the dirt that pages must bear."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from lib.core.access import system
from lib.core.database import Database
from lib.core.work import reading
from lib.demo import readings
from lib.demo.dirt import ODD_NAMES
from lib.demo.staff import create_demo_staff
from lib.jobs import experiments as counting
from lib.payments.events import read_event
from lib.services import experiments
from tests.demo.conftest import TODAY, Company


@pytest.fixture(scope="module")
def decided(small: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A copy of the company with its tests counted, and read as the demo's product person wants."""
    path = small.one("SELECT file FROM pragma_database_list WHERE name = 'main'")
    copy = Path(shutil.copy(path, tmp_path_factory.mktemp("decided") / "admin.db"))
    database = Database(f"sqlite:///{copy}")
    create_demo_staff(database)
    counting.run(database, datetime.combine(TODAY, time(), UTC))
    readings.plan_tests(database)
    yield database
    database.dispose()


@pytest.mark.parametrize(
    ("test", "decision", "variant", "gate"),
    [
        ("onboarding_quiz", "ship", "short_quiz", None),
        ("pricing_page_layout", "review", None, "sample_ratio"),
        ("gift_hint", "keep_running", None, "run_time"),
    ],
)
def test_the_demo_has_a_test_to_ship_a_broken_one_and_one_that_is_too_early(
    decided: Database, test: str, decision: str, variant: str | None, gate: str | None
) -> None:
    with reading(decided, system("test"), now=datetime.combine(TODAY, time(), UTC)) as view:
        result = experiments.result(view, test)
    failed = [each.name for each in result.analysis.gates if each.state == "failed"]

    assert (result.card.decision, result.card.variant) == (decision, variant)
    assert gate in failed if gate else not failed


def test_tests_that_ended_are_there_to_read(small: Company) -> None:
    ended = dict(small.all("SELECT test_name, end_date IS NOT NULL FROM ab_test_variants"))

    assert [name for name, over in ended.items() if over] == ["annual_plan_first", "reminder_time"]


def test_some_partners_are_split_and_some_people_sit_in_two_arms(small: Company) -> None:
    split = small.all(
        "SELECT relationship_id FROM ab_test_assignments WHERE relationship_id IS NOT NULL "
        "GROUP BY test_name, relationship_id HAVING count(DISTINCT variant_id) > 1"
    )
    twice = small.all(
        "SELECT user_id FROM ab_test_assignments GROUP BY test_name, user_id "
        "HAVING count(DISTINCT variant_id) > 1"
    )

    assert split
    assert twice


def test_a_bad_deploy_shows_as_a_burst_of_one_error(small: Company) -> None:
    by_day = Counter(
        dict(
            small.all(
                "SELECT substr(created_at, 1, 10), count(*) FROM error_logs "
                "WHERE error_message LIKE '%couponId%' AND NOT resolved GROUP BY 1"
            )
        )
    )

    assert [day for day, _ in by_day.most_common(1)] == ["2026-11-21"]


def test_the_bad_deploy_cost_payments_and_money_asked_back_by_those_it_hit(small: Company) -> None:
    within = "BETWEEN julianday(e.created_at) AND julianday(e.created_at) + 2"
    hit = "error_logs e ON e.user_id = x.user_id AND e.error_message LIKE '%couponId%' AND NOT e.resolved"
    failed = small.one(
        f"SELECT count(DISTINCT x.id) FROM payment_transactions x JOIN {hit} "
        f"WHERE x.status = 'failed' AND julianday(x.created_at) {within}"
    )
    asked = small.one(
        f"SELECT count(DISTINCT x.id) FROM refunds x JOIN {hit} "
        f"WHERE x.status = 'pending' AND julianday(x.requested_at) {within}"
    )

    assert failed >= 3
    assert asked >= 2


def test_errors_recur_with_other_numbers_in_their_words(small: Company) -> None:
    messages = small.all("SELECT DISTINCT error_message FROM error_logs WHERE error_type = 'D1Error'")

    assert len(messages) > 3


def test_every_webhook_reads_and_stands_in_the_inbox(small: Company) -> None:
    events = small.all(
        "SELECT w.event_id, w.event_type, w.event_data, i.stripe_object_id FROM stripe_webhooks w "
        "JOIN admin_inbox i ON i.event_id = w.event_id"
    )

    assert len(events) == small.counts["stripe_webhooks"] == small.counts["admin_inbox"]
    for event_id, kind, payload, subject in events:
        event = read_event(json.loads(payload))
        assert (event.id, event.type) == (event_id, kind)
        assert event.facts is None or event.facts.id == subject


def test_most_webhooks_were_applied_and_some_were_not(small: Company) -> None:
    states = Counter(dict(small.all("SELECT state, count(*) FROM admin_inbox GROUP BY state")))

    assert states.keys() >= {"applied", "ignored", "failed"}
    assert states["applied"] > states.total() / 2


def test_the_last_event_of_a_subscription_says_what_its_row_says(small: Company) -> None:
    seen = 0
    for key, status in small.all("SELECT stripe_subscription_id, status FROM subscriptions"):
        payloads = small.all(
            "SELECT w.event_data FROM stripe_webhooks w JOIN admin_inbox i ON i.event_id = w.event_id "
            "WHERE i.stripe_object_id = ? ORDER BY i.stripe_created DESC, i.rowid DESC LIMIT 1",
            key,
        )
        for (payload,) in payloads:
            seen += 1
            assert json.loads(payload)["data"]["object"]["status"] == status

    assert seen > 10


def test_a_couple_exists_twice_one_is_a_person_alone_and_one_pays_twice(small: Company) -> None:
    swapped = small.all(
        "SELECT a.id FROM relationships a JOIN relationships b "
        "ON a.user_1_id = b.user_2_id AND a.user_2_id = b.user_1_id AND a.id < b.id"
    )
    alone = small.all("SELECT id FROM relationships WHERE user_1_id = user_2_id")
    both_pay = small.all(
        "SELECT relationship_id FROM subscriptions WHERE NOT is_gift GROUP BY relationship_id "
        "HAVING count(DISTINCT user_id) > 1"
    )

    assert swapped
    assert alone
    assert both_pay


def test_names_that_break_careless_pages_occur(small: Company) -> None:
    names = {name for (name,) in small.all("SELECT name FROM users")}

    assert names >= set(ODD_NAMES[:10])


def test_page_views_and_events_belong_to_a_session_that_counts_them(small: Company) -> None:
    wrong = small.all(
        "SELECT s.id FROM user_sessions s WHERE "
        "s.pages_viewed != (SELECT count(*) FROM page_views p WHERE p.session_id = s.id) OR "
        "s.events_count != (SELECT count(*) FROM analytics_events e WHERE e.session_id = s.id)"
    )

    assert wrong == []


def test_feature_usage_is_what_the_events_say(small: Company) -> None:
    told = small.all(
        "SELECT feature_name, metric_date, total_interactions, active_users "
        "FROM feature_usage_metrics ORDER BY 1, 2"
    )
    counted = small.all(
        "SELECT json_extract(event_data, '$.feature') f, substr(created_at, 1, 10) d, count(*), "
        "count(DISTINCT user_id) FROM analytics_events WHERE f IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
    )

    assert told == counted


def test_a_feature_is_new_to_somebody_once_on_the_first_day(small: Company) -> None:
    told = dict(small.all("SELECT feature_name, sum(new_users) FROM feature_usage_metrics GROUP BY 1"))
    ever = dict(small.all("SELECT feature_name, max(total_users) FROM feature_usage_metrics GROUP BY 1"))
    people = dict(
        small.all(
            "SELECT json_extract(event_data, '$.feature') f, count(DISTINCT user_id) "
            "FROM analytics_events WHERE f IS NOT NULL GROUP BY 1"
        )
    )

    assert told == ever == people


def test_the_events_about_bookings_add_up_to_the_last_days_of_partners(small: Company) -> None:
    told = small.all(
        "SELECT json_extract(event_data, '$.partner'), substr(created_at, 1, 10), count(*), "
        "sum(json_extract(event_data, '$.amount_cents')), "
        "sum(json_extract(event_data, '$.commission_cents')) "
        "FROM analytics_events WHERE event_name = 'booking_made' GROUP BY 1, 2"
    )
    stored = small.all(
        "SELECT partner_name, analytics_date, total_bookings, total_revenue_cents, commission_cents "
        "FROM partner_analytics"
    )

    assert told
    assert set(told) <= set(stored)
