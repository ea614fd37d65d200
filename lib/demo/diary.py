"""Check-ins, day by day, and the app's own roll-ups of them: scores per person, analytics per couple."""

from dataclasses import dataclass
from random import Random

from lib.demo.billing import Money
from lib.demo.book import Book, to_json
from lib.demo.clock import DAY, HOUR, MINUTE, day_text, sql_form, stamp
from lib.demo.material import texts
from lib.demo.people import Couple, Person

_SCORES_FOR_DAYS = 28


@dataclass(slots=True)
class _Days:
    """What a couple's last days came to."""

    scores: list[tuple[int, int]]
    streak: int = 0
    both: int = 0


class Diary:
    """Writes the last days of each couple's time with us; a couple that is still here, up to yesterday."""

    def __init__(self, book: Book, horizon: int, days: int) -> None:
        self._book = book
        self._horizon = horizon
        self._days = days

    def couple(self, couple: Couple, money: Money, random: Random) -> None:
        """Check-ins of both, weekly analytics, daily scores. Mood drifts; unhappy couples drift apart."""
        last_day = (money.until - 1) // DAY
        first_day = self.first_day(couple, money)
        base = random.gauss(7.2, 1.0)
        leaving = not money.alive
        found = _Days([])
        for day in range(first_day, last_day + 1):
            share = (day - first_day) / max(1, self._days)
            mood = base - (1.4 * share if leaving else 0)
            wrote = [
                self._check_in(couple, person, day, mood, random)
                for person in couple.people
                if random.random() < min(0.93, 0.3 * person.eagerness * (1 - 0.6 * share * leaving))
            ]
            found.scores += wrote
            found.streak = found.streak + 1 if wrote else 0
            found.both += len(wrote) == 2
            if day % 7 == 3 and day * DAY + DAY <= self._horizon:
                self._weekly(couple, day, found, random)

    def first_day(self, couple: Couple, money: Money) -> int:
        """The first day of those that are written day by day."""
        return max(couple.joined // DAY + 1, (money.until - 1) // DAY - self._days + 1)

    def before(self, couple: Couple, money: Money, weeks: int, random: Random) -> None:
        """A check-in a week at most for each partner before that: it is known that they came, not more."""
        first_day = self.first_day(couple, money)
        for week in range(1, weeks + 1):
            monday = first_day - 7 * week
            if monday <= couple.joined // DAY:
                return
            for person in couple.people:
                if random.random() < min(0.9, 0.75 * person.eagerness):
                    self._check_in(couple, person, monday + random.randrange(7), 7.2, random)

    def _check_in(
        self, couple: Couple, person: Person, day: int, mood: float, random: Random
    ) -> tuple[int, int]:
        partner = (couple.other if person is couple.payer else couple.payer).first_name
        connection, satisfaction = _score(mood, random), _score(mood + 0.3, random)
        moment = day * DAY + random.randrange(17 * HOUR, 24 * HOUR)
        write = random.random
        self._book.write(
            "daily_checkins",
            id=self._book.ids.row("chk"),
            relationship_id=couple.id,
            user_id=person.id,
            checkin_date=day_text(day * DAY),
            connection_score=connection,
            mood_score=_score(mood - 0.1, random),
            relationship_satisfaction=satisfaction,
            gratitude_note=random.choice(texts()["gratitude"]).format(partner=partner)
            if write() < 0.6
            else None,
            support_needed=random.choice(texts()["support"]) if write() < 0.2 else None,
            highlight_of_day=random.choice(texts()["highlight"]) if write() < 0.5 else None,
            created_at=stamp(moment),
        )
        if day * DAY >= self._horizon - _SCORES_FOR_DAYS * DAY:
            self._score(couple, person, day, random)
        return connection, satisfaction

    def _score(self, couple: Couple, person: Person, day: int, random: Random) -> None:
        activities, messages = random.choice((0, 0, 1, 1, 2)), random.randint(0, 6)
        features, seconds = random.randint(1, 6), random.randint(1, 25) * MINUTE
        score = 35 + 10 * activities + 2 * messages + 4 * features + seconds // 120
        self._book.write(
            "engagement_scores",
            id=self._book.ids.row("eng"),
            user_id=person.id,
            relationship_id=couple.id,
            score_date=day_text(day * DAY),
            engagement_score=min(100, score),
            checkin_completed=True,
            activities_logged=activities,
            messages_sent=messages,
            features_used=features,
            session_duration_seconds=seconds,
            created_at=sql_form(min(day * DAY + DAY + 20 * MINUTE, self._horizon - 1)),
        )

    def _weekly(self, couple: Couple, day: int, found: _Days, random: Random) -> None:
        recent = found.scores[-14:]
        if not recent:
            return
        connection = sum(score for score, _ in recent) / len(recent)
        satisfaction = sum(score for _, score in recent) / len(recent)
        talks = min(10.0, found.both / 3 + random.uniform(2, 5))
        health = 0.4 * connection + 0.4 * satisfaction + 0.2 * talks
        earlier = [score for score, _ in found.scores[-28:-14]]
        self._book.write(
            "relationship_analytics",
            id=self._book.ids.row("ana"),
            relationship_id=couple.id,
            analytics_date=day_text(day * DAY),
            days_together=day - couple.together_since // DAY,
            average_connection_score=round(connection, 1),
            average_satisfaction_score=round(satisfaction, 1),
            checkin_streak=found.streak,
            activities_completed_this_month=random.randint(0, 5),
            goals_completed_this_month=random.randint(0, 1),
            communication_frequency_score=round(talks, 1),
            overall_health_score=round(health, 1),
            trends=to_json({"connection": _trend(earlier, connection)}),
            created_at=sql_form(day * DAY + 23 * HOUR),
        )


def _score(mood: float, random: Random) -> int:
    return min(10, max(1, round(random.gauss(mood, 1.2))))


def _trend(earlier: list[int], now: float) -> str:
    before = sum(earlier) / len(earlier) if earlier else now
    return "up" if now > before + 0.4 else "down" if now < before - 0.4 else "steady"
