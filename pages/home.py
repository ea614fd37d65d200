"""Home: what waits for you, the figures you watch, and what is wrong."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import home

ui.page("Today", Permission.HOME_READ)

today = ui.read(home.today)

for alert in today.alerts:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(f"**{ui.plain(alert.title)}.** {ui.plain(alert.detail)}", icon=":material/warning:")
        ui.link("Look", alert.page, icon=":material/arrow_forward:", **alert.filters)

ui.tiles([ui.Tile(each.title, each.value, each.change, each.meaning, each.good) for each in today.figures])

st.subheader("Waiting for you", anchor=False)
if not today.waiting:
    st.success("Nothing waits for you. Enjoy it, or search for somebody.", icon=":material/task_alt:")
for each in today.waiting:
    ui.waiting(each.title, each.detail, each.page, urgent=each.urgent, **each.filters)
