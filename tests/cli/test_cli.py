"""The command line, as an operator meets it: what it prints, how it exits, one sentence when it cannot."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lib.cli import main
from lib.core.database import Database
from lib.core.settings import ROOT
from lib.payments.sandbox import server
from tests.conftest import golden
from tests.payments.reconcile import drifts
from tests.payments.reconcile.world import World
from tests.revisions import OURS


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Lib:
    """`python -m lib` in this process: each command takes seconds to start in one of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str, **environment: str) -> Ended:
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["python -m lib", *words])
            for name in ("STRIPE_SECRET_KEY", "STRIPE_API_BASE", "ADMIN_DEMO"):
                patch.setenv(name, environment.get(name, ""))
            try:
                code = main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0
        shown = self._capsys.readouterr()
        return Ended(code, shown.out, shown.err)


@pytest.fixture
def lib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lib:
    return Lib(monkeypatch, capsys)


def test_it_is_a_program_of_its_own() -> None:
    failed = subprocess.run(
        [sys.executable, "-m", "lib", "db", "check", "--database", "sqlite:///nowhere/at/all.db"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert failed.returncode == 1
    assert failed.stderr.startswith("There is no database file")


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


def test_help_lists_the_groups(lib: Lib) -> None:
    shown = lib("--help")

    assert shown.returncode == 0
    for group in ("db", "demo", "worker", "staff", "stripe", "metrics", "jobs", "audit"):
        assert f"  {group}" in shown.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("db", "check", "--database", "mysql://server/x"), "sqlite:///path or postgresql://"),
        (("db", "check", "--database", "postgresql://u:hidden@127.0.0.1:1/x"), "does not answer"),
        (("db", "check", "--database", "sqlite:///nowhere/at/all.db"), "There is no database file"),
        (("db", "check", "--database", "not a url"), "is not a database address"),
    ],
)
def test_a_wrong_database_is_one_sentence_without_its_password(
    lib: Lib, words: tuple[str, ...], sentence: str
) -> None:
    failed = lib(*words)

    assert failed.returncode == 1
    assert sentence in failed.stderr
    assert "hidden" not in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1


