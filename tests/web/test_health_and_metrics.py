from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from lib.core import moments
from lib.core.settings import Settings
from lib.jobs import heartbeat
from lib.web import metrics
from tests.web.conftest import Site


@pytest.fixture
def watched(site: Site) -> Site:
    metrics.watch(site.database)
    return site


def test_a_healthy_app_says_so_and_how_old_the_workers_last_sign_of_life_is(site: Site) -> None:
    heartbeat.beat(site.database, "worker", moments.now() - timedelta(seconds=5))
    answer = site.client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["worker"] == "ok"
    assert 5 <= answer.json()["worker_last_beat_seconds_ago"] < 60


def test_a_late_worker_is_told_but_takes_no_web_server_down(site: Site) -> None:
    heartbeat.beat(site.database, "worker", moments.now() - timedelta(minutes=5))
    answer = site.client.get("/healthz")

    assert (answer.status_code, answer.json()["worker"]) == (200, "late")


def test_a_database_behind_its_schema_is_not_healthy(site: Site) -> None:
    with site.database.primary.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    answer = site.client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["revision_is_current"] is False


def test_a_database_of_a_newer_version_is_not_healthy(site: Site) -> None:
    with site.database.primary.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    assert site.client.get("/healthz").status_code == 503


def test_statements_are_measured_by_verb_and_table(watched: Site) -> None:
    with watched.database.primary.connect() as connection:
        connection.execute(text("SELECT 1 FROM refunds"))
    lines = watched.client.get("/metrics").text.splitlines()

    assert any(
        line.startswith('admin_sql_statement_seconds_count{table="refunds",verb="SELECT"}') for line in lines
    )


def test_failed_statements_are_counted(watched: Site) -> None:
    with watched.database.primary.connect() as connection, pytest.raises(Exception, match="no such column"):
        connection.execute(text("SELECT no_such FROM discount_codes"))
    numbers = watched.client.get("/metrics").text

    assert 'admin_sql_errors_total{table="discount_codes",verb="SELECT"} 1.0' in numbers


def test_numbers_are_for_this_machine_only(make_site: Callable[..., Site], settings: Settings) -> None:
    elsewhere = make_site(settings, asked_from="192.0.2.7").client.get("/metrics")
    proxied = make_site(settings).client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})

    assert (elsewhere.status_code, proxied.status_code) == (404, 404)
