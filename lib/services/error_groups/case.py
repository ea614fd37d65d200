"""One group of errors: its stack, what it costs, who has it in hand, and what was done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from lib.core.access import GRANTS, Permission
from lib.core.errors import NotFound
from lib.core.listing import AnyRow, Column
from lib.core.work import View, query
from lib.metrics.error_stacks import LONGEST_READ, Frame, frames_of
from lib.models import (
    AdminUser,
    AuditedObject,
    AuditEntry,
    ErrorGroup,
    ErrorLog,
    ErrorMoney,
    ErrorOccurrence,
    Note,
    sortable,
)

TABLE: Final = "admin_error_groups"
NOBODY: Final = "nobody"
HISTORY_COLUMNS: Final = (
    Column("at", "When", "moment"),
    Column("actor_email", "Who"),
    Column("action", "What", "action"),
    Column("outcome", "Outcome", "status"),
)
MONEY_COLUMNS: Final = (
    Column("currency", "Currency"),
    Column("failed_payments", "Payments failed", "count"),
    Column("failed_cents", "Could not be paid", "money"),
    Column("refund_requests", "Refunds asked for", "count"),
    Column("refund_cents", "Asked back", "money"),
    Column("couples", "Paying couples hit", "count"),
    Column("mrr_cents", "MRR hit", "money"),
)
_LATEST: Final = 50


@dataclass(frozen=True, slots=True)
class Money:
    """What a group stands for in one currency."""

    currency: str
    couples: int
    arr_cents: int
    failed_payments: int
    failed_cents: int
    refund_requests: int
    refund_cents: int

    @property
    def mrr_cents(self) -> int:
        """What the couples pay in a month, rounded half up once."""
        return (self.arr_cents + 6) // 12

    @property
    def cost_cents(self) -> int:
        """What could not be paid and what was asked back, within 48 hours after."""
        return self.failed_cents + self.refund_cents


@dataclass(frozen=True, slots=True)
class GroupCase:
    """A group with its newest error. `money` has the currency with the most first; none where nobody pays.

    `own` and `foreign` are the frames of the newest error's stack, the innermost first; `stack` is its text,
    cut at 64 kB, and `stack_length` how long it is in truth. `rows_due`: its rows follow the group yet.
    """

    id: str
    error_type: str
    title: str
    culprit: str | None
    severity: str
    state: str
    first_seen: datetime
    last_seen: datetime
    errors: int
    odd_clocks: int
    people: int
    couples: int
    trend: tuple[int, ...]
    counted_at: datetime | None
    assigned_to: str | None
    assigned_email: str | None
    ignored_until: datetime | None
    ignored_until_errors: int | None
    resolved_at: datetime | None
    resolved_by_email: str | None
    regressed_at: datetime | None
    rows_due: str | None
    money: tuple[Money, ...]
    newest_id: str | None
    message: str | None
    stack: str | None
    stack_length: int
    own: tuple[Frame, ...]
    foreign: tuple[Frame, ...]

    @property
    def is_unresolved(self) -> bool:
        """Whether somebody has to look at it."""
        return self.state not in {"resolved", "ignored"}


@query(Permission.ERRORS_READ)
def one(view: View, group_id: str) -> GroupCase:
    """A group as it was counted last, texts masked; raises NotFound. Three statements."""
    row = view.session.get(ErrorGroup, group_id)
    if row is None:
        raise NotFound(
            f"There is no group of errors {group_id[:60]}. Go back to the list and choose another."
        )
    newest = _newest(view, group_id)
    frames = frames_of(newest.stack) if newest else ()
    return GroupCase(
        id=row.id,
        error_type=row.error_type,
        title=row.title,
        culprit=row.culprit,
        severity=row.severity,
        state=row.state,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        errors=row.errors,
        odd_clocks=row.odd_clocks,
        people=row.people,
        couples=row.couples,
        trend=tuple(int(number) for number in row.trend.split()),
        counted_at=row.counted_at,
        assigned_to=row.assigned_to,
        assigned_email=row.assigned_email,
        ignored_until=row.ignored_until,
        ignored_until_errors=row.ignored_until_errors,
        resolved_at=row.resolved_at,
        resolved_by_email=row.resolved_by_email,
        regressed_at=row.regressed_at,
        rows_due=row.rows_due,
        money=_money(view, group_id),
        newest_id=newest.id if newest else None,
        message=newest.message if newest else None,
        stack=newest.stack if newest else None,
        stack_length=(newest.length or 0) if newest else 0,
        own=tuple(frame for frame in frames if frame.own),
        foreign=tuple(frame for frame in frames if not frame.own),
    )


def _newest(view: View, group_id: str) -> AnyRow | None:
    """The newest error of the group that production still has."""
    return view.session.execute(
        select(
            ErrorLog.id,
            func.substr(ErrorLog.error_message, 1, 4_000, type_=ErrorLog.error_message.type).label("message"),
            func.substr(ErrorLog.stack_trace, 1, LONGEST_READ, type_=ErrorLog.stack_trace.type).label(
                "stack"
            ),
            func.length(ErrorLog.stack_trace).label("length"),
        )
        .join(ErrorOccurrence, ErrorOccurrence.error_id == ErrorLog.id)
        .where(ErrorOccurrence.group_id == group_id)
        .order_by(ErrorOccurrence.seen_at.desc(), ErrorOccurrence.error_id.desc())
        .limit(1)
    ).first()


def _money(view: View, group_id: str) -> tuple[Money, ...]:
    money = ErrorMoney
    rows = view.session.execute(
        select(
            money.currency,
            money.couples,
            money.arr_cents,
            money.failed_payments,
            money.failed_cents,
            money.refund_requests,
            money.refund_cents,
        ).where(money.group_id == group_id)
    )
    return tuple(sorted((Money(*row) for row in rows), key=lambda each: -(each.cost_cents + each.arr_cents)))


@query(Permission.ERRORS_READ)
def history(view: View, group_id: str) -> Sequence[AnyRow]:
    """What was done with the group, the latest first, 50 at most: at, actor_email, action, outcome."""
    return view.session.execute(
        select(AuditEntry.at, AuditEntry.actor_email, AuditEntry.action, AuditEntry.outcome)
        .join(AuditedObject, AuditedObject.seq == AuditEntry.seq)
        .where(AuditedObject.object_type == TABLE, AuditedObject.object_id == group_id)
        .order_by(AuditedObject.seq.desc())
        .limit(_LATEST)
    ).all()


@query(Permission.ERRORS_READ)
def notes_about(view: View, group_id: str) -> Sequence[AnyRow]:
    """Notes about the group, the newest first, 50 at most: body, author_email, created_at."""
    return view.session.execute(
        select(Note.body, Note.author_email, Note.created_at)
        .where(Note.object_type == TABLE, Note.object_id == group_id, Note.removed_at.is_(None))
        .order_by(sortable(Note.created_at).desc(), Note.id.desc())
        .limit(_LATEST)
    ).all()


@query(Permission.ERRORS_READ)
def staff_on_call(view: View) -> Mapping[str, str]:
    """Who can take a group in hand: the names, by id, of those who may resolve errors; and nobody."""
    roles = [role.value for role, granted in GRANTS.items() if Permission.ERRORS_RESOLVE in granted]
    rows = view.session.execute(
        select(AdminUser.id, AdminUser.name, AdminUser.email)
        .where(AdminUser.is_active.is_(True), AdminUser.role.in_(roles))
        .order_by(AdminUser.name, AdminUser.id)
    )
    return {row.id: f"{row.name} ({row.email})" for row in rows} | {NOBODY: "Nobody"}
