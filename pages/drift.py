"""Drift: where our rows and Stripe disagree, how bad it is, and the safe repair, if there is one."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import drift

ui.page("Drift", Permission.DRIFT_READ)

finding_id = ui.opened()
if finding_id is None:
    overview = ui.read(drift.overview)
    ui.tiles([ui.Tile(ui.words(name), ui.counted(number)) for name, number in overview.counts.items()])
    ui.standing(overview.walk, late=overview.late)
    ui.drift_classes(overview.classes)
    with ui.filters():
        q = ui.search_box("Find", placeholder="id of a row, or of an object at Stripe: sub_…, pi_…, re_…")
        kind = ui.pick("Class", drift.KINDS, key="kind", shown_as=drift.title_of)
        severity = ui.choose("Severity", drift.SEVERITIES, key="severity")
        state = ui.choose("State", drift.STATES, key="state", default="open")
    ui.table(
        drift.findings,
        key="drift",
        empty="Nothing differs that fits these filters.",
        state=state,
        kind=kind,
        severity=severity,
        q=q,
    )
    st.stop()

ui.back("All findings")
case = ui.read(drift.one, finding_id)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(case.title), anchor=False, width="content")
    ui.badge(case.severity)
    ui.badge(case.state)
    ui.link("The couple", "relationships", case.relationship_id, icon=":material/group:")
    ui.our_row(case.object_type, case.object_id)
st.markdown(ui.plain(case.explanation))
ui.both_sides(case.ours, case.theirs)
ui.facts(
    {
        "At stake": ui.amount(case.money_cents, case.currency),
        "Since": case.since,
        "First seen": case.first_seen_at,
        "Last seen": case.last_seen_at,
        "Stripe object": case.stripe_id,
        "Our row": case.object_id,
        "Repair asked for by": case.asked_by,
        "Settled": case.repaired_at or case.gone_at,
    }
)
if case.outcome:
    st.warning(ui.plain(case.outcome), icon=":material/error:")

st.subheader("Repair", anchor=False)
st.markdown(ui.plain(case.remedy))
ui.action(
    "Repair",
    drift.repair,
    case.id,
    key="repair",
    needs=Permission.DRIFT_REPAIR,
    why_not=case.why_not_repair,
    effect=ui.plain(case.effect),
    done="The worker asks Stripe once more, then repairs it.",
    icon=":material/build:",
    primary=True,
    shown=case.shown,
)
ui.follow_repair(case.id, case.state)
