"""The sums that the statistics of an A/B test stand on, from its assignments and payments: two statements.

A unit is in the arm that it was first put into, whatever came later; a couple that was seen in several arms
is marked. From that moment on its payments count:

    conversion   a payment that went through within 30 days
    revenue      payments of 30 days in US dollars, less what was paid back of them since
    before       the same for the 30 days before
    kept money   the same for 65 days, of units whose 65 days are over: the first monthly renewal, and the
                 days in which it is tried again, are behind them; `renewed` paid for a subscription twice
    refunded     something was paid back of a payment of the 30 days
    erred        the app noted an error of theirs within the 30 days
    churned      of those with a subscription in the 30 days: it was cancelled in them

Segments: `plan` is that of the couple's newest subscription, `device` that of the session in which it was
put into the arm or else of its first visit, `arrival` says whether it signed up at most a day before.
Who has no couple yet is a unit of one, `unpaired`; a visitor without an account is none.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from lib.metrics.cohort_rows import CURRENCY, EARNING
from lib.metrics.spans import utc_day
from lib.metrics.stats.samples import Unit
from lib.models import (
    Assignment,
    ErrorLog,
    Payment,
    Refund,
    Relationship,
    Subscription,
    SubscriptionPlan,
    UserSession,
    Variant,
    sortable,
)
from lib.models.experiments import CELL_KEY, CELL_SUMS
from lib.models.expressions import moved
from lib.models.types import TotalCents

WINDOW_DAYS: Final = 30
KEPT_DAYS: Final = 65
UNITS: Final[tuple[Unit, ...]] = ("couple", "user")
_WENT_THROUGH: Final = ("succeeded", "refunded")
_MONEY: Final = (
    "paid",
    "cents",
    "before_cents",
    "kept_cents",
    "renewed",
    "refunded",
    "other_currency",
)
_DAY_SUMS: Final = ("units", "claimed", "conversions", "cents")


@dataclass(frozen=True, slots=True)
class Summed:
    """A test's cells and days for one unit, as columns of `ExperimentCell` and `ExperimentDay`."""

    unit: Unit
    cells: list[dict[str, Any]]
    days: list[dict[str, Any]]


def sums(session: Session, test_name: str, unit: Unit, now: datetime) -> Summed:
    """Sum a test up for one unit. One statement over its assignments; nothing is written."""
    cells: dict[tuple[Any, ...], dict[str, Any]] = {}
    days: dict[tuple[str, date], dict[str, Any]] = {}
    for row in session.execute(_by_cell(test_name, unit, now)).mappings():
        found = {name: int(row[name]) for name in CELL_SUMS}
        key = {"unit": unit, **{name: row[name] for name in CELL_KEY if name != "unit"}}
        key["contaminated"] = bool(key["contaminated"])
        _add(cells.setdefault(tuple(key.values()), key), found)
        when = {"unit": unit, "variant_id": row["variant_id"], "day": row["day"]}
        _add(days.setdefault((row["variant_id"], row["day"]), when), {n: found[n] for n in _DAY_SUMS})
    return Summed(unit, list(cells.values()), list(days.values()))


def _add(into: dict[str, Any], found: dict[str, int]) -> None:
    for name, number in found.items():
        into[name] = into.get(name, 0) + number


def first_seen(test_name: str, unit: Unit, now: datetime) -> Select[Any]:
    """Each unit of a test, in the arm that it was first put into. The rows behind every figure.

    Columns: unit, couple, variant_id, user_id, session_id, at, claimed, contaminated (0 or 1), first_user.
    """
    assigned, couple = Assignment, func.coalesce(Assignment.relationship_id, Assignment.user_id)
    counted = couple if unit == "couple" else assigned.user_id
    at = sortable(assigned.assigned_at)
    seen = (
        select(
            counted.label("unit"),
            couple.label("couple"),
            assigned.variant_id,
            assigned.user_id,
            assigned.session_id,
            at.label("at"),
            func.max(case((assigned.converted.is_(True), 1), else_=0))
            .over(partition_by=counted)
            .label("claimed"),
            case(
                (
                    func.min(assigned.variant_id).over(partition_by=couple)
                    != func.max(assigned.variant_id).over(partition_by=couple),
                    1,
                ),
                else_=0,
            ).label("contaminated"),
            func.row_number().over(partition_by=counted, order_by=(at, assigned.id)).label("nth"),
        )
        .join(Variant, and_(Variant.id == assigned.variant_id, Variant.test_name == assigned.test_name))
        .where(assigned.test_name == test_name, counted.is_not(None), at <= now)
        .subquery("seen")
    )
    return select(*(column for column in seen.c if column.name != "nth")).where(seen.c.nth == 1)


