"""What production's data has and nobody wanted: it stays, so every page has to open on it and say so.

Kinds are handed out by the couple's number, so that each occurs in a company of 60 couples, and some five
times in one of 2,000.
"""

from dataclasses import replace
from enum import Enum
from random import Random

from lib.demo.book import Book
from lib.demo.catalogue import Plan
from lib.demo.clock import DAY, day_text, sql_form, stamp
from lib.demo.people import Couple, Person

_EVERY = 400
_CHEAPER_BY = 500


class Dirt(Enum):
    """What is wrong with a couple."""

    SWAPPED = "the couple (A, B) exists a second time as (B, A)"
    SELF = "both partners are the same person"
    BOTH_PAY = "each partner pays for a subscription of the couple"
    OLD_PRICE = "the price on the row is not the one at Stripe"
    GONE_AT_STRIPE = "Stripe does not know the subscription"
    MIXED_CASE = "the e-mail address is spelled in capitals"


ODD_NAMES = (
    '=HYPERLINK("https://example.com","Click me")',
    "<script>alert('hello')</script>",
    "<b>Bianca</b> & Söhne",
    "**Star** [link](https://example.com) `code`",
    "Robert'); DROP TABLE users;--",
    "Zoë 💑 O'Neill-Ångström",
    '"Ace" D\'Arcy \\ Smith',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "王小明",
    "ليلى الحداد",
    "Tab\tand\nnewline",
    " ",
    "Wolfeschlegelsteinhausenbergerdorff " * 8 + "Senior",
    "-2+3",
    "$x^2$ :heart: :material/delete:",
)


def of_couple(number: int, couples: int) -> frozenset[Dirt]:
    """What is wrong with the couple of this number; mostly nothing."""
    place = number % min(_EVERY, max(couples, 1))
    return frozenset(dirt for order, dirt in enumerate(Dirt) if place == 6 + 4 * order)


def odd_name(number: int, couples: int) -> str | None:
    """A name that breaks careless pages, for some of the couples."""
    place = number % min(_EVERY, max(couples, 1)) - 8
    return ODD_NAMES[place // 3] if place >= 0 and place % 3 == 0 and place // 3 < len(ODD_NAMES) else None


def old_price(plan: Plan) -> Plan:
    """The plan as it was sold in the first weeks, five dollars cheaper; Stripe's price has moved on."""
    return replace(plan, price=plan.price - _CHEAPER_BY)


def write_swapped(
    book: Book, couple: Couple, partners: tuple[Person, Person], horizon: int, random: Random
) -> None:
    """The couple once more, with the partners the other way round: both had invited the other."""
    first, second = partners
    moment = min(couple.joined + random.randrange(DAY), horizon - 1)
    book.write(
        "relationships",
        id=book.ids.row("rel"),
        user_1_id=second.id,
        user_2_id=first.id,
        relationship_type=couple.kind,
        start_date=day_text(couple.together_since),
        status="active",
        privacy_level="private",
        created_at=stamp(moment),
        updated_at=sql_form(moment),
    )
