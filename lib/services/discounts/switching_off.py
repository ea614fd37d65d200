"""Switching a whole batch of codes off: decided here, done by the worker (`lib.jobs.batch_switch_offs`).

Nobody can use a code from the moment its row here is off, which takes seconds; where codes have promotion
codes at Stripe those follow, each once, no faster than the rate that we allow ourselves. Codes that are off
already are left alone. Who used a code keeps what it gave.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import NotFound, Refused
from lib.core.work import View, Work, action, query
from lib.models import BatchSwitchOff, CodeBatch, DiscountCode, MadeCode, new_id
from lib.services.discounts.batches import get, time_at_stripe


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """A batch being switched off, or that was: how far it is. A step is a code here or one at Stripe.

    `refused`: codes that Stripe did not switch off; the batch's list says why.
    """

    id: str
    state: str
    is_stopped: bool
    wanted: int
    wanted_at_stripe: int
    here: int
    there: int
    refused: int
    requested_by_email: str
    reason: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether the worker is on it."""
        return self.state != "done" and not self.is_stopped

    @property
    def total_steps(self) -> int:
        """How many steps it takes in all."""
        return self.wanted + self.wanted_at_stripe

    @property
    def done(self) -> int:
        """How many steps are behind it."""
        return self.here + self.there


@dataclass(frozen=True, slots=True)
class SwitchOffCase:
    """What switching a batch off would do: to so many `codes`, of which `at_stripe` have a promotion code.

    `takes`: how long Stripe takes at least. `why_not`: why it cannot be done now. `newest`: the last time
    that it was done, if it ever was.
    """

    batch_id: str
    codes: int
    at_stripe: int
    takes: timedelta
    why_not: str | None
    newest: SwitchOff | None


@query(Permission.DISCOUNTS_READ)
def switch_off_case(view: View, batch_id: str) -> SwitchOffCase:
    """How many codes of a batch would be switched off, and whether they can be; raises NotFound."""
    row = get(view.session, batch_id)
    codes, at_stripe = _switched_on(view.session, batch_id)
    newest = _newest(view.session, batch_id)
    return SwitchOffCase(
        batch_id,
        codes,
        at_stripe,
        time_at_stripe(at_stripe),
        _why_not(row, codes, newest),
        _shown(view.session, newest) if newest else None,
    )


@query(Permission.DISCOUNTS_READ)
def switch_off_progress(view: View, switch_off_id: str) -> SwitchOff:
    """How far the switching off of a batch is; raises NotFound."""
    return _shown(view.session, _get(view.session, switch_off_id))


@action(Permission.DISCOUNTS_WRITE, about="admin_discount_batches")
def switch_batch_off(work: Work, batch_id: str, *, codes: int, reason: str) -> str:
    """Have the worker switch off every code of a batch that is on; returns the id of that.

    `codes`: how many that were when it was shown. Raises Refused when it is another number now, when none is
    on, while codes are being made, and while it is being switched off already.
    """
    row = get(work.session, batch_id, hold=True)
    on, at_stripe = _switched_on(work.session, batch_id)
    if why := _why_not(row, on, _newest(work.session, batch_id)):
        raise Refused(why)
    if on != codes:
        raise Refused(f"{codes:,} codes were on when this was shown, and {on:,} are now. Look at it again.")
    run = BatchSwitchOff(
        id=new_id(),
        batch_id=batch_id,
        state="here",
        is_stopped=False,
        wanted=on,
        wanted_at_stripe=at_stripe,
        here=0,
        there=0,
        reached=0,
        open_key=batch_id,
        requested_by=work.actor.id,
        requested_by_email=work.actor.email,
        reason=reason,
        created_at=work.now,
    )
    work.session.add(run)
    return run.id


@action(Permission.DISCOUNTS_WRITE, about="admin_batch_switch_offs")
def stop_switch_off(work: Work, switch_off_id: str, *, reason: str) -> None:
    """Let the worker rest; what is off stays off. Raises Refused when it is not under way."""
    row = _get(work.session, switch_off_id)
    if row.state == "done" or row.is_stopped:
        raise Refused("This is not under way.")
    row.is_stopped = True


@action(Permission.DISCOUNTS_WRITE, about="admin_batch_switch_offs")
def resume_switch_off(work: Work, switch_off_id: str, *, reason: str) -> None:
    """Go on where it stopped; no code is sent to Stripe twice. Raises Refused when it was not stopped."""
    row = _get(work.session, switch_off_id)
    if row.state == "done" or not row.is_stopped:
        raise Refused("This was not stopped.")
    row.is_stopped = False


def _why_not(batch: CodeBatch, codes: int, newest: BatchSwitchOff | None) -> str | None:
    if newest is not None and newest.state != "done":
        return "This batch is being switched off already."
    if batch.state in {"making", "sending"}:
        return "Its codes are still being made. Stop that first, or wait."
    return None if codes else "None of its codes is on."


def _switched_on(session: Session, batch_id: str) -> tuple[int, int]:
    """How many codes of a batch are on, and how many of those have a promotion code."""
    row = session.execute(
        select(func.count(), func.count(MadeCode.promotion_code_id))
        .select_from(MadeCode)
        .join(DiscountCode, DiscountCode.id == MadeCode.discount_id)
        .where(MadeCode.terms_id == batch_id, MadeCode.number > 0, DiscountCode.is_active.is_(True))
    ).one()
    return row[0], row[1]


def _newest(session: Session, batch_id: str) -> BatchSwitchOff | None:
    return session.scalars(
        select(BatchSwitchOff)
        .where(BatchSwitchOff.batch_id == batch_id)
        .order_by(BatchSwitchOff.created_at.desc(), BatchSwitchOff.id.desc())
        .limit(1)
    ).one_or_none()


def _shown(session: Session, row: BatchSwitchOff) -> SwitchOff:
    refused = session.execute(
        select(func.count()).where(
            MadeCode.terms_id == row.batch_id,
            MadeCode.switch_off_id == row.id,
            MadeCode.switch_off_refusal.is_not(None),
        )
    ).scalar_one()
    return SwitchOff(
        row.id,
        row.state,
        row.is_stopped,
        row.wanted,
        row.wanted_at_stripe,
        row.here,
        row.there,
        refused,
        row.requested_by_email,
        row.reason,
        row.created_at,
        row.finished_at,
    )


def _get(session: Session, switch_off_id: str) -> BatchSwitchOff:
    row = session.get(BatchSwitchOff, switch_off_id)
    if row is None:
        raise NotFound(f"Nothing of the id “{switch_off_id[:60]}” is being switched off.")
    return row
