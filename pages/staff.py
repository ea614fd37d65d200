"""Staff: who may come in, in which role, and who is here at this moment."""

import streamlit as st

from lib import ui
from lib.core.access import STAFF_ROLES, Permission
from lib.services import sessions, staff
from lib.ui import resources

ui.page("Staff", Permission.STAFF_READ, about="A change works on the person's next click.")

with st.container(horizontal=True):
    ui.action(
        "Let in or change role",
        staff.grant,
        key="grant",
        needs=Permission.STAFF_MANAGE,
        done="Done. It works on their next click.",
        ask=(
            ui.Ask("email", "E-mail", "email", placeholder="name@example.org"),
            ui.Ask("role", "Role", "choice", options=[role.value for role in STAFF_ROLES]),
            ui.Ask("name", "Name", required=False),
        ),
        effect="Lets a person in with a role, or changes the role of one who is in.",
        icon=":material/person_add:",
        primary=True,
    )
    ui.action(
        "Withdraw access",
        staff.revoke,
        key="withdraw",
        needs=Permission.STAFF_MANAGE,
        done="Access is withdrawn, and the person's sessions have ended.",
        ask=(ui.Ask("email", "E-mail", "email", placeholder="name@example.org"), ui.REASON),
        effect="The person is signed out everywhere and cannot sign in again. Their work stays in the audit.",
        icon=":material/person_remove:",
    )

ui.table(staff.people, key="staff", empty="Nobody works here yet.", opens=None)

st.subheader("Signed in now", anchor=False)
session = ui.opened()
if session:
    ui.back("All sessions")
    ui.action(
        "End this session",
        sessions.revoke,
        session,
        key="end",
        needs=Permission.STAFF_MANAGE,
        done="The session has ended.",
        effect="The person has to sign in again. To keep them out, withdraw their access.",
        icon=":material/logout:",
    )
live = ui.read(sessions.live.page, idle_limit=resources.settings().sign_in.idle_limit)
ui.frame(live.rows, sessions.live.columns, key="sessions", opens="id", alt="Open sessions")
