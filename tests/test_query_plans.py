"""How SQLite reads what the pages ask: by an index, newest first without sorting everybody, nothing unmasked.

The company is small, so the planner is left without statistics, as production is: it must choose by the
shape of the indexes alone.
"""

import importlib
import itertools
import pkgutil
import re
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from lib import metrics, services
from lib.core.database import Database
from lib.core.listing import LISTINGS
from lib.core.work import reading
from lib.metrics import at_stripe, bridge, cohort_couples, dyads, money_rows
from lib.metrics.mrr import MOVEMENTS
from lib.services import (
    addons,
    at_risk,
    audit_trail,
    bulk,
    couples,
    discounts,
    drift,
    error_groups,
    error_logs,
    gifts,
    people,
    refunds,
    stripe_inbox,
    subscriptions,
)
from lib.services.credits import grants, ledger
from lib.services.payments import disputes, transactions
from lib.services.plans import plan
from tests.bench import company, desk
from tests.bench.screens import SCREENS, Screen, address_of, rows_to_open
from tests.staff import ADMIN
from tests.statements import Sent, recorded

for package in (services, metrics):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)

SINCE, UNTIL = date(2026, 1, 1), date(2026, 12, 31)

# What a page can put into each filter of a list; every combination is tried.
FILTERS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "people.users": {"q": ("", "an"), "subscription": (None, *people.SUBSCRIPTION_STATUSES)},
    "couples.couples": {"q": ("", "an"), "status": (None, *couples.STATUSES)},
    "subscriptions.subscriptions": {
        "q": ("", "sub_1"),
        "status": (None, *subscriptions.STATUSES),
        "set_to_cancel": (None, True),
    },
    "payments.payments": {
        "q": ("", "pay_1", "pi_1", "in_1", "dp_1", "somebody@example.org"),
        "status": (None, *transactions.STATUSES),
        "kind": (None, "subscription"),
        "since": (None, SINCE),
        "amount": ("", "20-30"),
    },
    "payments.invoices": {},
    "payments.disputes": {"state": (None, *disputes.STATES)},
    "refunds.requests": {"status": (None, *refunds.STATUSES)},
    "limit_use.refund_attempts": {},
    "limit_use.grant_attempts": {},
    "plans.plans": {"state": (None, *plan.STATES)},
    "discounts.codes": {"q": ("", "WEL"), "switched": (None, *discounts.SWITCHES)},
    "discounts.redemptions": {"code_id": ("disc",)},
    "discounts.batches": {},
    "discounts.of_batch": {"batch_id": ("batch",)},
    "bulk.runs": {},
    "bulk.rows": {"run_id": ("run",), "state": (None, *bulk.ROW_STATES)},
    "stripe_inbox.events": {
        "q": ("", "evt_1"),
        "state": (None, *stripe_inbox.STATES),
        "type": (None, "charge.refunded"),
    },
    "inbox_replays.steps": {"replay_id": ("replay",), "state": (None, "refused")},
    "drift.findings": {
        "q": ("", "sub_1"),
        "state": (None, *drift.STATES),
        "kind": (None, "subscription_status"),
        "severity": (None, "critical"),
    },
    "error_groups.error_groups": {
        "q": ("", "is:unresolved", "user:usr_1 page:/home", "sync"),
        "order": tuple(error_groups.ORDERS),
    },
    "error_groups.occurrences": {"group_id": ("egr_1",)},
    "error_groups.people": {"group_id": ("egr_1",)},
    "error_groups.aftermath": {"group_id": ("egr_1",), "costs": (None, True)},
    "error_logs.error_logs": {
        "q": ("", "sync"),
        "state": (None, *error_logs.STATES),
        "severity": (None, *error_logs.SEVERITIES),
    },
    "audit_trail.entries": {
        "actor": ("", "admin@example.org"),
        "action": (None, "refunds.request"),
        "outcome": (None, *audit_trail.OUTCOMES),
        "object_id": ("", "usr_1"),
    },
    "gifts.gifts": {"q": ("", "rel_1"), "state": (None, *gifts.STATES), "ending": (None, True)},
    "addons.purchases": {
        "q": ("", "rel_1"),
        "status": (None, *addons.STATUSES),
        "kind": (None, *addons.KINDS),
    },
    "credits.movements": {"q": ("", "rel_1"), "kind": (None, *ledger.KINDS)},
    "credits.requests": {"status": (None, *grants.STATUSES)},
    "staff.people": {},
    "sessions.live": {"idle_limit": (timedelta(hours=1),)},
    "bridge_rows.differences": {
        "day": (UNTIL,),
        "theirs": ("stripe", "contracted"),
        "reason": (None, *bridge.REASONS),
    },
    "at_stripe.at_stripe": {"kind": (None, *at_stripe.CLASSES)},
    "behind.couples_behind": {"since": (SINCE,), "until": (UNTIL,), "movement": (None, *MOVEMENTS)},
    "behind.couples_in_mrr": {"day": (UNTIL,), "plan_id": (None, "plan_1")},
    "money_behind.payments_behind": {
        "what": money_rows.WHATS,
        "since": (SINCE,),
        "until": (UNTIL,),
        "detail": (None, "subscription"),
    },
    "month_close.late_entries": {"month": (SINCE,), "after": (10,)},
    "month_close.late_payments": {"month": (SINCE,), "after": (10,)},
    "month_close.reconciled": {"reconciliation_id": ("one",), "state": (None, "matched")},
    "month_close.rates": {"reporting": ("USD",)},
    "revenue.days": {"since": (SINCE,), "until": (UNTIL,)},
    "experiments.people": {"name": ("price",), "variant_id": ("arm",)},
    "at_risk.at_risk": {"reason": (None, *at_risk.REASONS), "aside": (None, True)},
    "cohort_couples.couples_of_cell": {
        "cohort": (SINCE,),
        "month": (UNTIL.replace(day=1),),
        "standing": (None, *cohort_couples.STANDINGS),
        "plan_id": (None, "plan_1"),
        "joined_via": (None, "social"),
    },
    "cohort_table.stored_by_the_app": {},
    "revenue.plans": {"day": (UNTIL,)},
    "features.people": {"feature": ("goals",)},
    "dyads.couples": {"shown": dyads.SHOWN},
    "campaigns.sendings": {"kind": (None, "welcome"), "since": (None, SINCE)},
    "usage_stored.stored_by_the_app": {"roll_up": ("engagement_scores",)},
}
QUESTIONS = [
    pytest.param(name, dict(zip(filters, values, strict=True)), id=f"{name} {values}")
    for name, filters in FILTERS.items()
    for values in itertools.product(*filters.values())
]

