"""Forms for actions: what is asked, what it will do, and one button that acts once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import streamlit as st

from lib.core import money
from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.ui import desk
from lib.ui.show import plain, words

_REASON_WIDTH: Final = 240  # pixels, of a reason longer than
_REASON_LENGTH: Final = 32
Kind = Literal["text", "area", "choice", "money", "email"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that a form asks for; `name` is the action's argument.

    A `money` field is typed as an amount in `currency` and handed on in minor units. A `choice` offers
    `options`, shown as words. Everything is required unless `required` is False.
    """

    name: str
    label: str
    kind: Kind = "text"
    options: Sequence[str] = ()
    default: str = ""
    help: str | None = None
    placeholder: str | None = None
    currency: str = "USD"
    required: bool = True


REASON = Ask("reason", "Reason", "area", placeholder="Kept in the audit trail")


def action(
    label: str,
    function: Callable[..., Any],
    *arguments: Any,
    key: str,
    needs: Permission,
    done: str,
    ask: Sequence[Ask] = (REASON,),
    effect: str | None = None,
    confirm: str | None = None,
    why_not: str | None = None,
    icon: str | None = None,
    primary: bool = False,
    **given: Any,
) -> None:
    """Offer an action behind a button that unfolds its form; disabled, saying why, for who may not.

    `effect` says what it touches, `why_not` why it is impossible now. `confirm` is a text that has to be
    typed for what cannot be undone. The action gets the arguments that the form was shown with: the run that
    a click starts reads the row anew, and would vouch for what the person never saw.
    """
    if not desk.may(needs):
        why_not = f"Not for your role ({desk.actor().role.value})."
    if why_not:
        _closed(label, plain(why_not), key=key, icon=icon)
        return
    with st.popover(label, icon=icon, type="primary" if primary else "secondary", key=f"{key}:open"):
        if effect:
            st.markdown(effect)
        with st.form(key, border=False):
            answers = {field.name: _widget(field, f"{key}:{field.name}") for field in ask}
            typed = st.text_input(f"Type “{confirm}” to confirm", key=f"{key}:confirm") if confirm else None
            sent = st.form_submit_button(label, type="primary")
        shown_arguments, shown = _as_shown(key, arguments, given)
        if not sent:
            return
        if confirm and typed != confirm:
            st.error(f"Type “{confirm}” exactly to confirm.")
            return
        try:
            values = {field.name: _answer(field, answers[field.name]) for field in ask}
        except Invalid as error:
            st.error(str(error))
            return
        attempt = desk.attempt(function, *shown_arguments, **shown, **values)
        if attempt.why_not:
            st.error(attempt.why_not)
            return
    desk.announce(done)


def _closed(label: str, why_not: str, *, key: str, icon: str | None) -> None:
    """The button of what cannot be done, with its reason below: a finger cannot hover."""
    with st.container(gap="xxsmall", width="content"):
        st.button(label, key=f"{key}:closed", icon=icon, disabled=True)
        st.caption(why_not, width=_REASON_WIDTH if len(why_not) > _REASON_LENGTH else "content")


def _as_shown(
    key: str, arguments: Sequence[Any], given: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments of the run before, which drew the form that was sent; keeps this run's for the next."""
    slot = f"{key}:shown"
    before: tuple[Sequence[Any], Mapping[str, Any]] = st.session_state.get(slot, (arguments, given))
    st.session_state[slot] = (arguments, given)
    return before


def _widget(field: Ask, key: str) -> str | None:
    match field.kind:
        case "area":
            return st.text_area(
                field.label,
                field.default,
                key=key,
                help=field.help,
                placeholder=field.placeholder,
                max_chars=2000,
            )
        case "choice":
            return st.selectbox(field.label, field.options, key=key, help=field.help, format_func=words)
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


def _answer(field: Ask, typed: str | None) -> Any:
    text = (typed or "").strip()
    if field.required and not text:
        raise Invalid(f"{field.label} is needed.")
    return money.parse(text, field.currency) if field.kind == "money" else text
