"""What an id finds: each table that it may stand in, here or as Stripe's, in one statement."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Text, cast, literal, null, or_, select, type_coerce, union_all

from lib.core.access import Permission
from lib.core.listing import AnySelect
from lib.core.work import View
from lib.models import (
    DiscountCode,
    Dispute,
    ErrorLog,
    InboxEvent,
    Invoice,
    Payment,
    Refund,
    StripeWebhook,
    Subscription,
    SubscriptionPlan,
    User,
    UserSession,
    sortable,
)
from lib.models.types import Personal

Kind = Literal[
    "person",
    "couple",
    "subscription",
    "payment",
    "invoice",
    "dispute",
    "refund",
    "event",
    "code",
    "error",
    "session",
]

_OF_EACH: Final = 5


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found. `page` and `opens` say where it is looked at; `exact`: its id or address was typed.

    `title` and `subtitle` are texts for a reader, personal data in them masked.
    """

    kind: Kind
    id: str
    title: str
    subtitle: str
    page: str | None
    opens: str | None
    status: str | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A table that an id may stand in: where the id is looked for, and how a hit is shown and opened."""

    kind: Kind
    model: Any
    needs: Permission
    keys: tuple[Any, ...]
    page: str
    opens: Any
    title: Any
    detail: Any = None
    status: Any = None
    person: Any = None
    at: Any = None
    joined: tuple[tuple[Any, ColumnElement[bool]], ...] = field(default=())

    def holding(self, q: str) -> AnySelect:
        """The rows with such an id."""
        forms = (q, q.upper()) if self.kind == "code" else (q,)
        statement = select(
            literal(self.kind, Text).label("kind"),
            cast(self.keys[0], Text).label("id"),
            literal(self.page, Text).label("page"),
            cast(self.opens, Text).label("opens"),
            cast(self.title, Text).label("title"),
            _text(self.detail).label("detail"),
            _text(self.status).label("status"),
            _text(User.name if self.person is not None else None).label("person"),
        ).where(or_(*(key.in_(forms) for key in self.keys)))
        for target, condition in self.joined:
            statement = statement.outerjoin(target, condition)
        if self.person is not None:
            statement = statement.outerjoin(User, User.id == self.person)
        if self.at is not None:
            statement = statement.order_by(sortable(self.at).desc())
        return statement.limit(_OF_EACH)


P = Permission
PLACES: Final = (
    Place(
        "subscription",
        Subscription,
        P.SUBSCRIPTIONS_READ,
        (Subscription.id, Subscription.stripe_subscription_id, Subscription.stripe_customer_id),
        "subscriptions",
        Subscription.id,
        SubscriptionPlan.plan_name,
        detail=Subscription.stripe_subscription_id,
        status=Subscription.status,
        person=Subscription.user_id,
        joined=((SubscriptionPlan, SubscriptionPlan.id == Subscription.plan_id),),
    ),
    Place(
        "payment",
        Payment,
        P.PAYMENTS_READ,
        (Payment.id, Payment.stripe_payment_intent_id, Payment.stripe_charge_id),
        "payments",
        Payment.id,
        Payment.transaction_type,
        detail=Payment.stripe_payment_intent_id,
        status=Payment.status,
        person=Payment.user_id,
    ),
    Place(
        "invoice",
        Invoice,
        P.PAYMENTS_READ,
        (Invoice.stripe_invoice_id,),
        "payments",
        Invoice.payment_id,
        literal("invoice"),
        detail=Invoice.number,
        status=Invoice.status,
        person=Payment.user_id,
        joined=((Payment, Payment.id == Invoice.payment_id),),
    ),
    Place(
        "dispute",
        Dispute,
        P.PAYMENTS_READ,
        (Dispute.stripe_dispute_id,),
        "payments",
        Dispute.payment_id,
        literal("dispute"),
        detail=Dispute.reason,
        status=Dispute.status,
    ),
    Place(
        "refund",
        Refund,
        P.REFUNDS_READ,
        (Refund.id, Refund.stripe_refund_id),
        "refunds",
        Refund.id,
        literal("refund"),
        detail=Refund.stripe_refund_id,
        status=Refund.status,
        person=Refund.user_id,
    ),
    Place(
        "event",
        StripeWebhook,
        P.INBOX_READ,
        (StripeWebhook.event_id, StripeWebhook.id),
        "inbox",
        StripeWebhook.event_id,
        StripeWebhook.event_type,
    ),
    Place(
        "event",
        InboxEvent,
        P.INBOX_READ,
        (InboxEvent.stripe_object_id,),
        "inbox",
        InboxEvent.event_id,
        InboxEvent.event_type,
        detail=InboxEvent.event_id,
        status=InboxEvent.state,
        at=InboxEvent.stripe_created,
    ),
    Place(
        "code",
        DiscountCode,
        P.DISCOUNTS_READ,
        (DiscountCode.id, DiscountCode.code),
        "discounts",
        DiscountCode.id,
        DiscountCode.code,
        detail=DiscountCode.discount_type,
    ),
    Place(
        "error",
        ErrorLog,
        P.ERRORS_READ,
        (ErrorLog.id,),
        "errors",
        ErrorLog.id,
        ErrorLog.error_type,
        status=ErrorLog.severity,
        person=ErrorLog.user_id,
    ),
    Place(
        "session",
        UserSession,
        P.PEOPLE_READ,
        (UserSession.id,),
        "users",
        UserSession.user_id,
        literal("visit"),
        detail=UserSession.entry_page,
        person=UserSession.user_id,
    ),
)


def by_id(view: View, q: str) -> Iterator[Hit]:
    """Everything with such an id that the reader may see; five of each kind at most."""
    branches = [place.holding(q) for place in PLACES if view.actor.may(place.needs)]
    every = union_all(*[select(branch.subquery()) for branch in branches]).subquery()
    # A union takes its types from its first part: names have to be named personal again.
    columns = [
        type_coerce(column, Personal("name")).label("person") if column.name == "person" else column
        for column in every.c
    ]
    for row in view.session.execute(select(*columns)):
        yield Hit(
            row.kind,
            row.id,
            (row.title or row.kind).replace("_", " "),
            " · ".join(part for part in (row.person, row.detail or row.id) if part),
            row.page if row.opens else None,
            row.opens,
            row.status,
            exact=True,
        )


def _text(expression: Any) -> ColumnElement[str]:
    return cast(null() if expression is None else expression, Text)
