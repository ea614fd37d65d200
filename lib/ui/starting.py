"""What pages show where something begins for a couple: a subscription, a gift, a move.

Each shows first what Stripe would charge, and to which card; the button acts on exactly that.
"""

from collections.abc import Mapping
from datetime import datetime

import streamlit as st

from lib.core.access import Permission
from lib.services import giving, handover, starts
from lib.services.starts import Offer, Preview, Question
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.forms import action
from lib.ui.show import amount, distinct, moment, plain


def begin(couple_id: str, names: Mapping[str, str]) -> None:
    """Offer what can begin for a couple: a subscription that one of the two pays, or a gift of somebody's.

    `names` are those of the partners, as the reader may see them.
    """
    offer = desk.read(starts.offer, couple_id)
    st.subheader("Start a subscription", anchor=False)
    _start(offer, names)
    st.subheader("Give them a subscription", anchor=False)
    _give(offer)


def _start(offer: Offer, names: Mapping[str, str]) -> None:
    """Who pays, which plan, a trial, a code; Stripe's preview before the button."""
    if offer.why_not:
        st.caption(offer.why_not)
        return
    plans = distinct({plan.id: plan.title for plan in offer.plans})
    partners = distinct({key: names.get(key, key) for key in offer.payer_ids})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        plan_id = _one_of("Plan", plans, "start:plan")
        payer_id = st.selectbox(
            "Paid by", list(partners), format_func=lambda key: partners[key], key="start:payer"
        )
        days = st.number_input("Trial days", 0, starts.LONGEST_TRIAL_DAYS, 0, key="start:days")
        code = st.text_input("Code", key="start:code", max_chars=60)
    if plan_id is None:
        st.caption("Choose a plan to see what Stripe would charge, and on which card.")
        return
    question = desk.read(
        starts.question,
        offer.couple_id,
        plan_id=plan_id,
        payer_id=payer_id,
        trial_days=days,
        code=code,
    )
    preview = desk.ask_stripe(starts.preview, question)
    if preview is None:
        return
    effect = _effect_of_start(question, preview, offer.access_until)
    st.markdown(effect)
    action(
        "Start it",
        starts.start,
        offer.couple_id,
        key="start",
        needs=Permission.SUBSCRIPTIONS_START,
        effect=effect,
        done="Queued: Stripe begins it, and the row follows.",
        icon=":material/play_arrow:",
        primary=True,
        shown=offer.digest,
        plan_id=plan_id,
        payer_id=payer_id,
        customer_id=preview.card.customer_id,
        card_id=preview.card.id,
        trial_days=days,
        code=code,
    )


def _effect_of_start(question: Question, preview: Preview, access_until: datetime | None) -> str:
    """Money, access and MRR, in sentences."""
    price, mrr = (
        plain(amount(cents, question.plan.currency))
        for cents in (question.plan.price_cents, question.plan.mrr_cents)
    )
    due = plain(amount(preview.due_cents, preview.currency))
    said = [f"Charged now: **{due}**, on {plain(preview.card)}."]
    if question.trial_end:
        said.append(f"Free until **{moment(question.trial_end)}**, when MRR rises by **{mrr}**.")
    else:
        said.append(f"MRR rises by **{mrr}** today, less what a code takes off.")
    said.append(f"From then on {price} {question.plan.billing_period}. Both partners have access at once.")
    if access_until:
        said.append(f"What they have now runs until **{moment(access_until)}** beside it.")
    return " ".join(said)


def _give(offer: Offer) -> None:
    """A subscription that somebody else pays for, once."""
    plans = distinct({plan.id: plan.title for plan in offer.plans})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        giver = st.text_input(
            "Giver", key="give:giver", placeholder="Id or e-mail of who pays", max_chars=320
        )
        plan_id = _one_of("Plan", plans, "give:plan")
        months = st.selectbox("Months", giving.MONTHS, key="give:months")
    if not giver.strip() or plan_id is None:
        st.caption("Who pays is charged once, for all months; the gift begins at once and ends by itself.")
        return
    gift = desk.read(giving.question, giver=giver, plan_id=plan_id, months=months)
    card = desk.ask_stripe(giving.card_of_giver, gift)
    if card is None:
        return
    giver_name = plain(gift.giver_name or gift.giver_id)
    effect = (
        f"**{plain(gift.amount)}** are charged once to {giver_name}, on {plain(card)}. The couple has "
        f"{plain(gift.plan.name)} until **{moment(gift.until)}**. Gifts add nothing to MRR."
    )
    st.markdown(effect)
    message = Ask("message", "Message", "area", required=False, placeholder="What the couple reads")
    action(
        "Give it",
        giving.give,
        offer.couple_id,
        key="give",
        needs=Permission.SUBSCRIPTIONS_GIVE,
        effect=effect,
        ask=[message, REASON],
        done="Queued: the gift begins once the card is charged.",
        icon=":material/redeem:",
        primary=True,
        shown=offer.digest,
        giver_id=gift.giver_id,
        customer_id=card.customer_id,
        card_id=card.id,
        plan_id=plan_id,
        months=months,
    )


def hand_over(subscription_id: str) -> None:
    """Offer to move a subscription to the other partner, from the end of what is paid for on."""
    move = desk.read(handover.case, subscription_id)
    if move.why_not or move.plan is None:
        st.caption(move.why_not or "")
        return
    partner = move.partner_name or move.partner_id or ""
    card = desk.ask_stripe(handover.card_of_partner, move)
    if card is None:
        return
    price = plain(amount(move.plan.price_cents, move.plan.currency))
    effect = (
        f"**{plain(move.from_name)}** is not charged again; access stays. From **{moment(move.paid_until)}** "
        f"on, **{plain(partner)}** pays {price} {move.plan.billing_period} with {plain(card)}. No money "
        "moves today, and MRR goes from one to the other on that day. A discount does not come along."
    )
    st.markdown(effect)
    action(
        "Move it",
        handover.hand_over,
        subscription_id,
        key="move",
        needs=Permission.SUBSCRIPTIONS_START,
        effect=effect,
        done="Queued: it ends with its period, then the partner's begins.",
        icon=":material/swap_horiz:",
        shown=move.digest,
        customer_id=card.customer_id,
        card_id=card.id,
    )


def _one_of(label: str, options: dict[str, str], key: str) -> str | None:
    """A choice that nobody has made until somebody makes it."""
    return st.selectbox(
        label,
        list(options),
        index=None,
        format_func=lambda each: options[each],
        key=key,
        placeholder="Choose",
    )
