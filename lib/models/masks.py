"""How personal data looks to a reader who has not asked to see it.

A column that holds personal data names its kind (`Personal("email")`). What the kind looks like when masked
stands here. Masking happens where values leave the database (`types.py`), and **masked is the default**: code
that forgot to ask sees `m•••@example.org`, never the address.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

Kind = Literal["email", "name", "phone", "ip", "text", "url", "log"]

HIDDEN: Final = "•••"
_unmasked: ContextVar[bool] = ContextVar("personal_data_unmasked", default=False)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"\+\d[\d ()-]{6,}\d")
_PERSONAL_KEYS: Final = frozenset(
    {"email", "name", "phone", "address", "line1", "line2", "postal_code", "city", "ip", "ip_address"}
    | {"customer_email", "customer_name", "customer_phone", "customer_address", "receipt_email", "nickname"}
    | {"billing_details", "shipping", "customer_shipping", "message", "note", "text"}
)


def personal_data_is_masked() -> bool:
    """Whether values read now are masked; False only inside `unmasked()`."""
    return not _unmasked.get()


@contextmanager
def unmasked() -> Iterator[None]:
    """Read personal data as it is, inside this block and this thread of control only."""
    token = _unmasked.set(True)
    try:
        yield
    finally:
        _unmasked.reset(token)


def mask(kind: Kind, value: str | None) -> str | None:
    """Give the masked form of a value; None and the empty text stay as they are."""
    return _MASKS[kind](value) if value else value


def redact(document: Any) -> Any:
    """Give a JSON document with the values of personal keys masked, at any depth; its shape stays."""
    if isinstance(document, Mapping):
        return {
            key: _hide(value) if key in _PERSONAL_KEYS else redact(value) for key, value in document.items()
        }
    if isinstance(document, list):
        return [redact(item) for item in document]
    return _log(document) if isinstance(document, str) else document


def _hide(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hide(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return HIDDEN if isinstance(value, str) and value else value


def _email(value: str) -> str:
    local, _, domain = value.rpartition("@")
    return f"{local[:1]}{HIDDEN}@{domain}" if local else HIDDEN


def _name(value: str) -> str:
    first, _, last = value.strip().partition(" ")
    return f"{first} {last.split()[-1][:1]}." if last else f"{first[:1]}{HIDDEN}"


def _phone(value: str) -> str:
    return f"{HIDDEN} {value[-2:]}"


def _ip(value: str) -> str:
    separator = ":" if ":" in value else "."
    return separator.join(value.split(separator)[:2]) + f"{separator}{HIDDEN}"


def _log(value: str) -> str:
    return _PHONE.sub(HIDDEN, _EMAIL.sub(lambda found: _email(found[0]), value))


def _hidden(_value: str) -> str:
    return HIDDEN


_MASKS: Final[dict[Kind, Callable[[str], str]]] = {
    "email": _email,
    "name": _name,
    "phone": _phone,
    "ip": _ip,
    "text": _hidden,
    "url": _hidden,
    "log": _log,
}
