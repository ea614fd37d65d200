"""A/B tests: one that is ready to ship, one that is broken, one that is too early to tell, two that ended.

The couple is the unit: both partners see the same arm, but for the few that the app split. What
`converted` says is the app's own claim: a first payment within 30 days of the assignment. How large an effect
is, and how skewed the broken split, follows from how many couples a company of this size puts into a test:
both can be seen in a small one, and are not absurd in a large one.
"""

from collections import Counter
from dataclasses import dataclass
from math import sqrt
from random import Random

from lib.demo.billing import Money
from lib.demo.book import Book
from lib.demo.clock import DAY, js_form, sql_form, stamp
from lib.demo.people import Couple

_CONVERTS_WITHIN = 30 * DAY
# The app splits a couple, or puts a person into two arms, now and then; more often where its test is broken.
_SPLIT_EVERY, _TWICE_EVERY = 250, 260
_BROKEN_SPLITS, _BROKEN_TWICE = 23, 37


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of arms that were planned to be of the sizes `planned`.

    `begins` and `ends` are days before the horizon; `ends` 0 is a test that runs. `reported_lift` moves what
    the app claims as converted in the arms after the first. `works`: the second arm makes couples pay;
    `broken`: it loses couples before they are counted.
    """

    name: str
    arms: tuple[tuple[str, str], ...]
    planned: tuple[int, ...]
    begins: int
    ends: int
    reported_lift: tuple[float, ...]
    works: bool = False
    broken: bool = False


TRIALS = (
    Trial(
        "onboarding_quiz",
        (("control", "Sign-up as it is"), ("short_quiz", "Five questions before the plans are shown")),
        (50, 50),
        100,
        0,
        (0.0, 0.05),
        works=True,
    ),
    Trial(
        "annual_plan_first",
        (("control", "Monthly plan on top"), ("annual_on_top", "Annual plan on top, with the saving")),
        (50, 50),
        330,
        150,
        (0.0, 0.14),
    ),
    Trial(
        "reminder_time",
        (
            ("control", "Reminder at 18:00"),
            ("morning", "Reminder at 8:00"),
            ("chosen", "Asked when to remind"),
        ),
        (34, 33, 33),
        240,
        120,
        (0.0, 0.0, 0.01),
    ),
    Trial(
        "pricing_page_layout",
        (("control", "Three columns"), ("single_column", "One plan at a time")),
        (50, 50),
        120,
        0,
        (0.0, 0.08),
        broken=True,
    ),
    Trial(
        "gift_hint",
        (("control", "No hint"), ("hint", "A hint that one can give it to friends")),
        (50, 50),
        8,
        0,
        (0.0, 0.0),
    ),
)


class Experiments:
    """Writes the arms, and who was put into which."""

    def __init__(self, book: Book, start: int, horizon: int, couples: int) -> None:
        """`couples`: how many sign up from `start` to the horizon."""
        self.arms: dict[str, list[str]] = {}
        self._a_day = couples * DAY / max(DAY, horizon - start)
        self._put: Counter[tuple[str, int]] = Counter()
        self._payers: Counter[tuple[str, int]] = Counter()
        self._book = book
        self._horizon = horizon
        self._spans = {
            trial.name: (max(start, horizon - trial.begins * DAY), horizon - trial.ends * DAY)
            for trial in TRIALS
        }
        for trial in TRIALS:
            self.arms[trial.name] = [self._arm(trial, number) for number in range(len(trial.arms))]

    def couple(self, couple: Couple, money: Money, random: Random) -> None:
        """Couples that sign up while a test runs are put into one of its arms, both partners alike."""
        for trial in TRIALS:
            begins, ends = self._spans[trial.name]
            if not begins <= couple.joined < ends:
                continue
            paid = money.first_paid is not None and money.first_paid - couple.joined <= _CONVERTS_WITHIN
            arm = self._next_arm(trial, paid=paid)
            claimed = paid or random.random() < trial.reported_lift[arm]
            cents = money.first_amount if paid else 0
            so_far = sum(self._put[trial.name, number] for number in range(len(trial.arms)))
            split, twice = (_BROKEN_SPLITS, _BROKEN_TWICE) if trial.broken else (_SPLIT_EVERY, _TWICE_EVERY)
            for number, person in enumerate(couple.people):
                # The app has split some partners, and put some people into two arms.
                shown = arm if not number or so_far % split else (arm + 1) % len(trial.arms)
                self._assign(trial.name, shown, couple, person.id, couple.joined + 30, claimed, cents)
            if so_far % twice == 0:
                other = (arm + 1) % len(trial.arms)
                self._assign(trial.name, other, couple, couple.payer.id, couple.joined + DAY, claimed, cents)

    def _next_arm(self, trial: Trial, *, paid: bool) -> int:
        """The arm that is furthest behind its share, so that a small company has a picture, too."""
        couples = max(1.0, self._a_day * (trial.begins - trial.ends))
        shares = [share / sum(trial.planned) for share in trial.planned]
        held = self._put
        if trial.broken:
            lost = max(0.11, min(0.4, 2.6 / sqrt(couples)))
            shares = [0.5 + lost, 0.5 - lost]
        elif trial.works and paid:
            # Who pays leans to the second arm; those who do not pay then fill the first.
            more = min(0.3, 2 / sqrt(couples))
            shares, held = [0.5 - more, 0.5 + more], self._payers
        numbers = range(len(shares))
        total = sum(held[trial.name, number] for number in numbers) + 1
        arm = max(numbers, key=lambda number: shares[number] * total - held[trial.name, number])
        self._put[trial.name, arm] += 1
        self._payers[trial.name, arm] += paid
        return arm

    def _assign(
        self, test: str, arm: int, couple: Couple, person: str, moment: int, converted: bool, cents: int
    ) -> None:
        """Put one person into an arm."""
        self._book.write(
            "ab_test_assignments",
            id=self._book.ids.row("asg"),
            test_name=test,
            variant_id=self.arms[test][arm],
            user_id=person,
            relationship_id=couple.id,
            session_id=None,
            assigned_at=stamp(min(moment, self._horizon - 1)),
            converted=converted,
            conversion_value_cents=cents if converted and cents else None,
        )

    def visitors(self, number: int, random: Random) -> None:
        """Visitors without an account, until there are as many assignments as asked for."""
        for _ in range(number):
            trial = random.choice(TRIALS)
            begins, ends = self._spans[trial.name]
            if begins >= ends:
                continue
            arm = random.choices(range(len(trial.arms)), trial.planned)[0]
            self._book.write(
                "ab_test_assignments",
                id=self._book.ids.row("asg"),
                test_name=trial.name,
                variant_id=self.arms[trial.name][arm],
                user_id=None,
                relationship_id=None,
                session_id=self._book.ids.row("ses"),
                assigned_at=stamp(random.randrange(begins, ends)),
                converted=False,
                conversion_value_cents=None,
            )
            self._book.turn_page()

    def _arm(self, trial: Trial, number: int) -> str:
        begins, ends = self._spans[trial.name]
        name, description = trial.arms[number]
        arm_id = self._book.ids.row("var")
        self._book.write(
            "ab_test_variants",
            id=arm_id,
            test_name=trial.name,
            variant_name=name,
            description=description,
            is_active=trial.ends == 0,
            traffic_percentage=trial.planned[number],
            start_date=js_form(begins),
            end_date=js_form(max(begins, ends)) if trial.ends else None,
            created_at=sql_form(begins - DAY),
        )
        return arm_id
