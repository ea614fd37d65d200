"""Repairs: our rows follow what Stripe says now, if the difference is still the one that a person was shown.

    open --ask (an action, audited)--> asked --run (the worker, or the command line)--> repaired
                                         |
                                         +--> open   it has changed since, or following does not settle it
                                         +--> gone   somebody else settled it meanwhile

Stripe is asked outside any transaction. Then, in one transaction, the difference is worked out anew: only if
it is the same one, our rows follow, and afterwards it must be gone. Nothing is ever written to Stripe.
"""

import logging
from datetime import datetime
from typing import Final

from sqlalchemy import select

from lib.core.access import Actor, system
from lib.core.database import Database
from lib.core.errors import AdminError, NotFound, Refused, StripeFailed
from lib.core.settings import WebhookMode
from lib.core.work import Work, job, reading, working
from lib.models import DriftFinding
from lib.payments import inbox
from lib.payments.gateway import Gateway
from lib.payments.reconcile.remedies import EVENT, REMEDIES, Evidence

WORKER: Final[Actor] = system("worker")

_CHANGED: Final = "It has changed since it was shown: nothing was done. Look at both values again."
_SETTLED: Final = "Both sides say the same by now: nothing was left to do."
_NOT_OURS: Final = "No row of ours could follow: what it belongs to is not here."
_STILL: Final = "Our rows followed Stripe, and it still differs: nothing was kept. Somebody has to look."

_log = logging.getLogger(__name__)


def asked(database: Database, *, limit: int = 20) -> list[str]:
    """The ids of findings whose repair was asked for and not done yet."""
    with reading(database, WORKER) as view:
        return list(
            view.session.scalars(
                select(DriftFinding.id)
                .where(DriftFinding.state == "asked")
                .order_by(DriftFinding.rank, DriftFinding.first_seen_at, DriftFinding.id)
                .limit(limit)
            )
        )


def run(
    database: Database,
    gateway: Gateway,
    finding_id: str,
    *,
    mode: WebhookMode = "receive",
    now: datetime | None = None,
) -> str:
    """Repair one finding that was asked for; gives its state afterwards.

    Why it was not repaired is kept with it. Raises StripeFailed only when Stripe cannot be asked at the
    moment: the finding then still waits.
    """
    with reading(database, WORKER, now=now) as view:
        finding = view.session.get(DriftFinding, finding_id)
    if finding is None:
        raise NotFound(f"There is no finding {finding_id[:40]}.")
    if finding.state != "asked":
        return finding.state
    try:
        evidence = REMEDIES[finding.kind].ask(gateway, finding)
        if finding.kind == EVENT:
            _receive(database, gateway, evidence, mode, now)
        with working(database, WORKER, now=now) as work:
            return follow(work, finding_id, evidence)
    except StripeFailed as error:
        if error.retryable:
            raise
        return _give_back(database, finding_id, str(error), now)
    except AdminError as error:
        return _give_back(database, finding_id, str(error), now)
    except Exception:  # noqa: BLE001 - one finding that fails holds up no other, whatever it is
        _log.exception("Finding %s could not be repaired.", finding_id)
        return _give_back(database, finding_id, "A fault of this program: it is in the log.", now)


@job
def follow(work: Work, finding_id: str, evidence: Evidence) -> str:
    """Let our rows follow Stripe, if the difference is the one that was asked about; gives the new state.

    Raises Refused, and nothing is kept, when no row can follow or the difference stays.
    """
    finding = work.session.get(DriftFinding, finding_id)
    assert finding is not None
    work.about("admin_drift", finding_id)
    if finding.state != "asked":
        return finding.state
    remedy = REMEDIES[finding.kind]
    found = {each.key: each for each in remedy.again(work.session, evidence, work.now)}
    present = found.get(finding.finding_key)
    if present is None and finding.kind != EVENT:
        finding.state, finding.gone_at, finding.outcome = "gone", work.now, _SETTLED
        return finding.state
    if present is not None and present.digest != finding.digest:
        finding.state, finding.outcome = "open", _CHANGED
        finding.ours, finding.theirs, finding.digest = present.ours, present.theirs, present.digest
        finding.money_cents, finding.why_not = present.money_cents, present.unrepairable
        return finding.state
    if remedy.follow(work, evidence, finding_id) is None:
        raise Refused(_NOT_OURS)
    work.session.flush()
    if finding.finding_key in {each.key for each in remedy.again(work.session, evidence, work.now)}:
        raise Refused(_STILL)
    finding.state, finding.repaired_at, finding.outcome = "repaired", work.now, None
    return finding.state


@job
def give_back(work: Work, finding_id: str, outcome: str) -> str:
    """Open a finding again whose repair came to nothing, saying why."""
    finding = work.session.get(DriftFinding, finding_id)
    assert finding is not None
    work.about("admin_drift", finding_id)
    if finding.state == "asked":
        finding.state, finding.outcome = "open", outcome
    return finding.state


def _give_back(database: Database, finding_id: str, outcome: str, now: datetime | None) -> str:
    with working(database, WORKER, now=now) as work:
        return give_back(work, finding_id, outcome)


def _receive(
    database: Database, gateway: Gateway, evidence: Evidence, mode: WebhookMode, now: datetime | None
) -> None:
    if mode == "observe":
        raise Refused("The app owns the log of events here (STRIPE_WEBHOOKS=observe). Have it fetched there.")
    assert evidence.event is not None
    inbox.receive(database, evidence.event, livemode_expected=gateway.livemode, now=now)
