"""Weighs groups of errors: whom they hit, what those pay, what failed or was asked back, how it goes on.

What a group stands for is read while nobody waits to write; only its few numbers are written. Groups with new
errors come first, then, once an hour, those that are not mended and had one lately: what people pay changes,
and so does what is new or escalates.

A payment or a refund request belongs to a group when the same person ran into the group within the 48 hours
before it. That is nearness in time: it may have been the cause, and need not have been.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Subquery, and_, delete, func, insert, or_, select, update

from lib.core.access import Permission, system
from lib.core.database import Database
from lib.core.work import View, Work, job, query, reading, working
from lib.metrics.error_states import Standing, state_at, trend
from lib.metrics.policies import HOUSE, counted
from lib.models import (
    ErrorAftermath,
    ErrorDay,
    ErrorGroup,
    ErrorLog,
    ErrorMoney,
    ErrorOccurrence,
    ErrorSufferer,
    Payment,
    Refund,
    SubscriptionChange,
    sortable,
)

ACTOR: Final = system("worker")
WITHIN: Final = timedelta(hours=48)
WEIGHED_EVERY: Final = timedelta(hours=1)
GOES_ON_FOR: Final = timedelta(days=31)
_AT_ONCE: Final = 30
_LATE: Final = timedelta(days=1)  # payments and errors that the app writes down late are still paired
_PEOPLE_AT_ONCE: Final = 80  # D1 takes 100 parameters in a statement

PAYMENT: Final = "payment_transactions"
REFUND: Final = "refunds"


@dataclass(frozen=True, slots=True, repr=False)
class Weight:
    """What a group stands for: whom it hit, `mrr` (currency, couples, cents a year), new `aftermath` rows.

    The audit trail has its group alone.
    """

    group_id: str
    aftermath: Sequence[Mapping[str, Any]]
    people: int
    couples: int
    mrr: Sequence[tuple[str, int, int]]

    def __repr__(self) -> str:
        return self.group_id


def weigh_changed(database: Database, now: datetime) -> int:
    """Weigh every group that changed or was not weighed for an hour; gives how many."""
    with reading(database, ACTOR, now=now) as view:
        waiting = changed(view)
    for start in range(0, len(waiting), _AT_ONCE):
        with reading(database, ACTOR, now=now) as view:
            weights = [weigh(view, key) for key in waiting[start : start + _AT_ONCE]]
        with working(database, ACTOR, now=now) as work:
            keep_weights(work, weights)
    return len(waiting)


@query(Permission.ERRORS_READ)
def changed(view: View) -> list[str]:
    """The groups that have to be weighed."""
    group = ErrorGroup
    goes_on = and_(
        group.counted_at <= view.now - WEIGHED_EVERY,
        group.last_seen >= view.now - GOES_ON_FOR,
        group.state != "resolved",
    )
    wakes = and_(group.state == "ignored", group.ignored_until <= view.now)
    found = select(group.id).where(or_(group.counted_at.is_(None), goes_on, wakes)).order_by(group.id)
    return list(view.session.scalars(found))


@query(Permission.ERRORS_READ)
def weigh(view: View, group_id: str) -> Weight:
    """Count a group's people, couples and what they pay; find what came of it since it was last weighed."""
    sufferer = ErrorSufferer
    mine = sufferer.group_id == group_id
    people = view.session.scalar(
        select(func.count(sufferer.user_id.distinct())).where(mine, sufferer.user_id != "")
    )
    couples = view.session.scalar(
        select(func.count(sufferer.relationship_id.distinct())).where(mine, sufferer.relationship_id != "")
    )
    return Weight(group_id, _aftermath(view, group_id), people or 0, couples or 0, _mrr(view, group_id))


