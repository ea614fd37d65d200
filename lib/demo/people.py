"""Who they are: two people, how they live together, how much they like the app."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from lib.demo.material import Culture, cultures

_LOVE_LANGUAGES = (
    "words_of_affirmation",
    "quality_time",
    "physical_touch",
    "acts_of_service",
    "receiving_gifts",
)
_SOURCES = {"organic": 38, "referral": 18, "paid_ad": 17, "social": 14, "partner": 6, "gift": 7}
_KINDS = {"dating": 45, "married": 30, "engaged": 14, "partnership": 11}
_SPELT_OUT = str.maketrans(
    {
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "ß": "ss",
        "đ": "d",
        "Đ": "D",
        "ı": "i",
        "æ": "ae",
        "’": "",
        "'": "",
    }
)


@dataclass(slots=True)
class Person:
    """One partner. `eagerness` scales how often they use the app; 1 is the average."""

    id: str
    email: str
    name: str
    nickname: str | None
    phone: str | None
    zone: str
    love_languages: tuple[str, str]
    eagerness: float

    @property
    def first_name(self) -> str:
        """How the partner would call them."""
        return self.name.split(" ")[0]


@dataclass(slots=True)
class Couple:
    """Two people with one account. `payer` and `other` are the same person only in dirty data."""

    number: int
    id: str
    payer: Person
    other: Person
    kind: str
    source: str
    joined: int
    together_since: int
    eagerness: float
    customer: str

    @property
    def one_sided(self) -> bool:
        """Whether the second partner hardly takes part."""
        return self.other.eagerness < 0.1 * self.payer.eagerness

    @property
    def people(self) -> tuple[Person, ...]:
        """Each person once."""
        return (self.payer,) if self.payer is self.other else self.partners

    @property
    def partners(self) -> tuple[Person, Person]:
        """Both, the one who pays first."""
        return self.payer, self.other


class Registry:
    """Draws people. E-mail addresses are unique; a name that occurs again gets a number.

    The number of names is bounded, so the memory for their counts is too.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._cultures = cultures()
        self._weights = [culture.weight for culture in self._cultures]

    def person(
        self, person_id: str, random: Random, eagerness: float, culture: Culture | None = None
    ) -> Person:
        """A person; with a culture, one in ten still comes from elsewhere."""
        if culture is None or random.random() < 0.1:
            culture = self.culture(random)
        family = culture if random.random() < 0.93 else self.culture(random)
        first, last = random.choice(culture.first), random.choice(family.last)
        return Person(
            id=person_id,
            email=self._email(first, last, random),
            name=f"{first} {last}",
            nickname=None,
            phone=f"+1555{random.randrange(10_000_000):07}" if random.random() < 0.35 else None,
            zone=random.choice(culture.zones),
            love_languages=_two(random),
            eagerness=eagerness,
        )

    def culture(self, random: Random) -> Culture:
        """Where somebody's names come from."""
        return random.choices(self._cultures, self._weights)[0]

    def _email(self, first: str, last: str, random: Random) -> str:
        local = f"{_ascii(first)}.{_ascii(last)}"
        self._seen[local] = count = self._seen.get(local, 0) + 1
        return f"{local}{count if count > 1 else ''}@{random.choice(('example.com', 'example.org'))}"


def kind_of_couple(random: Random) -> str:
    """dating, married, engaged or partnership."""
    return random.choices(list(_KINDS), list(_KINDS.values()))[0]


def source_of_couple(random: Random) -> str:
    """How they heard of the app, in the words of `user_cohorts.joined_via`."""
    return random.choices(list(_SOURCES), list(_SOURCES.values()))[0]


def _two(random: Random) -> tuple[str, str]:
    first, second = random.sample(_LOVE_LANGUAGES, 2)
    return first, second


@lru_cache(maxsize=4_096)
def _ascii(name: str) -> str:
    """`Ødegård` -> `odegard`, for an address that every mail server takes."""
    plain = unicodedata.normalize("NFKD", name.translate(_SPELT_OUT))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha()).lower()
