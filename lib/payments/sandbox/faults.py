"""Faults on demand: a 429, a 500, silence or a broken connection, before or after the request took effect."""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lib.core.errors import Invalid

FaultName = Literal[
    "429", "500", "timeout_before", "timeout_after", "drop_before", "drop_after", "invalid_json"
]

AFTER_EFFECT = frozenset({"timeout_after", "drop_after", "invalid_json"})
"""Faults that strike when the request has taken effect already."""

_LONG = 30.0


@dataclass
class Fault:
    """What goes wrong for the next `times` requests that fit; a time-out is silent for `delay_seconds`."""

    name: FaultName
    method: str
    path: re.Pattern[str]
    times: int
    delay_seconds: float


class Faults:
    """The faults that are waiting, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, given: Mapping[str, Any]) -> None:
        """Add one: `fault` and optionally `method`, `path` (a glob, or a regular expression that starts with
        `^`), `times` (1) and `delay_seconds` (30). Raises Invalid."""
        name = str(given.get("fault"))
        if name not in get_args(FaultName):
            raise Invalid(f"There is no fault {name!r}; there are {', '.join(get_args(FaultName))}.")
        unknown = given.keys() - {"fault", "method", "path", "times", "delay_seconds"}
        if unknown:
            raise Invalid(f"A fault has no {', '.join(sorted(unknown))}.")
        times, delay = given.get("times", 1), given.get("delay_seconds", _LONG)
        if not isinstance(times, int) or times < 1 or not isinstance(delay, int | float) or delay < 0:
            raise Invalid(
                "A fault's `times` is a whole number from 1 and its `delay_seconds` is not negative."
            )
        self._waiting.append(
            Fault(
                name=name,  # type: ignore[arg-type]  # checked above
                method=str(given.get("method", "*")).upper(),
                path=_pattern(str(given.get("path", "*"))),
                times=times,
                delay_seconds=float(delay),
            )
        )

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that fits this request, used up by one."""
        for fault in self._waiting:
            if fault.method in ("*", method) and fault.path.search(path):
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None


def _pattern(path: str) -> re.Pattern[str]:
    try:
        return re.compile(path if path.startswith("^") else fnmatch.translate(path))
    except re.error as error:
        raise Invalid(f"The path {path!r} is no regular expression: {error}.") from error
