"""What pages show about drift: both values, the classes, a repair under way, and one subscription's own."""

from collections.abc import Sequence

import streamlit as st

from lib.core.access import Permission
from lib.payments import reconcile
from lib.payments.gateway import Gateway
from lib.payments.reconcile import CLASSES, Finding
from lib.services import drift
from lib.ui import desk
from lib.ui.forms import action
from lib.ui.links import PAGE_OF, link
from lib.ui.show import amount, badge, plain, value

_ASKED_ANEW_AFTER_S = 60


def standing(sentence: str, *, late: bool) -> None:
    """Say how fresh the findings are; as a warning when they are not."""
    if late:
        st.warning(plain(sentence), icon=":material/schedule:")
    else:
        st.caption(plain(sentence))


def both_sides(ours: str | None, theirs: str | None) -> None:
    """Our value beside Stripe's."""
    here, there = st.columns(2)
    for cell, label, shown in ((here, "Here", ours), (there, "At Stripe", theirs)):
        with cell.container(border=True, gap=None):
            st.caption(label)
            st.text(value(shown) if shown else "nothing")


def our_row(table: str | None, key: str | None) -> None:
    """Link to the row of ours that a finding is about, where it has a page."""
    if table is not None and table in PAGE_OF:
        link("Our row", PAGE_OF[table], key, icon=":material/table_rows:")


def drift_classes(lines: Sequence[drift.ClassLine]) -> None:
    """Each class with open findings: how many, what is at stake, and the repair of all of them at once."""
    if not lines:
        st.success("Nothing differs: our rows and Stripe say the same.", icon=":material/check_circle:")
        return
    with st.expander(f"By class ({len(lines)})", expanded=True):
        for line in lines:
            _class_line(line)


def follow_repair(finding_id: str, state: str) -> None:
    """While a repair waits for the worker, look every second; the page runs again once it is through."""
    if state != "asked":
        return

    @st.fragment(run_every=1.0)
    def look() -> None:
        if desk.read(drift.one, finding_id).state != "asked":
            st.rerun()
        st.caption("The worker is at it.")

    look()


def own_drift(subscription_id: str) -> None:
    """Whether Stripe says the same about one subscription: asked now, or within the last minute."""
    if not desk.stripe_is_set_up():
        return
    question = desk.read(drift.question, subscription_id)
    if question is None:
        return
    found = desk.ask_stripe(_asked, question)
    for finding in found or ():
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{plain(CLASSES[finding.kind].title)}**: here {plain(finding.ours or 'nothing')}, "
                f"at Stripe {plain(finding.theirs or 'nothing')}",
                width="content",
            )
            badge(CLASSES[finding.kind].severity)
            link("Drift", "drift", "", icon=":material/difference:", q=finding.stripe_id or "")
    if found == []:
        st.caption(":material/check: Stripe says the same.")


# Kept by what our row says: once it has changed, Stripe is asked again.
@st.cache_data(
    ttl=_ASKED_ANEW_AFTER_S,
    max_entries=1000,
    show_spinner=False,
    hash_funcs={reconcile.Question: lambda question: repr(question.row)},
)
def _asked(_gateway: Gateway, question: reconcile.Question) -> list[Finding]:
    return reconcile.of_subscription(_gateway, question)


def _class_line(line: drift.ClassLine) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        badge(line.severity)
        st.markdown(f"**{plain(line.title)}**", width="content", help=plain(line.remedy))
        at_stake = f", {plain(amount(line.money_cents, line.currency))} at stake" if line.money_cents else ""
        st.caption(f"{line.open:,} open{at_stake}", width="content")
        link("Show", "drift", "", kind=line.kind)
        if line.repairable:
            action(
                f"Repair {line.repairable:,}",
                drift.repair_class,
                line.kind,
                key=f"repair:{line.kind}",
                needs=Permission.DRIFT_REPAIR,
                effect=f"{plain(line.remedy)} Up to {drift.AT_ONCE} at a time.",
                done="The worker does one after the other.",
                icon=":material/build:",
                shown=line.repairable,
            )
