"""The work list of couples at risk: what is at stake, what helps, and what was done about an entry."""

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from lib.core import moments
from lib.core.access import Permission
from lib.services import at_risk
from lib.services.at_risk import Case, Stake
from lib.ui.asks import Ask
from lib.ui.forms import action
from lib.ui.links import link
from lib.ui.show import Tile, amount, moment, plain, tiles

_NOTE = Ask("note", "Note", "area", placeholder="What was done, or what is waited for")
_ICONS = {
    "payments": ":material/replay:",
    "subscriptions": ":material/autorenew:",
    "relationships": ":material/group:",
    "credits": ":material/redeem:",
}


def risk_tiles(stakes: Sequence[Stake]) -> None:
    """Show what is open, in the currency with the most at stake and in the others."""
    whole = [stake for stake in stakes if stake.reason is None]
    if not whole:
        return
    tiles(
        [
            Tile("Couples at risk", f"{sum(stake.couples for stake in whole):,}"),
            *(
                Tile(
                    f"MRR at stake ({stake.currency})",
                    amount(stake.mrr_cents, stake.currency),
                    help="A couple with several reasons counts once.",
                )
                for stake in whole
            ),
            Tile("Decided within a week", f"{sum(stake.urgent for stake in whole):,}"),
        ]
    )


def next_steps(case: Case) -> None:
    """Links to where something can be done about it."""
    keys = {"object": case.object_id, "subscription": case.subscription_id, "couple": case.relationship_id}
    with st.container(horizontal=True):
        for step in case.steps:
            section = {"section": step.section} if step.section else {}
            link(step.label, step.page, keys[step.of], icon=_ICONS[step.page], **section)


def answer_risk(case: Case) -> None:
    """Offer to put the entry aside, to call it handled, or to put it back."""
    if case.aside is not None:
        until = f"until {moment(case.aside.until)}" if case.aside.until else "until it comes up anew"
        st.info(
            f"{plain(case.aside.author_email)}, {moment(case.aside.at)}: {plain(case.aside.body)} "
            f"(out of the list {until})",
            icon=":material/snooze:",
        )
        action(
            "Put back on the list",
            at_risk.put_back,
            case.id,
            key="put_back",
            needs=Permission.RISK_WORK,
            ask=(),
            done="It is on the list again.",
            icon=":material/undo:",
        )
        return
    in_a_week = moments.now().date() + timedelta(days=7)
    with st.container(horizontal=True):
        action(
            "Snooze",
            at_risk.snooze,
            case.id,
            key="snooze",
            needs=Permission.RISK_WORK,
            ask=[Ask("until", "Until", "date", default=in_a_week.isoformat()), _NOTE],
            effect="Out of the list until that day begins (UTC). Nothing changes for the couple.",
            done="It is out of the list until then.",
            icon=":material/snooze:",
        )
        action(
            "Handled",
            at_risk.handled,
            case.id,
            key="handled",
            needs=Permission.RISK_WORK,
            ask=[_NOTE],
            effect="Out of the list until the reason comes up anew. Nothing changes for the couple.",
            done="Handled.",
            icon=":material/check:",
            primary=True,
        )
