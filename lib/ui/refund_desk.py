"""What the refund desk shows: a recommendation with its grounds, and words to paste."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from lib.core.access import Permission
from lib.services import refunds
from lib.services.refund_case import RefundCase
from lib.services.refund_policy import KEEPS_FROM, PAYS_FROM, Recommendation
from lib.services.refund_recommendations import Kept
from lib.ui.asks import Ask
from lib.ui.forms import action
from lib.ui.show import moment, plain

_SPEAKS: Final[Mapping[str, str]] = {
    "for": "green-badge[:material/add: For",
    "against": "red-badge[:material/remove: Against",
    "neither": "gray-badge[:material/radio_button_unchecked: Neither",
}
_VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "refund": (":material/thumb_up:", "green"),
    "mixed": (":material/balance:", "orange"),
    "keep": (":material/thumb_down:", "red"),
}


def recommendation(given: Recommendation) -> None:
    """Show what is recommended and each of its grounds, with the way that it speaks."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            icon, colour = _VERDICTS[given.verdict]
            st.markdown("**Recommendation**", width="content")
            st.badge(given.words, icon=icon, color=colour)  # type: ignore[arg-type]  # of the table above
        for ground in given.grounds:
            weight = f" {abs(ground.weight)}" if ground.weight else ""
            st.markdown(f":{_SPEAKS[ground.speaks]}{weight}] {plain(ground.sentence)}")
        st.caption(
            f"The weights add up to {given.score}: from {PAYS_FROM:+d} it speaks for the refund, from "
            f"{KEEPS_FROM:+d} down against it. A person decides, and may overrule it. Rule {given.rule}."
        )


def recommended_then(kept: Sequence[Kept]) -> None:
    """Show what was recommended at each stage, and what was decided then."""
    for each in kept:
        who = f"{each.decision} by {each.decided_by_email}" if each.decision else "asked for"
        against = ", against the recommendation" if each.overruled else ""
        with st.expander(f"Recommended when it was {plain(who)}{against} · {moment(each.at)}"):
            recommendation(each.recommendation)


def for_customer(words: str) -> None:
    """Show words to paste into an answer to the customer."""
    st.caption("Words for the customer, to copy")
    st.code(words, language=None, wrap_lines=True)


def hand_on(case: RefundCase) -> None:
    """Offer to ask a colleague to decide on a refund."""
    nobody = None if case.colleagues else "Nobody else who is here may decide on this refund."
    action(
        "Hand on",
        refunds.hand_on,
        case.id,
        key="hand_on",
        needs=Permission.REFUNDS_DECIDE,
        why_not=case.why_not_decide or nobody,
        ask=[
            Ask(
                "to", "To", "choice", options=case.colleagues, shown={each: each for each in case.colleagues}
            ),
            Ask("message", "Message", "area", placeholder="What they should know"),
        ],
        effect="Your colleague finds it on their Home. Anybody else who may decide still can.",
        done="Handed on.",
        icon=":material/forward_to_inbox:",
        shown=case.digest,
    )
