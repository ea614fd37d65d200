"""At risk: who may stop paying and why, what is at stake, what helps; handled or put aside until a day."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import at_risk
from lib.services.at_risk import worklist

ui.page("At risk", Permission.RISK_READ)

at_risk_id = ui.opened()
if at_risk_id is None:
    stakes = ui.read(at_risk.stakes)
    ui.risk_tiles(stakes)
    with ui.filters():
        reason = ui.choose("Why", at_risk.REASONS, key="reason")
        aside = ui.toggle("Put aside", key="aside", help="What somebody snoozed or handled")
    ui.table(
        at_risk.at_risk,
        key="at_risk",
        empty="Nobody put anything aside." if aside else "Nobody is at risk here. Well done.",
        reason=reason,
        aside=aside or None,
    )
    with st.expander("By reason"):
        ui.frame(
            [stake for stake in stakes if stake.reason],
            worklist.STAKE_COLUMNS,
            key="stakes",
            alt="MRR at stake by reason",
            empty="Nothing is at stake.",
        )
    st.stop()

ui.back("The whole list")
case = ui.read(at_risk.one, at_risk_id)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(" & ".join(filter(None, case.partners))), anchor=False, width="content")
    ui.badge(case.reason)
    ui.link("The couple", "relationships", case.relationship_id, icon=":material/group:")
    ui.reveal(case.person_ids, masked=case.masked, key="reveal")

st.markdown(case.why)
ui.facts(
    {
        "MRR at stake": ui.amount(case.mrr_cents, case.currency),
        "Annualised": ui.amount(case.arr_cents, case.currency),
        "Known since": case.since,
        "Decided at": case.due_at,
        **({"Used to be, a week": case.before, "In the last week": case.after} if case.after else {}),
        "As of": case.computed_at,
    }
)

st.subheader("What helps", anchor=False)
ui.next_steps(case)
ui.answer_risk(case)

if case.answers:
    st.subheader("What was done", anchor=False)
    ui.frame(case.answers, worklist.ANSWER_COLUMNS, key="answers", alt="What was done about it")
