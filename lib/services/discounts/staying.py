"""Whether those who redeemed a code stayed, compared with couples of the same months who used no code.

A couple begins on the first day on which it pays for a plan (by the ledger, at list price: a free first month
counts), and has stayed when it pays on the 30th, 91st and 183rd day after. A couple that has not been here
for so long is not counted for that day: the cell is immature.

The others are weighted by the months in which the redeemers began (direct standardisation), so that a code
given out in a good month is not praised for the month.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import CTE, case, exists, func, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.listing import Column
from lib.core.work import View, query
from lib.metrics.policies import Policy
from lib.metrics.spans import spans
from lib.models import DiscountUsage
from lib.models.expressions import days_after, month_of

HORIZONS: Final = ((1, 30), (3, 91), (6, 183))
"""After how many months, each in days."""

FEW: Final = 20
"""Below so many couples a share says little, and the cell says so."""

STAYED: Final = (
    "A couple begins on its first paid day and has stayed if it pays 30, 91 and 183 days later. Couples that "
    "have not been here for so long are not counted, and “too early” stands where that is all of them. The "
    "others used no code at all and are weighted by the months in which the redeemers began. Who uses a code "
    "is not like who does not: a difference is no proof that the code caused it."
)
NOBODY: Final = "Nobody who used it has begun to pay yet."

_PAYING: Final = Policy("list", "Pays, at list price", price="list")

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
    """Redeemers and others, in all and month by month; empty while nobody who redeemed the code pays."""
    counts = _counts(view.session, code_id, view.now.date())
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


def _counts(session: Session, code_id: str, today: date) -> list[Count]:
    """One statement over the ledger: per month and side, who began, is mature, has stayed."""
    span = spans(_PAYING, None, today)
    first = (
        select(span.c.relationship_id, func.min(span.c.begins).label("begun"))
        .group_by(span.c.relationship_id)
        .cte("first")
    )
    usage = DiscountUsage
    redeemed = exists().where(usage.relationship_id == first.c.relationship_id, usage.discount_id == code_id)
    used_any = exists().where(usage.relationship_id == first.c.relationship_id)
    member = (
        select(first.c.relationship_id, first.c.begun, case((redeemed, 1), else_=0).label("redeemed"))
        .where(redeemed | ~used_any)
        .cte("member")
    )
    per_couple = _per_couple(member, span)
    month = month_of(per_couple.c.begun)
    sums = []
    for months, days in HORIZONS:
        mature = per_couple.c.begun <= today - timedelta(days=days)
        sums.append(func.sum(case((mature, 1), else_=0)))
        sums.append(func.sum(case((mature, per_couple.c[f"stayed_{months}"]), else_=0)))
    rows = session.execute(
        select(month, per_couple.c.redeemed, func.count(), *sums).group_by(month, per_couple.c.redeemed)
    )
    return [
        Count(row[0], bool(row[1]), row[2], tuple(map(int, row[3::2])), tuple(map(int, row[4::2])))
        for row in rows
    ]


def _per_couple(member: CTE, span: CTE) -> CTE:
    """Each couple once, with 1 or 0 for having stayed at each horizon."""
    stayed_after = []
    for months, days in HORIZONS:
        day = days_after(member.c.begun, days)
        pays = (span.c.begins <= day) & (span.c.ends.is_(None) | (span.c.ends > day))
        stayed_after.append(func.max(case((pays, 1), else_=0)).label(f"stayed_{months}"))
    return (
        select(member.c.relationship_id, member.c.begun, member.c.redeemed, *stayed_after)
        .join(span, span.c.relationship_id == member.c.relationship_id)
        .group_by(member.c.relationship_id, member.c.begun, member.c.redeemed)
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