# Read from end to end on purpose.
MAY_BE_SCANNED = {
    "subscription_plans": "a dozen rows",
    "subscription_addons": "a dozen rows",
    "ab_test_variants": "a few rows for each test",
    "admin_audit_head": "one row",
    "admin_cohort_checks": "a row for each month of sign-up",
    "admin_couples_at_risk": "a work list, which its own sums read as a whole",
    "admin_users": "the staff",
    "admin_sessions": "the staff of one day",
    "admin_refund_limits": "a few rows",
    "admin_credit_limits": "a few rows",
    "admin_heartbeats": "a row for each process",
    "admin_error_groups": "one for each kind of error",
    "admin_disputes": "one for some thousand payments",
    "email_campaign_analytics": "a row for each sending",
    "discount_codes": "some hundreds, whose switch is not worth an index",
    "challenges": "some dozens",
    "achievements": "some dozens",
}
# Sorted on purpose: what is sorted has been found by an index and is what the person narrowed it down to.
MAY_BE_SORTED = {
    "people.users": {"q", "subscription"},
    "couples.couples": {"q"},
    "subscriptions.subscriptions": {"q"},
    "payments.payments": {"q", "amount"},
    "payments.disputes": {"", "state"},
    "stripe_inbox.events": {"q"},
    "drift.findings": {"q", "kind"},
    "at_stripe.at_stripe": {""},
    "inbox_replays.steps": {"replay_id"},
    "discounts.codes": {"q", "switched"},
    "error_groups.error_groups": {"q"},
    "error_logs.error_logs": {"q"},
    "audit_trail.entries": {"object_id"},
    "gifts.gifts": {"q", "ending"},
    "addons.purchases": {"q"},
    "credits.movements": {"q"},
    "money_behind.payments_behind": {"what"},
    "month_close.reconciled": {"reconciliation_id"},
    "staff.people": {""},
    "sessions.live": {""},
    "revenue.plans": {""},
}


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a company of which the planner knows nothing but the schema."""
    path = company.for_tests(tmp_path_factory, couples=80, months=6)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM sqlite_stat1")
    connection.close()
    return path


@pytest.fixture(scope="module")
def database(file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{file}")
    yield database
    database.dispose()


def test_every_list_is_asked_here() -> None:
    ours = {name for name, each in LISTINGS.items() if each.build.__module__.startswith("lib.")}

    assert set(FILTERS) == ours


@pytest.mark.parametrize(("name", "filters"), QUESTIONS)
def test_a_list_is_read_through_an_index(database: Database, name: str, filters: dict[str, Any]) -> None:
    with recorded(database) as sent, reading(database, ADMIN) as view:
        LISTINGS[name].page(view, **filters)

    counting, page = sent
    narrowed = {key for key, value in filters.items() if value} | {""}
    plan = explained(database, page)
    # Of a list that finds its page by the keys, the sort of the fifty that were found does not count.
    steps = top(plan) if LISTINGS[name].key is None else within(plan, "LIST SUBQUERY")
    assert scanned(database, counting) == [], explained(database, counting)
    assert scanned(database, page) == [], plan
    assert narrowed & MAY_BE_SORTED.get(name, set()) or "USE TEMP B-TREE FOR ORDER BY" not in steps, plan


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.title)
def test_a_screen_reads_no_table_from_end_to_end(database: Database, file: Path, screen: Screen) -> None:
    app = desk.sit_down(company.settings_for(f"sqlite:///{file}"), database, screen.role)
    address = address_of(screen, rows_to_open(database, "most"))

    with recorded(database) as sent:
        desk.go_to(app, screen.page, address)

    found = {table: each.sql for each in sent for table in scanned(database, each)}
    assert found == {}


@pytest.mark.parametrize(("name", "filters"), QUESTIONS)
def test_a_list_shows_nobodys_address_or_full_name(
    database: Database, name: str, filters: dict[str, Any]
) -> None:
    with database.primary.connect() as connection:
        rows = connection.exec_driver_sql("SELECT email, name FROM users").all()
    secrets = {text for row in rows for text in (row.email, row.name) if len(text.split()) > 1 or "@" in text}

    with reading(database, ADMIN) as view:
        cells = {str(cell) for row in LISTINGS[name].stream(view, **filters) for cell in row}

    assert {secret for secret in secrets for cell in cells if secret in cell} == set()


def explained(database: Database, sent: Sent) -> list[tuple[int, int, str]]:
    """The steps of a statement's plan: number, number of the step that it is part of, what is done."""
    with database.primary.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent.sql}", sent.values).all()
    return [(row[0], row[1], row[3]) for row in rows]


