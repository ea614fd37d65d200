"""Goodwill: what may be given, what it is worth, and to whom it is not given."""

import streamlit as st

from lib.core.access import Permission
from lib.services.subscriptions import SubscriptionCase, allowances
from lib.services.subscriptions import goodwill as service
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.forms import action
from lib.ui.show import moment, plain
from lib.ui.subscription.cards import card, falls_by, money, mrr_of

_LAST_DAY = Ask(
    "last_day", "Last day of the trial", "date", help="Counted in UTC; the day itself is included."
)


def goodwill(case: SubscriptionCase) -> None:
    """A longer trial for one that is in it, free months for one that pays, and bills of nothing."""
    left = desk.read(allowances.left, case.relationship_id)
    months = 1 if case.status == "trialing" else _choose_months(left)
    first, second = st.columns(2)
    with first:
        if case.status == "trialing":
            _trial(case, left)
        else:
            _months(case, left, months)
    with second:
        _comp(case)


def _trial(case: SubscriptionCase, left: allowances.Left) -> None:
    with card(
        "A longer trial",
        f"Your role may let it last until {left.trial_until}.",
        access="stays until the end of the day that you choose.",
        bills=f"the first bill moves from {plain(moment(case.trial_end_date))} to after that day.",
        mrr="a trial adds nothing, before or after.",
    ):
        action(
            "Extend the trial",
            service.extend_trial,
            case.id,
            key="extend_trial",
            needs=Permission.SUBSCRIPTIONS_GIVE,
            why_not=case.why_not["extend_trial"],
            ask=[_LAST_DAY, REASON],
            done="Queued: the trial lasts longer.",
            icon=":material/hourglass_top:",
            shown=case.digest,
        )


def _choose_months(left: allowances.Left) -> int:
    if left.months <= 1:
        return 1
    chosen = st.segmented_control(
        "How many free months",
        list(range(1, left.months + 1)),
        default=1,
        required=True,
        key="months",
        format_func=allowances.counted,
    )
    return chosen or 1


def _months(case: SubscriptionCase, left: allowances.Left, months: int) -> None:
    worth = service.worth(case.price_cents, case.billing_period, case.currency, months)
    with card(
        "Free months",
        f"Your role may give a couple {allowances.counted(left.free_months)} within a year; "
        f"this one got {allowances.counted(left.given) if left.given else 'none so far'}.",
        access="goes on.",
        bills=_worth(case, worth),
        mrr=f"{mrr_of(case)} stays under the house policy: a favour is not a lower price.",
    ):
        action(
            f"Give {allowances.counted(worth.months)}",
            service.free_months,
            case.id,
            key=f"free_months:{worth.months}",
            needs=Permission.SUBSCRIPTIONS_GIVE,
            why_not=case.why_not["free_months"] or _used_up(left),
            done="Queued: the next bills cost less.",
            icon=":material/volunteer_activism:",
            months=worth.months,
            shown=case.digest,
        )


def _worth(case: SubscriptionCase, worth: service.FreeMonths) -> str:
    total = money(worth.worth_cents, worth.currency)
    if case.billing_period == "annual":
        return f"{total} off the next bill, of {plain(moment(case.current_period_end))}."
    if worth.bills == 1:
        return f"the next bill, of {plain(moment(case.current_period_end))}, costs nothing: {total} less."
    return f"the bills of the next {worth.bills} months cost nothing: {total} less in all."


def _used_up(left: allowances.Left) -> str | None:
    if left.months:
        return None
    return "This couple had all the free months that your role may give. Ask somebody who may give more."


def _comp(case: SubscriptionCase) -> None:
    with card(
        "Free of charge, for good",
        "For a press account or a partner of ours. Finance only; ends when the discount is removed.",
        access="goes on.",
        bills=f"no bill costs anything: {money(case.price_cents, case.currency)} {case.billing_period} less.",
        mrr=falls_by(case, "now"),
    ):
        action(
            "Charge nothing",
            service.comp,
            case.id,
            key="comp",
            needs=Permission.DISCOUNTS_WRITE,
            why_not=case.why_not["comp"],
            confirm="for nothing",
            done="Queued: it costs nothing from now on.",
            icon=":material/all_inclusive:",
            shown=case.digest,
        )
