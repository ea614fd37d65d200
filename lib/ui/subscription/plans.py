"""Another plan: chosen, previewed by Stripe, then changed exactly so."""

from typing import Final

import streamlit as st

from lib.core.access import Permission
from lib.services.subscriptions import SubscriptionCase
from lib.services.subscriptions import plan_changes as service
from lib.ui import desk
from lib.ui.forms import action
from lib.ui.show import plain
from lib.ui.subscription.cards import bill_line, card, lines, money

_SETTLEMENTS: Final = {
    "now": "Charge or credit it now",
    "next_bill": "With the next bill",
    "not_at_all": "Not at all",
}


def plan(case: SubscriptionCase) -> None:
    """Choose a plan and how the rest of the period is settled, see what Stripe makes of it, change."""
    if why := case.why_not["change_plan"]:
        st.info(plain(why), icon=":material/block:")
        return
    offered = desk.read(service.choices, case.plan_id, case.currency)
    if not offered.plans:
        st.info("There is no other plan for sale in this currency.", icon=":material/inbox:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "New plan",
            list(offered.plans),
            format_func=lambda plan_id: offered.plans[plan_id].words,
            key="plan",
            bind="query-params",
        )
        settlement = st.segmented_control(
            "The difference for the rest of the period",
            list(service.SETTLEMENTS),
            format_func=_SETTLEMENTS.__getitem__,
            default=service.SETTLEMENTS[0],
            required=True,
            key="settlement",
            bind="query-params",
        )
    asked = service.question(case, offered, chosen, settlement or service.SETTLEMENTS[0])
    preview = desk.ask_stripe(service.preview, asked)
    if preview is not None:
        _decide(case, chosen, asked, preview)


def _decide(
    case: SubscriptionCase, plan_id: str, asked: service.PlanQuestion, preview: service.PlanPreview
) -> None:
    change = asked.mrr_after_cents - asked.mrr_before_cents
    before, after = (
        money(cents, asked.currency) for cents in (asked.mrr_before_cents, asked.mrr_after_cents)
    )
    with card(
        f"{plain(case.plan_name or case.plan_id)} → {plain(asked.to_plan)}",
        "Worked out by Stripe just now, and changed exactly so.",
        access="goes on; what the new plan includes is there at once.",
        bills=f"now {bill_line(preview.now, none='nothing.')} Then {bill_line(preview.then)}",
        mrr=f"{before} → {after}{_signed(change, asked.currency)}.",
    ):
        if not asked.same_period:
            st.caption(
                "The new plan has another period, so Stripe begins it today and settles the rest at once."
            )
        for number, bill in enumerate((preview.now, preview.then)):
            if bill is not None:
                lines(bill, key=f"bill_{number}")
        action(
            "Change plan",
            service.change,
            case.id,
            key=f"change:{plan_id}:{asked.settlement}",
            needs=Permission.SUBSCRIPTIONS_CHANGE,
            done="Queued: the plan changes. A declined card changes nothing.",
            icon=":material/swap_horiz:",
            primary=True,
            plan_id=plan_id,
            settlement=asked.settlement,
            moment=asked.moment,
            shown=case.digest,
        )


def _signed(cents: int, currency: str) -> str:
    if cents == 0:
        return ""
    return f" ({'+' if cents > 0 else ''}{money(cents, currency)})"
