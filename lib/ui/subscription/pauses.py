"""The two pauses, side by side and named apart."""

import streamlit as st

from lib.core.access import Permission
from lib.services.subscriptions import SubscriptionCase, asking
from lib.services.subscriptions import pauses as service
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.forms import action
from lib.ui.show import moment, plain
from lib.ui.subscription.cards import answer_line, card, falls_by, money

_BEHAVIOR = Ask(
    "behavior", "What becomes of the bills", "choice", tuple(service.BEHAVIORS), shown=service.BEHAVIORS
)
_UNTIL = Ask(
    "until",
    "Collect again from",
    "date",
    required=False,
    help="The first day, in UTC. Leave it empty to pause until somebody ends it.",
)


def pauses(case: SubscriptionCase) -> None:
    """Pause the bills or the subscription itself, or end the pause that it is in."""
    theirs = _theirs(case)
    left, right = st.columns(2)
    with left:
        if case.bills_paused:
            _bill_again(case, theirs)
        else:
            _pause_bills(case)
    with right:
        if case.status == "paused":
            _resume(case)
        else:
            _pause(case, theirs)


def _theirs(case: SubscriptionCase) -> asking.AtStripe | None:
    if case.stripe_subscription_id is None:
        return None
    return desk.ask_stripe(asking.at_stripe, case.stripe_subscription_id)


def _pause_bills(case: SubscriptionCase) -> None:
    with card(
        "Pause the bills",
        "For a couple that is short of money but keeps using the app. Stripe calls it “pause collection”.",
        access="**stays**, for both partners; the status stays as it is.",
        bills=(
            "nothing is collected. As you choose, each bill is **void** and never owed, waits as a **draft** "
            "that can be sent later, or is **written off** as lost."
        ),
        mrr=falls_by(case, "until they are billed again"),
    ):
        action(
            "Pause the bills",
            service.pause_collection,
            case.id,
            key="pause_collection",
            needs=Permission.SUBSCRIPTIONS_CHANGE,
            why_not=case.why_not["pause_collection"],
            ask=[_BEHAVIOR, _UNTIL, REASON],
            done="Queued: its bills are paused.",
            icon=":material/money_off:",
            shown=case.digest,
        )


def _bill_again(case: SubscriptionCase, theirs: asking.AtStripe | None) -> None:
    until = theirs.bills_resume_at if theirs else None
    with card(
        "The bills are paused",
        f"They are collected again by themselves from {moment(until)}." if until else "Until it is ended.",
        access="was never touched.",
        bills="collected again from the next bill on; those of the pause stay as they are.",
        mrr=f"rises by up to {money(case.price_cents, case.currency)} {case.billing_period}.",
    ):
        action(
            "Bill again",
            service.resume_collection,
            case.id,
            key="resume_collection",
            needs=Permission.SUBSCRIPTIONS_CHANGE,
            why_not=case.why_not["resume_collection"],
            done="Queued: it is billed again.",
            icon=":material/payments:",
            shown=case.digest,
        )


def _pause(case: SubscriptionCase, theirs: asking.AtStripe | None) -> None:
    with card(
        "Pause the subscription",
        "For a couple that does not use the app for a while. Stripe's real pause: the status is “paused”.",
        access="**stops**, for both partners, until somebody ends the pause.",
        bills=(
            f"no bills. The days left until {plain(moment(case.current_period_end))} become a credit for the "
            "first bill after the pause."
        ),
        mrr=falls_by(case, "until the pause ends"),
    ):
        action(
            "Pause the subscription",
            service.pause,
            case.id,
            key="pause",
            needs=Permission.SUBSCRIPTIONS_CHANGE,
            why_not=case.why_not["pause"] or (theirs.why_not_pause if theirs else None),
            done="Queued: it pauses.",
            icon=":material/pause_circle:",
            shown=case.digest,
        )


def _resume(case: SubscriptionCase) -> None:
    answer = desk.ask_stripe(asking.resumption, case.stripe_subscription_id or "")
    with card(
        "The subscription is paused",
        "Ending the pause begins a new period today.",
        access="starts again, for both partners.",
        bills=f"collected at once: {answer_line(answer, none='nothing, Stripe says.')}",
        mrr=f"rises by up to {money(case.price_cents, case.currency)} {case.billing_period}.",
    ):
        action(
            "End the pause",
            service.resume,
            case.id,
            key="resume",
            needs=Permission.SUBSCRIPTIONS_CHANGE,
            why_not=case.why_not["resume"],
            done="Queued: the pause ends.",
            icon=":material/play_circle:",
            shown=case.digest,
        )
