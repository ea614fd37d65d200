"""Discount codes: the lists, and making, changing, and switching one.

    (made) --Stripe answers--> on <--switch_on / switch_off--> off

A code that takes something off has a coupon and a promotion code at Stripe, made and kept in step through the
outbox; a longer trial is ours alone. Switching off counts here at once, and switching on when Stripe has
answered: in between nobody gets what was taken away.
"""

import re
from datetime import date
from typing import Any, Final

from sqlalchemy import exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.work import Digest, Work, action
from lib.models import (
    DiscountCode,
    DiscountTerms,
    DiscountUsage,
    MadeCode,
    Operation,
    Payment,
    new_id,
    sortable,
)
from lib.models.expressions import folded, starts_with
from lib.payments import operations
from lib.services.discounts.case import why_not_change, why_not_send_again, why_not_switch
from lib.services.discounts.terms import Terms, as_coupon, check, gives, keep, last_second

SWITCHES: Final = ("on", "off")
_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{2,39}")


def _gives(row: AnyRow) -> str:
    return gives(row.discount_type, row.discount_value, row if row.duration else None)


@listing(
    Permission.DISCOUNTS_READ,
    columns=(
        Column("code", "Code"),
        Column("gives", "Gives", of=_gives),
        Column("applies_to", "Applies to", "status"),
        Column("current_uses", "Used", "count"),
        Column("max_uses", "Limit", "count"),
        Column("valid_from", "From", "moment"),
        Column("valid_until", "Until", "moment"),
        Column("is_active", "Switched on", "flag"),
        Column("created_at", "Made", "moment"),
        Column("id", "Id", "id"),
    ),
)
def codes(*, switched: str | None = None, q: str = "") -> AnySelect:
    """Codes, newest first; `q` is the beginning of the code, in any case of letters.

    The thousands that belong to a batch are found by their beginning only: a batch has its own list.
    Raises Invalid for a switch that is neither on nor off.
    """
    statement: AnySelect = select(
        DiscountCode.id,
        DiscountCode.code,
        DiscountCode.discount_type,
        DiscountCode.discount_value,
        DiscountTerms.currency,
        DiscountTerms.duration,
        DiscountTerms.duration_in_months,
        DiscountCode.applies_to,
        DiscountCode.current_uses,
        DiscountCode.max_uses,
        DiscountCode.valid_from,
        DiscountCode.valid_until,
        DiscountCode.is_active,
        DiscountCode.created_at,
    )
    statement = (
        statement.outerjoin(MadeCode, MadeCode.discount_id == DiscountCode.id)
        .outerjoin(DiscountTerms, DiscountTerms.id == MadeCode.terms_id)
        .order_by(sortable(DiscountCode.created_at).desc(), DiscountCode.id.desc())
    )
    if switched:
        if switched not in SWITCHES:
            raise Invalid(f"A code is switched on or off, not “{switched[:40]}”.")
        statement = statement.where(DiscountCode.is_active.is_(switched == "on"))
    if q:
        return statement.where(starts_with(DiscountCode.code, q))
    return statement.where(or_(MadeCode.number.is_(None), MadeCode.number == 0))


@listing(
    Permission.DISCOUNTS_READ,
    columns=(
        Column("used_at", "Used", "moment"),
        Column("discount_amount_cents", "Taken off", "money"),
        Column("paid_cents", "Paid", "money"),
        Column("payment_status", "Payment", "status"),
        Column("relationship_id", "Couple", "id"),
        Column("user_id", "Person", "id"),
        Column("transaction_id", "Payment id", "id"),
        Column("id", "Redemption", "id"),
    ),
)
def redemptions(*, code_id: str) -> AnySelect:
    """The redemptions of one code, newest first."""
    return (
        select(
            DiscountUsage.id,
            DiscountUsage.used_at,
            DiscountUsage.discount_amount_cents,
            Payment.amount_cents.label("paid_cents"),
            Payment.currency,
            Payment.status.label("payment_status"),
            DiscountUsage.relationship_id,
            DiscountUsage.user_id,
            DiscountUsage.transaction_id,
        )
        .outerjoin(Payment, Payment.id == DiscountUsage.transaction_id)
        .where(DiscountUsage.discount_id == code_id)
        .order_by(sortable(DiscountUsage.used_at).desc(), DiscountUsage.id.desc())
    )


