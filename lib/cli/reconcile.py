"""`python -m lib stripe reconcile`: compare with Stripe, list what differs, repair one class."""

import dataclasses
from datetime import UTC, datetime, time
from typing import Annotated, Any, Final

import typer

from lib.cli.common import OPERATOR, AsJson, DatabaseUrl, connected, day, say, settings
from lib.core import money
from lib.core.database import Database
from lib.core.errors import Invalid, Refused
from lib.core.settings import Settings
from lib.core.work import reading, working
from lib.jobs import drift as drift_job
from lib.payments import reconcile as reconciling
from lib.payments.gateway import Gateway, gateway_of
from lib.payments.reconcile import CLASSES, REPAIRABLE
from lib.services import drift

_STATES: Final = {"repaired": "repaired", "gone": "settled already", "open": "not repaired"}


def reconcile(
    since: Annotated[str | None, typer.Option(metavar="DAY", help="Only what was made from then on.")] = None,
    repair: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Repair every open finding of this class.")
    ] = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Compare our rows with Stripe, print what differs, and repair nothing unless a class is named."""
    if repair is not None and repair not in REPAIRABLE:
        raise Invalid(_no_such_repair(repair))
    chosen = settings(database)
    gateway = gateway_of(chosen)
    if gateway is None:
        raise Invalid("Stripe cannot be asked: STRIPE_SECRET_KEY is not set (docs/settings.md).")
    begun = day(since)
    from_then = datetime.combine(begun, time(), tzinfo=UTC) if begun else None
    with connected(database) as db:
        walked = drift_job.compare(db, gateway, chosen, since=from_then)
        repaired = _repair(db, gateway, chosen, repair) if repair else {}
        with reading(db, OPERATOR) as view:
            found = list(drift.cases(view))
    gateway.close()
    said = [_line(finding) for finding in found]
    summary = (
        f"{walked.compared:,} objects compared with {walked.requests:,} requests; {len(found):,} differ."
    )
    outcomes = [f"{_STATES[state]}: {number:,}" for state, number in repaired.items()]
    data = {
        "walk": dataclasses.asdict(walked),
        "repaired": repaired,
        "findings": [_plain(case) for case in found],
    }
    say(data, as_json, *said, summary, *outcomes)


def _no_such_repair(name: str) -> str:
    if name in CLASSES:
        return f"“{name}” has no safe repair. {CLASSES[name].why_none}"
    return f"There is no class “{name[:40]}” with a repair. They are: {', '.join(REPAIRABLE)}."


def _repair(database: Database, gateway: Gateway, chosen: Settings, kind: str) -> dict[str, int]:
    """Ask for each repair, and do it; gives how many ended in which state."""
    ended: dict[str, int] = {}
    with reading(database, OPERATOR) as view:
        chosen_ones = [case for case in drift.cases(view) if case.kind == kind and not case.why_not_repair]
    for case in chosen_ones:
        try:
            with working(database, OPERATOR) as work:
                drift.repair(work, case.id, shown=case.shown, reason=f"stripe reconcile --repair {kind}")
        except Refused:
            state = "open"
        else:
            state = reconciling.run(database, gateway, case.id, mode=chosen.stripe_webhooks)
        ended[state] = ended.get(state, 0) + 1
    return ended


def _plain(case: drift.Case) -> dict[str, Any]:
    about = ("id", "kind", "severity", "ours", "theirs", "stripe_id", "object_type", "object_id")
    names = (*about, "money_cents", "currency", "since", "first_seen_at")
    repairable = case.why_not_repair is None
    return {name: getattr(case, name) for name in names} | {
        "repair": case.remedy if repairable else None,
        "why_not": case.why_not_repair,
    }


def _line(case: drift.Case) -> str:
    at_stake = f" ({money.show(case.money_cents, case.currency)} at stake)" if case.money_cents else ""
    about = case.stripe_id or case.object_id
    return (
        f"{case.severity:8} {case.kind:27} {about}: here {case.ours or 'nothing'}, "
        f"at Stripe {case.theirs or 'nothing'}{at_stake}"
    )
