"""Stripe's answers as text and back, so that an operation keeps what it was told until our rows follow it."""

import dataclasses
import json
import types
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from lib.core.audit import canonical
from lib.payments.events import Facts

_KINDS: Final[dict[str, type[Facts]]] = {
    # An answer is kept for years under this name: `RefundFacts` is "refund".
    kind.__name__.removesuffix("Facts").lower(): kind
    for kind in get_args(Facts)
}


def to_text(facts: Facts) -> str:
    """The facts as canonical JSON."""
    name = next(name for name, kind in _KINDS.items() if type(facts) is kind)
    return canonical({"object": name, **dataclasses.asdict(facts)})


def from_text(text: str) -> Facts:
    """The facts that `to_text` wrote."""
    values = json.loads(text)
    kind = _KINDS[values.pop("object")]
    facts: Facts = _read(kind, values)
    return facts


def _read(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read(next(each for each in get_args(hint) if each is not type(None)), value)
    if origin is tuple:
        return tuple(_read(get_args(hint)[0], each) for each in value)
    if origin is not None and issubclass(origin, Mapping):
        return dict(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        # A field that a later release added is None in an answer that an earlier one stored.
        return hint(
            **{
                field.name: _read(hints[field.name], value.get(field.name))
                for field in dataclasses.fields(hint)
            }
        )  # type: ignore[operator]
    return value