@action(Permission.DISCOUNTS_WRITE)
def create(work: Work, /, *, code: str, reason: str, **terms: Any) -> str:
    """Make a code and queue its coupon and promotion code at Stripe; returns its id.

    `terms` are the fields of `terms.Terms`. It can be used once Stripe has answered; a longer trial at once.
    Raises Invalid for terms that make no sense or a text that is no code, Refused when the code exists.
    """
    given = Terms(**terms)
    check(work.session, given, work.now)
    text = check_text(work.session, code)
    row = DiscountCode(
        id=new_id(),
        code=text,
        discount_type=given.kind,
        discount_value=given.value,
        applies_to=given.applies_to,
        max_uses=given.max_uses,
        current_uses=0,
        valid_from=given.begins,
        valid_until=given.ends,
        is_active=not given.is_at_stripe,
        created_by=work.actor.email,
        created_at=work.now,
    )
    work.about("discount_codes", row.id)
    work.session.add(row)
    work.session.add(MadeCode(discount_id=row.id, terms_id=row.id, number=0))
    keep(work, given, row.id)
    try:
        work.session.flush()
    except IntegrityError as error:
        if "code" not in str(error.orig):
            raise
        raise Refused(f"The code {text} exists already. Choose another text.") from None
    if given.is_at_stripe:
        _prepare_code(
            work, "discount_create", row, given.first_time_only, reason, as_coupon(work.session, given, text)
        )
    return row.id


@action(Permission.DISCOUNTS_WRITE, about="discount_codes")
def change(
    work: Work,
    code_id: str,
    *,
    shown: Digest,
    max_uses: int | None,
    max_per_customer: int | None,
    valid_until: date,
    reason: str,
) -> None:
    """Change how often a code can be used, by all and by one couple, and its last day (UTC).

    What it gives never changes: people were promised it. Stripe makes another promotion code of the same text
    and the old one is switched off. Raises Invalid for limits that make no sense, Refused when it changed
    since it was shown, is switched off or under way, when it was used more often than the new limit, or when
    nothing would change.
    """
    row = _get(work.session, code_id)
    work.expect(row, shown)
    made, terms = _made(work.session, code_id)
    if why := why_not_change(row, made, terms):
        raise Refused(why)
    assert terms is not None
    ends = last_second(valid_until)
    if ends <= work.now:
        raise Invalid("Its last day is past. Switch it off instead.")
    for limit in (max_uses, max_per_customer):
        if limit is not None and limit < 1:
            raise Invalid("A limit is at least 1; leave it empty for none.")
    used = _used(work.session, row)
    if max_uses is not None and max_uses <= used:
        raise Refused(
            f"It was used {used:,} times already: a limit of {max_uses:,} would close it. Switch it off."
        )
    changed = (row.max_uses, row.valid_until) != (max_uses, ends)
    if not changed and terms.max_per_customer == max_per_customer:
        raise Refused("Nothing would change.")
    terms.max_per_customer = max_per_customer
    if changed and row.stripe_coupon_id:
        row_as_wanted = {"max_uses": max_uses, "valid_until": ends}
        _prepare_code(work, "discount_change", row, terms.first_time_only, reason, None, **row_as_wanted)
    else:
        row.max_uses, row.valid_until = max_uses, ends


@action(Permission.DISCOUNTS_WRITE, about="discount_codes")
def switch_off(work: Work, code_id: str, *, shown: Digest, reason: str) -> None:
    """Let nobody use a code any more, from now on; who has the discount keeps it.

    Raises Refused when it changed since it was shown, is off already, or while Stripe is at work on it.
    """
    _switch(work, code_id, shown, reason, on=False)


@action(Permission.DISCOUNTS_WRITE, about="discount_codes")
def switch_on(work: Work, code_id: str, *, shown: Digest, reason: str) -> None:
    """Let people use a code again, once Stripe has answered.

    Raises Refused when it changed since it was shown, is on, over or used up, or while Stripe is at work.
    """
    _switch(work, code_id, shown, reason, on=True)