def top(plan: list[tuple[int, int, str]]) -> list[str]:
    """The steps that are part of no other."""
    return [step for _, parent, step in plan if parent == 0]


def within(plan: list[tuple[int, int, str]], what: str) -> list[str]:
    """The steps of the first part of a plan with such a name, without those of its own parts."""
    number = next(number for number, parent, step in plan if parent == 0 and step.startswith(what))
    return [step for _, parent, step in plan if parent == number]


def scanned(database: Database, sent: Sent) -> list[str]:
    """Tables that a statement reads from end to end without an index, though they may grow.

    A limit stops one that takes whichever rows come, or takes them in the order in which they lie.
    """
    aliases = dict(re.findall(r"(\w+) AS (\w+)", sent.sql))
    tables = {alias: table for table, alias in aliases.items()}
    if not sent.sql.startswith(("SELECT", "WITH")):
        return []
    plan = [step for _, _, step in explained(database, sent)]
    if "LIMIT" in sent.sql and "WHERE" not in sent.sql and "USE TEMP B-TREE FOR ORDER BY" not in plan:
        return []
    names = (found[1] for step in plan if (found := re.match(r"SCAN (\w+)(?! USING)(?:$| LEFT-JOIN)", step)))
    return [
        table
        for table in (tables.get(name, name) for name in names)
        if table in tables_of(database) and table not in MAY_BE_SCANNED
    ]


def tables_of(database: Database) -> set[str]:
    with database.primary.connect() as connection:
        return set(
            connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
        )
