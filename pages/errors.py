"""Errors: which faults the app has, what each costs, who has it in hand; and every single error."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import error_groups, error_logs

ui.page("Errors", Permission.ERRORS_READ)

opened = ui.opened()
if opened is None:
    match ui.sections("Groups", "Single errors"):
        case "Groups":
            ui.error_groups_list()
        case _:
            with ui.filters():
                q = ui.search_box("Find", placeholder="Type, message, or anybody's id", key="text")
                state = ui.choose("State", error_logs.STATES, key="state", default="open")
                severity = ui.choose("Severity", error_logs.SEVERITIES, key="severity")
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
if not error_groups.is_group(opened):
    ui.error_row(ui.read(error_logs.one, opened))
    st.stop()

group = ui.read(error_groups.one, opened)
ui.group_head(group)
ui.group_actions(group)
parts = ("Stack", "What came of it", "Errors", "People", "Places and tests", "Notes and history")
match ui.sections(*parts, key="part"):
    case "Stack":
        ui.group_stack(group)
    case "What came of it":
        ui.group_aftermath(group)
    case "Errors":
        empty = "The app has removed its errors; the counts stay."
        ui.table(error_groups.occurrences, key="occurrences", empty=empty, group_id=group.id)
    case "People":
        ui.group_people(group)
    case "Places and tests":
        ui.group_places(group)
    case _:
        ui.group_history(group)
