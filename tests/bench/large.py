"""A company with millions of events, assignments and errors under `var/bench`: built once, then used again.

A small demo company, with staff who can sign in, is enlarged by rows that go straight through the driver,
part by part and chunk by chunk, in constant memory. A chunk and how far its part is are one transaction, so a
build that was stopped, or killed, goes on where it was. Of one day, the same size has the same rows.

python -m tests.bench.large [--share 0.01]    builds it, or a hundredth of it
"""

import argparse
import itertools
import json
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final

from lib.core import moments
from lib.demo import failures
from lib.demo.clock import DAY, HOUR, midnight, sql_form, stamp
from lib.demo.visits import DEVICES
from tests.bench import company

CHUNK: Final = 100_000
DEMO_COUPLES: Final = 300
DEMO_MONTHS: Final = 12
SINCE_DAYS: Final = 365
TEST: Final = "large_test_{:03}"
ARMS: Final = ("control", "b", "c", "d")
EVENTS: Final = (
    ("checkin_completed", "feature_usage", "/checkin", 30),
    ("activity_planned", "feature_usage", "/activities", 17),
    ("goal_updated", "feature_usage", "/goals", 10),
    ("ai_coach_asked", "feature_usage", "/coach", 10),
    ("date_idea_saved", "user_action", "/ideas", 12),
    ("partner_nudged", "engagement", "/home", 9),
    ("plan_viewed", "conversion", "/plans", 5),
    ("card_updated", "payment", "/account/billing", 2),
    ("push_delivered", "system", "/home", 5),
)
FIVE_STEPS: Final = (
    "push_delivered",
    "checkin_completed",
    "activity_planned",
    "date_idea_saved",
    "plan_viewed",
)
_WEIGHTS: Final = [weight for *_, weight in EVENTS]
_EVENTS_IN_A_VISIT: Final = 6
_SPLIT_EVERY: Final = 200
_WITNESSES: Final = 4_000

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is beside the demo company."""

    events: int = 10_000_000
    assignments: int = 5_000_000
    errors: int = 2_000_000
    couples: int = 250_000

    def shared(self, share: float) -> "Size":
        """A part of everything, at least a little of each."""
        names = ("events", "assignments", "errors", "couples")
        return replace(self, **{name: max(100, int(getattr(self, name) * share)) for name in names})

    @property
    def tests(self) -> int:
        """So many tests it takes until each person is in every one of them."""
        return -(-self.assignments // (2 * self.couples))


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a kind: how many in all, their table with the most of them, and how a range of them is made."""

    name: str
    table: str
    total: int
    rows: Callable[[int, int], Rows]


def say(line: str) -> None:
    """Print a line beside what is printed."""
    print(line, file=sys.stderr, flush=True)


def of_size(size: Size, *, folder: Path = company.FOLDER) -> str:
    """The address of the company of a size, which is built, or built on, unless it is there."""
    place = folder / f"analytics-{size.events}-{size.assignments}-{size.errors}"
    path = place / "admin.db"
    if not path.is_file():
        # The demo company is built beside its place and then moved: so far nothing goes on where it was.
        unfinished = place / "unfinished.db"
        place.mkdir(parents=True, exist_ok=True)
        for left in place.glob("unfinished.db*"):
            left.unlink()
        say(f"Building {size.events:,} events, {size.assignments:,} assignments, {size.errors:,} errors.")
        company.fill(f"sqlite:///{unfinished}", DEMO_COUPLES, months=DEMO_MONTHS)
        unfinished.rename(path)
    enlarge(path, size)
    return f"sqlite:///{path}"