def _by_cell(test_name: str, unit: Unit, now: datetime) -> Select[Any]:
    units = first_seen(test_name, unit, now).cte("units")
    return _cells(_by_couple(_each(_money(units, unit, test_name), unit, now)))


def _money(units: CTE, unit: Unit, test_name: str) -> CTE:
    """Each unit with what it paid, by the time that it was paid in.

    Every unit is among the rows that are grouped, with nothing: SQLite has no index to join groups by.
    """
    nothing = select(
        *units.c,
        units.c.at.label("moment"),
        cast(literal(""), Text).label("kind"),
        cast(literal(0), Integer).label("amount"),
        cast(literal(CURRENCY), Text).label("currency"),
        cast(literal(0), Integer).label("back"),
    )
    paid = union_all(nothing, *_payments(units, unit, test_name)).subquery("paid")
    ours = paid.c.currency == CURRENCY
    net = paid.c.amount - paid.c.back
    during = paid.c.moment.between(paid.c.at, moved(paid.c.at, WINDOW_DAYS))
    before = and_(paid.c.moment < paid.c.at, paid.c.moment >= moved(paid.c.at, -WINDOW_DAYS))
    later = paid.c.moment.between(paid.c.at, moved(paid.c.at, KEPT_DAYS))
    subscribed = and_(later, paid.c.kind == "subscription", paid.c.amount > 0)
    own = [paid.c[column.name] for column in units.c]
    return (
        select(
            *own,
            _any(and_(during, paid.c.amount > 0)).label("paid"),
            _total(net, during, ours).label("cents"),
            _total(net, before, ours).label("before_cents"),
            _total(net, later, ours).label("kept_cents"),
            case((func.sum(case((subscribed, 1), else_=0)) >= 2, 1), else_=0).label("renewed"),
            _any(and_(during, paid.c.back > 0)).label("refunded"),
            _any(and_(during, ~ours)).label("other_currency"),
        )
        .group_by(*own)
        .cte("money")
    )


def _payments(units: CTE, unit: Unit, test_name: str) -> list[Select[Any]]:
    """Payments of the units; where one names no couple, whoever paid it says whose it is."""
    payer = Payment.relationship_id == units.c.unit if unit == "couple" else Payment.user_id == units.c.unit
    own = _paid(units).join(Payment, payer)
    if unit == "user":
        return [own]
    members = (
        select(
            func.coalesce(Assignment.relationship_id, Assignment.user_id).label("couple"), Assignment.user_id
        )
        .where(Assignment.test_name == test_name, Assignment.user_id.is_not(None))
        .distinct()
        .subquery("members")
    )
    nameless = (
        _paid(units)
        .join(members, members.c.couple == units.c.unit)
        .join(Payment, and_(Payment.user_id == members.c.user_id, Payment.relationship_id.is_(None)))
    )
    return [own, nameless]


def _paid(units: CTE) -> Select[Any]:
    back = (
        select(func.sum(Refund.refund_amount_cents))
        .where(Refund.transaction_id == Payment.id, Refund.status == "processed")
        .correlate(Payment)
        .scalar_subquery()
    )
    refunded, noted = func.coalesce(back, 0), func.coalesce(Payment.refund_amount_cents, 0)
    return (
        select(
            *units.c,
            func.coalesce(sortable(Payment.processed_at), sortable(Payment.created_at)).label("moment"),
            Payment.transaction_type.label("kind"),
            Payment.amount_cents.label("amount"),
            func.upper(func.coalesce(Payment.currency, CURRENCY)).label("currency"),
            # Rows and the payment's own total agree, but for what was refunded before rows were written.
            case((refunded > noted, refunded), else_=noted).label("back"),
        )
        .select_from(units)
        .where(Payment.status.in_(_WENT_THROUGH), Payment.transaction_type.in_(EARNING))
    )


def _each(units: CTE, unit: Unit, now: datetime) -> CTE:
    """One row for each unit with its money, and all else that is summed of it."""
    ends = moved(units.c.at, WINDOW_DAYS)
    pays = Subscription.relationship_id == units.c.couple
    begun = and_(pays, sortable(Subscription.created_at) < ends)
    cancelled = and_(begun, sortable(Subscription.canceled_at).between(units.c.at, ends))
    return select(
        units.c.variant_id,
        units.c.couple,
        units.c.contaminated,
        utc_day(units.c.at).label("day"),
        func.coalesce(_plan(units), "none").label("plan"),
        func.coalesce(_device(units), "unknown").label("device"),
        _arrival(units).label("arrival"),
        units.c.claimed,
        case((ends <= now, 1), else_=0).label("over"),
        case((moved(units.c.at, KEPT_DAYS) <= now, 1), else_=0).label("kept"),
        *(units.c[name] for name in _MONEY),
        _holds(begun).label("subscribed"),
        _holds(cancelled).label("churned"),
        case((_erred(units, unit), 1), else_=0).label("erred"),
    ).cte("each_unit")


