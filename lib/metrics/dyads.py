"""Couples by who of the two comes: both, one or none, how one-sided they are, and who of them left.

Of the couples that pay (house policy), in the 28 days that end with a day. Somebody came on a day with a
visit, a check-in, an activity or a talk that they noted, or an event of their own.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import View, query
from lib.metrics.features import NOTHING_YET
from lib.metrics.figure import Basis
from lib.metrics.policies import HOUSE
from lib.metrics.usage.dyads import FOLLOWED_FOR, STATES
from lib.models import Dyad, DyadDay, Relationship, User

WORDS: Final = {"both": "Both came", "one": "One came", "none": "Nobody came"}
MEANINGS: Final = {
    "Came": "a day with a visit, a check-in, an activity or a talk that they noted, or an event of their own",
    "Both, one, nobody came": "of the two partners, on any of the 28 days that end with the day",
    "Pays": "by the house policy, at the end of the day",
    "Imbalance": "of the days on which the two came: the difference / the sum; the mean over couples of whom "
    "anybody came. 0 % where both come equally often, 100 % where only one does",
    "Left": "MRR went to none, for whatever reason",
}
SHOWN_AS: Final = {"one": "Only one comes", "mostly_one": "Mostly one comes", "none": "Nobody comes"}
SHOWN: Final = ("one", "mostly_one", "none")
"""What the list of couples can be narrowed down to."""
MOSTLY_ONE: Final = 750
"""Thousandths of imbalance from which on a couple is mostly one: 7 days against 1, 14 against 2."""
DAY_COLUMNS: Final = (
    Column("day", "Day (UTC)", "day"),
    Column("couples", "Couples that pay", "count"),
    Column("both", "Both came", "count"),
    Column("one", "One came", "count"),
    Column("none", "Nobody came", "count"),
    Column("imbalance", "Imbalance", "percent"),
)
LEAVING_COLUMNS: Final = (
    Column("words", "In 28 days"),
    Column("couples", "Couples", "count"),
    Column("churned", f"Left within {FOLLOWED_FOR} days", "count"),
    Column("share", "Share", "percent"),
)
STAKE_COLUMNS: Final = (
    Column("words", "In 28 days"),
    Column("couples", "Couples", "count"),
    Column("mrr_cents", "MRR", "money"),
)

_FIRST, _SECOND = aliased(User, name="first_partner"), aliased(User, name="second_partner")


@dataclass(frozen=True, slots=True)
class Day:
    """Paying couples on one day; `imbalance` is the mean of those of whom anybody came, a share of 1."""

    day: date
    couples: int
    both: int
    one: int
    none: int
    imbalance: Fraction | None

    def share(self, state: str) -> Fraction:
        """The share of the couples that are in a state."""
        return Fraction(int(getattr(self, state)), self.couples)


@dataclass(frozen=True, slots=True)
class Leaving:
    """Of the couples in one state on the `days` that were followed, how many had left 30 days later."""

    words: str
    couples: int
    churned: int
    share: Fraction | None


@dataclass(frozen=True, slots=True)
class Days:
    """Days in order, and who of each state left; `why_not` when there is no day."""

    days: tuple[Day, ...]
    leaving: tuple[Leaving, ...]
    followed: tuple[date, ...]
    basis: Basis
    why_not: str | None

    def newest_share(self, state: str) -> Fraction | None:
        """The share of the couples that are in a state on the newest day; None while there is none."""
        return self.days[-1].share(state) if self.days else None

    @property
    def newest_imbalance(self) -> Fraction | None:
        """The mean imbalance of the newest day; None while there is none."""
        return self.days[-1].imbalance if self.days else None


@dataclass(frozen=True, slots=True)
class Stake:
    """What couples of one state pay, in one currency."""

    words: str
    couples: int
    currency: str
    mrr_cents: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One paying couple as of `day`: how many of 28 days each partner came."""

    relationship_id: str
    partner_1: str | None
    partner_2: str | None
    state: str
    days_1: int
    days_2: int
    currency: str
    mrr_cents: int
    day: date


@query(Permission.USAGE_READ)
def days(view: View, since: date, until: date) -> Days:
    """Couples by state, day by day, and whether they left. One statement.

    Who left is told of every thirtieth day, counted back from the newest that can be told, so that no couple
    is counted twice in the same month.
    """
    row = DyadDay
    found: dict[date, dict[str, list[int]]] = {}
    counted_at: datetime | None = None
    columns = (
        func.sum(row.couples),
        func.sum(row.imbalance_permille),
        func.sum(row.churned),
        func.max(row.computed_at),
    )
    for day, state, couples, uneven, churned, computed_at in view.session.execute(
        select(row.day, row.state, *columns).where(row.day.between(since, until)).group_by(row.day, row.state)
    ):
        left = -1 if churned is None else int(churned)
        found.setdefault(day, {})[state] = [int(couples), int(uneven), left]
        counted_at = max(counted_at or computed_at, computed_at)
    known = [day for day, states in found.items() if all(each[2] >= 0 for each in states.values())]
    followed = tuple(sorted(day for day in known if (max(known) - day).days % FOLLOWED_FOR == 0))
    every = tuple(_day(day, found[day]) for day in sorted(found))
    return Days(
        every,
        tuple(_leaving(state, [found[day] for day in followed]) for state in STATES),
        followed,
        Basis(HOUSE, every[-1].couples if every else 0, "couples that pay", counted_at),
        None if every else NOTHING_YET,
    )


