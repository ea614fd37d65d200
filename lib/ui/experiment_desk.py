"""One test: the decision card, and what can be done about it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import streamlit as st

from lib.core import moments
from lib.core.access import Permission
from lib.services import experiments
from lib.services.experiments import Deciding, Result, plans
from lib.services.experiments.decisions import Decided
from lib.ui.asks import REASON, Ask
from lib.ui.forms import action
from lib.ui.show import badge, moment, plain

DECIDE: Final = Permission.EXPERIMENTS_DECIDE
_AGAINST: Final = "This goes against the card: nothing happens until a second person agrees."


def decision_card(result: Result) -> None:
    """What the card advises and the sentences that it stands on, in a frame."""
    card = result.card
    with st.container(border=True, key="decision_card"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(plain(card.headline), anchor=False, width="content")
            badge(card.decision)
        st.markdown("\n".join(f"- {plain(ground)}" for ground in card.grounds if ground))
        st.caption(
            f"{result.units:,} {result.unit}s · control: {plain(result.control)} · what decides: "
            f"{plans.DECIDING[result.reading.deciding].lower()} · counted {moment(result.counts.counted_at)}"
        )


def decide_test(result: Result, deciding: Deciding) -> None:
    """The buttons below the card: ship an arm, stop, extend; or what waits for a second person."""
    if deciding.asked is not None:
        _second_person(deciding.asked)
        return
    if deciding.why_not:
        st.info(plain(deciding.why_not), icon=":material/lock:")
        return
    given: dict[str, Any] = {"needs": DECIDE, "shown": deciding.shown}
    name = result.experiment.name
    with st.container(horizontal=True):
        if not deciding.why_no_winner:
            _winners(result, deciding, given)
        action(
            "Stop without a winner",
            experiments.stop,
            name,
            key="stop",
            effect=_effect(
                "The test ends now in all of its arms, and all are off.", against=deciding.against_stop
            ),
            done=_done("The test is stopped.", against=deciding.against_stop),
            icon=":material/stop_circle:",
            **given,
        )
        in_two_weeks = moments.now().date() + timedelta(days=14)
        action(
            "Extend",
            experiments.extend,
            name,
            key="extend",
            ask=[Ask("until", "Until the end of (UTC)", "date", default=in_two_weeks.isoformat()), REASON],
            effect=_effect("The arms go on and end with that day.", against=deciding.against_extend),
            done=_done("The test goes on.", against=deciding.against_extend),
            icon=":material/more_time:",
            **given,
        )
    if deciding.why_no_winner:
        # Below the others, so that its sentence has the whole width.
        action(
            "Ship a winner",
            experiments.stop,
            name,
            key="ship",
            done="",
            why_not=deciding.why_no_winner,
            icon=":material/rocket_launch:",
            **given,
        )


def _winners(result: Result, deciding: Deciding, given: Mapping[str, Any]) -> None:
    """A button for each arm."""
    name = result.experiment.name
    for arm in result.names.values():
        action(
            f"Keep {arm}" if arm == result.control else f"Ship {arm}",
            experiments.stop,
            name,
            key=f"ship:{arm}",
            effect=_effect(
                f"The test ends now in all of its arms, and only {plain(arm)} stays switched on.",
                against=deciding.against_winner[arm],
            ),
            done=_done(f"{arm} won.", against=deciding.against_winner[arm]),
            icon=":material/rocket_launch:",
            primary=arm == result.card.variant,
            winner=arm,
            **given,
        )


def _second_person(asked: Decided) -> None:
    st.info(
        f"{plain(asked.asked_by_email)} decided against the card, {moment(asked.asked_at)}: "
        f"**{plain(asked.what)}**. {plain(asked.reason)}",
        icon=":material/group:",
    )
    given: dict[str, Any] = {"needs": DECIDE, "shown": asked.digest, "why_not": asked.why_not}
    with st.container(horizontal=True):
        action(
            "Agree",
            experiments.confirm,
            asked.id,
            key="confirm",
            effect="It is done at once.",
            done=f"{asked.what}: done.",
            icon=":material/check:",
            primary=True,
            **given,
        )
        action(
            "Refuse",
            experiments.deny,
            asked.id,
            key="deny",
            effect="The test stays as it is.",
            done="Refused; the test stays as it is.",
            icon=":material/close:",
            **given,
        )


def _effect(text: str, *, against: bool) -> str:
    return f"{text} {_AGAINST}" if against else text


def _done(text: str, *, against: bool) -> str:
    return "Asked: a second person has to agree." if against else text
