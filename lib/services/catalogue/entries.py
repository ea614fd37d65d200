"""Plans and add-ons as they stand here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.work import Digest, View, digest, query
from lib.models import Addon, Subscription, SubscriptionPlan, UserAddon
from lib.payments import operations
from lib.payments.operations import OperationView

INTERVALS: Final[Mapping[str, str | None]] = {"monthly": "month", "annual": "year", "one_time": None}
"""Our billing periods as Stripe bills them; None for what is paid once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A plan or an add-on as it stands here. `ref` is its table and key, as in the page's address.

    `holders`: couples with a subscription or add-on of it that has not ended.
    """

    ref: str
    table: str
    id: str
    name: str
    what: str
    billing_period: str
    price_cents: int
    currency: str
    is_active: bool
    stripe_product_id: str | None
    stripe_price_id: str | None
    holders: int
    digest: Digest

    @property
    def typed(self) -> str:
        """The price as a person would type it: `30.00`."""
        return money.typed(self.price_cents, self.currency)


@query(Permission.CATALOGUE_READ)
def entries(view: View) -> list[Entry]:
    """Plans in the price list's order, then add-ons by name."""
    session = view.session
    subscribed = dict(
        session.execute(
            select(Subscription.plan_id, func.count())
            .where(Subscription.status != "canceled")
            .group_by(Subscription.plan_id)
        ).all()
    )
    bought = dict(
        session.execute(
            select(UserAddon.addon_id, func.count())
            .where(UserAddon.status == "active")
            .group_by(UserAddon.addon_id)
        ).all()
    )
    plans = session.scalars(
        select(SubscriptionPlan).order_by(SubscriptionPlan.sort_order, SubscriptionPlan.id)
    )
    addons = session.scalars(select(Addon).order_by(Addon.addon_name, Addon.id))
    return [
        *(_entry(plan, "plan", subscribed.get(plan.id, 0)) for plan in plans),
        *(_entry(addon, "add_on", bought.get(addon.id, 0)) for addon in addons),
    ]


@query(Permission.CATALOGUE_READ)
def one(view: View, ref: str) -> Entry:
    """One entry by its `ref`; raises NotFound."""
    table, _, key = ref.partition("/")
    row = found(view.session, table, key)
    if isinstance(row, SubscriptionPlan):
        holds = select(func.count()).where(Subscription.plan_id == key, Subscription.status != "canceled")
        return _entry(row, "plan", view.session.execute(holds).scalar_one())
    holds = select(func.count()).where(UserAddon.addon_id == key, UserAddon.status == "active")
    return _entry(row, "add_on", view.session.execute(holds).scalar_one())


@query(Permission.CATALOGUE_READ)
def progress(view: View, ref: str) -> list[OperationView]:
    """What Stripe said so far, newest operation first, for the page that watches it; raises NotFound."""
    table, _, key = ref.partition("/")
    found(view.session, table, key)
    return operations.progress(view, table, key)


def found(session: Session, table: str, key: str) -> SubscriptionPlan | Addon:
    """The row of a plan or an add-on; raises NotFound."""
    row: SubscriptionPlan | Addon | None = None
    if table == "subscription_plans":
        row = session.get(SubscriptionPlan, key)
    elif table == "subscription_addons":
        row = session.get(Addon, key)
    if row is None:
        raise NotFound(f"There is no plan or add-on “{key[:60]}”. Go back to the list and choose another.")
    return row


def _entry(row: SubscriptionPlan | Addon, what: str, holders: int) -> Entry:
    return Entry(
        ref=f"{row.__tablename__}/{row.id}",
        table=str(row.__tablename__),
        id=row.id,
        name=name_of(row),
        what=what,
        billing_period=row.billing_period or "one_time",
        price_cents=row.price_cents,
        currency=currency_of(row),
        is_active=bool(row.is_active),
        stripe_product_id=row.stripe_product_id,
        stripe_price_id=row.stripe_price_id,
        holders=holders,
        digest=digest(row),
    )


def name_of(row: SubscriptionPlan | Addon) -> str:
    """What a plan or an add-on is called."""
    return row.plan_name if isinstance(row, SubscriptionPlan) else row.addon_name


def currency_of(row: SubscriptionPlan | Addon) -> str:
    """The currency of its price, in capitals; add-ons have US dollars."""
    return (row.currency or "USD").upper() if isinstance(row, SubscriptionPlan) else "USD"
