"""Bulk runs as finance leaves them: one that is done, and one that waits for somebody to start it."""

from collections.abc import Mapping
from typing import Any, Final

from lib.core import moments
from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.work import reading, working
from lib.demo.desk import staff_of
from lib.jobs import bulk_runs
from lib.services import bulk

_LEAVING: Final = {"set_to_cancel": True}
_NOTE: Final = "Wrote on Monday to ask why they leave; no answer yet."
_WHY_NOTE: Final = "So that support does not write to them again"
_WITH_A_BOX: Final = {"plan": "plan_premium_plus_annual"}
_WHY_CANCEL: Final = "The maker of the boxes closes; agreed with product. Look at the list with them first."


def leave_runs(database: Database) -> None:
    """Note with those who are leaving that they were written to; look at who could be ended, no more."""
    finance = staff_of(database)[Role.FINANCE]
    done = _chosen(database, finance, "add_note", _LEAVING, _WHY_NOTE, body=_NOTE)
    with reading(database, finance) as view:
        run = bulk.one(view, done)
    if run.can:
        with working(database, finance) as work:
            bulk.start(work, done, number=run.can, reason=_WHY_NOTE)
        _work_off(database)
    _chosen(database, finance, "cancel_at_period_end", _WITH_A_BOX, _WHY_CANCEL)


def _chosen(
    database: Database, person: Actor, action: str, filters: Mapping[str, Any], why: str, **arguments: str
) -> str:
    with working(database, person) as work:
        run_id = bulk.choose(work, action, filters, reason=why, **arguments)
    _work_off(database)
    return run_id


def _work_off(database: Database) -> None:
    while bulk_runs.work_off(database, "demo", moments.now()):
        pass
