"""The staff's first days: notes and refund requests, made by the demo accounts through the real actions.

So the audit trail begins with something true: who asked for what, about whom, and why.
"""

from dataclasses import dataclass

from sqlalchemy import select

from lib.core.access import Actor, Role
from lib.core.database import Database
from lib.core.work import reading, working
from lib.demo import refund_desk
from lib.demo.staff import ACCOUNTS
from lib.models import AdminUser, AiCredit, Dispute, Payment, Refund, Subscription, UserAddon, sortable
from lib.services import notes, refunds
from lib.services.credits import grants


@dataclass(frozen=True, slots=True)
class _Wish:
    """A refund that support asks finance for."""

    reason: str
    note: str


_NOTES = (
    (Role.SUPPORT, "Called about the failed payment. Has a new card and will enter it tonight."),
    (Role.SUPPORT, "Prefers to be written to, not called. Night shifts."),
    (Role.FINANCE, "Two late renewals in a row. Worth a friendly mail before the next one."),
    (Role.SUPPORT, "Thinking about the annual plan; asked what happens to the days already paid."),
    (Role.FINANCE, "Bank confirmed that the card was replaced. Nothing to do."),
)
_GOODWILL = (
    (Role.SUPPORT, 30, "The answer of the coach never came, twice in a week. They were very patient."),
    (Role.SUPPORT, 15, "Lost what they had written when the app closed."),
    (Role.FINANCE, 50, "Charged twice last month; the money is back, this is for the trouble."),
    (Role.SUPPORT, 25, "Anniversary went wrong: the reminder came a day late."),
    (Role.SUPPORT, 400, "Asks for a year of credits because a friend has them."),
)
_BROKEN = "Their box came broken, and the photo shows it. They would like another one."
_WISHES = (
    _Wish("requested_by_customer", "Renewed by itself after they had decided to stop; not opened since."),
    _Wish("service_problem", "Check-ins were not saved for a week. Sync errors are in the log."),
)


def open_first_cases(database: Database) -> None:
    """Write notes about couples whose payment failed, ask for refunds of recent payments, propose plans."""
    staff = staff_of(database)
    with database.primary.connect() as connection:
        troubled = connection.scalars(
            select(Subscription.relationship_id)
            .where(Subscription.status.in_(("past_due", "paused")))
            .order_by(Subscription.id.desc())
            .limit(len(_NOTES))
        ).all()
        recent = connection.execute(
            select(Payment.id, Payment.amount_cents)
            .where(
                Payment.status == "succeeded",
                Payment.transaction_type == "subscription",
                Payment.refund_amount_cents.is_(None),
                Payment.id.not_in(select(Refund.transaction_id)),
                Payment.id.not_in(select(Dispute.payment_id).where(Dispute.payment_id.is_not(None))),
            )
            .order_by(sortable(Payment.created_at).desc(), Payment.id.desc())
            .limit(len(_WISHES))
        ).all()
    for couple, (role, body) in zip(troubled, _NOTES, strict=False):
        with working(database, staff[role]) as work:
            notes.write(work, "relationships", couple, body=body)
    for (payment, cents), wish in zip(recent, _WISHES, strict=False):
        with working(database, staff[Role.SUPPORT]) as work:
            refunds.request(work, payment, amount_cents=cents, reason=wish.reason, note=wish.note)
    refund_desk.open_cases(database, staff)


def offer_goodwill(database: Database) -> None:
    """Ask for credits and an add-on for couples that use theirs; one is given, one denied, the rest waits."""
    staff = staff_of(database)
    with database.primary.connect() as connection:
        newest = connection.execute(
            select(AiCredit.relationship_id, AiCredit.user_id)
            .where(AiCredit.transaction_type == "usage")
            .order_by(sortable(AiCredit.created_at).desc(), AiCredit.id.desc())
            .limit(60)
        ).all()
        box = connection.execute(
            select(UserAddon.addon_id, UserAddon.relationship_id, UserAddon.user_id)
        ).first()
    couples = list(dict.fromkeys(tuple(row) for row in newest))
    asked = []
    for (couple, person), (role, amount, reason) in zip(couples, _GOODWILL, strict=False):
        with working(database, staff[role]) as work:
            asked.append(grants.request_credits(work, couple, for_user=person, amount=amount, reason=reason))
    if box is not None:
        with working(database, staff[Role.SUPPORT]) as work:
            grants.request_addon(
                work, box.relationship_id, for_user=box.user_id, addon_id=box.addon_id, reason=_BROKEN
            )
    for decide, position, why in ((grants.approve, 3, "Fair, and small."), (grants.deny, 4, "No ground.")):
        if position < len(asked):
            with reading(database, staff[Role.FINANCE]) as view:
                shown = grants.one(view, asked[position]).digest
            with working(database, staff[Role.FINANCE]) as work:
                decide(work, asked[position], shown=shown, reason=why)


def staff_of(database: Database) -> dict[Role, Actor]:
    """The demo accounts by their role, as those who act."""
    emails = {account.email: account for account in ACCOUNTS}
    with database.primary.connect() as connection:
        found = connection.execute(
            select(AdminUser.id, AdminUser.email).where(AdminUser.email.in_(emails))
        ).all()
    return {
        emails[email].role: Actor(id=key, email=email, name=emails[email].name, role=emails[email].role)
        for key, email in found
    }
