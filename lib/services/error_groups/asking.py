"""What staff type to find groups of errors: `is:unresolved severity:critical page:/checkout sync`."""

import re
from dataclasses import dataclass
from typing import Final

from lib.core.errors import Invalid
from lib.metrics.error_states import STATES, UNRESOLVED

KEYS: Final = ("is", "severity", "user", "page", "assigned", "type")
SEVERITIES: Final = ("critical", "high", "medium", "low")
LONGEST: Final = 200
HOW: Final = (
    "`is:` unresolved, new, ongoing, escalating, regressed, ignored, resolved · `severity:` critical, high, "
    "medium, low · `user:` the id of a person or a couple · `page:` a part of its address · `assigned:` me, "
    "nobody, an e-mail address · `type:` · other words are looked for in type, message and place; "
    "what holds a colon goes into quotes"
)
_PART = re.compile(
    r'(?:(?P<key>[^\s":]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))|(?P<bare>[^\s":]+:)(?=\s|$)'
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks for; an empty tuple asks for nothing. `words` have to be found all."""

    states: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def understood(q: str) -> Wanted:
    """What a search asks for. Two of one key are either of them.

    Raises Invalid, naming what there is, for an unknown key or state, and for a search that is too long.
    """
    if len(q) > LONGEST:
        raise Invalid(f"Search for at most {LONGEST} letters; a part of the message is enough.")
    found: dict[str, list[str]] = {key: [] for key in (*KEYS, "words")}
    for part in _PART.finditer(q):
        said = part["quoted"] if part["quoted"] is not None else part["plain"] or part["bare"] or ""
        key = (part["key"] or "words").lower()
        if key not in found:
            raise Invalid(
                f"There is no “{key[:40]}:” to search by. There are "
                f"{', '.join(f'{each}:' for each in KEYS)}; put a text with a colon into quotes."
            )
        if said:
            found[key].append(said)
    return Wanted(
        states=tuple(state for said in found["is"] for state in _states(said.lower())),
        severities=tuple(_severity(said.lower()) for said in found["severity"]),
        users=tuple(found["user"]),
        pages=tuple(found["page"]),
        assigned=tuple(said.lower() for said in found["assigned"]),
        types=tuple(found["type"]),
        words=tuple(found["words"]),
    )


def _states(said: str) -> tuple[str, ...]:
    if said == "unresolved":
        return UNRESOLVED
    if said not in STATES:
        raise Invalid(f"A group is unresolved, {', '.join(STATES)}, not “{said[:40]}”.")
    return (said,)


def _severity(said: str) -> str:
    if said not in SEVERITIES:
        raise Invalid(f"The severity of an error is {', '.join(SEVERITIES)}, not “{said[:40]}”.")
    return said