def test_a_file_that_is_no_database_is_said_so(lib: Lib, tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear colleague, this is no database at all." * 50)

    failed = lib("db", "check", "--database", f"sqlite:///{path}")

    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert path.read_text().startswith("Dear colleague")


def test_words_that_are_no_command_exit_with_2(lib: Lib) -> None:
    failed = lib("nonsense")

    assert failed.returncode == 2
    assert "No such command" in failed.stderr


def test_an_empty_database_is_upgraded_seeded_and_checked(lib: Lib, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'admin.db'}"

    upgraded = lib("db", "upgrade", "--database", url, "--json")
    seeded = lib("db", "seed", "--database", url, "--json")
    again = lib("db", "seed", "--database", url, "--json")
    checked = lib("db", "check", "--database", url)

    assert json.loads(upgraded.stdout)["applied"][:3] == ["0001", "0002", "0003"]
    assert json.loads(seeded.stdout)["subscription_plans"] == 3
    assert sum(json.loads(again.stdout).values()) == 0
    assert checked.returncode == 0, checked.stdout


def test_a_database_at_0003_is_behind_and_can_go_down_again(lib: Lib, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'admin.db'}"

    lib("db", "upgrade", "--to", "0003", "--database", url)
    checked = lib("db", "check", "--database", url)
    down = lib("db", "downgrade", "--to", "base", "--database", url, "--json")

    assert checked.returncode == 1
    assert f"pending: {', '.join(OURS)}" in checked.stdout
    assert json.loads(down.stdout)["undone"] == ["0003", "0002", "0001"]


def test_the_first_admin_is_made_listed_and_withdrawn(lib: Lib, url: str) -> None:
    granted = lib("staff", "grant", "ada@example.org", "admin", "--database", url)
    listed = lib("staff", "list", "--database", url, "--json")
    revoked = lib("staff", "revoke", "ada@example.org", "--database", url)
    again = lib("staff", "revoke", "ada@example.org", "--database", url)

    assert granted.returncode == 0
    assert [(p["email"], p["role"]) for p in json.loads(listed.stdout)] == [("ada@example.org", "admin")]
    assert revoked.returncode == 0
    assert again.returncode == 1
    assert "has no access already" in again.stderr


def test_a_role_that_does_not_exist_is_refused(lib: Lib, url: str) -> None:
    failed = lib("staff", "grant", "ada@example.org", "emperor", "--database", url)

    assert failed.returncode == 1
    assert "emperor" in failed.stderr


def test_nothing_recurs_in_an_empty_company_and_a_wrong_day_is_said_so(lib: Lib, url: str) -> None:
    empty = lib("metrics", "mrr", "--database", url, "--json")
    wrong = lib("metrics", "mrr", "--date", "2026-13-01", "--database", url)

    assert json.loads(empty.stdout) == []
    assert wrong.returncode == 1
    assert "is not a day" in wrong.stderr


def test_the_daily_job_runs_by_hand_and_an_unknown_one_is_named(lib: Lib, url: str) -> None:
    ran = lib("jobs", "run", "daily", "--date", "2026-06-15", "--database", url)
    unknown = lib("jobs", "run", "yearly", "--database", url)

    assert ran.returncode == 0, ran.stderr
    assert unknown.returncode == 1
    assert "There is no job “yearly”" in unknown.stderr


def test_a_recorded_event_is_applied_and_says_what_it_changed(lib: Lib, url: str) -> None:
    path = golden("webhooks/supabase_subscription_updated.json")

    applied = lib("stripe", "apply-event", str(path), "--database", url, "--json")

    outcome = json.loads(applied.stdout)
    assert outcome["event_type"] == "customer.subscription.updated"
    assert outcome["changed"] == {}
    assert outcome["state"] in {"received", "unmatched"}


def test_an_event_file_that_is_not_there_or_not_json_is_said_so(lib: Lib, url: str, tmp_path: Path) -> None:
    bad = tmp_path / "event.json"
    bad.write_text("{")

    missing = lib("stripe", "apply-event", str(tmp_path / "none.json"), "--database", url)
    broken = lib("stripe", "apply-event", str(bad), "--database", url)

    assert (missing.returncode, broken.returncode) == (1, 1)
    assert "cannot be read" in missing.stderr
    assert "is not JSON" in broken.stderr


def test_the_audit_chain_is_verified(lib: Lib, url: str) -> None:
    lib("staff", "grant", "ada@example.org", "admin", "--database", url)

    verified = lib("audit", "verify", "--database", url, "--json")

    assert verified.returncode == 0
    assert json.loads(verified.stdout)["entries"] == 1


def test_only_a_demo_is_reset(lib: Lib, url: str) -> None:
    refused = lib("db", "reset", "--yes", "--database", url)
    done = lib("db", "reset", "--yes", "--database", url, ADMIN_DEMO="1")

    assert refused.returncode == 1
    assert "demo mode" in refused.stderr
    assert done.returncode == 0
    assert not Path(url.removeprefix("sqlite:///")).exists()


def test_demo_mode_does_not_start_with_a_live_key(lib: Lib) -> None:
    refused = lib("db", "check", ADMIN_DEMO="1", STRIPE_SECRET_KEY="sk_live_123")

    assert refused.returncode == 1
    assert "live Stripe key" in refused.stderr


def test_reconcile_needs_a_key_and_a_class_that_there_is(lib: Lib, url: str) -> None:
    without = lib("stripe", "reconcile", "--database", url)
    unknown = lib("stripe", "reconcile", "--repair", "nonsense", "--database", url)
    unsafe = lib("stripe", "reconcile", "--repair", "payment_gone", "--database", url)

    assert (without.returncode, unknown.returncode, unsafe.returncode) == (1, 1, 1)
    assert "STRIPE_SECRET_KEY is not set" in without.stderr
    assert "no class “nonsense”" in unknown.stderr
    assert "has no safe repair" in unsafe.stderr


def test_reconcile_lists_what_differs_and_repairs_a_class(lib: Lib, url: str, tmp_path: Path) -> None:
    world = World()
    drifts.subscription_price(world, world.couple("dearer"))
    drifts.subscription_gone(world, world.couple("gone"))
    database = Database(url)
    world.write(database, tmp_path / "stripe.db")
    database.dispose()
    with server.running(tmp_path / "stripe.db") as address:
        key = {"STRIPE_SECRET_KEY": "sk_test_51AbCdEfGhIjKlMnOpQrStUv", "STRIPE_API_BASE": address}
        dry = lib("stripe", "reconcile", "--database", url, **key)
        told = json.loads(lib("stripe", "reconcile", "--json", "--database", url, **key).stdout)
        repaired = lib("stripe", "reconcile", "--repair", "subscription_price", "--database", url, **key)
        since = lib("stripe", "reconcile", "--since", "2999-01-01", "--database", url, **key)

    assert "sub_dearer: here $25.00, at Stripe $30.00 ($5.00 at stake)" in dry.stdout
    assert "2 differ." in dry.stdout
    assert [each["kind"] for each in told["findings"]] == ["subscription_gone", "subscription_price"]
    assert [each["repair"] is None for each in told["findings"]] == [True, False]
    assert told["repaired"] == {}
    assert "repaired: 1" in repaired.stdout
    assert "1 differ." in repaired.stdout
    assert since.returncode == 0


def test_a_round_says_what_became_of_each_step_and_a_dry_run_what_would_change(lib: Lib, url: str) -> None:
    weekly = lib("jobs", "run", "weekly", "--date", "2026-06-10", "--database", url)
    dry = ("jobs", "backfill", "--from", "2026-06-01", "--to", "2026-06-02", "--dry-run", "--json")
    found = json.loads(lib(*dry, "--database", url).stdout)

    assert weekly.returncode == 0, weekly.stderr
    assert weekly.stdout.startswith("weekly: 2026-06-08 to 2026-06-14\n")
    assert "  recount: left out: The ledger is empty" in weekly.stdout
    assert {name: found[name] for name in ("rows", "changed", "production", "people")} == {
        "rows": 0,
        "changed": [],
        "production": [],
        "people": 0,
    }
