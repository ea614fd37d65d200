"""Whether those who redeemed a code stayed, compared with couples of the same months who used no code.

A couple begins on the first day on which it pays for a plan (by the ledger, at list price: a free first month
counts), and has stayed when it pays on the 30th, 91st and 183rd day after. A couple that has not been here
for so long is not counted for that day: the cell is immature.

The others are weighted by the months in which the redeemers began (direct standardisation), so that a code
given out in a good month is not praised for the month.

What is compared is counted every night (`lib.jobs.staying`) into a roll-up, for all codes in one statement.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import CTE, case, exists, func, literal, select, union_all
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.listing import AnySelect, Column
from lib.core.work import View, query
from lib.metrics.policies import Policy
from lib.metrics.spans import spans
from lib.models import DiscountUsage, StayedMonth
from lib.models.expressions import days_after, month_of
from lib.models.types import Moment

HORIZONS: Final = ((1, 30), (3, 91), (6, 183))
"""After how many months, each in days."""

NO_CODE: Final = ""
"""What stands in the place of a code for those who used none."""

FEW: Final = 20
"""Below so many couples a share says little, and the cell says so."""

STAYED: Final = (
    "A couple begins on its first paid day and has stayed if it pays 30, 91 and 183 days later. Couples that "
    "have not been here for so long are not counted, and “too early” stands where that is all of them. The "
    "others used no code at all and are weighted by the months in which the redeemers began. Who uses a code "
    "is not like who does not: a difference is no proof that the code caused it. Counted every night."
)
NOBODY: Final = "By last night, nobody who used it had begun to pay."

_PAYING: Final = Policy("list", "Pays, at list price", 0, price="list")

STAYED_COLUMNS: Final = (
    Column("who", "Couples who began"),
    Column("couples", "Couples", "count"),
    Column("after_1", "Stayed 1 month"),
    Column("after_3", "Stayed 3 months"),
    Column("after_6", "Stayed 6 months"),
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many of one month's couples began, have been here for so long, and have stayed, per horizon."""

    month: str
    redeemed: bool
    couples: int
    mature: tuple[int, ...]
    stayed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StayedLine:
    """One line of the comparison, its cells in words: `63 % (12 of 19, few)`, `too early`."""

    who: str
    couples: int
    after_1: str
    after_3: str
    after_6: str


@query(Permission.DISCOUNTS_READ)
def stayed(view: View, code_id: str) -> list[StayedLine]:
    """Redeemers and others, in all and month by month, as they were counted last night. One statement.

    Empty while nobody who redeemed the code pays.
    """
    counts = _counts(view.session, code_id)
    redeemed = {count.month: count for count in counts if count.redeemed}
    if not redeemed:
        return []
    others = {count.month: count for count in counts if not count.redeemed and count.month in redeemed}
    lines = [
        _line("with this code", redeemed.values()),
        _standardised("in the same months, without a code", redeemed, others),
    ]
    for month in sorted(redeemed, reverse=True):
        lines.append(_line(f"in {month}, with this code", [redeemed[month]]))
        lines.append(_line(f"in {month}, without a code", [others[month]] if month in others else []))
    return lines


def _counts(session: Session, code_id: str) -> list[Count]:
    """Per month, who began with the code, is mature, has stayed; and the same of who used no code."""
    row = StayedMonth
    rows = session.scalars(select(row).where(row.discount_id.in_((code_id, NO_CODE)), row.couples > 0))
    return [
        Count(
            each.month,
            each.discount_id != NO_CODE,
            each.couples,
            (each.mature_1, each.mature_3, each.mature_6),
            (each.stayed_1, each.stayed_3, each.stayed_6),
        )
        for each in rows
    ]


def months_of_everybody(today: date, now: datetime) -> AnySelect:
    """What `StayedMonth` holds, by the ledger up to `today`: a row for each month and code, or no code."""
    span = spans(_PAYING, None, today)
    first = (
        select(span.c.relationship_id, func.min(span.c.begins).label("begun"))
        .group_by(span.c.relationship_id)
        .cte("first")
    )
    per_couple = _per_couple(first, span)
    usage = DiscountUsage
    used = select(usage.relationship_id, usage.discount_id).distinct()
    none = select(first.c.relationship_id, literal(NO_CODE).label("discount_id")).where(
        ~exists().where(usage.relationship_id == first.c.relationship_id)
    )
    member = union_all(used, none).cte("member")
    month = month_of(per_couple.c.begun)
    sums = []
    for months, days in HORIZONS:
        mature = per_couple.c.begun <= today - timedelta(days=days)
        sums.append(func.sum(case((mature, 1), else_=0)))
        sums.append(func.sum(case((mature, per_couple.c[f"stayed_{months}"]), else_=0)))
    return (
        select(member.c.discount_id, month, func.count(), *sums, literal(now, Moment()))
        .join(member, member.c.relationship_id == per_couple.c.relationship_id)
        .group_by(member.c.discount_id, month)
    )


def _per_couple(first: CTE, span: CTE) -> CTE:
    """Each couple once, with 1 or 0 for having stayed at each horizon."""
    stayed_after = []
    for months, days in HORIZONS:
        day = days_after(first.c.begun, days)
        pays = (span.c.begins <= day) & (span.c.ends.is_(None) | (span.c.ends > day))
        stayed_after.append(func.max(case((pays, 1), else_=0)).label(f"stayed_{months}"))
    return (
        select(first.c.relationship_id, first.c.begun, *stayed_after)
        .join(span, span.c.relationship_id == first.c.relationship_id)
        .group_by(first.c.relationship_id, first.c.begun)
        .cte("per_couple")
    )


def _line(who: str, counts: Iterable[Count]) -> StayedLine:
    given = list(counts)
    cells = [
        _cell(sum(count.stayed[at] for count in given), sum(count.mature[at] for count in given))
        for at in range(len(HORIZONS))
    ]
    return StayedLine(who, sum(count.couples for count in given), *cells)


def _standardised(who: str, redeemed: dict[str, Count], others: dict[str, Count]) -> StayedLine:
    """The others as if they had begun in the redeemers' months; months without others are left out."""
    cells = []
    for at in range(len(HORIZONS)):
        both = [
            (redeemed[month].mature[at], count.stayed[at], count.mature[at])
            for month, count in others.items()
            if redeemed[month].mature[at] and count.mature[at]
        ]
        weight = sum(weighs for weighs, _, _ in both)
        if not weight:
            cells.append("too early")
            continue
        share = sum(weighs * stays / mature for weighs, stays, mature in both) / weight
        counted = sum(mature for _, _, mature in both)
        cells.append(f"{share:.0%} (of {counted:,}{_few(counted)})")
    return StayedLine(who, sum(count.couples for count in others.values()), *cells)


def _cell(stays: int, mature: int) -> str:
    if not mature:
        return "too early"
    return f"{stays / mature:.0%} ({stays:,} of {mature:,}{_few(mature)})"


def _few(counted: int) -> str:
    return ", few" if counted < FEW else ""
