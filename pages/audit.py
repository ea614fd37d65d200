"""Audit: who looked at whom, who changed what and why; and whether the chain of entries holds."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import audit_trail

ui.page("Audit", Permission.AUDIT_READ)

seq = ui.opened()
if seq is None:
    with ui.filters():
        actor = ui.search_box("Who", placeholder="Whole e-mail address", key="actor")
        object_id = ui.search_box("About", placeholder="Id of any row", key="object")
        action = ui.pick("What", audit_trail.actions(), key="action", shown_as=ui.action_and_code)
        outcome = ui.choose("Outcome", audit_trail.OUTCOMES, key="outcome")
    ui.table(
        audit_trail.entries,
        key="entries",
        opens="seq",
        empty="No entry fits these filters.",
        actor=actor,
        action=action,
        outcome=outcome,
        object_id=object_id,
    )
    if st.button(
        "Check the chain", icon=":material/link:", help="Walks every entry from the first to the last"
    ):
        with st.spinner("Checking every entry"):
            verdict = ui.read(audit_trail.check)
        if verdict.why:
            st.error(f"Entry {verdict.broken_at} does not hold: {verdict.why}.", icon=":material/link_off:")
        else:
            st.success(f"The chain holds: {verdict.entries:,} entries checked.", icon=":material/link:")
    st.stop()

ui.back("All entries")
entry = ui.read(audit_trail.one, seq)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(f"{entry.seq:,}: {ui.action_name(entry.action)}"), anchor=False, width="content")
    ui.badge(entry.outcome)
    if entry.can_be_revealed:
        ui.reveal(entry.person_ids, masked=entry.masked, key="reveal")
if entry.erased:
    st.info(
        "What this entry said was erased with the person. That it happened stays.",
        icon=":material/ink_eraser:",
    )

ui.facts(
    {
        "Who": entry.actor_email,
        "Role": ui.words(entry.actor_role),
        "When": entry.at,
        "Action": entry.action,
        "Hash": entry.hash[:12],
    }
)
ui.facts({"Reason": entry.reason, "What they were told": entry.message})

st.subheader("What changed", anchor=False)
ui.frame(entry.changes, audit_trail.CHANGE_COLUMNS, key="changes", alt="Changes", empty="No row was changed.")
if entry.arguments or entry.counts:
    st.subheader("Asked for", anchor=False)
    ui.facts({**entry.arguments, **entry.counts})
if entry.objects:
    st.subheader("Rows it touched", anchor=False)
    with st.container(horizontal=True):
        for table, key in entry.objects:
            ui.object_link(table, key)