@job
def keep_weights(work: Work, weights: Sequence[Weight]) -> None:
    """Write down what some groups stand for, and the state that follows from it."""
    for weight in weights:
        if weight.aftermath:
            work.session.execute(insert(ErrorAftermath), weight.aftermath)
        money = _money(work, weight)
        work.session.execute(delete(ErrorMoney).where(ErrorMoney.group_id == weight.group_id))
        if money:
            work.session.execute(insert(ErrorMoney), money)
        _restate(work, weight, money)
    work.count("groups", len(weights))


def _restate(work: Work, weight: Weight, money: Sequence[Mapping[str, Any]]) -> None:
    group, table = ErrorGroup, ErrorGroup.__table__
    row = work.session.execute(
        select(
            group.state,
            group.first_seen,
            group.errors,
            group.regressed_at,
            group.ignored_until,
            group.ignored_until_errors,
        ).where(group.id == weight.group_id)
    ).one()
    days = _days(work, weight.group_id)
    state = state_at(Standing(*row), days, work.now)
    if row.state == "ignored" and state != "ignored":
        work.about("admin_error_groups", weight.group_id)
    top = max(money, key=lambda each: (each["arr_cents"] + _cost(each), each["currency"]), default=None)
    values: dict[str, Any] = {
        "state": state,
        "people": weight.people,
        "couples": weight.couples,
        "trend": " ".join(map(str, trend(days, work.now.date()))),
        "counted_at": work.now,
        "currency": top["currency"] if top else "USD",
        "arr_cents": top["arr_cents"] if top else 0,
        "cost_cents": _cost(top) if top else 0,
    }
    # Somebody may have resolved or ignored it since it was read: their word stands.
    still = and_(group.id == weight.group_id, group.state == row.state)
    work.session.execute(update(table).where(still).values(values))  # type: ignore[arg-type]


def _cost(money: Mapping[str, Any]) -> int:
    return int(money["failed_cents"] + money["refund_cents"])


def _days(work: Work, group_id: str) -> Mapping[date, int]:
    since = work.now.date() - timedelta(days=31)
    return {
        row.day: row.errors
        for row in work.session.execute(
            select(ErrorDay.day, ErrorDay.errors).where(ErrorDay.group_id == group_id, ErrorDay.day >= since)
        )
    }


def _mrr(view: View, group_id: str) -> list[tuple[str, int, int]]:
    """By currency: the couples that pay, and what they pay in a year by the house policy, as of now."""
    hit, entry = ErrorSufferer, SubscriptionChange
    couples = (
        select(hit.relationship_id)
        .where(hit.group_id == group_id, hit.relationship_id != "")
        .distinct()
        .subquery()
    )
    worth = counted(HOUSE)
    rows = view.session.execute(
        select(entry.currency, func.count(entry.relationship_id.distinct()), func.sum(worth))
        .select_from(couples)
        .join(entry, entry.relationship_id == couples.c.relationship_id)
        .where(entry.effective_at <= view.now, _is_newest(view.now), worth > 0)
        .group_by(entry.currency)
    )
    return [(currency, number, int(arr or 0)) for currency, number, arr in rows]


def _is_newest(now: datetime) -> ColumnElement[bool]:
    return or_(SubscriptionChange.superseded_at.is_(None), SubscriptionChange.superseded_at > now)


def _money(work: Work, weight: Weight) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: dict.fromkeys(
            ("couples", "arr_cents", "failed_payments", "failed_cents", "refund_requests", "refund_cents"), 0
        )
    )
    for currency, couples, arr_cents in weight.mrr:
        found[currency] |= {"couples": couples, "arr_cents": arr_cents}
    after, payment, refund = ErrorAftermath, Payment, Refund
    in_currency = func.upper(func.coalesce(payment.currency, "USD"))
    failed = (
        select(in_currency, func.count(), func.sum(payment.amount_cents))
        .join(after, and_(after.object_id == payment.id, after.object_type == PAYMENT))
        .where(after.group_id == weight.group_id, payment.status == "failed")
        .group_by(in_currency)
    )
    asked = (
        select(in_currency, func.count(), func.sum(refund.refund_amount_cents))
        .join(after, and_(after.object_id == refund.id, after.object_type == REFUND))
        .join(payment, payment.id == refund.transaction_id)
        .where(after.group_id == weight.group_id, refund.status != "denied")
        .group_by(in_currency)
    )
    for code, number, cents in work.session.execute(failed):
        found[code] |= {"failed_payments": number, "failed_cents": int(cents)}
    for code, number, cents in work.session.execute(asked):
        found[code] |= {"refund_requests": number, "refund_cents": int(cents)}
    return [
        {"group_id": weight.group_id, "currency": code} | values for code, values in sorted(found.items())
    ]


