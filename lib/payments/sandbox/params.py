"""Checks a request against the SDK's own typed parameters, the TypedDicts of `stripe.params`.

They are generated from Stripe's OpenAPI description of the pinned version, so the sandbox refuses what Stripe
refuses: an unknown parameter, a missing one, a text where a number belongs, a value outside an enumeration.
An empty text clears a parameter that can be cleared; it reaches the rules as None.
"""

import sys
import types
import typing
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import stripe
import stripe._stripe_context
import stripe._stripe_object
import typing_extensions
from stripe import RequestOptions

from lib.payments.sandbox.errors import StripeError, missing_param

Checker = Callable[[Any, str], Any]
"""Takes a raw value and its full name; returns the typed value or raises StripeError."""

_OPTIONS = frozenset(RequestOptions.__annotations__)
_UNIONS = (Union, types.UnionType)
_REQUIREMENTS = (
    typing.NotRequired,
    typing.Required,
    typing_extensions.NotRequired,
    typing_extensions.Required,
)


def check(form: dict[str, Any], expected: Any) -> dict[str, Any]:
    """The parameters of one request, typed as a TypedDict of `stripe.params` says.

    Raises StripeError as Stripe would.
    """
    checked: dict[str, Any] = _dictionary(expected)(form, "")
    return checked


@cache
def _dictionary(expected: Any) -> Checker:
    """A checker for one TypedDict; the keys of RequestOptions, which some inherit, are no parameters."""
    names = {
        **vars(stripe),
        **vars(sys.modules[expected.__module__]),
        **vars(stripe._stripe_context),
        **vars(stripe._stripe_object),
        **vars(typing),
    }
    hints = typing.get_type_hints(expected, globalns=names, include_extras=True)
    fields = {name: hint for name, hint in hints.items() if name not in _OPTIONS}
    required = [name for name, hint in fields.items() if get_origin(hint) not in _REQUIREMENTS]
    checkers: dict[str, Checker] = {}

    def run(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise StripeError("Invalid object", param=path)
        unknown = [_inside(path, name) for name in value if name not in fields]
        if unknown:
            raise StripeError(
                f"Received unknown parameter{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}",
                code="parameter_unknown",
                param=unknown[0],
            )
        for name in required:
            if name not in value:
                raise missing_param(_inside(path, name))
        checked = {}
        for name, inner in value.items():
            if name not in checkers:
                checkers[name] = _checker(fields[name])
            checked[name] = checkers[name](inner, _inside(path, name))
        return checked

    return run


def _inside(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _checker(hint: Any) -> Checker:
    if get_origin(hint) in _REQUIREMENTS:
        hint = get_args(hint)[0]
    options = list(get_args(hint)) if get_origin(hint) in _UNIONS else [hint]
    literals = [value for option in options if get_origin(option) is Literal for value in get_args(option)]
    closed = [value for value in literals if value != ""]
    # The SDK writes an enumeration as `Literal[...] | str`: the names are the closed set.
    plain = [
        option for option in options if get_origin(option) is not Literal and not (closed and option is str)
    ]
    checkers = [
        _plain(option) for option in plain if getattr(option, "__origin__", option) is not stripe.StripeObject
    ]
    checkers = [one for one in checkers if one is not None]
    if closed:
        checkers.insert(0, _enumeration(closed, alone=not checkers))
    return _first_that_fits(checkers, clearable="" in literals)


def _first_that_fits(checkers: list[Any], *, clearable: bool) -> Checker:
    def run(value: Any, path: str) -> Any:
        if value == "":
            if clearable:
                return None
            raise StripeError(
                f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{path}' cannot be unset. You should remove '{path}' from your request "
                "or supply a non-empty value.",
                code="parameter_invalid_empty",
                param=path,
            )
        refusal: StripeError | None = None
        for one in checkers:
            try:
                return one(value, path)
            except StripeError as error:
                refusal = error
        raise refusal or StripeError(f"Invalid value for {path}.", param=path)

    return run


def _enumeration(names: list[Any], *, alone: bool) -> Checker:
    def run(value: Any, path: str) -> Any:
        if value in names:
            return value
        listed = ", ".join(str(name) for name in names[:-1])
        choice = f"one of {listed}, or {names[-1]}" if listed else str(names[0])
        what = path.rpartition("[")[2].strip("]") or path
        raise StripeError(f"Invalid {what}: must be {choice}" if alone else f"Invalid {what}", param=path)

    return run


def _plain(hint: Any) -> Checker | None:
    """A checker for a hint that is neither a union nor an enumeration; None for the SDK's own objects."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if typing_extensions.is_typeddict(hint) or typing.is_typeddict(hint):
        return _dictionary(hint)
    origin = get_origin(hint)
    if origin is list:
        return _list_of(_checker(get_args(hint)[0]))
    if origin is dict:
        return _map_of(_checker(get_args(hint)[1]))
    return None


def _list_of(inner: Checker) -> Checker:
    def run(value: Any, path: str) -> list[Any]:
        if not isinstance(value, dict) or not all(name.isdigit() for name in value):
            raise StripeError("Invalid array", param=path)
        numbered = sorted(value.items(), key=lambda pair: int(pair[0]))
        return [inner(one, f"{path}[{number}]") for number, one in numbered]

    return run


def _map_of(inner: Checker) -> Checker:
    def run(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise StripeError("Invalid object", param=path)
        # An empty text unsets one key, whatever the map: the rules see None.
        return {name: None if one == "" else inner(one, _inside(path, name)) for name, one in value.items()}

    return run


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise StripeError(f"Invalid string: {value!r}", param=path)
    return value


def _integer(value: Any, path: str) -> int:
    try:
        return int(_text(value, path))
    except ValueError:
        raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path) from None


def _number(value: Any, path: str) -> float:
    try:
        return float(_text(value, path))
    except ValueError:
        raise StripeError(f"Invalid decimal: {value}", param=path) from None


def _decimal(value: Any, path: str) -> str:
    try:
        return str(Decimal(_text(value, path)))
    except InvalidOperation:
        raise StripeError(f"Invalid decimal: {value}", param=path) from None


def _boolean(value: Any, path: str) -> bool:
    if value not in ("true", "false"):
        raise StripeError(f"Invalid boolean: {value}", param=path)
    return bool(value == "true")


_SCALARS: dict[Any, Checker] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _boolean,
    Decimal: _decimal,
}