@query(Permission.USAGE_READ)
def stakes(view: View) -> list[Stake]:
    """What couples of each state pay as of the newest day, the largest first. One statement."""
    row = Dyad
    rows = view.session.execute(
        select(row.state, row.currency, func.count(), func.sum(row.arr_cents))
        .group_by(row.state, row.currency)
        .order_by(func.sum(row.arr_cents).desc(), row.state)
    )
    return [
        Stake(WORDS[state], couples, currency, (int(arr) + 6) // 12) for state, currency, couples, arr in rows
    ]


@listing(
    Permission.RISK_READ,
    columns=(
        Column("partner_1", "Partner"),
        Column("days_1", "Came on days", "count"),
        Column("partner_2", "Partner 2"),
        Column("days_2", "Came on days ", "count"),
        Column("mrr_cents", "MRR", "money"),
        Column("arr_cents", "Annualised", "money"),
        Column("day", "28 days to", "day"),
        Column("relationship_id", "Couple", "id"),
    ),
)
def couples(*, shown: str = "one") -> AnySelect:
    """Paying couples of whom one or nobody came, the largest amount first.

    `one`: only one partner came; `mostly_one`: both did, one of them seven times as often or more; `none`:
    nobody did. Raises Invalid for anything else.
    """
    if shown not in SHOWN:
        raise Invalid(f"Couples are {', '.join(SHOWN)}, not “{shown[:40]}”.")
    row = Dyad
    wanted: ColumnElement[bool]
    if shown == "mostly_one":
        wanted = (row.state == "both") & (row.imbalance_permille >= MOSTLY_ONE)
    else:
        wanted = row.state == shown
    order = (row.arr_cents.desc(), row.relationship_id.desc())
    return _pairs().where(wanted).order_by(*order)


@query(Permission.RISK_READ)
def one(view: View, couple_id: str) -> Pair:
    """One couple of the list. Raises NotFound for one that does not pay, or that does not exist."""
    row = view.session.execute(_pairs().where(Dyad.relationship_id == couple_id).limit(1)).one_or_none()
    if row is None:
        raise NotFound("This couple does not pay as of the newest day that was counted, or does not exist.")
    view.note_opening("relationships", row.relationship_id)
    return Pair(
        row.relationship_id,
        row.partner_1,
        row.partner_2,
        row.state,
        row.days_1,
        row.days_2,
        row.currency,
        row.mrr_cents,
        row.day,
    )


def _pairs() -> AnySelect:
    row = Dyad
    return (
        select(
            _FIRST.name.label("partner_1"),
            row.days_1,
            _SECOND.name.label("partner_2"),
            row.days_2,
            row.currency,
            _monthly(row.arr_cents).label("mrr_cents"),
            row.arr_cents,
            row.state,
            row.day,
            row.relationship_id,
        )
        .select_from(row)
        .outerjoin(Relationship, Relationship.id == row.relationship_id)
        .outerjoin(_FIRST, _FIRST.id == Relationship.user_1_id)
        .outerjoin(_SECOND, _SECOND.id == Relationship.user_2_id)
    )


def _monthly(arr_cents: Any) -> ColumnElement[int]:
    """Annualised cents as monthly ones, rounded half up once."""
    monthly: ColumnElement[int] = (arr_cents + 6) // 12
    return monthly


def _day(day: date, states: dict[str, list[int]]) -> Day:
    numbers = {state: states.get(state, [0, 0, 0]) for state in STATES}
    came = numbers["both"][0] + numbers["one"][0]
    uneven = sum(each[1] for each in numbers.values())
    return Day(
        day,
        sum(each[0] for each in numbers.values()),
        numbers["both"][0],
        numbers["one"][0],
        numbers["none"][0],
        Fraction(uneven, 1000 * came) if came else None,
    )


def _leaving(state: str, followed: list[dict[str, list[int]]]) -> Leaving:
    there = [day[state] for day in followed if state in day]
    couples_there, left = sum(each[0] for each in there), sum(each[2] for each in there)
    return Leaving(
        WORDS[state], couples_there, left, Fraction(left, couples_there) if couples_there else None
    )


def followed_in_words(found: Days, until: date) -> str:
    """On which days the couples were followed, or why nothing can be said of who left yet."""
    if found.followed:
        days_then = ", ".join(f"{day}" for day in found.followed)
        return (
            f"Couples in each state on {days_then}, and how many of them had left {FOLLOWED_FOR} days later."
        )
    since = until - timedelta(days=FOLLOWED_FOR)
    return f"Who left is known {FOLLOWED_FOR} days later: choose days that go back beyond {since}."
