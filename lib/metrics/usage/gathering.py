"""The raw rows of a range of days, gathered by person: one pass over each kind of row."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from lib.metrics.usage import raw
from lib.metrics.usage.bits import bit
from lib.metrics.usage.scoring import PersonDay

ANYTHING: Final = ""
"""The feature that stands for anything at all that people did."""
WINDOW: Final = 28
LOOKBACK: Final = WINDOW - 1
_LONGEST_NAME: Final = 60


@dataclass(slots=True)
class Gathered:
    """Who did what from `first` to `last`, and on which days since `LOOKBACK` days before.

    `used`: by feature and person, the days as bits; bit 0 is `base`. `did`: what each person did on each of
    the days from `first` on. `uses`: how often a feature was used on a day.
    """

    first: date
    last: date
    used: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    couples: dict[str, str] = field(default_factory=dict)
    uses: Counter[tuple[date, str]] = field(default_factory=Counter)
    did: dict[date, dict[str, PersonDay]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def base(self) -> date:
        """The day that bit 0 stands for."""
        return self.first - timedelta(days=LOOKBACK)

    @property
    def length(self) -> int:
        """How many days are counted."""
        return (self.last - self.first).days + 1

    def days(self) -> list[date]:
        """The days that are counted, in order."""
        return [self.first + timedelta(days=number) for number in range(self.length)]


def gather(session: Session, first: date, last: date) -> Gathered:
    """Read who did what from `first` to `last`, both included."""
    found = Gathered(first, last)
    since = found.base
    for row in session.execute(raw.events(since, last)):
        feature = str(row.feature)[:_LONGEST_NAME] if row.feature is not None else ANYTHING
        _event(found, row, feature)
    for row in session.execute(raw.visits(since, last)):
        if did := _came(found, row):
            did.seconds += int(row.seconds)
    for row in session.execute(raw.check_ins(since, last)):
        if did := _came(found, row):
            did.checked_in = True
    for row in session.execute(raw.activities(since, last)):
        if did := _came(found, row):
            did.activities += row.number
    for row in session.execute(raw.talks(since, last)):
        if did := _came(found, row):
            did.talks += row.number
    return found


def _event(found: Gathered, row: Any, feature: str) -> None:
    did = _came(found, row)
    if did is not None:
        found.uses[row.day, ANYTHING] += row.uses
    if feature == ANYTHING or row.day is None:
        return
    people = found.used[feature]
    people[row.user_id] = people.get(row.user_id, 0) | bit(row.day, found.base)
    if did is not None:
        found.uses[row.day, feature] += row.uses
        did.features += 1


def _came(found: Gathered, row: Any) -> PersonDay | None:
    """Note that somebody did anything; gives their day, if it is one of those that are counted.

    A day that cannot be read is nobody's.
    """
    if row.day is None:
        return None
    people = found.used[ANYTHING]
    people[row.user_id] = people.get(row.user_id, 0) | bit(row.day, found.base)
    if row.relationship_id is not None:
        found.couples[row.user_id] = row.relationship_id
    if row.day < found.first:
        return None
    did = found.did[row.day].setdefault(row.user_id, PersonDay())
    did.relationship_id = row.relationship_id or did.relationship_id
    return did
