"""What the desk of combined plans shows: what is wished for, the steps, and what can be done with a plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from lib.core.access import Permission
from lib.services.plans import case as cases
from lib.services.plans import plan
from lib.services.plans.dry_run import Choices
from lib.services.plans.wishes import StepLine, Wishes
from lib.services.refunds import REASONS
from lib.ui import desk
from lib.ui.asks import typed_amount
from lib.ui.show import amount, badge, moment, plain, words


def steps(lines: Sequence[StepLine]) -> None:
    """Show the steps of a plan: what each does to money, access and MRR, how far it is, why it cannot be."""
    for line in lines:
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{line.number}. {plain(line.title)}**", width="content")
                if line.state:
                    badge(line.state)
                elif line.why_not:
                    st.badge("Impossible", icon=":material/block:", color="red")
                else:
                    st.badge("Possible", icon=":material/check:", color="green")
            st.caption(plain(line.touches))
            for column, (label, text) in zip(
                st.columns(3),
                (("Money", line.money), ("Access", line.access), ("MRR", line.mrr)),
                strict=True,
            ):
                with column.container(gap=None):
                    st.caption(label)
                    st.text(text)
            if line.said:
                st.markdown(f":material/subdirectory_arrow_right: {plain(line.said)}")
            elif line.why_not and line.state in {"", "planned"}:
                st.warning(line.why_not, icon=":material/block:")


def wish(choices: Choices) -> Wishes:
    """Ask what a plan is to do for a couple; gives the wishes as they stand."""
    lines = {line.id: line for line in choices.payments}
    left, right = st.columns(2)
    with left:
        payment = st.selectbox(
            "Give back of",
            ["", *lines],
            format_func=lambda key: (
                f"{moment(lines[key].created_at)} · {amount(lines[key].left_cents, lines[key].currency)} left"
                if key
                else "No payment"
            ),
            key="wish:payment",
        )
        whole = amount(lines[payment].left_cents, lines[payment].currency) if payment else ""
        typed = st.text_input("Amount", whole, key=f"wish:amount:{payment}", disabled=not payment)
        reason = st.selectbox("Reason", REASONS, format_func=words, disabled=not payment)
    with right:
        subscription = st.selectbox(
            "Cancel",
            ["", *choices.subscriptions],
            format_func=lambda key: choices.subscriptions.get(key, "No subscription"),
            key="wish:subscription",
        )
        cancel = st.segmented_control(
            "When",
            ["at_period_end", "now"],
            default="at_period_end",
            required=True,
            format_func={"at_period_end": "At the period's end", "now": "Now"}.__getitem__,
            disabled=not subscription,
            key="wish:cancel",
        )
        credits_too = st.toggle(
            f"Take back unused AI credits ({choices.credits})",
            key="wish:credits",
            disabled=not choices.credits,
        )
        addons = st.multiselect(
            "End add-ons",
            list(choices.addons),
            format_func=choices.addons.__getitem__,
            key="wish:addons",
            placeholder="None" if choices.addons else "The couple has none",
            disabled=not choices.addons,
        )
    return Wishes(
        payment_id=payment or None,
        amount_cents=typed_amount(typed, lines[payment].currency) if payment else 0,
        refund_reason=reason or REASONS[0],
        subscription_id=subscription or None,
        cancel="now" if cancel == "now" else "at_period_end",
        credits=credits_too,
        addon_ids=tuple(addons),
    )


def watch_plan(found: cases.PlanCase) -> None:
    """Show a plan's steps; looks again every second while the worker is at them."""

    @st.fragment(run_every=1.0 if found.is_moving else None)
    def look() -> None:
        current = desk.read(cases.one, found.id) if found.is_moving else found
        if current.state != found.state:
            st.rerun()
        steps(current.steps)

    look()


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be done with a plan as a whole, beside approving it."""

    label: str
    verb: Callable[..., None]
    needs: Permission
    icon: str
    effect: str
    done: str
    why_not: str | None = None


def plan_offers(found: cases.PlanCase) -> list[Offer]:
    """What can be done with a plan in its state."""
    decide, ask = Permission.REFUNDS_DECIDE, Permission.REFUNDS_REQUEST
    match found.state:
        case "proposed":
            deny = "Nothing is done. Your reason is what whoever proposed it is told."
            return [
                Offer("Deny", plan.deny, decide, ":material/close:", deny, "Denied.", found.why_not_decide),
                Offer(
                    "Withdraw",
                    plan.withdraw,
                    ask,
                    ":material/undo:",
                    "Nothing is done, and the refund's amount is free again.",
                    "Withdrawn.",
                    found.why_not_withdraw,
                ),
            ]
        case "stopped":
            return [
                Offer(
                    "Continue",
                    plan.go_on,
                    decide,
                    ":material/play_arrow:",
                    "The step that failed is tried again; what is done is not done twice.",
                    "It goes on.",
                ),
                Offer(
                    "Give up",
                    plan.give_up,
                    decide,
                    ":material/stop_circle:",
                    "What is done stays done, the rest is not done, and the refund is denied.",
                    "Given up.",
                ),
            ]
        case _:
            return []
