"""What an id on the desk of credits and gifts is about, so that an address alone opens it."""

from typing import Literal

from sqlalchemy import and_, exists, select

from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.work import View, query
from lib.models import CreditGrant, Relationship, Subscription, UserAddon

Opened = Literal["grant", "purchase", "gift", "couple"]


@query(Permission.CREDITS_READ)
def kind_of(view: View, key: str) -> Opened:
    """Which kind of row an id is of; raises NotFound for none of them. One statement."""
    gift = and_(Subscription.id == key, Subscription.is_gift.is_(True))
    found = view.session.execute(
        select(
            exists().where(CreditGrant.id == key).label("grant"),
            exists().where(UserAddon.id == key).label("purchase"),
            exists().where(gift).label("gift"),
            exists().where(Relationship.id == key).label("couple"),
        )
    ).one()
    kinds: tuple[Opened, ...] = ("grant", "purchase", "gift", "couple")
    for kind in kinds:
        if getattr(found, kind):
            return kind
    raise NotFound(f"There is no grant, purchase, gift or couple “{key[:40]}”.")
