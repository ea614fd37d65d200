"""Plans: refund, cancel and take back together, shown first, decided as a whole, carried out step by step."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services.plans import case, dry_run, plan

ui.page("Plans", Permission.REFUNDS_READ)

plan_id, couple_id = ui.opened(), ui.opened("couple")
if plan_id is None:
    if couple_id is None:
        state = ui.choose("Show", plan.STATES, key="state")
        ui.table(
            plan.plans, key="plans", empty="No plans. One is made from a couple's payments.", state=state
        )
        st.stop()
    ui.back("All plans", "couple")
    choices = ui.read(dry_run.choices, couple_id)
    ui.link("The couple", "relationships", couple_id, icon=":material/group:")
    if choices.open_plan_id:
        st.info("This couple has an open plan already; a new one can follow it.", icon=":material/info:")
        ui.link("Open it", "plans", choices.open_plan_id, icon=":material/checklist:")
        st.stop()
    wishes = ui.wish(choices)
    shown = ui.read(dry_run.dry_run, couple_id, wishes)
    st.subheader("Dry run: what it would do", anchor=False)
    if not shown.steps:
        st.caption("Choose what is to be done, and each step stands here before anything happens.")
    ui.steps(shown.steps)
    if shown.recommendation:
        ui.recommendation(shown.recommendation)
    ui.action(
        "Propose this plan",
        plan.propose,
        couple_id,
        wishes,
        key="propose",
        needs=Permission.REFUNDS_REQUEST,
        why_not=shown.why_not,
        effect="Nothing is done yet: somebody else decides on all of it. The refund's amount is reserved.",
        done="Proposed. Somebody else decides on it, under Plans.",
        icon=":material/send:",
        primary=True,
        shown=shown.digest,
    )
    st.stop()

ui.back("All plans")
found = ui.read(case.one, plan_id)

st.subheader(ui.plain(found.reason), anchor=False)
with st.container(horizontal=True, vertical_alignment="center"):
    ui.badge(found.state)
    ui.link("The couple", "relationships", found.relationship_id, icon=":material/group:")
    ui.link("The refund", "refunds", found.refund_id, icon=":material/undo:")
decided = {
    "Decided by": found.decided_by_email,
    "Decided": found.decided_at,
    "Why decided so": found.decision_reason,
    "Ended": found.finished_at,
}
ui.facts(
    {
        "Proposed by": found.requested_by_email,
        "Proposed": found.requested_at,
        **{label: item for label, item in decided.items() if item},
    }
)
if found.stopped_because:
    st.error(found.stopped_because, icon=":material/front_hand:")
if found.changed:
    st.warning(found.changed_sentence, icon=":material/update:")
if found.why_not_decide and found.state == "proposed":
    st.info(found.why_not_decide, icon=":material/info:")

with st.container(horizontal=True):
    if found.state == "proposed":
        ui.action(
            "Approve the plan",
            plan.approve,
            found.id,
            key="approve",
            needs=Permission.REFUNDS_DECIDE,
            why_not=found.why_not_decide or found.why_not_possible,
            effect="The steps below are taken one by one, at once. The refund counts against your limit.",
            done="Approved. The worker takes the first step.",
            icon=":material/check:",
            primary=True,
            shown=found.digest,
        )
    for offer in ui.plan_offers(found):
        ui.action(
            offer.label,
            offer.verb,
            found.id,
            key=offer.label,
            needs=offer.needs,
            why_not=offer.why_not,
            effect=offer.effect,
            done=offer.done,
            icon=offer.icon,
            shown=found.plan_digest,
        )

ui.watch_plan(found)
if found.recommendation:
    ui.recommendation(found.recommendation)
