"""Everything on Home that is only counted, in one statement."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal, select

from lib.core.access import Permission
from lib.core.listing import AnyRow
from lib.core.work import View, query
from lib.models import (
    CreditGrant,
    DriftFinding,
    ErrorLog,
    InboxEvent,
    Operation,
    Payment,
    Subscription,
    User,
    sortable,
)
from lib.payments.reconcile import CLASSES

A_DAY: Final = timedelta(days=1)
A_WEEK: Final = timedelta(days=7)
WORKER_SILENT_AFTER: Final = timedelta(minutes=2)
ROLL_UP_STALE_AFTER: Final = timedelta(hours=3)
EVENT_LATE_AFTER: Final = timedelta(minutes=10)


@query(Permission.HOME_READ)
def counts(view: View) -> AnyRow:
    """Every count that the role may see, in one row; each is read from an index."""
    now, day, week = view.now, view.now - A_DAY, view.now - A_WEEK
    failed = Payment.status == "failed"
    # Spelled out, because a partial index does not serve a parameter.
    critical = ErrorLog.severity == literal("critical", literal_execute=True)
    wanted: Sequence[tuple[str, Permission, Any, ColumnElement[bool]]] = (
        ("past_due", Permission.SUBSCRIPTIONS_READ, Subscription, Subscription.status == "past_due"),
        ("failed_now", Permission.REFUNDS_READ, Payment, and_(failed, within(Payment, day, now))),
        ("failed_before", Permission.REFUNDS_READ, Payment, and_(failed, within(Payment, day - A_DAY, day))),
        ("critical", Permission.ERRORS_READ, ErrorLog, and_(critical, ErrorLog.resolved.is_(False))),
        (
            "critical_new",
            Permission.ERRORS_READ,
            ErrorLog,
            and_(critical, ErrorLog.resolved.is_(False), within(ErrorLog, day, now)),
        ),
        ("joined_now", Permission.PEOPLE_READ, User, within(User, week, now)),
        ("joined_before", Permission.PEOPLE_READ, User, within(User, week - A_WEEK, week)),
        (
            "operations_failed",
            Permission.REFUNDS_READ,
            Operation,
            and_(
                Operation.state == "failed",
                Operation.prepared_at > week,
                # A card that was refused again is no accident: it stands among the failed payments.
                Operation.object_type != "payment_transactions",
            ),
        ),
        (
            "grants",
            Permission.CREDITS_DECIDE,
            CreditGrant,
            and_(CreditGrant.status == "pending", CreditGrant.requested_by != view.actor.id),
        ),
        ("parked", Permission.INBOX_READ, InboxEvent, InboxEvent.state.in_(("failed", "parked"))),
        (
            "drift",
            Permission.DRIFT_READ,
            DriftFinding,
            and_(DriftFinding.state == "open", DriftFinding.rank == CLASSES["subscription_gone"].rank),
        ),
        (
            "late",
            Permission.INBOX_READ,
            InboxEvent,
            and_(InboxEvent.state == "received", InboxEvent.received_at < now - EVENT_LATE_AFTER),
        ),
    )
    return view.session.execute(
        select(
            *(
                select(func.count()).select_from(model).where(condition).scalar_subquery().label(name)
                for name, needs, model, condition in wanted
                if view.actor.may(needs)
            ),
            literal(1).label("always"),  # a role may see none of them
        )
    ).one()


def within(model: Any, since: datetime, until: datetime) -> ColumnElement[bool]:
    """The condition that a row was made in a span of time."""
    return and_(sortable(model.created_at) > since, sortable(model.created_at) <= until)
