"""Add-ons that couples bought (surprise boxes, coaching, packs), and cancelling one that recurs.

Production keeps no shipment and no appointment. What the rows say is when something was bought, until when it
is paid, and that it was cancelled: a monthly box is due again on the day that its period ends.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import case, or_, select

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import Digest, View, Work, action, digest, query
from lib.models import Addon, Operation, User, UserAddon, sortable
from lib.payments import operations
from lib.payments.operations import OperationView

STATUSES: Final = ("active", "paused", "canceled")
KINDS: Final = ("surprise_box", "coaching", "calendar_features", "analytics", "customization", "content")

COLUMNS: Final = (
    Column("purchase_date", "Bought", "moment"),
    Column("addon_name", "Add-on"),
    Column("addon_type", "Kind", "code"),
    Column("status", "Status", "status"),
    Column("price_cents", "Price", "money"),
    Column("billing_period", "Billed", "code"),
    Column("next_due", "Next due", "moment"),
    Column("canceled_at", "Cancelled", "moment"),
    Column("buyer", "Bought by"),
    Column("relationship_id", "Couple", "id"),
    Column("stripe_subscription_id", "Stripe subscription", "id"),
    Column("id", "Purchase", "id"),
)


@listing(Permission.CREDITS_READ, columns=COLUMNS)
def purchases(*, status: str | None = None, kind: str | None = None, q: str = "") -> AnySelect:
    """Add-ons that were bought, newest first.

    `q` is an id: the purchase's, its couple's or buyer's, or Stripe's of its subscription. `next_due` is
    empty for what was bought once and for what ends. Raises Invalid for a status or kind of no add-on.
    """
    goes_on = (UserAddon.status == "active") & UserAddon.canceled_at.is_(None)
    recurs = UserAddon.stripe_subscription_id.is_not(None)
    statement: AnySelect = (
        select(
            UserAddon.id,
            UserAddon.purchase_date,
            Addon.addon_name,
            Addon.addon_type,
            UserAddon.status,
            UserAddon.price_cents,
            UserAddon.billing_period,
            case((goes_on & recurs, UserAddon.expiration_date)).label("next_due"),
            UserAddon.canceled_at,
            UserAddon.user_id,
            User.name.label("buyer"),
            UserAddon.relationship_id,
            UserAddon.stripe_subscription_id,
        )
        .outerjoin(Addon, Addon.id == UserAddon.addon_id)
        .outerjoin(User, User.id == UserAddon.user_id)
        .order_by(sortable(UserAddon.created_at).desc(), UserAddon.id.desc())
    )
    if status:
        if status not in STATUSES:
            raise Invalid(f"Add-ons are {', '.join(STATUSES)}, not “{status[:40]}”.")
        statement = statement.where(UserAddon.status == status)
    if kind:
        if kind not in KINDS:
            raise Invalid(f"Kinds of add-on are {', '.join(KINDS)}, not “{kind[:40]}”.")
        statement = statement.where(Addon.addon_type == kind)
    if q.strip():
        keys = (
            UserAddon.id,
            UserAddon.relationship_id,
            UserAddon.user_id,
            UserAddon.stripe_subscription_id,
        )
        statement = statement.where(or_(*(key == q.strip() for key in keys)))
    return statement


@dataclass(frozen=True, slots=True)
class Purchase:
    """One add-on that was bought. `why_not_...`: why that is impossible now, as a sentence."""

    id: str
    digest: Digest
    name: str | None
    kind: str | None
    status: str
    price_cents: int
    billing_period: str | None
    purchase_date: datetime | None
    expiration_date: datetime | None
    canceled_at: datetime | None
    user_id: str
    buyer: str | None
    relationship_id: str
    stripe_subscription_id: str | None
    operations: tuple[OperationView, ...]
    why_not_cancel_now: str | None
    why_not_cancel_at_period_end: str | None


@query(Permission.CREDITS_READ)
def one(view: View, purchase_id: str) -> Purchase:
    """One purchase, and whether it can be cancelled; its buyer counts as opened. Raises NotFound."""
    row = view.session.get(UserAddon, purchase_id)
    if row is None:
        raise _missing(purchase_id)
    view.note_opening("users", row.user_id)
    with view.revealing([row.user_id]):
        found = view.session.execute(
            select(Addon.addon_name, Addon.addon_type, User.name)
            .select_from(UserAddon)
            .outerjoin(Addon, Addon.id == UserAddon.addon_id)
            .outerjoin(User, User.id == UserAddon.user_id)
            .where(UserAddon.id == purchase_id)
        ).one()
    steps = tuple(operations.progress(view, "user_addons", row.id))
    under_way = next((step.title for step in steps if step.is_open), None)
    return Purchase(
        id=row.id,
        digest=digest(row),
        name=found[0],
        kind=found[1],
        status=row.status,
        price_cents=row.price_cents,
        billing_period=row.billing_period,
        purchase_date=row.purchase_date,
        expiration_date=row.expiration_date,
        canceled_at=row.canceled_at,
        user_id=row.user_id,
        buyer=found[2],
        relationship_id=row.relationship_id,
        stripe_subscription_id=row.stripe_subscription_id,
        operations=steps,
        why_not_cancel_now=_why_not(row, under_way, at_once=True),
        why_not_cancel_at_period_end=_why_not(row, under_way, at_once=False),
    )


@query(Permission.CREDITS_READ)
def progress(view: View, purchase_id: str) -> list[OperationView]:
    """What Stripe said so far, newest operation first: for the page that watches it."""
    return operations.progress(view, "user_addons", purchase_id)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="user_addons")
def cancel_at_period_end(work: Work, purchase_id: str, *, shown: Digest, reason: str) -> Operation:
    """Let an add-on end with the period that is paid for.

    Raises Refused when it changed since it was shown, was bought once, has ended or is set to end already, or
    while another operation on it is under way; NotFound without such a purchase.
    """
    return _prepare(work, "addon_cancel_at_period_end", purchase_id, shown, reason, at_once=False)


@action(Permission.SUBSCRIPTIONS_CANCEL, about="user_addons")
def cancel_now(work: Work, purchase_id: str, *, shown: Digest, reason: str) -> Operation:
    """End an add-on at once; nothing is paid back by itself. Raises as `cancel_at_period_end` does."""
    return _prepare(work, "addon_cancel_now", purchase_id, shown, reason, at_once=True)


def _prepare(
    work: Work, kind: str, purchase_id: str, shown: Digest, reason: str, *, at_once: bool
) -> Operation:
    row = work.session.get(UserAddon, purchase_id)
    if row is None:
        raise _missing(purchase_id)
    work.expect(row, shown)
    if why := _why_not(row, None, at_once=at_once):
        raise Refused(why)
    return operations.prepare(
        work,
        kind,
        object_type="user_addons",
        object_id=row.id,
        relationship_id=row.relationship_id,
        params={"subscription_id": row.stripe_subscription_id},
        reason=reason,
    )


def _why_not(row: UserAddon, under_way: str | None, *, at_once: bool) -> str | None:
    if under_way:
        return f"“{under_way}” is already under way. Wait until Stripe has answered."
    if row.status == "canceled":
        return "This add-on has ended."
    if row.stripe_subscription_id is None:
        return "This add-on was bought once, so there is nothing that goes on. A refund is what is left."
    if not at_once and row.canceled_at is not None:
        return "This add-on is set to end with its period already."
    return None


def _missing(purchase_id: str) -> NotFound:
    return NotFound(f"There is no purchase “{purchase_id[:40]}”.")
