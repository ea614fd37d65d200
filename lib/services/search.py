"""Search: one box over people, couples and everything that has an id, here or at Stripe.

What has the id that was typed comes first. Words find people by any part of a name, a nickname or an address,
with a typing error too, and the couples that they are part of: on SQLite through the index of names
(`name_index`) and, for who changed since it was made, plainly; on PostgreSQL through pg_trgm.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Text, and_, case, func, literal, or_, select, text, type_coerce, union
from sqlalchemy.orm import aliased

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnyRow, AnySelect
from lib.core.work import View, query
from lib.models import Relationship, User, sortable
from lib.models.expressions import folded, starts_with
from lib.services.name_index import NameIndex, words_of
from lib.services.search_ids import Hit, Kind, by_id

LONGEST: Final = 200
SHOWN: Final = 20
KINDS: Final[Mapping[Kind, str]] = {
    "person": "People",
    "couple": "Couples",
    "subscription": "Subscriptions",
    "payment": "Payments",
    "invoice": "Invoices",
    "dispute": "Disputes",
    "refund": "Refunds",
    "event": "Stripe events",
    "code": "Discount codes",
    "error": "Errors",
    "session": "Visits",
}
BEING_MADE: Final = (
    "The index of names is being made. Until it is ready, people are found by the beginning of a name or an "
    "e-mail address."
)
_NEWER_THAN_THE_INDEX: Final = 2000
# pg_trgm: the share of the typed word's trigrams that a word of the name must have. Two letters swapped in a
# short name leave 0.4 (“jonh”, John).
_ALIKE: Final = 0.35


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, exact hits first, and a sentence when it could not look everywhere."""

    hits: Sequence[Hit] = ()
    note: str | None = None

    @property
    def groups(self) -> Sequence[tuple[str, Sequence[Hit]]]:
        """The hits by kind, with the kind's title; kinds with an exact hit first."""
        by_kind = [(title, [hit for hit in self.hits if hit.kind == kind]) for kind, title in KINDS.items()]
        return sorted(
            ((title, hits) for title, hits in by_kind if hits), key=lambda group: not group[1][0].exact
        )


@query(Permission.PEOPLE_READ)
def everything(view: View, typed: str) -> Found:
    """Search for what was typed; nothing typed finds nothing. Three statements, four on PostgreSQL.

    Raises Invalid for a text that is too long. Kinds that the reader's role may not read are not looked at.
    """
    q = typed.strip()
    if len(q) > LONGEST:
        raise Invalid(
            f"A search has {LONGEST} characters at most, and this one has {len(q):,}. "
            "Search for one name, address or id."
        )
    if not q or "\x00" in q:
        return Found()
    index = NameIndex.beside(view.session.connection().engine.url)
    people = _people(view, q, index)
    hits = [*by_id(view, q), *people, *_couples(view, q, [hit.id for hit in people])]
    note = BEING_MADE if index and index.known("seen_until") is None else None
    return Found(sorted(hits, key=lambda hit: not hit.exact), note)


def _people(view: View, q: str, index: NameIndex | None) -> list[Hit]:
    found, order = _alike(view, q, index)
    exact = or_(User.id == q, folded(User.email) == q.lower())
    rank = case((exact, 0), (starts_with(User.email, q), 1), (starts_with(User.name, q), 2), else_=3)
    rows = view.session.execute(
        select(User.id, User.name, User.email, User.last_active_at, rank.label("rank")).where(
            User.id.in_(union(*_beginning(q), *found))
        )
    ).all()
    places = {user_id: place for place, user_id in enumerate(order)}
    ranked = sorted(rows, key=lambda row: (row.rank, places.get(row.id, len(places)), row.id))
    return [
        Hit("person", row.id, row.name, row.email, "users", row.id, exact=row.rank == 0)
        for row in ranked[:SHOWN]
    ]


def _beginning(q: str) -> Iterator[AnySelect]:
    """People whose id was typed, or the beginning of their name or address."""
    yield select(User.id).where(User.id == q)
    for column in (User.email, User.name):
        yield select(
            select(User.id).where(starts_with(column, q)).order_by(folded(column)).limit(SHOWN).subquery()
        )


def _alike(view: View, q: str, index: NameIndex | None) -> tuple[list[AnySelect], list[str]]:
    """SELECTs of the ids of people with such a name, and ids in the order in which they fit."""
    words = words_of(q)
    if not words or "@" in q:
        return [], []
    if index is None:
        return ([_by_trigrams(q)] if _has_trigrams(view) and max(map(len, words)) > 2 else []), []
    order = index.find(q, limit=SHOWN)
    found: list[AnySelect] = [select(User.id).where(User.id.in_(order))] if order else []
    if (seen_until := index.known("seen_until")) is not None:
        found.append(_newer(words, seen_until))
    return found, order


def _newer(words: Sequence[str], seen_until: str) -> AnySelect:
    """People who changed after the index was made, the latest first, by any part of their name."""
    changed = type_coerce(sortable(User.updated_at), Text)
    newer = (
        select(User.id, User.name, User.nickname)
        .where(changed > seen_until)
        .order_by(sortable(User.updated_at).desc())
        .limit(_NEWER_THAN_THE_INDEX)
        .subquery()
    )
    names = func.lower(newer.c.name + literal(" ") + func.coalesce(newer.c.nickname, ""))
    fitting = select(newer.c.id).where(and_(*(func.instr(names, word) > 0 for word in words))).limit(SHOWN)
    return select(fitting.subquery())


def _by_trigrams(q: str) -> AnySelect:
    typed = literal(q, Text)
    part = "%" + q.replace("/", "//").replace("%", "/%").replace("_", "/_") + "%"
    alike = or_(
        User.name.op("%>", is_comparison=True)(typed),
        User.nickname.op("%>", is_comparison=True)(typed),
        User.email.ilike(part, escape="/"),
    )
    likeness = func.greatest(
        func.word_similarity(typed, User.name), func.word_similarity(typed, func.coalesce(User.nickname, ""))
    )
    best = select(User.id).where(alike).order_by(likeness.desc(), User.id).limit(SHOWN)
    return select(best.subquery())


def _has_trigrams(view: View) -> bool:
    """Whether PostgreSQL can compare by trigrams; sets, for this transaction, how alike is alike enough."""
    threshold = func.set_config("pg_trgm.word_similarity_threshold", str(_ALIKE), True)
    installed = text("pg_extension WHERE extname = 'pg_trgm'")
    return view.session.scalar(select(threshold).select_from(installed)) is not None


def _couples(view: View, q: str, person_ids: Sequence[str]) -> list[Hit]:
    first, second = aliased(User), aliased(User)
    of_them = union(
        select(Relationship.id).where(Relationship.id == q),
        select(Relationship.id).where(Relationship.user_1_id.in_(person_ids)),
        select(Relationship.id).where(Relationship.user_2_id.in_(person_ids)),
    )
    rows = view.session.execute(
        select(
            Relationship.id,
            Relationship.status,
            first.name.label("first"),
            second.name.label("second"),
        )
        .outerjoin(first, first.id == Relationship.user_1_id)
        .outerjoin(second, second.id == Relationship.user_2_id)
        .where(Relationship.id.in_(of_them))
        .order_by(Relationship.id)
        .limit(SHOWN)
    )
    return [_couple(row, exact=row.id == q) for row in rows]


def _couple(row: AnyRow, *, exact: bool) -> Hit:
    names = " & ".join(name or "somebody who is gone" for name in (row.first, row.second))
    return Hit("couple", row.id, names, row.id, "relationships", row.id, row.status, exact)