@action(Permission.DISCOUNTS_WRITE, about="discount_codes")
def send_again(work: Work, code_id: str, *, shown: Digest, reason: str) -> None:
    """Queue the making of a code at Stripe anew, after Stripe turned it down.

    Raises Refused when it changed since it was shown, is at Stripe, or while Stripe is at work on it.
    """
    row = _get(work.session, code_id)
    work.expect(row, shown)
    made, terms = _made(work.session, code_id)
    if why := why_not_send_again(row, made, terms):
        raise Refused(why)
    assert terms is not None
    given = Terms(
        kind=row.discount_type,
        value=row.discount_value,
        duration=terms.duration,
        duration_in_months=terms.duration_in_months,
        currency=terms.currency,
        plan_ids=terms.plan_ids or (),
        valid_from=row.valid_from.date(),
        valid_until=row.valid_until.date(),
    )
    coupon = as_coupon(work.session, given, row.code)
    _prepare_code(work, "discount_create", row, terms.first_time_only, reason, coupon)


def check_text(session: Session, typed: str) -> str:
    """A code as it is kept, in capitals; Invalid when it is none, Refused when it exists in any case."""
    text = typed.strip().upper()
    if not _CODE.fullmatch(text):
        raise Invalid("A code has 3 to 40 letters, digits and dashes, and begins with a letter or a digit.")
    if session.scalar(select(exists().where(folded(DiscountCode.code) == text.lower()))):
        raise Refused(f"The code {text} exists already. Choose another text.")
    return text


def coupon_id(key: str) -> str:
    """The id of the coupon at Stripe for a code or a batch of ours."""
    return f"bt-{key}"


def _switch(work: Work, code_id: str, shown: Digest, reason: str, *, on: bool) -> None:
    row = _get(work.session, code_id)
    work.expect(row, shown)
    if why := why_not_switch(row, _used(work.session, row), work.now, on=on):
        raise Refused(why)
    if not on or not row.stripe_coupon_id:
        row.is_active = on
    if row.stripe_coupon_id:
        operations.prepare(
            work,
            "discount_switch_on" if on else "discount_switch_off",
            object_type="discount_codes",
            object_id=row.id,
            relationship_id=None,
            params={"discount_id": row.id, "code": row.code, "coupon_id": row.stripe_coupon_id},
            reason=reason,
        )


def _prepare_code(
    work: Work,
    kind: str,
    row: DiscountCode,
    first_time_only: bool,
    reason: str,
    coupon: dict[str, Any] | None,
    **wanted: Any,
) -> Operation:
    """Queue a promotion code for a row as it is or, by `wanted`, as it shall be."""
    max_uses, ends = wanted.get("max_uses", row.max_uses), wanted.get("valid_until", row.valid_until)
    return operations.prepare(
        work,
        kind,
        object_type="discount_codes",
        object_id=row.id,
        relationship_id=None,
        params={
            "discount_id": row.id,
            "code": row.code,
            "coupon_id": row.stripe_coupon_id or coupon_id(row.id),
            "coupon": coupon,
            # Those who used it are not counted by the promotion code that takes the old one's place.
            "max_redemptions": None if max_uses is None else max_uses - _used(work.session, row),
            "max_uses": max_uses,
            "expires_at": int(ends.timestamp()),
            "first_time_only": first_time_only,
            "revision": new_id(),
        },
        reason=reason,
    )


def _get(session: Session, code_id: str) -> DiscountCode:
    row = session.get(DiscountCode, code_id)
    if row is None:
        raise NotFound(f"There is no discount code {code_id[:60]}. Go back to the list and choose another.")
    return row


def _made(session: Session, code_id: str) -> tuple[MadeCode | None, DiscountTerms | None]:
    made = session.get(MadeCode, code_id)
    return made, None if made is None else session.get(DiscountTerms, made.terms_id)


def _used(session: Session, row: DiscountCode) -> int:
    """How often it was used: by the rows or by the app's own count, whichever says more."""
    counted = select(func.count()).where(DiscountUsage.discount_id == row.id)
    return max(session.execute(counted).scalar_one(), row.current_uses or 0)
