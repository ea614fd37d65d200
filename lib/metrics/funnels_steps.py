"""What can be a step: what production's tables say that somebody did, read as person, couple, what and when.

    event:NAME    an event of the app (`analytics_events`)
    page:PATH     a page looked at (`page_views`)
    step:NAME     a step of the app's own sign-up funnel that was completed (`conversion_funnels`); of its
                  landing page, that it was looked at. Who left without a name is a visitor, by the session
    visit         a session began (`user_sessions`)
    signed_up     an account was made (`users`)
    subscribed    a subscription began, with a trial or without (`subscriptions`); gifts are none
    trial         one began with a trial
    paid          a payment for a subscription went through (`payment_transactions`), paid back later or not
    paid_back     such a payment was paid back, in part or whole (`refunds`)

Events and pages are read from indexes of revision 0118 alone. Moments are whole seconds; what lies in the
future was noted by a clock that is wrong, and is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from lib.core.errors import Invalid
from lib.core.moments import day_bounds
from lib.metrics.funnels import Rows
from lib.models import (
    AnalyticsEvent,
    FunnelStep,
    PageView,
    Payment,
    Refund,
    Relationship,
    Subscription,
    User,
    UserSession,
    sortable,
)
from lib.models.expressions import seconds_of

EVENT, PAGE, STEP = "event:", "page:", "step:"
LANDING: Final = "step:landing"
VISITOR: Final = "visitor:"
_BETWEEN: Final = "\n"
ANY_EVENT: Final = "event:*"
PAID_BACK: Final = "paid_back"
_NAMED: Final = {
    "visit": "Visit",
    "signed_up": "Account made",
    "subscribed": "Subscription begun",
    "trial": "Trial begun",
    "paid": "Subscription paid",
    ANY_EVENT: "Anything in the app",
    LANDING: "Landing page seen",
}
_Select: TypeAlias = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where something is noted: who, of which couple, when, and the rows of it."""

    person: Any
    couple: Any
    at: Any
    rows: tuple[ColumnElement[bool], ...]
    by_order: bool = False
    """Whether its index is on the moment in its sortable form."""


def named(what: str) -> str:
    """What can be a step, in words: `event:plan_viewed` -> `Plan viewed`, `page:/plans` -> `Page /plans`."""
    kind, _, name = what.partition(":")
    if what in _NAMED:
        return _NAMED[what]
    if kind == "page":
        return f"Page {name}"
    spoken = name.replace("_", " ")
    return f"Sign-up: {spoken}" if kind == "step" else spoken[:1].upper() + spoken[1:]


def known_whats(session: Session) -> list[str]:
    """Everything that can be a step now, the events of the app first. One statement."""
    found = union_all(
        *(
            _names(number, column)
            for number, column in enumerate(
                (AnalyticsEvent.event_name, FunnelStep.step_name, PageView.page_path)
            )
        )
    )
    prefixes = (EVENT, STEP, PAGE)
    names = [f"{prefixes[kind]}{name}" for kind, name in sorted(tuple(row) for row in session.execute(found))]
    whole = [what for what in _NAMED if what not in {ANY_EVENT, LANDING}]
    return [*whole, *names]


def happened(
    session: Session,
    whats: Sequence[str],
    since: date,
    until: date,
    now: datetime,
    *,
    of_both: bool = True,
    couples: bool = True,
) -> Rows:
    """What happened on the days from `since` to `until` (UTC), as `funnels.frame` has it. One statement.

    Without `of_both`, a row names whom it is counted for alone: the couple, or else the person, where
    `couples`; otherwise the person. `ANY_EVENT` stands for every event of the app, each by its own name.
    Raises Invalid for what is noted nowhere.
    """
    sources = [_the_others(whats) if what == ANY_EVENT else _source(what) for what in whats]
    parts = [
        _part(source, number, since, until, of_both=of_both, couples=couples)
        for number, source in enumerate(sources)
    ]
    found = session.execute(parts[0] if len(parts) == 1 else union_all(*parts)).all()
    numbers, *joined = zip(*found, strict=True) if found else ((), (), (), ())
    person, couple, at = (pc.split_pattern(pa.array(texts, pa.string()), _BETWEEN) for texts in joined)
    events = pd.DataFrame(
        {
            "person": _categories(person),
            "couple": _categories(couple),
            "what": pd.Categorical.from_codes(
                pd.Series(numbers, dtype="int64").repeat(pc.list_value_length(at).to_numpy()).tolist(),
                categories=pd.Index(whats),
            ),
            "at": pc.cast(at.flatten(), pa.int64()).to_numpy(),
        }
    )
    return events[events["at"] <= int(now.timestamp())]


def in_the_future(session: Session, whats: Sequence[str], now: datetime) -> int:
    """How many rows say that something happened later than now. One statement."""
    late = [
        select(literal(1).label("one")).where(
            *source.rows, source.at > now, seconds_of(source.at).is_not(None)
        )
        for source in map(_source, whats)
    ]
    return session.scalar(select(func.count()).select_from(union_all(*late).subquery())) or 0


def firsts(session: Session, what: str, since: date, now: datetime, *, couples: bool) -> Rows:
    """Who did something for the first time ever since a day (UTC): unit, at. One statement.

    A unit is a couple, or a person without one, where `couples`; otherwise a person.
    """
    source = _source(what)
    unit = func.coalesce(source.couple, source.person) if couples else source.person
    first = func.min(seconds_of(source.at))
    chosen = (
        select(unit.label("unit"), first.label("at"))
        .where(*source.rows, unit.is_not(None), source.at <= now)
        .group_by(unit)
        .having(first >= int(day_bounds(since)[0].timestamp()))
    )
    rows = [tuple(row) for row in session.execute(chosen)]
    return pd.DataFrame(
        {"unit": pd.Series([unit for unit, _ in rows], dtype=object), "at": [at for _, at in rows]}
    ).astype({"at": "int64"})


