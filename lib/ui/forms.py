"""Forms for actions: what is asked, what it will do, and one button that acts once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

import streamlit as st

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.ui import desk
from lib.ui.asks import REASON, Ask, answer, widget
from lib.ui.show import plain
from lib.ui.table import open_row

_REASON_WIDTH: Final = 240  # pixels, of a reason longer than
_REASON_LENGTH: Final = 32


@dataclass(slots=True)
class _Once:
    """What a form that stands on the screen has done, for a second click on it.

    Streamlit starts the run of a second click beside that of the first, which may be in the middle of its
    action: the second one waits for it, and then says what the first one did.
    """

    lock: Lock = field(default_factory=Lock)
    answers: Any = None
    done: desk.Attempt[Any] | None = None

    def act(self, answers: Any, attempt: Callable[[], desk.Attempt[Any]]) -> desk.Attempt[Any]:
        """Try it, unless these answers were sent and done already."""
        with self.lock:
            if self.done is not None and self.answers == answers:
                return self.done
            tried = attempt()
            if not tried.why_not:
                self.answers, self.done = answers, tried
            return tried


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
    opens: str | None = None,
    **given: Any,
) -> None:
    """Offer an action behind a button that unfolds its form; disabled, saying why, for who may not.

    `effect` says what it touches, `why_not` why it is impossible now. `confirm` is a text that has to be
    typed for what cannot be undone. `opens` is the parameter of the address that gets what the action gives,
    which opens it. The action gets the arguments that the form was shown with: the run that a click starts
    reads the row anew, and would vouch for what the person never saw.
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
            answers = {field.name: widget(field, f"{key}:{field.name}") for field in ask}
            typed = st.text_input(f"Type “{confirm}” to confirm", key=f"{key}:confirm") if confirm else None
            sent = st.form_submit_button(label, type="primary")
        shown_arguments, shown = _as_shown(key, arguments, given)
        once = _once(key, drawn_anew=not sent)
        if not sent:
            return
        if confirm and typed != confirm:
            st.error(f"Type “{confirm}” exactly to confirm.")
            return
        try:
            values = {field.name: answer(field, answers[field.name]) for field in ask}
        except Invalid as error:
            st.error(str(error))
            return
        attempt = once.act(values, lambda: desk.attempt(function, *shown_arguments, **shown, **values))
        if attempt.why_not:
            st.error(attempt.why_not)
            return
    if opens:
        open_row(str(attempt.result), opens)
    desk.announce(done)


def _closed(label: str, why_not: str, *, key: str, icon: str | None) -> None:
    """The button of what cannot be done, with its reason below: a finger cannot hover."""
    with st.container(gap="xxsmall", width="content"):
        st.button(label, key=f"{key}:closed", icon=icon, disabled=True)
        st.caption(why_not, width=_REASON_WIDTH if len(why_not) > _REASON_LENGTH else "content")


def _once(key: str, *, drawn_anew: bool) -> _Once:
    """What was done by the form on the screen. One that is drawn anew has done nothing, whatever an action
    that is still under way does: it may be about another row by now.
    """
    slot = f"{key}:once"
    if drawn_anew or slot not in st.session_state:
        st.session_state[slot] = _Once()
    once: _Once = st.session_state[slot]
    return once


def _as_shown(
    key: str, arguments: Sequence[Any], given: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments of the run before, which drew the form that was sent; keeps this run's for the next."""
    slot = f"{key}:shown"
    before: tuple[Sequence[Any], Mapping[str, Any]] = st.session_state.get(slot, (arguments, given))
    st.session_state[slot] = (arguments, given)
    return before