def _erred(units: CTE, unit: Unit) -> ColumnElement[bool]:
    """Whether the app noted an error of the couple, or of either partner. Each part has its index."""
    then = sortable(ErrorLog.created_at).between(units.c.at, moved(units.c.at, WINDOW_DAYS))
    own = exists().where(ErrorLog.user_id == units.c.user_id, then)
    if unit == "user":
        return own
    partners = (Relationship.user_1_id, Relationship.user_2_id)
    of_either = exists().where(Relationship.id == units.c.couple, ErrorLog.user_id.in_(partners), then)
    return or_(own, exists().where(ErrorLog.relationship_id == units.c.couple, then), of_either)


def _plan(units: CTE) -> ColumnElement[str | None]:
    return (
        select(SubscriptionPlan.plan_name)
        .join(Subscription, Subscription.plan_id == SubscriptionPlan.id)
        .where(Subscription.relationship_id == units.c.couple)
        .order_by(sortable(Subscription.created_at).desc(), Subscription.id.desc())
        .limit(1)
        .correlate(units)
        .scalar_subquery()
    )


def _device(units: CTE) -> ColumnElement[str | None]:
    then = select(UserSession.device_type).where(UserSession.id == units.c.session_id)
    first = (
        select(UserSession.device_type)
        .where(UserSession.user_id == units.c.user_id)
        .order_by(sortable(UserSession.session_start), UserSession.id)
        .limit(1)
    )
    return func.coalesce(then.correlate(units).scalar_subquery(), first.correlate(units).scalar_subquery())


def _arrival(units: CTE) -> ColumnElement[str]:
    signed_up = (
        select(sortable(Relationship.created_at))
        .where(Relationship.id == units.c.couple)
        .correlate(units)
        .scalar_subquery()
    )
    return case((signed_up.is_(None), "unpaired"), (signed_up >= moved(units.c.at, -1), "new"), else_="old")


def _by_couple(each: CTE) -> CTE:
    """The units of one couple in one arm together; as a couple is one unit, its own row where those count."""
    e = each.c
    kept, kept_cents = e.kept, e.kept * e.kept_cents
    summed = {
        "units": 1,
        "claimed": e.claimed,
        "conversions": e.paid,
        "cents": e.cents,
        "squares": _wide(e.cents) * e.cents,
        "before_cents": e.before_cents,
        "before_squares": _wide(e.before_cents) * e.before_cents,
        "before_cross": _wide(e.before_cents) * e.cents,
        "before_conversions": e.before_cents * e.paid,
        "before_claimed": e.before_cents * e.claimed,
        "over": e.over,
        "kept_units": kept,
        "kept_paid": case((kept_cents > 0, 1), else_=0),
        "kept_cents": kept_cents,
        "kept_squares": _wide(kept_cents) * kept_cents,
        "renewed": kept * e.renewed,
        "refunded": e.refunded,
        "erred": e.erred,
        "subscribed": e.subscribed,
        "churned": e.churned,
        "other_currency": e.other_currency,
        "negative": case((e.cents < 0, 1), else_=0),
    }
    return (
        select(
            e.variant_id,
            e.contaminated,
            e.plan,
            func.min(e.device).label("device"),
            func.min(e.arrival).label("arrival"),
            func.min(e.day).label("day"),
            *(func.sum(value).label(name) for name, value in summed.items()),
        )
        .group_by(e.variant_id, e.couple, e.contaminated, e.plan)
        .cte("by_couple")
    )


def _cells(grouped: CTE) -> Select[Any]:
    g = grouped.c
    key = [*(g[name] for name in CELL_KEY if name != "unit"), g.day]
    of_couples = {
        "clusters": cast(1, Integer),
        "users_squared": _wide(g.units) * g.units,
        "conversions_squared": _wide(g.conversions) * g.conversions,
        "users_by_conversions": _wide(g.units) * g.conversions,
        "claimed_squared": _wide(g.claimed) * g.claimed,
        "users_by_claimed": _wide(g.units) * g.claimed,
        "cents_squared": _wide(g.cents) * g.cents,
        "users_by_cents": _wide(g.units) * g.cents,
    }
    summed = {name: g[name] for name in CELL_SUMS if name not in of_couples} | of_couples
    return select(*key, *(func.sum(value).label(name) for name, value in summed.items())).group_by(*key)


def _wide(value: Any) -> ColumnElement[int]:
    """As a whole number of 64 bits: cents squared outgrow 32."""
    return cast(value, TotalCents)


def _any(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.max(case((condition, 1), else_=0))


def _total(cents: ColumnElement[int], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((and_(*conditions), cents), else_=0))


def _holds(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((exists().where(condition), 1), else_=0)
