"""The work list of couples at risk: what is due within a week first, then by the money at stake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from lib.core import moments
from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnyRow, AnySelect, Column, listing
from lib.core.work import View, query
from lib.models import CoupleAtRisk, Relationship, RiskAnswer, User
from lib.services.at_risk.helping import Step, step_for
from lib.services.at_risk.reasons import REASONS, WHY

_FIRST, _SECOND = aliased(User, name="first_partner"), aliased(User, name="second_partner")

COLUMNS: Final = (
    Column("partner_1", "Partner"),
    Column("partner_2", "Partner 2"),
    Column("reason", "Why", "status"),
    Column("mrr_cents", "MRR at stake", "money"),
    Column("due_at", "Decided at", "moment"),
    Column("since", "Known since", "moment"),
    Column("urgent", "Within a week", "flag"),
    Column("arr_cents", "Annualised", "money"),
    Column("relationship_id", "Couple", "id"),
)
STAKE_COLUMNS: Final = (
    Column("reason", "Why", "status"),
    Column("couples", "Couples", "count"),
    Column("mrr_cents", "MRR at stake", "money"),
    Column("urgent", "Within a week", "count"),
)
ANSWER_COLUMNS: Final = (
    Column("at", "When", "moment"),
    Column("kind", "What", "status"),
    Column("until", "Until", "moment"),
    Column("body", "Note"),
    Column("author_email", "By"),
    Column("ended_at", "Put back", "moment"),
)


@dataclass(frozen=True, slots=True)
class Stake:
    """What is open in one currency: couples, annualised cents at stake, and how many are due within a week.

    `reason` is None for the whole, in which a couple with several reasons counts once, with its largest
    amount.
    """

    reason: str | None
    currency: str
    couples: int
    arr_cents: int
    urgent: int

    @property
    def mrr_cents(self) -> int:
        """The monthly amount, rounded half up once."""
        return (self.arr_cents + 6) // 12


@dataclass(frozen=True, slots=True)
class Case:
    """One entry: the couple and why, what helps, and what was done about it, the newest first.

    `aside` is the answer that keeps it out of the list now, if one does.
    """

    id: str
    relationship_id: str
    subscription_id: str
    object_id: str
    partners: tuple[str | None, ...]
    person_ids: tuple[str, ...]
    reason: str
    why: str
    currency: str
    arr_cents: int
    mrr_cents: int
    since: datetime
    due_at: datetime | None
    before: int | None
    after: int | None
    computed_at: datetime
    steps: tuple[Step, ...]
    answers: Sequence[AnyRow]
    aside: AnyRow | None
    masked: bool


@listing(Permission.RISK_READ, columns=COLUMNS)
def at_risk(*, reason: str | None = None, aside: bool | None = None) -> AnySelect:
    """Couples that may stop paying, one row for each reason: what is due within a week first, then by money.

    With `aside` only those that somebody put aside or handled; else only the others. Raises Invalid for a
    reason that does not exist.
    """
    if reason is not None and reason not in REASONS:
        raise Invalid(f"Reasons are {', '.join(REASONS)}, not “{reason[:40]}”.")
    row = CoupleAtRisk
    hidden = _answer(moments.now()).exists()
    statement = _cases().where(hidden if aside else ~hidden)
    order = (row.urgent.desc(), row.arr_cents.desc(), row.id.desc())
    return statement.where(row.reason == reason).order_by(*order) if reason else statement.order_by(*order)


@query(Permission.RISK_READ)
def stakes(view: View) -> list[Stake]:
    """What is open: the whole of each currency, the largest first, then each reason of it. Two statements."""
    row = CoupleAtRisk
    open_rows = (
        select(
            row.relationship_id,
            row.reason,
            row.currency,
            row.arr_cents,
            case((row.urgent.is_(True), 1), else_=0).label("urgent"),
        )
        .where(~_answer(view.now).exists())
        .subquery()
    )
    each = (
        select(
            open_rows.c.currency,
            func.max(open_rows.c.arr_cents).label("arr_cents"),
            func.max(open_rows.c.urgent).label("urgent"),
        )
        .group_by(open_rows.c.relationship_id, open_rows.c.currency)
        .subquery()
    )
    whole = view.session.execute(
        select(each.c.currency, func.count(), func.sum(each.c.arr_cents), func.sum(each.c.urgent)).group_by(
            each.c.currency
        )
    )
    by_reason = view.session.execute(
        select(
            open_rows.c.reason,
            open_rows.c.currency,
            func.count(open_rows.c.relationship_id.distinct()),
            func.sum(open_rows.c.arr_cents),
            func.sum(open_rows.c.urgent),
        ).group_by(open_rows.c.reason, open_rows.c.currency)
    )
    found = [
        *(Stake(None, currency, couples, int(arr), int(urgent)) for currency, couples, arr, urgent in whole),
        *(
            Stake(reason, currency, couples, int(arr), int(urgent))
            for reason, currency, couples, arr, urgent in by_reason
        ),
    ]
    return sorted(found, key=lambda stake: (stake.reason is not None, -stake.arr_cents))


@query(Permission.RISK_READ)
def one(view: View, at_risk_id: str) -> Case:
    """One entry of the list; its couple counts as opened. Raises NotFound when the reason is gone."""
    people = view.session.execute(
        select(Relationship.user_1_id, Relationship.user_2_id)
        .join(CoupleAtRisk, CoupleAtRisk.relationship_id == Relationship.id)
        .where(CoupleAtRisk.id == at_risk_id)
    ).first()
    members = tuple(dict.fromkeys(people or ()))
    for key in members:
        view.note_opening("users", key)
    with view.revealing(members) as shown:
        found = view.session.execute(_cases().where(CoupleAtRisk.id == at_risk_id)).first()
    if found is None:
        raise NotFound("This is no longer on the list: what put the couple there is over.")
    answers = view.session.execute(
        select(
            RiskAnswer.id,
            RiskAnswer.at,
            RiskAnswer.kind,
            RiskAnswer.until,
            RiskAnswer.body,
            RiskAnswer.author_email,
            RiskAnswer.ended_at,
        )
        .where(RiskAnswer.at_risk_id == at_risk_id)
        .order_by(RiskAnswer.at.desc(), RiskAnswer.id.desc())
    ).all()
    return Case(
        id=found.id,
        relationship_id=found.relationship_id,
        subscription_id=found.subscription_id,
        object_id=found.object_id,
        partners=(found.partner_1, found.partner_2),
        person_ids=members,
        reason=found.reason,
        why=WHY[found.reason],
        currency=found.currency,
        arr_cents=found.arr_cents,
        mrr_cents=found.mrr_cents,
        since=found.since,
        due_at=found.due_at,
        before=found.before,
        after=found.after,
        computed_at=found.computed_at,
        steps=step_for(found.reason, has_payment=found.object_id != found.subscription_id),
        answers=answers,
        aside=next((answer for answer in answers if _hides(answer, found.since, view.now)), None),
        masked=not shown,
    )


def _cases() -> AnySelect:
    row = CoupleAtRisk
    return (
        select(
            row.id,
            row.relationship_id,
            row.subscription_id,
            row.object_id,
            _FIRST.name.label("partner_1"),
            _SECOND.name.label("partner_2"),
            row.reason,
            row.currency,
            row.arr_cents,
            ((row.arr_cents + 6) // 12).label("mrr_cents"),
            row.since,
            row.due_at,
            row.urgent,
            row.before,
            row.after,
            row.computed_at,
        )
        .select_from(row)
        .outerjoin(Relationship, Relationship.id == row.relationship_id)
        .outerjoin(_FIRST, _FIRST.id == Relationship.user_1_id)
        .outerjoin(_SECOND, _SECOND.id == Relationship.user_2_id)
    )


def _answer(now: datetime) -> AnySelect:
    """The answers that keep a row out of the list; `_hides` is the same rule for rows that were read."""
    answer, row = RiskAnswer, CoupleAtRisk
    still: ColumnElement[bool] = or_(
        and_(answer.kind == "snoozed", answer.until > now),
        and_(answer.kind == "handled", answer.at >= row.since),
    )
    return (
        select(answer.id)
        .where(answer.at_risk_id == row.id, answer.ended_at.is_(None), still)
        .correlate(CoupleAtRisk)
    )


def _hides(answer: AnyRow, since: datetime, now: datetime) -> bool:
    if answer.ended_at is not None:
        return False
    return bool(answer.until > now if answer.kind == "snoozed" else answer.at >= since)
