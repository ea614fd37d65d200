"""A/B tests: one that runs, one that is over and clear, one with nothing in it, and one that is broken.

The couple is the unit: both partners see the same arm, but for the few that the app split. What
`converted` says is the app's own claim: a first payment within 30 days of the assignment.
"""

from dataclasses import dataclass
from random import Random

from lib.demo.billing import Money
from lib.demo.book import Book
from lib.demo.clock import DAY, js_form, sql_form, stamp
from lib.demo.people import Couple

_CONVERTS_WITHIN = 30 * DAY
_SPLIT_EVERY, _TWICE_EVERY = 23, 37


@dataclass(frozen=True, slots=True)
class Trial:
    """One test. `shares` is the split as it happened, `planned` the split that was asked for.

    `begins` and `ends` are days before the horizon; `ends` 0 is a test that runs. `reported_lift` moves what
    the app claims as converted in the arms after the first.
    """

    name: str
    arms: tuple[tuple[str, str], ...]
    planned: tuple[int, ...]
    shares: tuple[float, ...]
    begins: int
    ends: int
    reported_lift: tuple[float, ...]


TRIALS = (
    Trial(
        "onboarding_quiz",
        (("control", "Sign-up as it is"), ("short_quiz", "Five questions before the plans are shown")),
        (50, 50),
        (50, 50),
        70,
        0,
        (0.0, 0.05),
    ),
    Trial(
        "annual_plan_first",
        (("control", "Monthly plan on top"), ("annual_on_top", "Annual plan on top, with the saving")),
        (50, 50),
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
        (34, 33, 33),
        240,
        120,
        (0.0, 0.0, 0.01),
    ),
    Trial(
        "pricing_page_layout",
        (("control", "Three columns"), ("single_column", "One plan at a time")),
        (50, 50),
        # The new page lost visitors before they were counted: a sample-ratio mismatch.
        (61, 39),
        120,
        0,
        (0.0, 0.08),
    ),
)


class Experiments:
    """Writes the arms, and who was put into which."""

    def __init__(self, book: Book, start: int, horizon: int) -> None:
        self.arms: dict[str, list[str]] = {}
        self._book = book
        self._assigned = 0
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
            arm = random.choices(range(len(trial.arms)), trial.shares)[0]
            paid = money.first_paid is not None and money.first_paid - couple.joined <= _CONVERTS_WITHIN
            claimed = paid or random.random() < trial.reported_lift[arm]
            cents = money.first_amount if paid else 0
            self._assigned += 1
            for number, person in enumerate(couple.people):
                # The app has split some partners, and put some people into two arms.
                shown = arm if not number or self._assigned % _SPLIT_EVERY else (arm + 1) % len(trial.arms)
                self._assign(trial.name, shown, couple, person.id, couple.joined + 30, claimed, cents)
            if self._assigned % _TWICE_EVERY == 0:
                other = (arm + 1) % len(trial.arms)
                self._assign(trial.name, other, couple, couple.payer.id, couple.joined + DAY, claimed, cents)

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
            arm = random.choices(range(len(trial.arms)), trial.shares)[0]
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
