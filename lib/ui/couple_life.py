"""Pausing, ending and resuming a couple: what it has, what becomes of each subscription, then the button."""

from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from lib.core.access import Permission
from lib.core.listing import Column
from lib.services import couple_fates, couple_status
from lib.services.couple_fates import Change, Effect
from lib.services.couple_status import Standing
from lib.services.subscriptions import asking
from lib.services.subscriptions.pauses import BEHAVIORS
from lib.ui import desk
from lib.ui.forms import action
from lib.ui.show import amount, moment, plain
from lib.ui.subscription.cards import answer_line
from lib.ui.table import frame

_TOUCHED: Final = (
    Column("what", "What", "code"),
    Column("name", "Name"),
    Column("status", "Status", "status"),
    Column("price_cents", "Price", "money"),
    Column("until", "Period ends", "moment"),
    Column("at_stripe", "At Stripe", "flag"),
    Column("id", "Id", "id"),
)


@dataclass(frozen=True, slots=True)
class _Words:
    """How a change of the couple is offered."""

    label: str
    about: str
    done: str
    icon: str
    confirm: str | None = None


_OFFERS: Final[dict[Change, _Words]] = {
    "pause": _Words(
        "Pause the couple", "The app rests for both until it is resumed.", "Paused.", ":material/pause:"
    ),
    "end": _Words(
        "End the couple",
        "The couple ends for both partners. Gifts run out by themselves; add-ons are cancelled one by one "
        "under Credits & gifts.",
        "Ended.",
        ":material/heart_broken:",
        confirm="end the couple",
    ),
    "resume": _Words(
        "Resume the couple",
        "The couple is active again. A subscription that was cancelled does not come back by this.",
        "Active again.",
        ":material/favorite:",
    ),
}
_ACTIONS: Final[dict[Change, Any]] = {
    "pause": couple_status.pause,
    "end": couple_status.end,
    "resume": couple_status.resume,
}


def couple_life(couple_id: str) -> None:
    """Offer to pause, end or resume a couple: what it touches, what becomes of that, then the button."""
    standing = desk.read(couple_status.standing, couple_id)
    frame(
        standing.touched,
        _TOUCHED,
        key="touched",
        alt="What goes on for this couple",
        empty="Nothing goes on for this couple: no subscription, no gift, no add-on.",
    )
    st.caption("Nothing that they did together is deleted by any of these.")
    for change in couple_fates.FATES:
        if standing.why_not[change] is None:
            _offer(standing, change)


def _offer(standing: Standing, change: Change) -> None:
    words = _OFFERS[change]
    with st.container(border=True):
        st.markdown(f"**{words.label}**")
        st.caption(words.about)
        given, why_not = _fate(standing, change)
        action(
            words.label,
            _ACTIONS[change],
            standing.couple_id,
            key=change,
            needs=Permission.SUBSCRIPTIONS_CANCEL,
            why_not=why_not,
            confirm=words.confirm,
            done=words.done,
            icon=words.icon,
            shown=standing.digest,
            **given,
        )


def _fate(standing: Standing, change: Change) -> tuple[dict[str, Any], str | None]:
    """What is to become of the subscriptions, with what it does to each; why Stripe would refuse it."""
    if not any(each.what == "subscription" for each in standing.touched):
        return {"subscription": "keep_running"}, None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        fate = st.selectbox(
            "Their subscriptions",
            couple_fates.FATES[change],
            format_func=lambda each: couple_fates.WORDS[each],
            key=f"{change}:fate",
        )
        given: dict[str, Any] = {"subscription": fate}
        if fate == "pause_collection":
            given["bills"] = st.selectbox(
                "What becomes of the bills",
                list(BEHAVIORS),
                format_func=lambda each: BEHAVIORS[each],
                key=f"{change}:bills",
            )
    effects = standing.effects[fate]
    st.markdown("\n".join(f"- **{plain(each.name)}**: {plain(each.what)} {_mrr(each)}" for each in effects))
    return given, next(filter(None, [_stripes_word(effect) for effect in effects]), None)


def _mrr(effect: Effect) -> str:
    """What it does to MRR, in a sentence for Markdown."""
    if effect.mrr_cents == 0:
        return "MRR stays."
    cents = plain(amount(abs(effect.mrr_cents), effect.currency))
    if effect.mrr_cents > 0:
        return f"MRR rises by up to {cents}."
    return f"MRR falls by {cents} on {plain(moment(effect.from_))}."


def _stripes_word(effect: Effect) -> str | None:
    """Say what Stripe collects when a real pause ends; gives why it would refuse to begin one."""
    if effect.stripe_subscription_id is None:
        return None
    if effect.wish == "resume":
        answer = desk.ask_stripe(asking.resumption, effect.stripe_subscription_id)
        collected = answer_line(answer, none="nothing, Stripe says.")
        st.markdown(f"{plain(effect.name)}, collected at once: {collected}")
    if effect.wish == "pause":
        theirs = desk.ask_stripe(asking.at_stripe, effect.stripe_subscription_id)
        return theirs.why_not_pause if theirs else None
    return None
