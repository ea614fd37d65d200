"""Visits to the app: sessions with their page views and events, and the way into a subscription (funnel)."""

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from lib.demo import first_days
from lib.demo.billing import Money
from lib.demo.book import Book, to_json
from lib.demo.clock import DAY, day_text, js_form, sql_form, stamp
from lib.demo.growth import second_of_day
from lib.demo.people import Couple, Person

DEVICES = (
    (
        "mobile",
        "Safari",
        "iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Safari/604.1",
    ),
    (
        "mobile",
        "Chrome",
        "Android",
        "Mozilla/5.0 (Linux; Android 16; Pixel 10) Chrome/142.0 Mobile Safari/537.36",
    ),
    ("desktop", "Chrome", "Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36"),
    (
        "desktop",
        "Safari",
        "macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/19.0 Safari/605.1",
    ),
    ("desktop", "Firefox", "Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
    ("tablet", "Safari", "iPadOS", "Mozilla/5.0 (iPad; CPU OS 19_1 like Mac OS X) Version/19.1 Safari/604.1"),
    ("unknown", "Unknown", "Unknown", "curl/8.16"),
)
_DEVICE_WEIGHTS = (40, 27, 14, 10, 4, 5, 0.3)
_Event: TypeAlias = tuple[str, str, str | None, str, int]
# event, category, the feature that it belongs to, the page that it happens on
_EVENTS: Final[tuple[_Event, ...]] = (
    ("checkin_completed", "feature_usage", "daily_checkin", "/checkin", 24),
    ("activity_planned", "feature_usage", "activities", "/activities", 11),
    ("goal_updated", "feature_usage", "goals", "/goals", 8),
    ("challenge_step_done", "feature_usage", "challenges", "/challenges", 8),
    ("talk_logged", "feature_usage", "talks", "/talks", 6),
    ("ai_coach_asked", "feature_usage", "ai_coach", "/coach", 8),
    ("date_idea_saved", "user_action", "date_ideas", "/ideas", 9),
    ("partner_nudged", "engagement", None, "/home", 8),
    ("streak_shared", "engagement", None, "/achievements", 3),
    ("settings_changed", "user_action", None, "/settings", 3),
    ("plan_viewed", "conversion", None, "/plans", 3),
    ("partner_offer_opened", "partner", None, "/offers", 4),
    ("card_updated", "payment", None, "/account/billing", 1),
    ("sync_failed", "error", None, "/home", 1),
    ("push_delivered", "system", None, "/home", 5),
)
_EVENT_WEIGHTS = [entry[4] for entry in _EVENTS]
_TITLES = {
    "/home": "Home",
    "/checkin": "Check-in",
    "/activities": "Activities",
    "/goals": "Goals",
    "/challenges": "Challenges",
    "/talks": "Talks",
    "/coach": "AI coach",
    "/ideas": "Date ideas",
    "/achievements": "Achievements",
    "/settings": "Settings",
    "/plans": "Plans",
    "/offers": "Offers near you",
    "/account/billing": "Billing",
}
_STEPS = ("landing", "create_account", "invite_partner", "partner_joined", "choose_plan", "first_payment")
_REFERRERS = {
    "organic": "https://search.example.com/",
    "paid_ad": "https://ads.example.com/c",
    "social": "https://social.example.com/",
    "partner": "https://partners.example.com/",
}
_EVENTS_PER_VISIT = 6.5


@dataclass(slots=True)
class _Visit:
    """One session in the making."""

    id: str
    couple: Couple
    person: Person
    device: tuple[str, str, str, str]
    address: str
    start: int


class Visits:
    """Writes what people did in the app; the number of events follows the scale."""

    def __init__(self, book: Book, horizon: int, events_per_couple: float) -> None:
        self.features: Counter[tuple[str, int, str]] = Counter()
        self._book = book
        self._horizon = horizon
        self._per_couple = events_per_couple
        self._couples = 0
        self._events = 0

    def couple(self, couple: Couple, money: Money, random: Random, beginning: Random) -> None:
        """The visits of both partners; the first is the sign-up, and `beginning` draws those just after."""
        self._couples += 1
        # What is missing so far, this couple included: the total comes out right whatever the weights are.
        due = max(0.0, self._couples * self._per_couple - self._events)
        stay = max(DAY, money.until - couple.joined)
        wanted = int(due * couple.eagerness * min(2.0, (stay / (150 * DAY)) ** 0.5))
        addresses = {person.id: _address(random) for person in couple.partners}
        devices = {person.id: random.choices(DEVICES, _DEVICE_WEIGHTS)[0] for person in couple.partners}
        self._funnel(couple, money, self._visit_id(), random)
        known: set[tuple[str, str]] = set()
        today: set[tuple[str, str, int]] = set()
        for person, start, names in first_days.visits(couple, money, beginning):
            visit = _Visit(self._visit_id(), couple, person, devices[person.id], addresses[person.id], start)
            drawn = [entry for name in names for entry in _EVENTS if entry[0] == name]
            wanted -= self._write(visit, drawn, known, today, beginning)
        while wanted > 0:
            person = random.choices(couple.partners, [one.eagerness for one in couple.partners])[0]
            day = random.randrange(couple.joined, couple.joined + stay) // DAY
            start = max(couple.joined, day * DAY + second_of_day(random))
            if start >= money.until:
                start = max(couple.joined, money.until - 3_600)
            visit = _Visit(self._visit_id(), couple, person, devices[person.id], addresses[person.id], start)
            events = min(wanted, 1 + int(random.expovariate(1 / _EVENTS_PER_VISIT)))
            drawn = random.choices(_EVENTS, _EVENT_WEIGHTS, k=events)
            wanted -= self._write(visit, drawn, known, today, random)

    def write_features(self, book: Book) -> None:
        """`feature_usage_metrics`: what the nightly worker made of the events, day by day."""
        days = sorted({(feature, day) for feature, day, _ in self.features})
        for feature, day in days:
            users, new = self.features[feature, day, "users"], self.features[feature, day, "new"]
            uses = self.features[feature, day, "uses"]
            book.write(
                "feature_usage_metrics",
                id=book.ids.row("feat"),
                feature_name=feature,
                metric_date=day_text(day * DAY),
                total_users=users,
                new_users=new,
                active_users=users,
                total_interactions=uses,
                average_time_spent_seconds=round(self.features[feature, day, "seconds"] / uses, 2),
                completion_rate=round(72 + (day * 7 + len(feature) * 13) % 22 + 0.5, 2),
                satisfaction_score=round(3.6 + (day * 3 + len(feature)) % 12 / 10, 2),
                created_at=sql_form(day * DAY + DAY + 1_200),
            )

    def _visit_id(self) -> str:
        return self._book.ids.row("ses")

    def _write(
        self,
        visit: _Visit,
        drawn: list[_Event],
        known: set[tuple[str, str]],
        today: set[tuple[str, str, int]],
        random: Random,
    ) -> int:
        moment, page, pages = visit.start, "/home", 0
        device, browser, system, agent = visit.device
        last_moment = visit.start
        visited = []
        events = len(drawn)
        # What belongs to one page is done on one visit to it.
        for name, category, feature, path, _ in sorted(drawn, key=drawn.index):
            moment = min(moment + random.randint(4, 150), self._horizon - 1)
            if path != page or not pages:
                visited.append((path, moment, moment - last_moment))
                page, pages, last_moment = path, pages + 1, moment
            self._book.write(
                "analytics_events",
                id=self._book.ids.row("evn"),
                event_name=name,
                event_category=category,
                user_id=visit.person.id,
                relationship_id=visit.couple.id,
                session_id=visit.id,
                event_data=to_json({"feature": feature, "build": f"4.{moment // (21 * DAY) % 40}"})
                if feature
                else None,
                page_url=f"https://app.example.com{path}",
                referrer_url=None,
                device_type=device,
                browser=browser,
                os=system,
                ip_address=visit.address,
                user_agent=agent,
                created_at=stamp(moment),
            )
            if feature:
                self._use(feature, visit.person.id, moment // DAY, known, today, random)
        self._events += events
        for path, at, seconds in visited:
            self._page(visit, path, at, seconds, bounce=len(visited) == 1 and events == 1)
        self._session(visit, moment, pages, events, visited[0][0], page)
        return events

    def _use(
        self,
        feature: str,
        person: str,
        day: int,
        known: set[tuple[str, str]],
        today: set[tuple[str, str, int]],
        random: Random,
    ) -> None:
        self.features[feature, day, "uses"] += 1
        self.features[feature, day, "seconds"] += random.randint(10, 200)
        if (feature, person, day) not in today:
            today.add((feature, person, day))
            self.features[feature, day, "users"] += 1
        if (feature, person) not in known:
            known.add((feature, person))
            self.features[feature, day, "new"] += 1

    def _page(self, visit: _Visit, path: str, moment: int, seconds: int, *, bounce: bool) -> None:
        self._book.write(
            "page_views",
            id=self._book.ids.row("pv"),
            user_id=visit.person.id,
            relationship_id=visit.couple.id,
            session_id=visit.id,
            page_path=path,
            page_title=_TITLES[path],
            referrer=None,
            duration_seconds=max(2, seconds),
            bounce=bounce,
            device_type=visit.device[0],
            created_at=stamp(moment),
        )

    def _session(self, visit: _Visit, end: int, pages: int, events: int, entry: str, left: str) -> None:
        device, browser, system, _ = visit.device
        self._book.write(
            "user_sessions",
            id=visit.id,
            user_id=visit.person.id,
            relationship_id=visit.couple.id,
            session_start=js_form(visit.start),
            session_end=js_form(end),
            duration_seconds=end - visit.start,
            pages_viewed=pages,
            events_count=events,
            device_type=device,
            browser=browser,
            os=system,
            ip_address=visit.address,
            entry_page=entry,
            exit_page=left,
            converted=False,
            conversion_value_cents=None,
        )

    def _funnel(self, couple: Couple, money: Money, session: str, random: Random) -> None:
        """The couple's own way in, as far as it went, and that of visitors who left without a name."""
        reached = (
            len(_STEPS)
            if money.first_paid
            else random.choice((3, 4, 5))
            if money.lives
            else random.choice((2, 3, 4, 4))
        )
        self._steps(couple, session, reached, random)
        self._signup(couple, money, session, random)
        for _ in range(random.choice((0, 1, 1, 2, 3))):
            self._steps(None, self._visit_id(), random.choices((0, 1), (7, 3))[0], random, couple.joined)

    def _steps(
        self, couple: Couple | None, session: str, reached: int, random: Random, near: int | None = None
    ) -> None:
        moment = couple.joined if couple else (near or 0) - random.randrange(5 * DAY)
        for order, step in enumerate(_STEPS[: reached + 1], 1):
            completed = order <= reached
            took = int(random.lognormvariate(4.2, 1.0))
            moment += took
            if moment >= self._horizon:
                return
            self._book.write(
                "conversion_funnels",
                id=self._book.ids.row("fun"),
                funnel_name="onboarding",
                user_id=couple.payer.id if couple and order > 1 else None,
                relationship_id=couple.id if couple and order > 1 else None,
                session_id=session,
                step_name=step,
                step_order=order,
                completed=completed,
                dropped_off=not completed,
                time_to_complete_seconds=took if completed else None,
                created_at=stamp(moment),
            )

    def _signup(self, couple: Couple, money: Money, session: str, random: Random) -> None:
        """The session of the sign-up; it converted when a payment followed within two days."""
        paid = money.first_paid is not None and money.first_paid < couple.joined + 2 * DAY
        end = min(couple.joined + random.randint(90, 1_500), self._horizon - 1)
        device, browser, system, _ = random.choices(DEVICES, _DEVICE_WEIGHTS)[0]
        self._book.write(
            "user_sessions",
            id=session,
            user_id=couple.payer.id,
            relationship_id=couple.id,
            session_start=js_form(couple.joined),
            session_end=js_form(end),
            duration_seconds=end - couple.joined,
            pages_viewed=1,
            events_count=0,
            device_type=device,
            browser=browser,
            os=system,
            ip_address=_address(random),
            entry_page="/welcome",
            exit_page="/plans" if paid else "/welcome",
            converted=paid,
            conversion_value_cents=money.first_amount if paid else None,
        )
        self._book.write(
            "page_views",
            id=self._book.ids.row("pv"),
            user_id=couple.payer.id,
            relationship_id=couple.id,
            session_id=session,
            page_path="/welcome",
            page_title="Welcome",
            referrer=_REFERRERS.get(couple.source),
            duration_seconds=end - couple.joined,
            bounce=not money.lives,
            device_type=device,
            created_at=stamp(couple.joined),
        )


def _address(random: Random) -> str:
    """An address out of the ranges that are kept for documentation (RFC 5737, RFC 3849)."""
    if random.random() < 0.2:
        return f"2001:db8:{random.randrange(65_536):x}::{random.randrange(1, 65_536):x}"
    return f"{random.choice(('192.0.2', '198.51.100', '203.0.113'))}.{random.randrange(1, 255)}"
