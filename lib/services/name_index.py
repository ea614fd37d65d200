"""An index of people's names in a SQLite file beside a SQLite database: any part, and typing errors.

**The file holds personal data**: the words of everybody's name, nickname and e-mail (what is before the @),
with their user id. Only its owner may read it (mode 0600), it is to be deleted together with its database,
and it is never part of production's database, whose export would refuse a full-text table. A changed or
erased person is indexed anew within minutes, and words that nobody bears any more are removed with them; a
deleted person is gone within a day.

A typed word stands for every known word that begins with it, contains it, or is one typing error away: a
letter too many, missing, wrong, or swapped with its neighbour. Typing errors are found through the forms of a
word with one letter left out, as in Garbe's SymSpell (https://github.com/wolfgarbe/SymSpell).
"""

import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sqlalchemy import URL

VERSION: Final = "1"
_SHORTEST_WITH_TYPOS: Final = 4
_LONGEST_WORD: Final = 40
_WORDS_OF_A_PERSON: Final = 24
_ALTERNATIVES: Final = 40
_WORD: Final = re.compile(r"[^\W_]+")
_BUSY_S: Final = 10.0

_TABLES: Final = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE people (number INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, words TEXT NOT NULL);
    CREATE VIRTUAL TABLE people_words USING fts5(
        words, content = 'people', content_rowid = 'number', detail = none, columnsize = 0,
        tokenize = 'unicode61 remove_diacritics 0');
    CREATE VIRTUAL TABLE bearers USING fts5vocab(people_words, 'row');
    CREATE TABLE vocabulary (number INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
    CREATE VIRTUAL TABLE trigrams USING fts5(
        word, content = 'vocabulary', content_rowid = 'number', tokenize = 'trigram');
    CREATE TABLE shortened (form TEXT, word TEXT, PRIMARY KEY (form, word)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A person's texts as they are, unmasked."""

    user_id: str
    texts: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class NameIndex:
    """The index file of one database. It may not exist yet: then it knows nobody, and `position` is None."""

    path: Path

    @classmethod
    def beside(cls, url: URL) -> Self | None:
        """The index of a SQLite database; None for another engine, which has its own way."""
        if url.get_backend_name() != "sqlite" or not url.database:
            return None
        return cls(Path(f"{url.database}.search.db"))

    def find(self, typed: str, *, limit: int) -> list[str]:
        """User ids of people who bear every typed word: exact ones first, then the latest indexed."""
        wanted = words_of(typed)
        if not wanted or not self.path.exists():
            return []
        with self._reading() as connection:
            if _version(connection) != VERSION:
                return []
            exact = _people(connection, [[word] for word in wanted], limit)
            if len(exact) >= limit:
                return exact
            like = _people(connection, [_alternatives(connection, word) for word in wanted], limit)
        return list(dict.fromkeys([*exact, *like]))[:limit]

    def known(self, key: str) -> str | None:
        """A value that was kept with the index."""
        if not self.path.exists():
            return None
        with self._reading() as connection:
            return _meta(connection, key) if _version(connection) == VERSION else None

    def user_ids(self, after: str, limit: int) -> list[str]:
        """Indexed people in the order of their ids, for a walk through all of them."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT user_id FROM people WHERE user_id > ? ORDER BY user_id LIMIT ?", (after, limit)
            )
            return [user_id for (user_id,) in rows]

    def clear(self) -> None:
        """Forget everything; the file stands empty afterwards."""
        for path in (self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-shm"))):
            path.unlink(missing_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with self._writing() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
            connection.execute("INSERT INTO meta VALUES ('version', ?)", (VERSION,))

    def put(self, people: Iterable[Named], **keep: str) -> int:
        """Index these people anew and keep values with them, in one transaction; gives how many changed."""
        with self._writing() as connection:
            changed = sum(_put(connection, person) for person in people)
            _keep(connection, keep)
        return changed

    def remove(self, user_ids: Sequence[str], **keep: str) -> None:
        """Forget people and the words that nobody else bears."""
        with self._writing() as connection:
            for user_id in user_ids:
                _remove(connection, user_id)
            _keep(connection, keep)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_S)) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=_BUSY_S)) as connection, connection:
            yield connection


def words_of(text: str) -> list[str]:
    """The words of a text, without case and accents: `Zoë O'Brien` -> `zoe`, `o`, `brien`."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    found = (word[:_LONGEST_WORD] for word in _WORD.findall(bare.casefold()))
    return list(dict.fromkeys(found))[:_WORDS_OF_A_PERSON]


def _put(connection: sqlite3.Connection, person: Named) -> bool:
    text = " ".join(words_of(" ".join(text for text in person.texts if text)))
    before = connection.execute("SELECT words FROM people WHERE user_id = ?", (person.user_id,)).fetchone()
    if before == (text,):
        return False
    if before is not None:
        _remove(connection, person.user_id)
    row = connection.execute("INSERT INTO people (user_id, words) VALUES (?, ?)", (person.user_id, text))
    connection.execute("INSERT INTO people_words (rowid, words) VALUES (?, ?)", (row.lastrowid, text))
    for word in text.split():
        _learn(connection, word)
    return True


def _remove(connection: sqlite3.Connection, user_id: str) -> None:
    found = connection.execute("SELECT number, words FROM people WHERE user_id = ?", (user_id,)).fetchone()
    if found is None:
        return
    number, text = found
    connection.execute(
        "INSERT INTO people_words (people_words, rowid, words) VALUES ('delete', ?, ?)", (number, text)
    )
    connection.execute("DELETE FROM people WHERE number = ?", (number,))
    for word in text.split():
        if connection.execute("SELECT 1 FROM bearers WHERE term = ?", (word,)).fetchone() is None:
            _unlearn(connection, word)


def _learn(connection: sqlite3.Connection, word: str) -> None:
    added = connection.execute("INSERT OR IGNORE INTO vocabulary (word) VALUES (?)", (word,))
    if added.rowcount:
        connection.execute("INSERT INTO trigrams (rowid, word) VALUES (?, ?)", (added.lastrowid, word))
        forms = [(form, word) for form in _shortened(word)]
        connection.executemany("INSERT OR IGNORE INTO shortened VALUES (?, ?)", forms)


def _unlearn(connection: sqlite3.Connection, word: str) -> None:
    found = connection.execute("SELECT number FROM vocabulary WHERE word = ?", (word,)).fetchone()
    if found is None:
        return
    connection.execute(
        "INSERT INTO trigrams (trigrams, rowid, word) VALUES ('delete', ?, ?)", (found[0], word)
    )
    connection.execute("DELETE FROM vocabulary WHERE number = ?", found)
    forms = [(form, word) for form in _shortened(word)]
    connection.executemany("DELETE FROM shortened WHERE form = ? AND word = ?", forms)


def _shortened(word: str) -> set[str]:
    """The word, and the word with one letter left out; nothing for short words and those with digits."""
    if len(word) < _SHORTEST_WITH_TYPOS - 1 or not word.isalpha():
        return set()
    return {word} | {word[:place] + word[place + 1 :] for place in range(len(word))}


def _alternatives(connection: sqlite3.Connection, word: str) -> list[str]:
    """The known words that a typed one may stand for."""
    found = connection.execute(
        "SELECT word FROM vocabulary WHERE word >= ? AND word < ? ORDER BY word LIMIT ?",
        (word, f"{word}\U0010ffff", _ALTERNATIVES),
    ).fetchall()
    if len(word) >= _SHORTEST_WITH_TYPOS and word.isalpha():
        forms = sorted(_shortened(word))
        marks = ", ".join("?" * len(forms))
        found += [
            (other,)
            for (other,) in connection.execute(
                f"SELECT DISTINCT word FROM shortened WHERE form IN ({marks}) LIMIT 1000",  # noqa: S608 - marks only
                forms,
            )
            if _one_error_apart(word, other)
        ]
    if len(word) >= 3:
        found += connection.execute(
            "SELECT word FROM trigrams WHERE trigrams MATCH ? LIMIT ?", (f'"{word}"', _ALTERNATIVES)
        ).fetchall()
    return list(dict.fromkeys(other for (other,) in found)) or [word]


def _one_error_apart(one: str, other: str) -> bool:
    """Whether a letter is missing, added, wrong, or swapped with its neighbour, once."""
    same = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    rest, other_rest = one[same:], other[same:]
    return (
        rest[1:] == other_rest[1:]
        or rest[1:] == other_rest
        or rest == other_rest[1:]
        or (rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:])
    )


def _people(connection: sqlite3.Connection, wanted: Sequence[Sequence[str]], limit: int) -> list[str]:
    match = " AND ".join("(" + " OR ".join(f'"{word}"' for word in words) + ")" for words in wanted)
    rows = connection.execute(
        "SELECT people.user_id FROM people_words JOIN people ON people.number = people_words.rowid "
        "WHERE people_words MATCH ? ORDER BY people_words.rowid DESC LIMIT ?",
        (match, limit),
    )
    return [user_id for (user_id,) in rows]


def _version(connection: sqlite3.Connection) -> str | None:
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
    return _meta(connection, "version") if made else None


def _meta(connection: sqlite3.Connection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return found[0] if found else None


def _keep(connection: sqlite3.Connection, values: Mapping[str, str]) -> None:
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())