def _aftermath(view: View, group_id: str) -> list[dict[str, Any]]:
    """What people did within 48 hours after they ran into the group, as far as it is not noted yet."""
    last = view.session.scalar(select(func.max(ErrorAftermath.at)).where(ErrorAftermath.group_id == group_id))
    hit = (
        select(
            ErrorSufferer.user_id,
            func.min(ErrorSufferer.first_seen).label("first_seen"),
            func.max(ErrorSufferer.last_seen).label("last_seen"),
        )
        .where(ErrorSufferer.group_id == group_id, ErrorSufferer.user_id != "")
        .group_by(ErrorSufferer.user_id)
        .subquery()
    )
    since = last - WITHIN - _LATE if last else None
    found = [
        *_candidates(view, group_id, hit, Payment, Payment.created_at, PAYMENT, since),
        *_candidates(view, group_id, hit, Refund, Refund.requested_at, REFUND, since),
    ]
    seen = _seen(view, group_id, {row["user_id"] for row in found})
    return [
        {"group_id": group_id, "seen_at": before} | row
        for row in found
        if (before := _last_before(seen[row["user_id"]], row["at"])) is not None
    ]


def _candidates(
    view: View, group_id: str, hit: Subquery, model: Any, moment: Any, kind: str, since: datetime | None
) -> Iterable[dict[str, Any]]:
    """What people who ran into the group did after the first time and not long after the last."""
    after, at = ErrorAftermath, sortable(moment)
    noted = (
        select(after.object_id)
        .where(after.group_id == group_id, after.object_type == kind, after.object_id == model.id)
        .exists()
    )
    statement = (
        select(model.id, model.user_id, at.label("at"), hit.c.last_seen)
        .join(hit, hit.c.user_id == model.user_id)
        .where(at >= hit.c.first_seen, at <= view.now, ~noted)
    )
    if since is not None:
        statement = statement.where(at >= since)
    for row in view.session.execute(statement):
        if row.at <= row.last_seen + WITHIN:
            yield {"object_type": kind, "object_id": row.id, "user_id": row.user_id, "at": row.at}


def _seen(view: View, group_id: str, people: set[str]) -> Mapping[str, list[datetime]]:
    """When each of these people ran into the group, in order."""
    found: dict[str, list[datetime]] = defaultdict(list)
    asked = sorted(people)
    for start in range(0, len(asked), _PEOPLE_AT_ONCE):
        rows = view.session.execute(
            select(ErrorLog.user_id, ErrorOccurrence.seen_at)
            .join(ErrorOccurrence, ErrorOccurrence.error_id == ErrorLog.id)
            .where(
                ErrorLog.user_id.in_(asked[start : start + _PEOPLE_AT_ONCE]),
                ErrorOccurrence.group_id == group_id,
            )
            .order_by(ErrorOccurrence.seen_at)
        )
        for user, moment in rows:
            found[user or ""].append(moment)
    return found


def _last_before(seen: Sequence[datetime], at: datetime) -> datetime | None:
    """The last of some moments, in order, that lies at most 48 hours before another; None if none does."""
    place = bisect_right(seen, at)
    return seen[place - 1] if place and at - seen[place - 1] <= WITHIN else None
