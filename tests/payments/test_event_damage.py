"""Whatever is missing, null or of a wrong type: never an error, and what is read has the promised type."""

import types
import typing
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.payments.events import read_event, read_object
from tests.payments import golden_webhook
from tests.payments.recorded import READ_BY_HAND

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "object", "data", "amount", "price"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a JSON value."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [place for key, member in members for place in [(value, key), *places(member)]]


def assert_typed(value: object, hint: Any) -> None:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if isinstance(value, tuple):
        (option,) = (each for each in options if typing.get_origin(each) is tuple)
        for member in value:
            assert_typed(member, typing.get_args(option)[0])
    elif is_dataclass(value):
        assert type(value) in options
        for name, each in typing.get_type_hints(type(value)).items():
            assert_typed(getattr(value, name), each)
    elif isinstance(value, dict):
        assert hint == Mapping[str, str]
        assert all(isinstance(part, str) for pair in value.items() for part in pair)
    else:
        assert type(value) in options
        assert not isinstance(value, datetime) or value.tzinfo is UTC


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_payload_makes_reading_fail(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(READ_BY_HAND)))
    payload = golden_webhook(name)
    for _ in range(data.draw(st.integers(1, 12))):
        found = places(payload)
        if not found:
            break
        container, key = found[data.draw(st.integers(0, len(found) - 1))]
        match data.draw(st.sampled_from(["remove", "null", "replace"])):
            case "remove":
                del container[key]
            case "null":
                container[key] = None
            case _:
                container[key] = data.draw(ANYTHING)
    whole = read_object(payload)
    event = read_event({**payload, "object": "event", "id": "evt_1", "type": "charge.refunded"})

    for facts in (whole, event.facts):
        if facts is not None:
            assert_typed(facts, type(facts))
    assert event.id == "evt_1"


@given(source=ANYTHING, kind=st.sampled_from(["subscription", "invoice", "charge", "refund", "dispute"]))
@settings(deadline=None)
def test_any_fields_under_a_known_kind_are_read(source: Any, kind: str) -> None:
    facts = read_object(
        {**(source if isinstance(source, dict) else {"items": source}), "id": "x", "object": kind}
    )

    assert facts is not None
    assert facts.id == "x"
