"""The lists that names and texts are drawn from (`data/*.json`)."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Culture:
    """Names that go together, and the time zones where their bearers live."""

    weight: int
    zones: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


@cache
def cultures() -> tuple[Culture, ...]:
    """All cultures."""
    return tuple(
        Culture(
            weight=entry["weight"],
            zones=tuple(entry["zones"]),
            first=tuple(entry["first"].split()),
            last=tuple(entry["last"].split()),
        )
        for entry in _read("names.json")
    )


@cache
def texts() -> dict[str, Any]:
    """What people write, and what the app writes to them."""
    found: dict[str, Any] = _read("texts.json")
    return found


@cache
def failures() -> dict[str, Any]:
    """The errors that the app runs into, with their stack traces."""
    found: dict[str, Any] = _read("failures.json")
    return found


def _read(name: str) -> Any:
    return json.loads((_DATA / name).read_text(encoding="utf-8"))
