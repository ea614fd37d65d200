"""Experiments: which tests run, what each came to, and the decision on it."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import experiments
from lib.services.experiments import overview

ui.page("Experiments", Permission.EXPERIMENTS_READ)

name = ui.opened()
if name is None:
    if ui.sections("Tests", "Planner") == "Planner":
        ui.plan_test()
        st.stop()
    with ui.filters():
        state = ui.choose("Show", overview.STATES, key="state")
    ui.frame(
        ui.read(experiments.listed, state=state),
        overview.COLUMNS,
        key="tests",
        opens="name",
        alt="A/B tests, those that are ready to decide first",
        empty="No test is in this state." if state else "There is no test yet.",
    )
    st.stop()

ui.back("All tests")
unit = ui.one_of("Count", ["couple", "user"], key="unit", shown_as=lambda unit: f"{unit.capitalize()}s")
result = ui.read(experiments.result, name, unit)
deciding = ui.read(experiments.deciding, result)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(name), anchor=False, width="content")
    ui.badge(result.state)
ui.decision_card(result)
ui.decide_test(result, deciding)
for remark in result.remarks:
    st.warning(ui.plain(remark), icon=":material/info:")
ui.test_sections(result, deciding)
