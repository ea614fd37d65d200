"""The forms of the discount desk: a new code, a new batch, and a code's new limits."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from lib.core import moments
from lib.core.access import Permission
from lib.services import discounts
from lib.services.discounts import Batch, Discount, SwitchOffCase
from lib.ui.asks import REASON, Ask
from lib.ui.forms import action
from lib.ui.progress import watch_work
from lib.ui.show import plain

_LASTING: Final = {
    "once": "The first bill only",
    "repeating": "Every bill for some months",
    "forever": "Every bill, for ever",
}
_WHAT: Final = {
    "subscription": "Subscriptions",
    "all": "Everything",
    "credits": "AI credits",
    "addons": "Add-ons and boxes",
}
_PROMISE: Final = (
    "What it gives can **never be changed**, only its limits, its last day, and whether it is on. "
    "Stripe has no first day: until then the app alone turns it down."
)
_AT_STRIPE: Final = (
    "Without it, the app applies the coupon itself and the codes are ready within seconds. With it, "
    f"a code takes a request: {discounts.PER_SECOND} a second at most, so 100,000 take "
    f"{discounts.time_at_stripe(100_000)} hours at the very least, often several times that."
)


def make_code(kind: str, plans: Mapping[str, str]) -> None:
    """Offer to make a code of one kind; opens it."""
    action(
        "Make a code",
        discounts.create,
        key=f"make:{kind}",
        needs=Permission.DISCOUNTS_WRITE,
        ask=[
            Ask("code", "Code", placeholder="SPRING20", help="Letters, digits and dashes."),
            *_terms(kind, plans),
            Ask("max_uses", "Uses in all", "count", required=False, help="Empty: no limit."),
            REASON,
        ],
        effect=_PROMISE,
        done="Queued: it can be used once Stripe has answered.",
        icon=":material/add:",
        primary=True,
        opens="id",
        kind=kind,
        **_once(kind),
    )


def make_batch(kind: str, plans: Mapping[str, str]) -> None:
    """Offer to make many unique codes of one kind; each can be used once. Opens the batch."""
    action(
        "Make many unique codes",
        discounts.make_batch,
        key=f"batch:{kind}",
        needs=Permission.DISCOUNTS_WRITE,
        ask=[
            Ask("title", "Name", placeholder="Spring fair, printed cards"),
            Ask("prefix", "Codes begin with", placeholder="FAIR"),
            Ask("wanted", "How many codes", "count", help="100,000 at most."),
            Ask("at_stripe", "A promotion code at Stripe for each", "flag", help=_AT_STRIPE),
            *_terms(kind, plans),
            REASON,
        ],
        effect=f"{_PROMISE} Each code can be used once.",
        done="Queued: the worker makes them.",
        icon=":material/dynamic_feed:",
        opens="batch",
        kind=kind,
        max_uses=1,
        **_once(kind),
    )


def change_code(code: Discount) -> None:
    """Offer to change a code's limits and its last day."""
    action(
        "Change limits",
        discounts.change,
        code.id,
        key="change",
        needs=Permission.DISCOUNTS_WRITE,
        why_not=code.why_not_change,
        ask=[
            Ask("max_uses", "Uses in all", "count", default=_typed(code.max_uses), required=False),
            Ask(
                "max_per_customer",
                "Uses per couple",
                "count",
                default=_typed(code.max_per_customer),
                required=False,
            ),
            Ask(
                "valid_until",
                "Last day (UTC)",
                "date",
                default=code.valid_until.date().isoformat() if code.valid_until else "",
            ),
            REASON,
        ],
        effect="Stripe cannot change a promotion code: another one with the same text takes its place, and "
        f"the {plain(code.redemptions)} redemptions so far keep counting.",
        done="Queued: it counts once Stripe has answered.",
        icon=":material/tune:",
        shown=code.digest,
    )


def _terms(kind: str, plans: Mapping[str, str]) -> list[Ask]:
    today = moments.now().date()
    value = {
        "percentage": Ask("value", "Percent off", "count"),
        "fixed_amount": Ask("value", "Amount off", "money"),
        "trial_extension": Ask("value", "More days of trial", "count"),
    }[kind]
    lasting = [
        Ask("duration", "Lasts for", "choice", options=discounts.DURATIONS, shown=_LASTING),
        Ask("duration_in_months", "Months, if for some", "count", required=False),
    ]
    return [
        value,
        *([] if kind == "trial_extension" else lasting),
        Ask("applies_to", "Applies to", "choice", options=discounts.APPLIES_TO, shown=_WHAT),
        Ask("plan_ids", "Plans", "choices", options=list(plans), shown=plans, placeholder="Every plan"),
        Ask("max_per_customer", "Uses per couple", "count", required=False, help="Empty: no limit."),
        Ask("first_time_only", "For a first purchase only", "flag"),
        Ask("valid_from", "First day (UTC)", "date", default=today.isoformat()),
        Ask("valid_until", "Last day (UTC)", "date"),
    ]


