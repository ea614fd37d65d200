"""The statements that fill `admin_cohort_couples` and `admin_cohort_months`, one month at a time.

The database works by itself: half a million couples pass through no Python. A cohort is the couples that
first paid in one month; its rows are what changed in each month since, from the movements of couples (what
recurs) and from payments and refunds (what came in).
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Delete,
    Insert,
    Select,
    SQLColumnExpression,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from lib.core.moments import month_bounds, next_month
from lib.metrics.policies import Policy
from lib.models import (
    CohortCouple,
    CohortMember,
    CohortMonth,
    CoupleMove,
    Payment,
    Refund,
    SubscriptionChange,
    sortable,
)
from lib.models.types import Day, Moment

CURRENCY: Final = "USD"
"""What a payment is in where it does not say."""
EARNING: Final = ("subscription", "credits", "add_on", "box", "coaching", "gift")
_KEY: Final = (
    CohortCouple.policy,
    CohortCouple.currency,
    CohortCouple.cohort,
    CohortCouple.plan_id,
    CohortCouple.joined_via,
)
_SUMS: Final = (
    "joined_couples",
    "opening_arr_cents",
    "couples_change",
    "arr_change_cents",
    "paid_cents",
    "refunded_cents",
)


def moves(policy: Policy, since: date, until: date) -> CTE:
    """The movements of couples from `since` to `until` under a policy: the one place that reads them.

    Columns: day, currency, relationship_id, movement, before_arr_cents, after_arr_cents, seq.
    """
    moved = CoupleMove
    return (
        select(
            moved.day,
            moved.currency,
            moved.relationship_id,
            moved.movement,
            moved.before_arr_cents,
            moved.after_arr_cents,
            moved.seq,
        )
        .where(_under(policy), moved.day.between(since, until))
        .cte(f"moves_{policy.name}")
    )


def first_move(policy: Policy) -> Select[date]:
    """The day of the first movement under a policy."""
    return select(func.min(CoupleMove.day)).where(_under(policy))


def _under(policy: Policy) -> ColumnElement[bool]:
    return CoupleMove.policies.op("&")(policy.bit) != 0


def last_day(month: date) -> date:
    """The last day of the month that begins on `month`."""
    return next_month(month) - timedelta(days=1)


def forget(month: date, policy: Policy) -> Iterator[Delete]:
    """Take away what is stored of a month and of all after it."""
    for table, day in ((CohortCouple, CohortCouple.cohort), (CohortMonth, CohortMonth.month)):
        yield delete(table).where(table.policy == policy.name, day >= month)


def couples(month: date, policy: Policy) -> Insert:
    """Put the couples that first paid in a month into its cohort."""
    every = moves(policy, month, last_day(month))
    couple = (every.c.relationship_id, every.c.currency)
    # By the amounts as well: a policy may call all that a couple does in its first month new.
    arrivals = (
        select(*every.c, func.row_number().over(partition_by=couple, order_by=every.c.day).label("nth"))
        .where(every.c.movement == "new", every.c.before_arr_cents == 0)
        .cte("arrivals")
    )
    moved = select(arrivals).where(arrivals.c.nth == 1).cte("firsts")
    found = select(
        moved.c.relationship_id,
        moved.c.currency,
        literal(policy.name).label("policy"),
        literal(month, Day()).label("cohort"),
        moved.c.day.label("joined_on"),
        moved.c.after_arr_cents.label("opening_arr_cents"),
        func.coalesce(_plan(moved), "").label("plan_id"),
        func.coalesce(_joined_via(moved), "").label("joined_via"),
    )
    return _filling(CohortCouple, found)


def changes(month: date, policies: Collection[Policy], computed_at: datetime) -> Insert:
    """Write what changed in a month, for every part of every cohort up to it, under several policies.

    The months before must be there, and the couples of the month itself. All policies have their days in the
    same zone, which decides in which month money came.
    """
    names, zone = [policy.name for policy in policies], next(iter(policies)).zone
    parts = union_all(
        _joined(month, names),
        *(_moved(month, policy) for policy in policies),
        *_paid(month, names, zone),
        *_refunded(month, names, zone),
        _nothing(month, names),
    ).subquery("parts")
    key = [parts.c[column.key] for column in _KEY]
    found = select(
        *key,
        literal(month, Day()).label("month"),
        *(func.sum(parts.c[name]).label(name) for name in _SUMS),
        literal(computed_at, Moment()).label("computed_at"),
    ).group_by(*key)
    return _filling(CohortMonth, found)


def _filling(table: Any, found: Select[*tuple[Any, ...]]) -> Insert:
    return insert(table).from_select([column.name for column in found.selected_columns], found)


def _plan(moved: CTE) -> Any:
    """The plan of the couple's last entry in the ledger on the day of a movement."""
    entry = SubscriptionChange
    return select(entry.plan_id).where(entry.seq == moved.c.seq).correlate(moved).scalar_subquery()


def _joined_via(moved: CTE) -> Any:
    """How a couple came to the app: what it noted of the partner who came first."""
    member = CohortMember
    return (
        select(member.joined_via)
        .where(member.relationship_id == moved.c.relationship_id, member.joined_via.is_not(None))
        .order_by(member.cohort_date, member.id)
        .limit(1)
        .correlate(moved)
        .scalar_subquery()
    )


def _sums(**given: Any) -> Iterator[SQLColumnExpression[Any]]:
    """A column for each sum, 0 for those that are not given."""
    for name in _SUMS:
        yield (given[name] if name in given else literal(0)).label(name)


