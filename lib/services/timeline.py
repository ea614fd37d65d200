"""One timeline of everything that happened to a couple, newest first: twelve tables, one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    cast,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)

from lib.core.access import Permission
from lib.core.listing import AnyRow, AnySelect
from lib.core.work import View, query
from lib.models import (
    Achievement,
    Activity,
    AiCredit,
    Challenge,
    ChallengeParticipation,
    Communication,
    DiscountCode,
    DiscountUsage,
    ErrorLog,
    Notification,
    Operation,
    Payment,
    Refund,
    SubscriptionChange,
    SubscriptionPlan,
    UserAchievement,
    sortable,
)
from lib.models.masks import Kind
from lib.models.types import Personal
from lib.services.couples import shown_when_revealed

KINDS: Final = {
    "payment": "Payments",
    "refund": "Refunds",
    "subscription": "Subscription",
    "credits": "AI credits",
    "code": "Codes",
    "message": "Messages sent",
    "error": "Errors",
    "staff": "Staff",
    "life": "Life in the app",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `what` is a code such as `payment succeeded`, `detail` what our own or Stripe's words say, `words` what
    people wrote (masked unless revealed). `cents` is in minor units of `currency`, or a count of credits.
    """

    at: datetime | None
    kind: str
    what: str
    detail: str | None
    words: str | None
    table: str
    key: str
    cents: int | None
    currency: str | None
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """Where one kind of entry comes from; each field is the expression for the Entry's field of its name.

    `log` stands for `detail` where the text may name people: contact data in it is masked.
    """

    kind: str
    model: Any
    at: Any
    what: Any
    detail: Any = None
    log: Any = None
    words: Any = None
    cents: Any = None
    currency: Any = None
    user_id: Any = None
    joined: tuple[Any, ColumnElement[bool]] | None = None

    def of(self, couple_id: str) -> AnySelect:
        """The source's rows of one couple, with the columns of Entry."""
        model = self.model
        key = model.subscription_id if model is SubscriptionChange else model.id
        statement = select(
            sortable(self.at).label("at"),
            literal(self.kind, Text).label("kind"),
            cast(self.what, Text).label("what"),
            _text(self.detail).label("detail"),
            _text(self.log).label("log"),
            _text(self.words).label("words"),
            literal(model.__tablename__, Text).label("table"),
            cast(key, Text).label("key"),
            cast(null() if self.cents is None else self.cents, Integer).label("cents"),
            _text(self.currency).label("currency"),
            _text(self.user_id).label("user_id"),
        ).where(model.relationship_id == couple_id)
        return statement.join(*self.joined) if self.joined else statement


SOURCES: Final = (
    Source(
        "payment",
        Payment,
        Payment.created_at,
        Payment.transaction_type + literal(" payment ") + Payment.status,
        log=Payment.failure_reason,
        cents=Payment.amount_cents,
        currency=Payment.currency,
        user_id=Payment.user_id,
    ),
    Source(
        "refund",
        Refund,
        Refund.requested_at,
        literal("refund ") + Refund.status,
        log=Refund.refund_reason,
        cents=Refund.refund_amount_cents,
        currency=Payment.currency,
        user_id=Refund.user_id,
        joined=(Payment, Payment.id == Refund.transaction_id),
    ),
    Source(
        "subscription",
        SubscriptionChange,
        SubscriptionChange.effective_at,
        literal("subscription ") + SubscriptionChange.status,
        detail=SubscriptionPlan.plan_name + literal(", a year"),
        cents=SubscriptionChange.net_arr_cents,
        currency=SubscriptionChange.currency,
        joined=(SubscriptionPlan, SubscriptionPlan.id == SubscriptionChange.plan_id),
    ),
    Source(
        "credits",
        AiCredit,
        AiCredit.created_at,
        literal("credits ") + AiCredit.transaction_type,
        cents=AiCredit.credits_amount,
        user_id=AiCredit.user_id,
    ),
    Source(
        "code",
        DiscountUsage,
        DiscountUsage.used_at,
        literal("code redeemed"),
        detail=DiscountCode.code,
        cents=DiscountUsage.discount_amount_cents,
        currency=literal("USD"),
        user_id=DiscountUsage.user_id,
        joined=(DiscountCode, DiscountCode.id == DiscountUsage.discount_id),
    ),
    Source(
        "message",
        Notification,
        Notification.created_at,
        literal("message ") + Notification.notification_type,
        detail=Notification.title,
        words=Notification.message,
        user_id=Notification.user_id,
    ),
    Source(
        "error",
        ErrorLog,
        ErrorLog.created_at,
        ErrorLog.error_type,
        detail=ErrorLog.page_url,
        user_id=ErrorLog.user_id,
    ),
    Source(
        "staff",
        Operation,
        Operation.prepared_at,
        Operation.kind + literal(" ") + Operation.state,
        detail=Operation.requested_by_email + literal(": ") + Operation.reason,
    ),
    Source(
        "life",
        Activity,
        Activity.created_at,
        literal("activity ") + Activity.status,
        words=Activity.activity_name,
        user_id=Activity.created_by_user_id,
    ),
    Source(
        "life",
        Communication,
        Communication.communication_date,
        literal("talk ") + Communication.communication_type,
        words=Communication.topic,
        user_id=Communication.initiated_by_user_id,
    ),
    Source(
        "life",
        ChallengeParticipation,
        ChallengeParticipation.created_at,
        literal("challenge ") + ChallengeParticipation.status,
        detail=Challenge.challenge_name,
        joined=(Challenge, Challenge.id == ChallengeParticipation.challenge_id),
    ),
    Source(
        "life",
        UserAchievement,
        UserAchievement.earned_date,
        literal("achievement earned"),
        detail=Achievement.achievement_name,
        user_id=UserAchievement.earned_by_user_id,
        joined=(Achievement, Achievement.id == UserAchievement.achievement_id),
    ),
)


@query(Permission.PEOPLE_READ)
@shown_when_revealed
def of_couple(
    view: View, couple_id: str, *, kind: str | None = None, before: datetime | None = None, limit: int = 60
) -> list[Entry]:
    """The newest `limit` things that happened to a couple (before a moment); two statements."""
    branches = [source.of(couple_id) for source in SOURCES if kind in {None, source.kind}]
    newest_of_each = [_newest(branch, before, limit) for branch in branches]
    every = union_all(*[select(branch.subquery()) for branch in newest_of_each]).subquery()
    # A union takes its types from its first part: what people wrote has to be named personal again.
    kinds: dict[str, Kind] = {"log": "log", "words": "text"}
    columns = [
        type_coerce(column, Personal(kinds[column.name])).label(column.name)
        if column.name in kinds
        else column
        for column in every.c
    ]
    rows = view.session.execute(select(*columns).order_by(every.c.at.desc(), every.c.key.desc()).limit(limit))
    return [_entry(row) for row in rows]


def _entry(row: AnyRow) -> Entry:
    fields = dict(row._mapping)
    log = fields.pop("log")
    return Entry(**fields | {"detail": fields["detail"] or log})


def _newest(branch: AnySelect, before: datetime | None, limit: int) -> AnySelect:
    at = branch.selected_columns.at
    return (branch if before is None else branch.where(at < before)).order_by(at.desc()).limit(limit)


def _text(expression: Any) -> ColumnElement[str]:
    return cast(null() if expression is None else expression, Text)
