"""What concerns the whole company and no single couple: partner businesses and e-mail campaigns."""

from dataclasses import dataclass
from math import exp
from random import Random
from typing import Any

from lib.demo.book import Book, to_json
from lib.demo.clock import DAY, HOUR, day_of, day_text, sql_form, stamp
from lib.demo.growth import MONTHLY_GROWTH, season

_PARTNERS = (
    ("Lantern & Vine Restaurants", "dining", 9.0, 7200, 0.1),
    ("Still Waters Spa", "wellness", 3.2, 14800, 0.12),
    ("Two Tickets", "events", 4.6, 6900, 0.08),
    ("Harbour Nights Hotels", "travel", 1.6, 23900, 0.09),
    ("Clay Together Studio", "workshops", 1.4, 9800, 0.15),
    ("Petal Post Flowers", "gifts", 5.8, 4300, 0.14),
    ("Summit Couples Climbing", "adventure", 1.0, 5600, 0.11),
    ("Quiet Room Counselling", "counselling", 0.8, 11500, 0.05),
)
_CAMPAIGNS = (
    ("Welcome, you two", "welcome", 7, 0.30, 0.58),
    ("Your week together", "engagement", 7, 0.85, 0.41),
    ("We miss you", "retention", 14, 0.22, 0.27),
    ("Date ideas of the month", "engagement", 30, 0.8, 0.38),
    ("Your receipt and what is new", "transactional", 30, 0.55, 0.62),
)
_SEASONAL = {
    2: "Valentine's Day offer",
    1: "New year, together",
    7: "Summer of small adventures",
    11: "Black Friday",
}


_TOLD_DAYS = 30
"""For how many days the app's events about bookings go back."""


@dataclass(frozen=True, slots=True)
class _PartnerDay:
    """One day of one partner, as `partner_analytics` has it."""

    partner: str
    category: str
    moment: int
    bookings: int
    revenue_cents: int
    commission_cents: int
    rating: float
    cancellations: int


def partners(book: Book, start: int, horizon: int, couples: int, random: Random) -> list[_PartnerDay]:
    """`partner_analytics`: bookings of each business by day, without empty days; gives the last ones."""
    told = []
    for name, category, rate, average, commission in _PARTNERS:
        quality = random.uniform(4.0, 4.8)
        for moment in range(start, horizon, DAY):
            expected = rate * _size(moment, start, horizon, couples) / 700 * season(day_of(moment))
            bookings = _poisson(expected, random)
            if not bookings:
                continue
            revenue = sum(int(random.gauss(average, average / 4)) for _ in range(bookings))
            revenue = max(revenue, bookings * 500)
            rating = round(min(5.0, random.gauss(quality, 0.15)), 2)
            repeated = _poisson(bookings * 0.2, random) % (bookings + 1)
            cancelled = _poisson(bookings * 0.06, random) % (bookings + 1)
            book.write(
                "partner_analytics",
                id=book.ids.row("par"),
                partner_name=name,
                partner_category=category,
                analytics_date=day_text(moment),
                total_bookings=bookings,
                total_revenue_cents=revenue,
                commission_cents=int(revenue * commission),
                average_rating=rating,
                repeat_bookings=repeated,
                cancellations=cancelled,
                created_at=sql_form(min(moment + DAY + 900, horizon - 1)),
            )
            if moment >= horizon - _TOLD_DAYS * DAY:
                told.append(
                    _PartnerDay(
                        name,
                        category,
                        moment,
                        bookings,
                        revenue,
                        int(revenue * commission),
                        rating,
                        cancelled,
                    )
                )
    return told


def bookings(book: Book, days: list[_PartnerDay], random: Random) -> None:
    """The app's events about bookings of the last days; they come from the partners and name no person."""
    for day in days:
        amounts = _split(day.revenue_cents, day.bookings)
        commissions = _split(day.commission_cents, day.bookings)
        for amount, commission in zip(amounts, commissions, strict=True):
            told = {"category": day.category, "amount_cents": amount, "commission_cents": commission}
            _tell(book, "booking_made", day, told, random)
        for _ in range(day.cancellations):
            _tell(book, "booking_cancelled", day, {}, random)
        _tell(book, "booking_rated", day, {"rating": day.rating}, random)


def _tell(book: Book, name: str, day: _PartnerDay, more: dict[str, Any], random: Random) -> None:
    book.write(
        "analytics_events",
        id=book.ids.row("evn"),
        event_name=name,
        event_category="partner",
        event_data=to_json({"partner": day.partner} | more),
        page_url="https://app.example.com/offers",
        created_at=stamp(day.moment + random.randrange(8 * HOUR, 23 * HOUR)),
    )


def _split(total: int, parts: int) -> list[int]:
    """A sum in so many parts, as even as whole cents can be."""
    return [total * (number + 1) // parts - total * number // parts for number in range(parts)]


def campaigns(book: Book, start: int, horizon: int, couples: int, random: Random) -> None:
    """`email_campaign_analytics`: the recurring campaigns, and one for each season."""
    for name, kind, every, share, opened in _CAMPAIGNS:
        for moment in range(start + every * DAY, horizon, every * DAY):
            sent = int(2 * _size(moment, start, horizon, couples) * share * random.uniform(0.9, 1.1))
            _campaign(book, f"{name} · {day_of(moment):%d %b %Y}", kind, moment, sent, opened, random)
    for moment in range(start, horizon, DAY):
        day = day_of(moment)
        if day.day == 10 and day.month in _SEASONAL:
            sent = int(2 * _size(moment, start, horizon, couples) * 0.9)
            _campaign(book, f"{_SEASONAL[day.month]} {day.year}", "promotional", moment, sent, 0.44, random)


def _campaign(
    book: Book, name: str, kind: str, moment: int, sent: int, opened: float, random: Random
) -> None:
    if not sent:
        return
    bounced = int(sent * random.uniform(0.004, 0.02))
    delivered = sent - bounced
    opens = int(delivered * opened * random.uniform(0.85, 1.1))
    clicks = int(opens * random.uniform(0.06, 0.22))
    conversions = int(clicks * random.uniform(0.01, 0.09)) if kind != "transactional" else 0
    book.write(
        "email_campaign_analytics",
        id=book.ids.row("cam"),
        campaign_name=name,
        campaign_type=kind,
        sent_date=day_text(moment),
        total_sent=sent,
        total_delivered=delivered,
        total_opened=opens,
        total_clicked=clicks,
        total_bounced=bounced,
        total_unsubscribed=int(delivered * random.uniform(0.0005, 0.006)),
        open_rate=round(100 * opens / delivered, 2) if delivered else 0,
        click_rate=round(100 * clicks / delivered, 2) if delivered else 0,
        conversion_count=conversions,
        conversion_value_cents=conversions * 3_000,
        created_at=sql_form(moment + 3_600),
    )


def _size(moment: int, start: int, horizon: int, couples: int) -> float:
    """About how many couples there were then."""
    months_left = (horizon - moment) / (30.4 * DAY)
    grown = exp(-MONTHLY_GROWTH * months_left)
    return couples * grown * (moment - start) / max(DAY, horizon - start)


def _poisson(expected: float, random: Random) -> int:
    """A small number of independent happenings (Knuth's method; a normal one where that would take long)."""
    if expected > 30:
        return max(0, round(random.gauss(expected, expected**0.5)))
    threshold, number, product = exp(-expected), 0, random.random()
    while product > threshold:
        number += 1
        product *= random.random()
    return number