def _once(kind: str) -> dict[str, Any]:
    """A trial is extended once; what takes something off says how long in its form."""
    return {"duration": "once"} if kind == "trial_extension" else {}


def _typed(number: int | None) -> str:
    return "" if number is None else str(number)


def switch_code(code: Discount) -> None:
    """Offer to switch a code off or on, and to send it to Stripe again where that failed."""
    if code.why_not_send_again is None:
        action(
            "Send to Stripe again",
            discounts.send_again,
            code.id,
            key="again",
            needs=Permission.DISCOUNTS_WRITE,
            effect="Stripe is asked for the coupon and the promotion code anew; nothing is made twice.",
            done="On its way again.",
            icon=":material/replay:",
            primary=True,
            shown=code.digest,
        )
    elif code.state == "off":
        action(
            "Switch on",
            discounts.switch_on,
            code.id,
            key="on",
            needs=Permission.DISCOUNTS_WRITE,
            why_not=code.why_not_switch_on,
            effect="People can use it again once Stripe has answered.",
            done="Queued: it is on once Stripe has answered.",
            icon=":material/toggle_on:",
            shown=code.digest,
        )
    else:
        action(
            "Switch off",
            discounts.switch_off,
            code.id,
            key="off",
            needs=Permission.DISCOUNTS_WRITE,
            why_not=code.why_not_switch_off,
            effect=f"Nobody can use it **from now on**. The {code.couples:,} couples who used it keep what "
            "they were given. MRR stays as it is.",
            done="Switched off. Stripe follows.",
            icon=":material/toggle_off:",
            shown=code.digest,
        )


def stop_or_resume(batch: Batch) -> None:
    """Offer to let the worker rest, or to let it go on."""
    if batch.is_open:
        action(
            "Stop",
            discounts.stop_batch,
            batch.id,
            key="stop",
            needs=Permission.DISCOUNTS_WRITE,
            effect="What is made stays and can be used. It can go on later where it was.",
            done="The worker rests.",
            icon=":material/pause:",
        )
    elif batch.state == "stopped":
        action(
            "Go on",
            discounts.resume_batch,
            batch.id,
            key="resume",
            needs=Permission.DISCOUNTS_WRITE,
            effect="The worker goes on where it was; nothing is made twice.",
            done="The worker goes on.",
            icon=":material/play_arrow:",
            primary=True,
        )


def switch_batch_off(case: SwitchOffCase) -> None:
    """Offer to switch a whole batch off, saying how many codes that is; show how far it is while it lasts."""
    newest = case.newest
    if newest is not None:
        watch_work(discounts.switch_off_progress, newest, "Switched off")
        if newest.refused:
            st.warning(f"Stripe did not switch {newest.refused:,} of them off: the list says why.")
    if newest is None or newest.state == "done":
        at_stripe = (
            f" At Stripe {case.at_stripe:,} promotion codes follow one by one, which takes {case.takes} at "
            "least; until then the app turns them down."
            if case.at_stripe
            else ""
        )
        action(
            "Switch the batch off",
            discounts.switch_batch_off,
            case.batch_id,
            key="batch:off",
            needs=Permission.DISCOUNTS_WRITE,
            why_not=case.why_not,
            effect=f"**{case.codes:,} codes** are on, and nobody can use them any more within seconds."
            f"{at_stripe} Who used one keeps what it gave. Codes that are off already stay as they are.",
            confirm=str(case.codes),
            done="The worker switches them off.",
            icon=":material/toggle_off:",
            codes=case.codes,
        )
        return
    action(
        "Go on switching off" if newest.is_stopped else "Stop switching off",
        discounts.resume_switch_off if newest.is_stopped else discounts.stop_switch_off,
        newest.id,
        key="batch:off:resume" if newest.is_stopped else "batch:off:stop",
        needs=Permission.DISCOUNTS_WRITE,
        effect=f"{newest.here:,} of {newest.wanted:,} codes are off here, and {newest.there:,} of "
        f"{newest.wanted_at_stripe:,} at Stripe. None is sent twice.",
        done="The worker goes on." if newest.is_stopped else "The worker rests.",
        icon=":material/play_arrow:" if newest.is_stopped else ":material/pause:",
    )
