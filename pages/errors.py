"""Errors: what went wrong in the app, for whom; resolve it or take that back."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import error_logs

ui.page("Errors", Permission.ERRORS_READ)

error_id = ui.opened()
if error_id is None:
    with ui.filters():
        q = ui.search_box("Find", placeholder="Type, message, or anybody's id")
        state = ui.choose("State", error_logs.STATES, key="state", default="open")
        severity = ui.choose("Severity", error_logs.SEVERITIES, key="severity")
    with st.expander("Most frequent in the last seven days", key="frequent", on_change="rerun") as frequent:
        if frequent.open:
            ui.frame(
                ui.read(error_logs.groups),
                error_logs.GROUP_COLUMNS,
                key="groups",
                alt="Errors by type in the last seven days",
                empty="No error was noted in the last seven days.",
            )
    ui.table(
        error_logs.error_logs,
        key="errors",
        empty="No error fits these filters.",
        state=state,
        severity=severity,
        q=q,
    )
    st.stop()

ui.back("All errors")
report = ui.read(error_logs.one, error_id)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(report.error_type), anchor=False, width="content")
    ui.badge(report.severity)
    ui.badge("resolved" if report.resolved else "open")
    ui.link("The couple", "relationships", report.relationship_id, icon=":material/group:")
    ui.link("The person", "users", report.user_id, icon=":material/person:")

st.code(report.error_message, language=None, wrap_lines=True)
ui.facts(
    {
        "When": report.created_at,
        "Resolved": report.resolved_at,
        "Seen in 7 days": report.seen,
        "Couples hit in 7 days": report.couples,
        "Page": report.page_url,
        "Session": report.session_id,
        "Browser": report.user_agent,
        "Error id": report.id,
    }
)
with st.container(horizontal=True):
    if report.resolved:
        ui.action(
            "Reopen",
            error_logs.reopen,
            report.id,
            key="reopen",
            needs=Permission.ERRORS_RESOLVE,
            ask=(),
            done="Open again.",
            icon=":material/undo:",
            shown=report.digest,
        )
    else:
        ui.action(
            "Resolve",
            error_logs.resolve,
            report.id,
            key="resolve",
            needs=Permission.ERRORS_RESOLVE,
            ask=(),
            done="Resolved.",
            icon=":material/check:",
            primary=True,
            shown=report.digest,
        )
st.subheader("Stack", anchor=False)
if report.stack_trace:
    ui.trace(report.stack_trace)
else:
    st.caption("The app noted no stack.")