def first_day(session: Session, what: str) -> date | None:
    """The first day (UTC) on which something happened; None where it never did."""
    source = _source(what)
    earliest = session.scalar(select(func.min(source.at)).where(*source.rows))
    return earliest.date() if earliest else None


def _part(source: _Source, number: int, since: date, until: date, *, of_both: bool, couples: bool) -> _Select:
    begin, end = day_bounds(since)[0], day_bounds(until)[1]
    at = sortable(source.at) if source.by_order else source.at
    person, couple = source.person, source.couple
    if not of_both:
        person, couple = (case((couple.is_(None), person)), couple) if couples else (person, null())
    moment = seconds_of(source.at)
    # One row with everything in it: a million rows cost five times as much to fetch.
    return (
        select(
            literal(number, literal_execute=True).label("what"),
            *(func.aggregate_strings(func.coalesce(each, ""), _BETWEEN) for each in (person, couple)),
            func.aggregate_strings(cast(moment, Text), _BETWEEN),
        )
        .where(*source.rows, at >= begin, at < end, moment.is_not(None))
        .having(func.count() > 0)
    )


def _source(what: str) -> _Source:
    kind, _, name = what.partition(":")
    event, page = AnalyticsEvent, PageView
    if what == ANY_EVENT:
        return _the_others(())
    if kind == "event" and name:
        return _Source(event.user_id, event.relationship_id, event.created_at, (event.event_name == name,))
    if kind == "page" and name:
        return _Source(page.user_id, page.relationship_id, page.created_at, (page.page_path == name,))
    if kind == "step" and name:
        return _of_the_app(what, name)
    if what not in _OWN:
        raise Invalid(f"Nothing notes “{what[:40]}”, so it cannot be a step. Choose one from the list.")
    return _OWN[what]()


def _the_others(whats: Sequence[str]) -> _Source:
    """Every event of the app but those that are named; by name all the same, for then an index has it all."""
    event = AnalyticsEvent
    names = _names(0, event.event_name).subquery()
    named_ones = [what.removeprefix(EVENT) for what in whats if what.startswith(EVENT)]
    others = event.event_name.in_(select(names.c.name).where(names.c.name.not_in(named_ones)))
    return _Source(event.user_id, event.relationship_id, event.created_at, (others,))


def _of_the_app(what: str, name: str) -> _Source:
    """A step of the app's own funnel. Early ones know only the session, whose later steps know who it was."""
    step, later = FunnelStep, aliased(FunnelStep, name="later_step")

    def of_session(column: Any, known: Any) -> Any:
        found = select(column).where(later.session_id == step.session_id, column.is_not(None)).limit(1)
        return func.coalesce(known, found.correlate(step).scalar_subquery())

    rows = [step.step_name == name]
    if what != LANDING:
        rows.append(step.completed.is_(True))
    visitor = literal(VISITOR) + step.session_id
    return _Source(
        func.coalesce(of_session(later.user_id, step.user_id), visitor),
        of_session(later.relationship_id, step.relationship_id),
        step.created_at,
        tuple(rows),
    )


def _visits() -> _Source:
    visit = UserSession
    return _Source(visit.user_id, visit.relationship_id, visit.session_start, ())


def _accounts() -> _Source:
    sides = (
        select(Relationship.id).where(side == User.id).limit(1).correlate(User).scalar_subquery()
        for side in (Relationship.user_1_id, Relationship.user_2_id)
    )
    return _Source(User.id, func.coalesce(*sides), User.created_at, (), by_order=True)


def _subscriptions(*more: ColumnElement[bool]) -> _Source:
    one = Subscription
    no_gift = or_(one.is_gift.is_(None), one.is_gift.is_(False))
    return _Source(one.user_id, one.relationship_id, one.created_at, (no_gift, *more), by_order=True)


def _payments() -> _Source:
    paid = and_(Payment.status.in_(("succeeded", "refunded")), Payment.transaction_type == "subscription")
    return _Source(
        Payment.user_id,
        Payment.relationship_id,
        Payment.created_at,
        (paid, Payment.amount_cents > 0),
        by_order=True,
    )


def _paid_back() -> _Source:
    paid = and_(Refund.transaction_id == Payment.id, Payment.transaction_type == "subscription")
    back = and_(Refund.status == "processed", Refund.processed_at.is_not(None))
    return _Source(Payment.user_id, Payment.relationship_id, Refund.processed_at, (paid, back))


_OWN: Final[dict[str, Callable[[], _Source]]] = {
    "visit": _visits,
    "signed_up": _accounts,
    "subscribed": _subscriptions,
    "trial": lambda: _subscriptions(Subscription.trial_end_date.is_not(None)),
    "paid": _payments,
    PAID_BACK: _paid_back,
}


def _names(number: int, column: Any) -> _Select:
    """The names that a column has, from its index, one look-up each: however many rows there are."""
    names = select(func.min(column).label("name")).cte(f"names_{number}", recursive=True)
    following = select(func.min(column)).where(column > names.c.name).correlate(names).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    return select(literal(number).label("kind"), names.c.name).where(names.c.name.is_not(None))


def _categories(texts: Any) -> pd.Categorical:
    """Texts by number: most come many times. An empty one is nobody."""
    encoded = texts.flatten().dictionary_encode()
    named = encoded.dictionary.to_pylist()
    found = pd.Categorical.from_codes(encoded.indices.to_numpy(zero_copy_only=False), categories=named)
    return found.remove_categories([""]) if "" in named else found
