"""Funnels on random events against a search through every try there is, and the rules one by one."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.core.errors import Invalid
from lib.metrics import funnels
from lib.metrics.funnels import Event, Question, Step
from tests.sized import times

EXAMPLES = times(40, 1_000)
DAY = date(2026, 5, 4)
START = datetime(2026, 5, 4, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def reached(question: Question, events: Sequence[Event], until: date = DAY) -> dict[str, int]:
    found = funnels.walks(question, funnels.frame(events), DAY, until)
    return dict(zip(found["unit"], (int(steps) for steps in found["reached"]), strict=True))


def every_try(question: Question, events: Sequence[Event], until: date) -> Iterator[tuple[str, int]]:
    """Who could have come how far: every choice of events for the first steps, tried by hand."""
    window = question.window or timedelta.max
    for number in range(1, len(question.steps) + 1):
        wanted = question.steps[:number]
        orders = [wanted] if question.order != "any" else list(itertools.permutations(question.steps, number))
        for steps, chosen in itertools.product(orders, itertools.permutations(events, number)):
            first, last = chosen[0], chosen[-1]
            unit = first.person if question.unit == "person" else (first.couple or first.person)
            in_order = all(one.at < two.at for one, two in itertools.pairwise(chosen))
            between = [one for one in events if first.at < one.at < last.at and one not in chosen]
            if (
                unit is not None
                and DAY <= first.at.date() <= until
                and in_order
                and last.at - first.at <= window
                and all(fits(question, step, one, first) for step, one in zip(steps, chosen, strict=True))
                and not (
                    question.order == "strict" and any(same_unit(question, one, first) for one in between)
                )
            ):
                yield unit, number


def same_unit(question: Question, one: Event, first: Event) -> bool:
    alone = question.unit == "person" and not question.of_both
    return one.person == first.person if alone else one.couple == first.couple


def fits(question: Question, step: Step, one: Event, first: Event) -> bool:
    if one.what != step.what or not same_unit(question, one, first):
        return False
    if step.by_partner:
        return one.person != first.person
    return question.unit == "couple" or one.person == first.person


# No two at the same moment: which of them came first is nobody's to say.
moments = st.lists(st.integers(0, 72), min_size=1, max_size=6, unique=True)
people = st.sampled_from([("anna", "a"), ("ben", "a"), ("carla", "c")])
happenings = moments.flatmap(
    lambda hours: st.tuples(*(st.tuples(st.just(hour), people, st.sampled_from("xyz")) for hour in hours))
).map(lambda rows: [Event(*who, what, at(hour)) for hour, who, what in rows])


@pytest.mark.sized
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    events=happenings,
    order=st.sampled_from(funnels.ORDERS),
    unit=st.sampled_from(funnels.UNITS),
    partner=st.booleans(),
    hours=st.sampled_from([None, 1, 12, 48]),
)
def test_everybody_comes_as_far_as_the_best_of_all_their_tries(
    events: list[Event], order: funnels.Order, unit: funnels.Unit, partner: bool, hours: int | None
) -> None:
    steps = (Step("x"), Step("y", by_partner=partner and order != "any"), Step("z"))
    question = Question(steps, None if hours is None else timedelta(hours=hours), order, unit)
    until = DAY + timedelta(days=1)
    best: dict[str, int] = {}
    for who, number in every_try(question, events, until):
        best[who] = max(best.get(who, 0), number)

    assert reached(question, events, until) == best


def test_an_event_cannot_follow_itself() -> None:
    twice = Question((Step("x"), Step("x")), unit="person")

    assert reached(twice, [Event("anna", "a", "x", at(1))]) == {"anna": 1}
    assert reached(twice, [Event("anna", "a", "x", at(1)), Event("anna", "a", "x", at(2))]) == {"anna": 2}


def test_the_window_runs_from_the_last_beginning_and_its_last_second_counts() -> None:
    question = Question((Step("x"), Step("y")), timedelta(hours=2), unit="person")
    events = [Event("anna", "a", "x", at(1)), Event("anna", "a", "x", at(3)), Event("anna", "a", "y", at(5))]
    [_, second] = funnels.count(question, funnels.walks(question, funnels.frame(events), DAY, DAY))

    assert (second.reached, second.average_seconds) == (1, Fraction(2 * 3600))


def test_the_partner_has_to_be_the_other_one() -> None:
    question = Question((Step("x"), Step("x", by_partner=True)), unit="couple")
    alone = [Event("anna", "a", "x", at(1)), Event("anna", "a", "x", at(2))]

    assert reached(question, alone) == {"a": 1}
    assert reached(question, [*alone, Event("ben", "a", "x", at(3))]) == {"a": 2}


def test_later_steps_may_follow_after_the_period_but_nobody_enters_then() -> None:
    question = Question((Step("x"), Step("y")), timedelta(days=3), unit="person")
    events = [
        Event("anna", "a", "x", at(23)),
        Event("anna", "a", "y", at(40)),
        Event("ben", "a", "x", at(25)),
    ]

    assert reached(question, events) == {"anna": 2}


def test_each_step_says_how_many_it_lost_of_whom() -> None:
    question = Question((Step("x"), Step("y"), Step("z")), unit="person")
    events = [Event(who, None, "x", at(1)) for who in "abcd"]
    events += [Event(who, None, "y", at(2)) for who in "abc"] + [Event("a", None, "z", at(5))]
    counts = funnels.count(question, funnels.walks(question, funnels.frame(events), DAY, DAY))

    assert [(each.reached, each.dropped) for each in counts] == [(4, 0), (3, 1), (1, 2)]
    assert [each.of_first for each in counts] == [1, Fraction(3, 4), Fraction(1, 4)]
    assert [each.of_previous for each in counts] == [1, Fraction(3, 4), Fraction(1, 3)]


def test_a_unit_enters_once_for_each_day_where_days_are_told_apart() -> None:
    question = Question((Step("x"), Step("y")), timedelta(days=1), unit="person")
    events = [Event("anna", "a", what, at(hour)) for what, hour in (("x", 1), ("x", 30), ("y", 31))]
    found = funnels.walks(question, funnels.frame(events), DAY, DAY + timedelta(days=1), by_day=True)

    assert sorted(zip(found["day"] - found["day"].min(), found["reached"], strict=True)) == [(0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("steps", "choice", "said"),
    [
        ("x", {}, "has 2 to 6 steps"),
        ("xyzxyzx", {}, "has 2 to 6 steps"),
        ("xy", {"window": timedelta(0)}, "window of 0"),
        ("xy", {"order": "sideways"}, "A funnel is"),
        ("xx", {"order": "any"}, "the same event"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(steps: str, choice: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        Question(tuple(Step(what) for what in steps), **choice)  # type: ignore[arg-type]
