"""Whom a group of errors hit: its errors, the people, where it happened, what came of it, running tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from lib.core.access import Permission
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.work import View, query
from lib.models import (
    Assignment,
    ErrorAftermath,
    ErrorFacet,
    ErrorLog,
    ErrorOccurrence,
    ErrorSufferer,
    Payment,
    Refund,
    Variant,
    sortable,
)

FACETS: Final[Mapping[str, str]] = {"page": "Pages", "device": "Devices", "browser": "Browsers"}
FACET_COLUMNS: Final = (
    Column("value", "Where"),
    Column("errors", "Errors", "count"),
    Column("share", "Share", "percent"),
)
ARM_COLUMNS: Final = (
    Column("test_name", "Test"),
    Column("arm", "Arm"),
    Column("people", "People hit", "count"),
    Column("share", "Share of those hit", "percent"),
    Column("traffic_percentage", "Planned share, %", "count"),
)
_PLACES: Final = 12
_SHOWN: Final = 120
_OF_REFUND = aliased(Payment, name="of_refund")


@listing(
    Permission.ERRORS_READ,
    columns=(
        Column("seen_at", "When", "moment"),
        Column("severity", "Severity", "status"),
        Column("error_message", "Message"),
        Column("page_url", "Page"),
        Column("relationship_id", "Couple", "id"),
        Column("user_id", "Person", "id"),
        Column("resolved", "Resolved", "flag"),
        Column("id", "Error", "id"),
    ),
)
def occurrences(*, group_id: str = "") -> AnySelect:
    """The errors of a group that production still has, the newest first. A long message is cut."""
    log, seen = ErrorLog, ErrorOccurrence
    return (
        select(
            log.id,
            seen.seen_at,
            log.severity,
            func.substr(log.error_message, 1, _SHOWN, type_=log.error_message.type).label("error_message"),
            log.page_url,
            log.relationship_id,
            log.user_id,
            log.resolved,
        )
        .select_from(seen)
        .join(log, log.id == seen.error_id)
        .where(seen.group_id == group_id)
        .order_by(seen.seen_at.desc(), seen.error_id.desc())
    )


@listing(
    Permission.ERRORS_READ,
    columns=(
        Column("user_id", "Person", "id"),
        Column("relationship_id", "Couple", "id"),
        Column("errors", "Errors", "count"),
        Column("first_seen", "First", "moment"),
        Column("last_seen", "Last", "moment"),
    ),
)
def people(*, group_id: str = "") -> AnySelect:
    """Who ran into a group, in the order of their ids."""
    hit = ErrorSufferer
    return (
        select(hit.user_id, hit.relationship_id, hit.errors, hit.first_seen, hit.last_seen)
        .where(hit.group_id == group_id)
        .order_by(hit.group_id, hit.user_id, hit.relationship_id)
    )


@listing(
    Permission.ERRORS_READ,
    columns=(
        Column("at", "When", "moment"),
        Column("object_type", "What", "table"),
        Column("status", "State", "status"),
        Column("cents", "Amount", "money"),
        Column("seen_at", "Ran into it", "moment"),
        Column("user_id", "Person", "id"),
        Column("object_id", "Id", "id"),
    ),
)
def aftermath(*, group_id: str = "", costs: bool | None = None) -> AnySelect:
    """What the same people paid or asked back within 48 hours after they ran into a group, newest first.

    With `costs` only payments that failed and refunds that were not denied.
    """
    after, payment, refund, paid = ErrorAftermath, Payment, Refund, _OF_REFUND
    statement = (
        select(
            after.at,
            after.object_type,
            func.coalesce(payment.status, refund.status).label("status"),
            func.coalesce(payment.amount_cents, refund.refund_amount_cents).label("cents"),
            func.upper(func.coalesce(payment.currency, paid.currency, "USD")).label("currency"),
            after.seen_at,
            after.user_id,
            after.object_id,
        )
        .select_from(after)
        .outerjoin(payment, and_(payment.id == after.object_id, after.object_type == "payment_transactions"))
        .outerjoin(refund, and_(refund.id == after.object_id, after.object_type == "refunds"))
        .outerjoin(paid, paid.id == refund.transaction_id)
        .where(after.group_id == group_id)
        .order_by(after.at.desc(), after.object_id.desc())
    )
    if costs:
        statement = statement.where(or_(payment.status == "failed", refund.status != "denied"))
    return statement


@dataclass(frozen=True, slots=True)
class Place:
    """One page, device or browser, and how many of the group's errors came there."""

    value: str
    errors: int
    share: float


@query(Permission.ERRORS_READ)
def facets(view: View, group_id: str) -> Mapping[str, Sequence[Place]]:
    """Pages, devices and browsers of a group, each with the twelve that have the most errors."""
    facet = ErrorFacet
    rows = view.session.execute(
        select(facet.kind, facet.value, facet.errors)
        .where(facet.group_id == group_id, facet.kind.in_(FACETS))
        .order_by(facet.errors.desc(), facet.value)
    ).all()
    found: dict[str, list[Place]] = {}
    for kind in FACETS:
        of_kind = [row for row in rows if row.kind == kind]
        total = sum(row.errors for row in of_kind)
        found[kind] = [Place(row.value, row.errors, row.errors / total) for row in of_kind[:_PLACES]]
    return found


@dataclass(frozen=True, slots=True)
class HitArm:
    """An arm of a running test with the people of it who ran into the group."""

    test_name: str
    arm: str
    people: int
    share: float
    traffic_percentage: int | None


@query(Permission.ERRORS_READ)
def arms(view: View, group_id: str) -> list[HitArm]:
    """The arms of running tests that the people who ran into a group are in, by test.

    `share` is of the people hit who are in the test. An arm with far more than its planned share may be what
    brings the error about.
    """
    arm, put = Variant, Assignment
    hit = select(ErrorSufferer.user_id).where(ErrorSufferer.group_id == group_id, ErrorSufferer.user_id != "")
    running = and_(
        arm.is_active.is_(True),
        sortable(arm.start_date) <= view.now,
        or_(arm.end_date.is_(None), sortable(arm.end_date) > view.now),
    )
    rows: Sequence[AnyRow] = view.session.execute(
        select(
            arm.test_name,
            arm.variant_name,
            func.count(put.user_id.distinct()).label("people"),
            arm.traffic_percentage,
        )
        .select_from(put)
        .join(arm, arm.id == put.variant_id)
        .where(put.user_id.in_(hit), running)
        .group_by(arm.test_name, arm.variant_name, arm.traffic_percentage)
        .order_by(arm.test_name, arm.variant_name)
    ).all()
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.test_name] = totals.get(row.test_name, 0) + row.people
    return [
        HitArm(
            row.test_name,
            row.variant_name,
            row.people,
            row.people / totals[row.test_name],
            row.traffic_percentage,
        )
        for row in rows
    ]
