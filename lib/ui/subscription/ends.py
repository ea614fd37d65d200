"""The end of a subscription: three ways, and the way back."""

import streamlit as st

from lib.core.access import Permission
from lib.services import subscriptions
from lib.services.subscriptions import SubscriptionCase
from lib.ui.asks import REASON, Ask
from lib.ui.forms import action
from lib.ui.show import moment, plain
from lib.ui.subscription.cards import card, falls_by, money, mrr_of

_LAST_DAY = Ask("last_day", "Last day", "date", help="Counted in UTC; the day itself is included.")


def ends(case: SubscriptionCase) -> None:
    """Keep it, where it is to end; else let it end with its period, on a date, or now."""
    if case.set_to_cancel:
        _keep(case)
    left, right = st.columns(2)
    with left:
        _at_period_end(case)
    with right:
        _on(case)
    _now(case)


def _keep(case: SubscriptionCase) -> None:
    with card(
        "Keep it",
        "Takes the cancellation back, whether it was for the period's end or for a date.",
        access="goes on.",
        bills=f"{money(case.price_cents, case.currency)} {case.billing_period} goes on as before.",
        mrr=f"{mrr_of(case)} stays.",
    ):
        action(
            "Keep it",
            subscriptions.keep,
            case.id,
            key="keep",
            needs=Permission.SUBSCRIPTIONS_CANCEL,
            why_not=case.why_not["keep"],
            done="Queued: it goes on.",
            icon=":material/favorite:",
            shown=case.digest,
        )


def _at_period_end(case: SubscriptionCase) -> None:
    end = plain(moment(case.current_period_end))
    with card(
        "With the period that is paid for",
        "What most people mean when they cancel.",
        access=f"stays until {end}.",
        bills="no further bill, and nothing is paid back.",
        mrr=falls_by(case, "then"),
    ):
        action(
            "Cancel at period end",
            subscriptions.cancel_at_period_end,
            case.id,
            key="at_period_end",
            needs=Permission.SUBSCRIPTIONS_CANCEL,
            why_not=case.why_not["cancel_at_period_end"],
            done="Queued: it ends with its period.",
            icon=":material/event_busy:",
            shown=case.digest,
        )


def _on(case: SubscriptionCase) -> None:
    with card(
        "On a date",
        "For a couple that wants to stay until a certain day.",
        access="stays until the end of that day.",
        bills="bills go on until then. What is paid for beyond that day is neither credited nor paid back.",
        mrr=falls_by(case, "on that day"),
    ):
        action(
            "Cancel on a date",
            subscriptions.cancel_on,
            case.id,
            key="cancel_on",
            needs=Permission.SUBSCRIPTIONS_CANCEL,
            why_not=case.why_not["cancel_on"],
            ask=[_LAST_DAY, REASON],
            done="Queued: it ends on that day.",
            icon=":material/event:",
            shown=case.digest,
        )


def _now(case: SubscriptionCase) -> None:
    with card(
        "Now",
        "Cannot be undone: the couple would have to subscribe anew.",
        access="ends at once, for both partners.",
        bills="no further bill. Nothing is paid back by itself: that is a refund, which finance decides.",
        mrr=falls_by(case, "today"),
    ):
        action(
            "Cancel now",
            subscriptions.cancel_now,
            case.id,
            key="now",
            needs=Permission.SUBSCRIPTIONS_CANCEL,
            why_not=case.why_not["cancel_now"],
            confirm="cancel now",
            done="Queued: it ends now.",
            icon=":material/cancel:",
            shown=case.digest,
        )
