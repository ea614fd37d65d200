"""Makes the codes that batches ask for, in turns (`in_turns`): rows here, then promotion codes at Stripe.

A promotion code that exists already is found by its text, so sending one again makes nothing twice.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from lib.core.errors import Refused, StripeFailed
from lib.core.work import Work, job
from lib.jobs.in_turns import CHUNK, LEASE, SENT_AT_ONCE, Turns
from lib.models import CodeBatch, DiscountCode, DiscountTerms, MadeCode, Operation, new_id
from lib.payments.events import PromotionCodeFacts
from lib.payments.gateway import Gateway

# Without 0, 1, I, L, O and U: read out on the telephone, and spelling nothing.
_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 8
_ASKED_AT_ONCE: Final = 90  # D1 takes 100 parameters in a statement


@dataclass(frozen=True, slots=True)
class Slice:
    """Codes of one batch that this process alone may send to Stripe until its lease ends."""

    batch_id: str
    coupon_id: str
    first_time_only: bool
    expires_at: datetime
    max_redemptions: int | None
    codes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """What Stripe said of one code: its promotion code, or why it would not have it."""

    discount_id: str
    promotion_code_id: str | None
    refusal: str | None = None


@job
def make(work: Work, batch_id: str, size: int = CHUNK) -> int:
    """Write the next rows of a batch; gives how many, 0 while its coupon is not at Stripe.

    A batch whose coupon Stripe refused has failed. Refused when another worker wrote the rows meanwhile.
    """
    batch = work.session.get_one(CodeBatch, batch_id)
    if batch.state != "making" or not _has_coupon(work, batch):
        return 0
    number = min(size, batch.wanted - batch.made)
    made = batch.made
    texts = _unused(work.session, batch.prefix, number)
    codes, places = [], []
    for offset, text in enumerate(texts, 1):
        key = new_id()
        codes.append(_row(batch, key, text, work.now))
        places.append({"discount_id": key, "terms_id": batch.id, "number": made + offset})
    # First the count: it is a compare-and-set, so of two workers only one gets further.
    batch.made = made + number
    if batch.made == batch.wanted:
        batch.state = "sending" if batch.at_stripe else "done"
        batch.finished_at = None if batch.at_stripe else work.now
    work.session.flush()
    if codes:
        work.session.execute(insert(DiscountCode), codes)
        work.session.execute(insert(MadeCode), places)
    work.count("discount_codes", number)
    return number


@job
def claim(work: Work, batch_id: str, owner: str, size: int = SENT_AT_ONCE) -> Slice | None:
    """Take the next codes that have to be made at Stripe; None when none is left."""
    batch = work.session.get_one(CodeBatch, batch_id)
    if batch.state != "sending" or batch.stripe_coupon_id is None:
        return None
    waiting = work.session.execute(
        select(MadeCode.discount_id, DiscountCode.code)
        .join(DiscountCode, DiscountCode.id == MadeCode.discount_id)
        .where(
            MadeCode.terms_id == batch_id,
            MadeCode.number > 0,
            MadeCode.promotion_code_id.is_(None),
            MadeCode.refusal.is_(None),
        )
        .order_by(MadeCode.number)
        .limit(size)
    ).all()
    if not waiting:
        batch.state, batch.finished_at = "done", work.now
        return None
    batch.lease_owner, batch.lease_until = owner, work.now + LEASE
    terms = work.session.get_one(DiscountTerms, batch_id)
    return Slice(
        batch_id,
        batch.stripe_coupon_id,
        terms.first_time_only,
        batch.valid_until,
        batch.max_uses,
        dict(waiting),
    )


@job
def record(work: Work, batch_id: str, owner: str, sent: Sequence[Sent]) -> None:
    """Keep what Stripe answered, and let go of the lease; Refused when another worker took it over."""
    batch = work.session.get_one(CodeBatch, batch_id)
    if batch.lease_owner != owner:
        raise Refused("Another worker has taken this batch over.")
    batch.lease_owner = batch.lease_until = None
    batch.sent += len(sent)
    work.session.flush()
    if sent:
        answered = (
            update(MadeCode.__table__)  # type: ignore[arg-type]
            .where(MadeCode.discount_id == bindparam("key"))
            .values(promotion_code_id=bindparam("answer"), refusal=bindparam("why"))
        )
        values = [
            {"key": one.discount_id, "answer": one.promotion_code_id, "why": one.refusal} for one in sent
        ]
        work.session.execute(answered, values)
    work.count("promotion_codes", len(sent))


def _made(gateway: Gateway, claimed: Slice, discount_id: str, code: str) -> Sent:
    try:
        made = gateway.discounts.create_code(
            coupon_id=claimed.coupon_id,
            code=code,
            max_redemptions=claimed.max_redemptions,
            expires_at=claimed.expires_at,
            first_time_only=claimed.first_time_only,
            metadata={"discount_id": discount_id},
            key=f"promotion_code:{discount_id}",
        )
    except StripeFailed as failure:
        if failure.retryable or not failure.outcome_known:
            raise
        found = _found(gateway, discount_id, code)
        return Sent(discount_id, found.id) if found else Sent(discount_id, None, str(failure))
    return Sent(discount_id, made.id)


def _found(gateway: Gateway, discount_id: str, code: str) -> PromotionCodeFacts | None:
    """The promotion code that an earlier try made, if it is what stands in the way."""
    theirs = gateway.discounts.codes(code=code)
    return next((each for each in theirs if each.metadata.get("discount_id") == discount_id), None)


def _has_coupon(work: Work, batch: CodeBatch) -> bool:
    """Whether the batch's coupon is at Stripe, or needs none; the batch has failed if Stripe refused it."""
    if batch.stripe_coupon_id is not None or batch.discount_type == "trial_extension":
        return True
    coupon = work.session.scalars(
        select(Operation).where(
            Operation.object_type == "admin_discount_batches", Operation.object_id == batch.id
        )
    ).one()
    if coupon.state == "failed":
        batch.state, batch.error, batch.finished_at = "failed", coupon.error_message, work.now
    return False


def _row(batch: CodeBatch, key: str, text: str, now: datetime) -> dict[str, Any]:
    return {
        "id": key,
        "code": text,
        "discount_type": batch.discount_type,
        "discount_value": batch.discount_value,
        "applies_to": batch.applies_to,
        "max_uses": batch.max_uses,
        "current_uses": 0,
        "valid_from": batch.valid_from,
        "valid_until": batch.valid_until,
        "stripe_coupon_id": batch.stripe_coupon_id,
        "is_active": True,
        "created_by": batch.requested_by_email,
        "created_at": now,
    }


def _unused(session: Session, prefix: str, number: int) -> list[str]:
    """So many texts that no code has yet."""
    texts: set[str] = set()
    while len(texts) < number:
        fresh = {_text(prefix) for _ in range(min(number - len(texts), _ASKED_AT_ONCE))}
        texts |= fresh - set(session.scalars(select(DiscountCode.code).where(DiscountCode.code.in_(fresh))))
    return sorted(texts)


def _text(prefix: str) -> str:
    return f"{prefix}-{''.join(secrets.choice(_LETTERS) for _ in range(_LENGTH))}"


work_off: Final = Turns(
    run=CodeBatch,
    waits=CodeBatch.state.in_(("making", "sending")),
    begins_as="making",
    here=make,
    claim=claim,
    send=_made,
    record=record,
).work_off