def _joined(month: date, policies: Sequence[str]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            *_KEY,
            *_sums(joined_couples=func.count(), opening_arr_cents=func.sum(CohortCouple.opening_arr_cents)),
        )
        .where(CohortCouple.policy.in_(policies), CohortCouple.cohort == month)
        .group_by(*_KEY)
    )


def _moved(month: date, policy: Policy) -> Select[*tuple[Any, ...]]:
    moved = moves(policy, month, last_day(month))
    direction = case((moved.c.before_arr_cents == 0, 1), (moved.c.after_arr_cents == 0, -1), else_=0)
    couple = (moved.c.relationship_id, moved.c.currency)
    # Summed before they are joined, as payments are.
    sums = (
        select(
            *couple,
            func.sum(direction).label("couples"),
            func.sum(moved.c.after_arr_cents - moved.c.before_arr_cents).label("arr_cents"),
        )
        .group_by(*couple)
        .subquery()
    )
    return (
        select(
            *_KEY,
            *_sums(couples_change=func.sum(sums.c.couples), arr_change_cents=func.sum(sums.c.arr_cents)),
        )
        .select_from(sums)
        .join(
            CohortCouple,
            (CohortCouple.relationship_id == sums.c.relationship_id)
            & (CohortCouple.currency == sums.c.currency)
            & (CohortCouple.policy == policy.name),
        )
        .group_by(*_KEY)
    )


def _paid(month: date, policies: Sequence[str], zone: str) -> Iterator[Select[*tuple[Any, ...]]]:
    """Payments that went through: in the month by older cohorts; up to its end by its own."""
    end = month_bounds(month, zone)[1]
    went_through = (
        Payment.status.in_(("succeeded", "refunded")),
        Payment.transaction_type.in_(EARNING),
    )
    yield _of_older_cohorts(
        month,
        policies,
        "paid_cents",
        _by_couple(Payment.amount_cents).where(*went_through, _in_month(Payment.created_at, month, zone)),
    )
    yield (
        _own(month, policies, paid_cents=func.sum(Payment.amount_cents))
        .join(Payment, Payment.relationship_id == CohortCouple.relationship_id)
        .where(
            *went_through,
            _currency(Payment) == CohortCouple.currency,
            _moment(Payment.created_at, zone) < end,
        )
    )


def _refunded(month: date, policies: Sequence[str], zone: str) -> Iterator[Select[*tuple[Any, ...]]]:
    """What Stripe paid back, by the day it did, as `_paid` has what came in."""
    end = month_bounds(month, zone)[1]
    paid_back = Refund.status == "processed"
    yield _of_older_cohorts(
        month,
        policies,
        "refunded_cents",
        _by_couple(Refund.refund_amount_cents)
        .join(Refund, Refund.transaction_id == Payment.id)
        .where(paid_back, _in_month(Refund.processed_at, month, zone)),
    )
    yield (
        _own(month, policies, refunded_cents=func.sum(Refund.refund_amount_cents))
        .join(Payment, Payment.relationship_id == CohortCouple.relationship_id)
        .join(Refund, Refund.transaction_id == Payment.id)
        .where(
            paid_back, _currency(Payment) == CohortCouple.currency, _moment(Refund.processed_at, zone) < end
        )
    )


def _by_couple(amount: Any) -> Select[*tuple[Any, ...]]:
    """Sums by couple and currency, made before they are joined: so a month's days decide what is read."""
    return (
        select(
            Payment.relationship_id.label("relationship_id"),
            _currency(Payment).label("currency"),
            func.sum(amount).label("cents"),
        )
        .select_from(Payment)
        .where(Payment.relationship_id.is_not(None))
        .group_by(Payment.relationship_id, _currency(Payment))
    )


def _of_older_cohorts(
    month: date, policies: Sequence[str], name: str, by_couple: Select[*tuple[Any, ...]]
) -> Select[*tuple[Any, ...]]:
    sums = by_couple.subquery()
    return (
        select(*_KEY, *_sums(**{name: func.sum(sums.c.cents)}))
        .select_from(sums)
        .join(
            CohortCouple,
            (CohortCouple.relationship_id == sums.c.relationship_id)
            & (CohortCouple.currency == sums.c.currency)
            & CohortCouple.policy.in_(policies),
        )
        .where(CohortCouple.cohort < month)
        .group_by(*_KEY)
    )


def _own(month: date, policies: Sequence[str], **sums: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(*_KEY, *_sums(**sums))
        .select_from(CohortCouple)
        .where(CohortCouple.policy.in_(policies), CohortCouple.cohort == month)
        .group_by(*_KEY)
    )


def _nothing(month: date, policies: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """Every part of an older cohort, so that a month in which nothing happened to it has a row too."""
    first = aliased(CohortMonth, name="first_month")
    return select(
        first.policy, first.currency, first.cohort, first.plan_id, first.joined_via, *_sums()
    ).where(first.policy.in_(policies), first.cohort < month, first.month == first.cohort)


def _currency(payment: Any) -> Any:
    # Written out: PostgreSQL does not see that two parameters are the same, and groups by this.
    return func.upper(func.coalesce(payment.currency, literal_column(f"'{CURRENCY}'")))


def _moment(column: Any, zone: str) -> Any:
    """A Moment to compare with where a month of a zone begins or ends.

    Away from the midnights of UTC the plain column compares wrongly in one of its two text forms.
    """
    return column if zone == "UTC" else sortable(column)


def _in_month(column: Any, month: date, zone: str) -> ColumnElement[bool]:
    start, end = month_bounds(month, zone)
    return and_(_moment(column, zone) >= start, _moment(column, zone) < end)
