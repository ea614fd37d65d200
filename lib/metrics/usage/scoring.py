"""The engagement score, 0 to 100: what one person did on one day. `points` is the one place that says how.

    part        points                                   at most
    check-in    40 for a check-in                             40
    activities  10 for each activity planned or noted         20
    talks        5 for each talk that they noted              10
    features     4 for each feature that they used            20
    time         1 for every two minutes of visits            10

It is in whole points. A day on which somebody did nothing has no score: it is not a 0 in any average.
"""

from dataclasses import dataclass
from typing import Final

CHECK_IN: Final = 40
ACTIVITY, ACTIVITIES_AT_MOST = 10, 20
TALK, TALKS_AT_MOST = 5, 10
FEATURE, FEATURES_AT_MOST = 4, 20
SECONDS_A_POINT, TIME_AT_MOST = 120, 10


@dataclass(slots=True)
class PersonDay:
    """What one person did on one day, as counted from raw rows."""

    relationship_id: str | None = None
    checked_in: bool = False
    activities: int = 0
    talks: int = 0
    features: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Points:
    """The parts of one score; `score` is their sum, from 0 to 100."""

    check_in: int
    activities: int
    talks: int
    features: int
    time: int

    @property
    def score(self) -> int:
        """The engagement score."""
        return self.check_in + self.activities + self.talks + self.features + self.time


def points(did: PersonDay) -> Points:
    """What a person's day is worth, part by part. Numbers below 0 count as none."""
    return Points(
        CHECK_IN if did.checked_in else 0,
        _at_most(ACTIVITIES_AT_MOST, ACTIVITY * did.activities),
        _at_most(TALKS_AT_MOST, TALK * did.talks),
        _at_most(FEATURES_AT_MOST, FEATURE * did.features),
        _at_most(TIME_AT_MOST, did.seconds // SECONDS_A_POINT),
    )


def _at_most(limit: int, number: int) -> int:
    return max(0, min(limit, number))
