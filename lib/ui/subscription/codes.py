"""Discounts on a subscription: those that it has, and a code that could be put on it."""

import streamlit as st

from lib.core.access import Permission
from lib.services.subscriptions import SubscriptionCase, asking
from lib.services.subscriptions import codes as service
from lib.ui import desk
from lib.ui.forms import action
from lib.ui.show import moment, plain
from lib.ui.subscription.cards import answer_line, bill_line, card, money


def codes(case: SubscriptionCase) -> None:
    """Remove a discount, or apply a code after seeing what it comes to."""
    if case.stripe_subscription_id is None:
        st.info("It is not at Stripe, so no code can be applied.", icon=":material/block:")
        return
    theirs = desk.ask_stripe(asking.at_stripe, case.stripe_subscription_id)
    if theirs is not None:
        _running(case, case.stripe_subscription_id, theirs)
    st.subheader("Apply a code", anchor=False)
    if not desk.may(Permission.DISCOUNTS_APPLY):
        st.info("Applying codes is not for your role.", icon=":material/block:")
        return
    typed = st.text_input("Code", key="code", bind="query-params", max_chars=60, placeholder="SPRING20")
    if typed and typed.strip():
        _offer(case, case.stripe_subscription_id, typed)


def _running(case: SubscriptionCase, stripe_id: str, theirs: asking.AtStripe) -> None:
    running = desk.read(service.running, theirs.reductions)
    if not running:
        st.caption("No discount is on it.")
    for each in running:
        after = desk.ask_stripe(service.preview_without, stripe_id, each.id)
        with card(
            plain(each.title),
            f"Until {moment(each.until)}." if each.until else "On it now.",
            access="goes on without it.",
            bills=f"the next bill is {bill_line(theirs.next_bill)} Without it: {answer_line(after)}",
            mrr=f"{money(case.mrr_cents, case.currency)} today; more without it, unless it was free months.",
        ):
            action(
                "Remove",
                service.remove,
                case.id,
                key=f"remove:{each.id}",
                needs=Permission.DISCOUNTS_APPLY,
                why_not=case.why_not["remove_discount"],
                done="Queued: it is taken off.",
                icon=":material/remove_circle:",
                discount_id=each.id,
                shown=case.digest,
            )


def _offer(case: SubscriptionCase, stripe_id: str, typed: str) -> None:
    offer = desk.read(service.offer, case.id, typed)
    if offer.why_not:
        st.warning(plain(offer.why_not), icon=":material/block:")
        return
    bills = f"the first bill moves to {plain(moment(offer.trial_until))}."
    if offer.trial_until is None:
        answer = desk.ask_stripe(service.preview, stripe_id, offer.code)
        bills = (
            f"{money(offer.off_cents, offer.currency)} off a bill of "
            f"{money(offer.bill_cents, offer.currency)}. The next bill, Stripe says: {answer_line(answer)}"
        )
    before, after = (
        money(cents, offer.currency) for cents in (offer.mrr_before_cents, offer.mrr_after_cents)
    )
    with card(
        f"{plain(offer.code)}: {plain(offer.gives)}",
        "Added to the discounts that are on it.",
        access="goes on.",
        bills=bills,
        mrr=f"{before} → {after} while it lasts.",
    ):
        action(
            "Apply the code",
            service.apply,
            case.id,
            key=f"apply:{offer.code}",
            needs=Permission.DISCOUNTS_APPLY,
            why_not=case.why_not["extend_trial" if offer.trial_until else "apply_code"],
            done="Queued: the code is applied.",
            icon=":material/percent:",
            primary=True,
            code=offer.code,
            shown=case.digest,
        )
