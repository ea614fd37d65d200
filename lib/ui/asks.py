"""What a form asks for: each kind of field as a widget, and what is typed there as the action's argument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import streamlit as st

from lib.core import money
from lib.core.errors import Invalid
from lib.ui.show import words

Kind = Literal["text", "area", "choice", "choices", "money", "email", "date", "count", "flag"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that a form asks for; `name` is the action's argument.

    A `money` field is typed as an amount in `currency` and handed on in minor units. A `choice` offers
    `options`, shown as words, or as `shown` has them. A `date` is handed on as a date, a `count` as an int
    from `least` to `most`, a `flag` as a bool, `choices` as those that were chosen; `default` is text for all
    of them. Everything is required unless `required` is False; an empty date or count is None then.
    """

    name: str
    label: str
    kind: Kind = "text"
    options: Sequence[str] = ()
    shown: Mapping[str, str] | None = None
    default: str = ""
    help: str | None = None
    placeholder: str | None = None
    currency: str = "USD"
    least: int = 1
    most: int | None = None
    required: bool = True


REASON = Ask("reason", "Reason", "area", placeholder="Kept in the audit trail")


def widget(field: Ask, key: str) -> Any:
    """Show the field; gives what stands in it, for `answer` to read."""
    match field.kind:
        case "date":
            day = date.fromisoformat(field.default) if field.default else None
            return st.date_input(field.label, day, key=key, help=field.help, format="YYYY-MM-DD")
        case "count":
            number = int(field.default) if field.default else None
            return st.number_input(
                field.label, field.least, field.most, number, step=1, key=key, help=field.help, format="%d"
            )
        case "flag":
            return st.checkbox(field.label, key=key, help=field.help)
        case "choice" | "choices":
            return _choice(field, key)
        case "area":
            return st.text_area(
                field.label,
                field.default,
                key=key,
                help=field.help,
                placeholder=field.placeholder,
                max_chars=2000,
            )
        case "money":
            return st.text_input(
                f"{field.label} ({field.currency})", field.default, key=key, help=field.help, max_chars=20
            )
        case _:
            return st.text_input(
                field.label,
                field.default,
                key=key,
                help=field.help,
                placeholder=field.placeholder,
                max_chars=320,
            )


def _choice(field: Ask, key: str) -> Any:
    shown = field.shown or {}
    offer: Any = st.selectbox if field.kind == "choice" else st.multiselect
    return offer(
        field.label,
        field.options,
        key=key,
        help=field.help,
        placeholder=field.placeholder,
        format_func=lambda option: shown.get(option) or words(option),
    )


def answer(field: Ask, typed: Any) -> Any:
    """What was typed as the action wants it; raises Invalid, in a sentence, for what cannot be that."""
    if field.kind == "flag":
        return bool(typed)
    if field.kind == "choices":
        return list(typed or ())
    if field.kind in ("date", "count"):
        if field.required and typed is None:
            raise Invalid(f"{field.label} is needed.")
        return typed
    text = (typed or "").strip()
    if field.required and not text:
        raise Invalid(f"{field.label} is needed.")
    return money.parse(text, field.currency) if field.kind == "money" else text


def typed_amount(text: str, currency: str) -> int:
    """An amount that somebody is typing, in minor units; zero while it is none yet."""
    try:
        return money.parse(text, currency)
    except Invalid:
        return 0
