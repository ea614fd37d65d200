"""Open the demo for business: staff, a company, its figures, and the same objects at the local Stripe."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url

from lib.core import moments
from lib.core.database import Database
from lib.core.settings import ROOT, Settings
from lib.demo import bulk, closing, company, desk, elsewhere, readings
from lib.demo.staff import create_demo_staff
from lib.jobs import (
    at_risk,
    cohorts,
    error_groups,
    experiments,
    funnels,
    payment_days,
    recount,
    retention,
    staying,
    usage,
)


def stripe_file(settings: Settings) -> Path:
    """Where the local Stripe of a demo keeps its objects: beside a SQLite database, else in var/."""
    url = make_url(settings.database_url)
    folder = Path(url.database or "").parent if url.get_backend_name() == "sqlite" else ROOT / "var"
    return folder / "stripe.db"


def fill(
    database: Database,
    settings: Settings,
    *,
    couples: int,
    months: int,
    seed: int,
    events: int | None = None,
    assignments: int | None = None,
    errors: int | None = None,
    say: Callable[[str], None],
) -> dict[str, int]:
    """Fill an empty database; gives the rows per table. Raises Refused when people are in it already.

    `events`, `assignments`, `errors`: about how many rows of these there should be in all; what couples of
    their own accord do where left out.
    """
    today = moments.now().date()
    create_demo_staff(database)
    counts = company.build(
        database,
        stripe_file(settings),
        couples=couples,
        months=months,
        seed=seed,
        today=today,
        events=events,
        assignments=assignments,
        errors=errors,
        progress=lambda done, total: say(f"{done:,} of {total:,} couples"),
    )
    desk.open_first_cases(database)
    desk.offer_goodwill(database)
    elsewhere.write(database, stripe_file(settings))
    bulk.leave_runs(database)
    say("Counting each day's revenue, cohorts, tests, funnels, who came back, and what people did.")
    # The app's own tables stay as the app left them: that they are wrong is for the pages to show.
    observing = replace(settings, rollups="observe")
    recount.backfill(database, today - timedelta(days=31 * (months + 1)), today, observing)
    cohorts.run(database, settings)
    usage.run(database, settings)
    at_risk.run(database, moments.now())
    experiments.run(database, moments.now())
    readings.plan_tests(database)
    error_groups.run(database, moments.now())
    funnels.run(database, today)
    retention.run(database, moments.now())
    staying.run(database, moments.now())
    payment_days.run(database, settings, moments.now())
    closing.close_months(database)
    say(f"{counts.get('users', 0):,} people, {sum(counts.values()):,} rows in {len(counts)} tables.")
    return counts
