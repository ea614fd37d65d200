"""Switches batches of codes off, in turns (`in_turns`): the rows here, then the promotion codes at Stripe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, select, update

from lib.core.errors import Refused, StripeFailed
from lib.core.work import Work, job
from lib.jobs.in_turns import CHUNK, LEASE, SENT_AT_ONCE, Turns
from lib.models import BatchSwitchOff, DiscountCode, MadeCode
from lib.payments.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Slice:
    """Promotion codes, by number, that this process alone may switch off until its lease ends."""

    switch_off_id: str
    codes: Mapping[int, str]


@job
def switch_off_here(work: Work, switch_off_id: str, size: int = CHUNK) -> int:
    """Switch off the next rows of ours; gives how many. Refused when another worker did meanwhile."""
    run = work.session.get_one(BatchSwitchOff, switch_off_id)
    if run.state != "here" or run.is_stopped:
        return 0
    rows = work.session.execute(
        select(MadeCode.number, MadeCode.discount_id)
        .join(DiscountCode, DiscountCode.id == MadeCode.discount_id)
        .where(
            MadeCode.terms_id == run.batch_id, MadeCode.number > run.reached, DiscountCode.is_active.is_(True)
        )
        .order_by(MadeCode.number)
        .limit(size)
    ).all()
    # First the place reached: it is a compare-and-set, so of two workers only one gets further.
    run.here += len(rows)
    run.reached = rows[-1].number if rows else run.reached
    if len(rows) < size:
        run.state, run.reached = "at_stripe", 0
        if run.wanted_at_stripe == 0:
            _finish(run, work.now)
    work.session.flush()
    if rows:
        keys = [{"key": row.discount_id} for row in rows]
        off = update(DiscountCode.__table__).where(DiscountCode.id == bindparam("key"))  # type: ignore[arg-type]
        work.session.execute(off.values(is_active=False), keys)
        mark = update(MadeCode.__table__).where(MadeCode.discount_id == bindparam("key"))  # type: ignore[arg-type]
        work.session.execute(mark.values(switch_off_id=switch_off_id, switch_off_refusal=None), keys)
    work.count("discount_codes", len(rows))
    return len(rows)


@job
def claim(work: Work, switch_off_id: str, owner: str, size: int = SENT_AT_ONCE) -> Slice | None:
    """Take the next promotion codes that have to be switched off; None when none is left."""
    run = work.session.get_one(BatchSwitchOff, switch_off_id)
    if run.state != "at_stripe" or run.is_stopped:
        return None
    waiting = work.session.execute(
        select(MadeCode.number, MadeCode.promotion_code_id)
        .where(
            MadeCode.terms_id == run.batch_id,
            MadeCode.number > run.reached,
            MadeCode.switch_off_id == switch_off_id,
            MadeCode.promotion_code_id.is_not(None),
        )
        .order_by(MadeCode.number)
        .limit(size)
    ).all()
    if not waiting:
        _finish(run, work.now)
        return None
    run.lease_owner, run.lease_until = owner, work.now + LEASE
    return Slice(switch_off_id, {row.number: row.promotion_code_id or "" for row in waiting})


@job
def record(work: Work, switch_off_id: str, owner: str, sent: Sequence[tuple[int, str | None]]) -> None:
    """Keep what Stripe answered, by the codes' numbers: None, or why it would not switch one off.

    Lets go of the lease; Refused when another worker took it over.
    """
    run = work.session.get_one(BatchSwitchOff, switch_off_id)
    if run.lease_owner != owner:
        raise Refused("Another worker has taken this over.")
    run.lease_owner = run.lease_until = None
    run.there += len(sent)
    run.reached = sent[-1][0] if sent else run.reached
    work.session.flush()
    refused = [{"place": number, "why": why} for number, why in sent if why is not None]
    if refused:
        answered = (
            update(MadeCode.__table__)  # type: ignore[arg-type]
            .where(MadeCode.terms_id == run.batch_id, MadeCode.number == bindparam("place"))
            .values(switch_off_refusal=bindparam("why"))
        )
        work.session.execute(answered, refused)
    work.count("promotion_codes", len(sent))


def _switched(
    gateway: Gateway, claimed: Slice, number: int, promotion_code_id: str
) -> tuple[int, str | None]:
    """Switch one off: its number, and why Stripe would not. Raises StripeFailed when it did not answer."""
    key = f"batch_switch_off:{claimed.switch_off_id}:{promotion_code_id}"
    try:
        gateway.discounts.switch(promotion_code_id, False, key=key)
    except StripeFailed as failure:
        if failure.retryable or not failure.outcome_known:
            raise
        return number, str(failure)
    return number, None


def _finish(run: BatchSwitchOff, now: datetime) -> None:
    run.state, run.open_key, run.finished_at = "done", None, now


work_off: Final = Turns(
    run=BatchSwitchOff,
    waits=and_(BatchSwitchOff.open_key.is_not(None), BatchSwitchOff.is_stopped.is_(False)),
    begins_as="here",
    here=switch_off_here,
    claim=claim,
    send=_switched,
    record=record,
).work_off
