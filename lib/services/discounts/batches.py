"""Batches of unique codes: decided here, made by the worker (`lib.jobs.code_batches`), resumable anywhere.

The codes of a batch share their terms and one coupon. Each is a row of ours; a promotion code each is made at
Stripe only when asked for, because that takes long: `time_at_stripe` says how long at least.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import View, Work, action, query
from lib.models import BatchSwitchOff, CodeBatch, DiscountCode, DiscountTerms, MadeCode, new_id
from lib.payments import operations
from lib.payments.operations import OperationView
from lib.services.discounts.codes import coupon_id
from lib.services.discounts.terms import Terms, as_coupon, check, gives, keep

LARGEST: Final = 100_000
PER_SECOND: Final = 20
"""Promotion codes that we make a second at most; Stripe allows 25 requests in test mode and 100 in live."""

_PREFIX: Final = re.compile(r"[A-Z0-9]{2,12}")

BATCH_COLUMNS: Final = (
    Column("title", "Batch"),
    Column("state", "State", "status"),
    Column("made", "Made", "count"),
    Column("wanted", "Of", "count"),
    Column("sent", "At Stripe", "count"),
    Column("prefix", "Begins with"),
    Column("valid_until", "Until", "moment"),
    Column("requested_by_email", "By"),
    Column("created_at", "Asked for", "moment"),
    Column("id", "Id", "id"),
)


@listing(Permission.DISCOUNTS_READ, columns=BATCH_COLUMNS)
def batches() -> AnySelect:
    """Batches, newest first."""
    columns = [getattr(CodeBatch, column.name) for column in BATCH_COLUMNS]
    return select(*columns).order_by(CodeBatch.created_at.desc(), CodeBatch.id.desc())


@listing(
    Permission.DISCOUNTS_READ,
    columns=(
        Column("code", "Code"),
        Column("current_uses", "Used", "count"),
        Column("max_uses", "Limit", "count"),
        Column("valid_until", "Until", "moment"),
        Column("is_active", "Switched on", "flag"),
        Column("promotion_code_id", "At Stripe", "id"),
        Column("refusal", "Not taken because"),
        Column("switch_off_refusal", "Still on at Stripe because"),
        Column("id", "Id", "id"),
    ),
)
def of_batch(*, batch_id: str) -> AnySelect:
    """The codes of one batch, in the order in which they were made."""
    return (
        select(
            DiscountCode.id,
            DiscountCode.code,
            DiscountCode.current_uses,
            DiscountCode.max_uses,
            DiscountCode.valid_until,
            DiscountCode.is_active,
            MadeCode.promotion_code_id,
            MadeCode.refusal,
            MadeCode.switch_off_refusal,
        )
        .select_from(MadeCode)
        .join(DiscountCode, DiscountCode.id == MadeCode.discount_id)
        .where(MadeCode.terms_id == batch_id, MadeCode.number > 0)
        .order_by(MadeCode.number)
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch with how far it is. `redeemed` counts codes that were used; `done` of `total_steps` are behind.

    A step is a row made here or a promotion code made at Stripe.
    """

    id: str
    title: str
    prefix: str
    gives: str
    wanted: int
    made: int
    sent: int
    at_stripe: bool
    state: str
    error: str | None
    valid_from: datetime
    valid_until: datetime
    stripe_coupon_id: str | None
    requested_by_email: str
    reason: str
    created_at: datetime
    finished_at: datetime | None
    redeemed: int
    operations: tuple[OperationView, ...]

    @property
    def is_open(self) -> bool:
        """Whether the worker is on it."""
        return self.state in {"making", "sending"}

    @property
    def total_steps(self) -> int:
        """How many steps it takes in all."""
        return self.wanted * (2 if self.at_stripe else 1)

    @property
    def done(self) -> int:
        """How many steps are behind it."""
        return self.made + self.sent


@query(Permission.DISCOUNTS_READ)
def batch_progress(view: View, batch_id: str) -> list[OperationView]:
    """What Stripe said of its coupon so far: for the page that watches it."""
    return operations.progress(view, "admin_discount_batches", batch_id)


