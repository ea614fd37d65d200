"""Couples as rows: two users, their relationship, the cohort that each belongs to."""

from datetime import timedelta
from random import Random

from lib.demo.billing import Money
from lib.demo.book import Book, to_json
from lib.demo.clock import DAY, day_of, day_text, js_form, midnight, sql_form, stamp
from lib.demo.dirt import Dirt
from lib.demo.ids import Ids, stripe_id
from lib.demo.material import texts
from lib.demo.people import Couple, Person, Registry, kind_of_couple, source_of_couple


def found(
    number: int,
    joined: int,
    registry: Registry,
    ids: Ids,
    random: Random,
    wrong: frozenset[Dirt],
    odd: str | None,
) -> Couple:
    """Make a couple that signs up at a moment. Partners are alike in eagerness, but not the same.

    `wrong` is what is wrong with its data, `odd` a name that one of them goes by.
    """
    eagerness = random.gammavariate(2.6, 1 / 2.6)
    culture = registry.culture(random)
    couple_id = ids.row("rel")
    payer = registry.person(ids.row("usr"), random, eagerness * random.uniform(0.8, 1.5), culture)
    other = (
        payer
        if Dirt.SELF in wrong
        else registry.person(
            ids.row("usr"), random, eagerness * random.uniform(0.25, 1.2) * _joins_in(number), culture
        )
    )
    if random.random() < 0.75:
        other.zone = payer.zone
    for person in (payer, other):
        if random.random() < 0.3:
            person.nickname = random.choice(texts()["nicknames"])
    if odd is not None:
        payer.name = odd
    if Dirt.MIXED_CASE in wrong:
        payer.email = payer.email.replace("@", "+App@").title()
    return Couple(
        number=number,
        id=couple_id,
        payer=payer,
        other=other,
        kind=kind_of_couple(random),
        source=source_of_couple(random),
        joined=joined,
        together_since=joined - int(random.gammavariate(1.6, 1_100)) * DAY - 60 * DAY,
        eagerness=eagerness,
        customer=stripe_id("cus", couple_id),
    )


def _joins_in(number: int) -> float:
    """How much the second partner takes part: of every twentieth couple hardly at all."""
    return 0.03 if number % 20 == 11 else 1.0


def write(book: Book, couple: Couple, money: Money, horizon: int, random: Random) -> tuple[Person, Person]:
    """Write the two people, the couple and their cohorts. In one of five couples the payer joined second.

    Gives the partners in the order in which they stand in the couple's row.
    """
    people = couple.people
    joins = {
        person.id: couple.joined + number * random.randrange(600, 3 * DAY)
        for number, person in enumerate(people)
    }
    for person in people:
        _person(book, person, min(joins[person.id], horizon - 1), money, horizon, random)
    first, second = couple.partners if random.random() < 0.8 else (couple.other, couple.payer)
    ended = not money.alive and random.random() < 0.45
    since = day_of(couple.together_since)
    book.write(
        "relationships",
        id=couple.id,
        user_1_id=first.id,
        user_2_id=second.id,
        relationship_type=couple.kind,
        start_date=since.isoformat(),
        anniversary_date=_anniversary(couple, random),
        status="ended" if ended else "paused" if random.random() < 0.02 else "active",
        privacy_level=random.choices(("private", "friends", "public"), (86, 11, 3))[0],
        created_at=stamp(couple.joined),
        updated_at=sql_form(money.until - 1),
    )
    for person in people:
        _cohort(book, couple, person, money)
    return first, second


def _person(book: Book, person: Person, joined: int, money: Money, horizon: int, random: Random) -> None:
    seen = max(
        joined, min(money.until, horizon) - 1 - int(random.expovariate(max(0.2, person.eagerness) / DAY))
    )
    book.write(
        "users",
        id=person.id,
        email=person.email,
        name=person.name,
        nickname=person.nickname,
        profile_photo_url=f"https://photos.example.com/{person.id}.jpg" if random.random() < 0.4 else None,
        phone_number=person.phone,
        timezone=person.zone,
        love_language_primary=person.love_languages[0],
        love_language_secondary=person.love_languages[1],
        relationship_preferences=_preferences(random),
        created_at=stamp(joined),
        updated_at=sql_form(seen),
        last_active_at=js_form(seen),
    )


def _preferences(random: Random) -> str:
    return to_json(
        {
            "reminders": random.choice(("morning", "evening", "off")),
            "date_budget": random.choice(("low", "medium", "high")),
            "languages": random.choice((["en"], ["en"], ["en", "es"], ["fr", "en"], ["de", "en"])),
        }
    )


def _anniversary(couple: Couple, random: Random) -> str | None:
    """The wedding day of the married ones, else the day they met, if they told."""
    if couple.kind == "married":
        latest = day_of(couple.joined) - timedelta(days=20)
        wedding = day_of(couple.together_since) + timedelta(days=random.randint(200, 1_500))
        return min(wedding, latest).isoformat()
    return day_text(couple.together_since) if random.random() < 0.5 else None


def _cohort(book: Book, couple: Couple, person: Person, money: Money) -> None:
    """The month in which the couple signed up. Revenue is noted with the one who paid it."""
    month = day_of(couple.joined).replace(day=1)
    first = money.lives[0].started if money.lives else None
    book.write(
        "user_cohorts",
        id=book.ids.row("coh"),
        cohort_name=f"{month:%Y-%m} {couple.source}",
        cohort_date=month.isoformat(),
        user_id=person.id,
        relationship_id=couple.id,
        joined_via=couple.source,
        first_subscription_date=day_text(first) if first else None,
        total_revenue_cents=money.revenue if person is couple.payer else 0,
        is_active=money.alive,
        created_at=sql_form(midnight(month)),
    )
