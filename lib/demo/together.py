"""What couples do together in the app: dates, goals, activities, talks, challenges, achievements."""

from datetime import timedelta
from random import Random
from typing import Any

from lib.demo.book import Book, to_json
from lib.demo.catalogue import Catalogue
from lib.demo.clock import DAY, HOUR, day_of, day_text, js_form, sql_form, stamp
from lib.demo.material import texts
from lib.demo.people import Couple, Person


class Together:
    """Writes the life of couples in the app between their sign-up and the end of their time with us."""

    def __init__(self, book: Book, catalogue: Catalogue, horizon: int, *, detail: float) -> None:
        """`detail` 1 writes everything; less for a company whose file would grow too large."""
        self._book = book
        self._catalogue = catalogue
        self._horizon = horizon
        self._detail = detail

    def couple(self, couple: Couple, until: int, random: Random) -> None:
        """All of it for one couple. Eager couples and those that stay do more."""
        months = max(0.3, (until - couple.joined) / (30 * DAY))
        liveliness = couple.eagerness * min(months, 14) * self._detail
        for _ in range(random.randint(1, 3)):
            self._important_date(couple, until, random)
        for _ in range(_about(0.25 * liveliness, random)):
            self._goal(couple, self._moment(couple, until, random), until, random)
        for _ in range(_about(0.9 * liveliness, random)):
            self._activity(couple, self._moment(couple, until, random), random)
        for _ in range(_about(0.45 * liveliness, random)):
            self._talk(couple, self._moment(couple, until, random), random)
        self._challenges(couple, until, _about(0.22 * liveliness, random), random)
        self._achievements(couple, until, _about(0.35 * liveliness, random), random)

    @staticmethod
    def _moment(couple: Couple, until: int, random: Random) -> int:
        return random.randrange(couple.joined, max(couple.joined + 1, until))

    def _important_date(self, couple: Couple, until: int, random: Random) -> None:
        partner = _partner(couple, random)
        if random.random() < 0.4:
            name, kind = f"{partner.first_name}'s birthday", "birthday"
            day = day_of(couple.together_since) + timedelta(days=random.randrange(365))
        else:
            name, kind = random.choice(texts()["milestones"])
            day = day_of(random.randrange(couple.together_since, couple.joined))
        yearly = kind in {"birthday", "anniversary", "holiday"}
        self._book.write(
            "important_dates",
            id=self._book.ids.row("dat"),
            relationship_id=couple.id,
            date_value=day.isoformat(),
            event_name=name,
            event_type=kind,
            description="Cake, and no alarm clock." if random.random() < 0.2 else None,
            is_recurring=yearly,
            recurrence_pattern="yearly" if yearly else None,
            reminder_days_before=random.choice((1, 3, 7, 7, 14)),
            created_by_user_id=partner.id,
            created_at=stamp(min(couple.joined + random.randrange(9 * DAY), until - 1)),
        )

    def _goal(self, couple: Couple, moment: int, until: int, random: Random) -> None:
        name, kind, target = random.choice(texts()["goals"])
        done = random.randint(0, target)
        length = {"weekly": 7, "monthly": 30}.get(kind, 120) * DAY
        over = moment + length < until
        status = "active"
        if over:
            status = "completed" if random.random() < 0.55 else random.choice(("cancelled", "paused"))
        finished = (
            min(moment + int(length * random.uniform(0.5, 1)), until - 1) if status == "completed" else None
        )
        self._book.write(
            "shared_goals",
            id=self._book.ids.row("goal"),
            relationship_id=couple.id,
            goal_name=name,
            goal_description=random.choice(texts()["goal_notes"]),
            goal_type=kind,
            target_count=target,
            current_progress=target if finished else min(done, target - 1),
            status=status,
            start_date=day_text(moment),
            target_date=day_text(moment + length),
            completion_date=day_text(finished) if finished else None,
            created_by_user_id=_partner(couple, random).id,
            created_at=stamp(moment),
            updated_at=sql_form(finished or moment),
        )

    def _activity(self, couple: Couple, moment: int, random: Random) -> None:
        name, kind = random.choice(texts()["activities"])
        planned = moment + random.randrange(2 * HOUR, 18 * DAY)
        happened = planned < self._horizon and random.random() < 0.8
        called_off = not happened and planned < self._horizon
        enjoyed = min(10, max(1, round(random.gauss(7.6, 1.5)))) if happened else None
        self._book.write(
            "activities",
            id=self._book.ids.row("act"),
            relationship_id=couple.id,
            activity_name=name,
            activity_type=kind,
            description=None,
            location=random.choice(texts()["locations"]),
            planned_date=js_form(planned),
            completed_date=js_form(planned) if happened else None,
            duration_minutes=random.choice((45, 60, 90, 120, 180, 240)) if happened else None,
            cost_amount=round(random.gammavariate(1.5, 24), 2)
            if happened and random.random() < 0.6
            else None,
            satisfaction_rating_user1=enjoyed,
            satisfaction_rating_user2=min(10, max(1, enjoyed + random.randint(-2, 1))) if enjoyed else None,
            notes=random.choice(texts()["activity_notes"]) if happened and random.random() < 0.35 else None,
            photos=to_json([f"https://photos.example.com/a/{planned:x}.jpg"])
            if random.random() < 0.15
            else None,
            status="completed" if happened else "cancelled" if called_off else "planned",
            created_by_user_id=_partner(couple, random).id,
            created_at=stamp(moment),
            updated_at=sql_form(planned if happened else moment),
        )

    def _talk(self, couple: Couple, moment: int, random: Random) -> None:
        topic, kind = random.choice(texts()["talks"])
        outcome = random.choices(("positive", "neutral", "needs_follow_up"), (62, 24, 14))[0]
        again = outcome == "needs_follow_up"
        self._book.write(
            "communication_log",
            id=self._book.ids.row("talk"),
            relationship_id=couple.id,
            communication_type=kind,
            topic=topic,
            description=random.choice(texts()["talk_notes"]),
            outcome=outcome,
            duration_minutes=random.choice((10, 15, 20, 30, 45, 60, 90)),
            initiated_by_user_id=_partner(couple, random).id,
            communication_date=js_form(moment),
            follow_up_needed=again,
            follow_up_date=day_text(moment + random.randint(2, 14) * DAY) if again else None,
            created_at=stamp(moment),
        )

    def _challenges(self, couple: Couple, until: int, number: int, random: Random) -> None:
        chosen = random.sample(self._catalogue.challenges, min(number, len(self._catalogue.challenges)))
        for challenge, days in chosen:
            start = self._moment(couple, until, random)
            participation = self._book.ids.row("part")
            running = start + days * DAY >= until
            status = (
                "active" if running else random.choices(("completed", "abandoned", "paused"), (6, 3, 1))[0]
            )
            progress = 100 if status == "completed" else random.randint(5, 90)
            over = start + days * DAY
            self._book.write(
                "challenge_participation",
                id=participation,
                relationship_id=couple.id,
                challenge_id=challenge,
                start_date=day_text(start),
                target_end_date=day_text(over),
                actual_end_date=day_text(over) if status == "completed" else None,
                status=status,
                progress_percentage=progress,
                completion_notes=random.choice(texts()["completion"]) if status == "completed" else None,
                created_at=stamp(start),
                updated_at=sql_form(min(over, until - 1)),
            )
            entries = min(8, max(1, days * progress // 100))
            for day in range(entries):
                moment = start + day * DAY
                for person in couple.people:
                    if moment < until and random.random() < min(0.9, 0.5 * person.eagerness + 0.2):
                        self._entry(participation, couple, person, moment, random)

    def _entry(self, participation: str, couple: Couple, person: Person, moment: int, random: Random) -> None:
        partner = couple.other if person is couple.payer else couple.payer
        self._book.write(
            "challenge_entries",
            id=self._book.ids.row("ent"),
            participation_id=participation,
            user_id=person.id,
            entry_date=day_text(moment),
            entry_content=random.choice(texts()["challenge_entries"]).format(partner=partner.first_name),
            reflection=random.choice(texts()["reflections"]),
            completion_status=random.random() < 0.85,
            created_at=stamp(moment),
        )

    def _achievements(self, couple: Couple, until: int, number: int, random: Random) -> None:
        known = self._catalogue.achievements
        moments = sorted(self._moment(couple, until, random) for _ in range(min(number, len(known))))
        earned: list[Any] = sorted(random.sample(range(len(known)), len(moments)))
        for position, moment in zip(earned, moments, strict=True):
            self._book.write(
                "user_achievements",
                id=self._book.ids.row("ach"),
                relationship_id=couple.id,
                achievement_id=known[position],
                earned_date=js_form(moment),
                earned_by_user_id=_partner(couple, random).id,
                notes="We framed it." if random.random() < 0.03 else None,
            )


def _partner(couple: Couple, random: Random) -> Person:
    """One of the two, the keener one more often."""
    payer, other = couple.partners
    return random.choices((payer, other), (payer.eagerness, other.eagerness))[0]


def _about(expected: float, random: Random) -> int:
    """A whole number that is `expected` on average."""
    whole = int(expected)
    return min(40, whole + (random.random() < expected - whole))