@query(Permission.DISCOUNTS_READ)
def batch(view: View, batch_id: str) -> Batch:
    """One batch with how far it is; raises NotFound."""
    row = get(view.session, batch_id)
    terms = view.session.get(DiscountTerms, batch_id)
    redeemed = view.session.execute(
        select(func.count())
        .select_from(MadeCode)
        .join(DiscountCode, DiscountCode.id == MadeCode.discount_id)
        .where(MadeCode.terms_id == batch_id, DiscountCode.current_uses > 0)
    ).scalar_one()
    return Batch(
        id=row.id,
        title=row.title,
        prefix=row.prefix,
        gives=gives(row.discount_type, row.discount_value, terms),
        wanted=row.wanted,
        made=row.made,
        sent=row.sent,
        at_stripe=row.at_stripe,
        state=row.state,
        error=row.error,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        stripe_coupon_id=row.stripe_coupon_id,
        requested_by_email=row.requested_by_email,
        reason=row.reason,
        created_at=row.created_at,
        finished_at=row.finished_at,
        redeemed=redeemed,
        operations=tuple(operations.progress(view, "admin_discount_batches", batch_id)),
    )


@action(Permission.DISCOUNTS_WRITE)
def make_batch(
    work: Work, /, *, title: str, prefix: str, wanted: int, at_stripe: bool, reason: str, **terms: Any
) -> str:
    """Ask for `wanted` unique codes that begin with `prefix`; returns the batch's id. The worker makes them.

    `terms` are the fields of `terms.Terms`; `max_uses` is of one code. `at_stripe`: a promotion code each.
    Raises Invalid for terms that make no sense, more than 100,000 codes, or a prefix that is none.
    """
    given = Terms(**terms)
    check(work.session, given, work.now)
    if not title.strip():
        raise Invalid("Give the batch a name, by which others find it.")
    begins = prefix.strip().upper()
    if not _PREFIX.fullmatch(begins):
        raise Invalid("What the codes begin with has 2 to 12 letters and digits.")
    if not 1 <= wanted <= LARGEST:
        raise Invalid(f"A batch has from 1 to {LARGEST:,} codes.")
    row = CodeBatch(
        id=new_id(),
        title=title.strip(),
        prefix=begins,
        wanted=wanted,
        made=0,
        sent=0,
        at_stripe=at_stripe and given.is_at_stripe,
        discount_type=given.kind,
        discount_value=given.value,
        applies_to=given.applies_to,
        max_uses=given.max_uses,
        valid_from=given.begins,
        valid_until=given.ends,
        state="making",
        requested_by=work.actor.id,
        requested_by_email=work.actor.email,
        reason=reason,
        created_at=work.now,
    )
    work.about("admin_discount_batches", row.id)
    work.session.add(row)
    keep(work, given, row.id)
    if given.is_at_stripe:
        operations.prepare(
            work,
            "discount_coupon",
            object_type="admin_discount_batches",
            object_id=row.id,
            relationship_id=None,
            params={
                "discount_id": row.id,
                "coupon_id": coupon_id(row.id),
                "coupon": as_coupon(work.session, given, row.title),
            },
            reason=reason,
        )
    return row.id


@action(Permission.DISCOUNTS_WRITE, about="admin_discount_batches")
def stop_batch(work: Work, batch_id: str, *, reason: str) -> None:
    """Let the worker rest; what is made stays. Raises Refused when it is not under way."""
    row = get(work.session, batch_id)
    if row.state not in {"making", "sending"}:
        raise Refused("This batch is not under way.")
    row.state = "stopped"


@action(Permission.DISCOUNTS_WRITE, about="admin_discount_batches")
def resume_batch(work: Work, batch_id: str, *, reason: str) -> None:
    """Go on where it stopped; nothing is made twice.

    Raises Refused when it was not stopped, or was switched off.
    """
    row = get(work.session, batch_id, hold=True)
    if row.state != "stopped":
        raise Refused("This batch was not stopped.")
    if work.session.scalar(select(exists().where(BatchSwitchOff.batch_id == batch_id))):
        raise Refused("This batch was switched off, so no more codes of it are made. Make another one.")
    row.state = "making" if row.made < row.wanted else "sending"


def time_at_stripe(codes: int) -> timedelta:
    """How long it takes at least to make so many promotion codes at the rate that we allow ourselves."""
    return timedelta(seconds=-(-codes // PER_SECOND))


def get(session: Session, batch_id: str, *, hold: bool = False) -> CodeBatch:
    """The batch with an id, held until the end of the action if `hold` says so; raises NotFound."""
    row = session.get(CodeBatch, batch_id, with_for_update=True if hold else None)
    if row is None:
        raise NotFound(f"There is no batch {batch_id[:60]}. Go back to the list and choose another.")
    return row