def enlarge(path: Path, size: Size, *, chunk: int = CHUNK, tell: Callable[[str], None] = say) -> None:
    """Add to a database what it lacks of a size; `tell` hears of each chunk that is kept."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = OFF",
            "foreign_keys = OFF",
            "cache_size = -131072",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bench_parts "
            "(part TEXT PRIMARY KEY, done INTEGER, horizon TEXT, indexes TEXT)"
        )
        parts = _parts(size, _horizon(connection))
        complete = [_fill(connection, part, chunk, tell) for part in parts]
        if all(complete):
            return
        # Jobs that look only at what came since their last run shall find all of it.
        connection.execute("DELETE FROM job_runs")
        tell("Gathering statistics of the tables.")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _horizon(connection: sqlite3.Connection) -> int:
    """The day that the rows end with: today when it is begun."""
    begun = connection.execute("SELECT min(horizon) FROM bench_parts").fetchone()[0]
    return midnight(date.fromisoformat(begun) if begun else moments.now().date())


def _fill(connection: sqlite3.Connection, part: Part, chunk: int, tell: Callable[[str], None]) -> bool:
    """Write what is missing of a part, its indexes last; gives whether nothing was."""
    done, indexes = _begun(connection, part)
    if done == part.total and not indexes:
        return True
    for begin in range(done, part.total, chunk):
        end = min(begin + chunk, part.total)
        connection.execute("BEGIN")
        for table, rows in part.rows(begin, end).items():
            _insert(connection, table, rows)
        connection.execute("UPDATE bench_parts SET done = ? WHERE part = ?", (end, part.name))
        connection.execute("COMMIT")
        tell(f"{end:,} of {part.total:,} {part.name}")
    connection.execute("BEGIN")
    for statement in indexes:
        connection.execute(statement)
    connection.execute("UPDATE bench_parts SET indexes = '[]' WHERE part = ?", (part.name,))
    connection.execute("COMMIT")
    return False


def _begun(connection: sqlite3.Connection, part: Part) -> tuple[int, list[str]]:
    """How far a part is, and the indexes to make when it is through: they are taken away when it begins."""
    row = connection.execute("SELECT done, indexes FROM bench_parts WHERE part = ?", (part.name,)).fetchone()
    if row is not None:
        return row[0], json.loads(row[1])
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?",
        (part.table,),
    ).fetchall()
    indexes = [statement for _, statement in found]
    connection.execute("BEGIN")
    for name, _ in found:
        connection.execute(f'DROP INDEX "{name}"')
    connection.execute(
        "INSERT INTO bench_parts VALUES (?, 0, ?, ?)",
        (part.name, moments.now().date().isoformat(), json.dumps(indexes)),
    )
    connection.execute("COMMIT")
    return 0, indexes


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    names = list(rows[0])
    columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    connection.executemany(
        f'INSERT INTO "{table}" ({columns}) VALUES ({marks})',
        (tuple(row.values()) for row in rows),
    )


def _parts(size: Size, horizon: int) -> tuple[Part, ...]:
    made = _Rows(size, horizon)
    return (
        Part("couples", "users", size.couples, made.couples),
        Part("payments", "payment_transactions", size.couples, made.payments),
        Part("arms", "ab_test_variants", size.tests * len(ARMS), made.arms),
        Part("assignments", "ab_test_assignments", size.assignments, made.assignments),
        Part("events", "analytics_events", size.events, made.events),
        Part("errors", "error_logs", size.errors, made.errors),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows by their number: a range of them comes out the same whatever was made before."""

    size: Size
    horizon: int

    def couples(self, begin: int, end: int) -> Rows:
        """Couples in the order of their sign-up over two years, and both partners of each."""
        people, couples = [], []
        for number in range(begin, end):
            joined = self._joined(number)
            for partner in "ab":
                person = f"u{number:07}{partner}"
                people.append(
                    {
                        "id": person,
                        "email": f"{person}@example.org",
                        "name": f"Person {number}{partner}",
                        "created_at": stamp(joined),
                        "updated_at": stamp(joined),
                        "last_active_at": stamp(joined),
                    }
                )
            couples.append(
                {
                    "id": f"c{number:07}",
                    "user_1_id": f"u{number:07}a",
                    "user_2_id": f"u{number:07}b",
                    "created_at": stamp(joined),
                    "updated_at": stamp(joined),
                }
            )
        return {"users": people, "relationships": couples}

    def payments(self, begin: int, end: int) -> Rows:
        """A payment of each couple, one in twenty of them failed and one in thirty given back."""
        random, rows = Random(f"payments:{begin}"), []
        for number in range(begin, end):
            moment = random.randrange(self.horizon - SINCE_DAYS * DAY, self.horizon)
            failed, refunded = number % 20 == 0, number % 30 == 1
            rows.append(
                {
                    "id": f"p{number:07}",
                    "user_id": f"u{number:07}a",
                    "relationship_id": f"c{number:07}",
                    "transaction_type": "subscription",
                    "amount_cents": random.choice((3_000, 24_000, 28_900)),
                    "status": "failed" if failed else "refunded" if refunded else "succeeded",
                    "refund_amount_cents": 3_000 if refunded else None,
                    "refunded_at": sql_form(moment + 3 * DAY) if refunded else None,
                    "created_at": stamp(moment),
                }
            )
        return {"payment_transactions": rows}

    def arms(self, begin: int, end: int) -> Rows:
        """Four arms of each test; every second test runs."""
        rows = []
        for number in range(begin, end):
            test, arm = divmod(number, len(ARMS))
            rows.append(
                {
                    "id": f"v{test:03}{arm}",
                    "test_name": TEST.format(test),
                    "variant_name": ARMS[arm],
                    "traffic_percentage": 25,
                    "is_active": test % 2 == 0,
                    "start_date": sql_form(self._began(test)),
                    "created_at": sql_form(self._began(test)),
                    "end_date": None if test % 2 == 0 else sql_form(self._began(test) + 28 * DAY),
                }
            )
        return {"ab_test_variants": rows}

    def assignments(self, begin: int, end: int) -> Rows:
        """Both partners of every couple in each test, in one arm but for one couple in 200."""
        random, rows = Random(f"assignments:{begin}"), []
        for number in range(begin, end):
            test, person = divmod(number, 2 * self.size.couples)
            couple, partner = divmod(person, 2)
            split = partner and couple % _SPLIT_EVERY == test % _SPLIT_EVERY
            arm = ((couple * 2_654_435_761 + test * 40_503 >> 7) + bool(split)) % len(ARMS)
            converted = (couple * 7 + arm + test) % 20 == 0
            rows.append(
                {
                    "id": f"a{number:09}",
                    "test_name": TEST.format(test),
                    "variant_id": f"v{test:03}{arm}",
                    "user_id": f"u{couple:07}{'ab'[partner]}",
                    "relationship_id": f"c{couple:07}",
                    "assigned_at": stamp(self._began(test) + random.randrange(28 * DAY)),
                    "converted": converted,
                    "conversion_value_cents": 3_000 if converted else None,
                }
            )
        return {"ab_test_assignments": rows}

    def events(self, begin: int, end: int) -> Rows:
        """Visits of one person each within the last year, some of whom do one thing after another."""
        random, rows = Random(f"events:{begin}"), []
        numbers = iter(range(begin, end))
        for first in numbers:
            couple, partner = random.randrange(self.size.couples), random.choice("ab")
            device, browser, system, agent = random.choice(DEVICES)
            moment = random.randrange(self.horizon - SINCE_DAYS * DAY, self.horizon - HOUR)
            drawn = random.choices(EVENTS, _WEIGHTS, k=_EVENTS_IN_A_VISIT)
            own = itertools.chain((first,), itertools.islice(numbers, _EVENTS_IN_A_VISIT - 1))
            for number, (name, category, path, _) in zip(own, drawn, strict=False):
                moment += random.randrange(5, 200)
                rows.append(
                    {
                        "id": f"e{number:010}",
                        "event_name": name,
                        "event_category": category,
                        "user_id": f"u{couple:07}{partner}",
                        "relationship_id": f"c{couple:07}",
                        "session_id": f"s{first:010}",
                        "page_url": f"https://app.example.com{path}",
                        "device_type": device,
                        "browser": browser,
                        "os": system,
                        "user_agent": agent,
                        "created_at": stamp(moment),
                    }
                )
        return {"analytics_events": rows}

    def errors(self, begin: int, end: int) -> Rows:
        """Errors as the demo company has them, of our couples, until there are so many."""
        witnesses = failures.Witnesses(_WITNESSES)
        for number in range(0, self.size.couples, max(1, self.size.couples // _WITNESSES)):
            person = f"u{number:07}a"
            witnesses.offer(0, self._joined(number), person, f"{person}@example.org", f"c{number:07}")
        page, random = _Page(begin), Random(f"errors:{begin}")
        while (missing := end - begin - len(page.rows)) > 0:
            # Of a burst that began before the company did, none is written.
            failures.write(page, missing, self._joined(0), self.horizon, witnesses, random)  # type: ignore[arg-type]
        return {"error_logs": page.rows}

    def _joined(self, number: int) -> int:
        return self.horizon - 2 * SINCE_DAYS * DAY + number * (2 * SINCE_DAYS - 1) * DAY // self.size.couples

    def _began(self, test: int) -> int:
        return self.horizon - (35 + 21 * test % 300) * DAY


class _Page:
    """Stands for the demo's book: keeps the rows of one table, and counts ids from a number on."""

    def __init__(self, begin: int) -> None:
        self.ids, self.rows = self, list[dict[str, Any]]()
        self._numbers = itertools.count()
        self._begin = begin

    def row(self, prefix: str) -> str:
        """An id that no other page gives."""
        return f"{prefix}_{self._begin:010}_{next(self._numbers):06}"

    def write(self, _table: str, **values: Any) -> None:
        """Keep a row."""
        self.rows.append(values)

    def turn_page(self) -> None:
        """There is but one page."""


def main() -> None:
    """Build the company of the size that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.large", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the full size, such as 0.01")
    print(of_size(Size().shared(parser.parse_args().share)))


if __name__ == "__main__":
    main()
