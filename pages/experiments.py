"""Experiments: the tests, their arms with counts, and how cleanly people were put into them."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import experiments

ui.page("Experiments", Permission.EXPERIMENTS_READ)

name = ui.opened()
if name is None:
    tests = ui.read(experiments.experiments)
    ui.frame(
        tests,
        experiments.EXPERIMENT_COLUMNS,
        key="tests",
        opens="name",
        alt="A/B tests, the newest first",
        empty="There is no test yet.",
    )
    st.stop()

ui.back("All tests")
test = ui.read(experiments.one, name)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(test.experiment.name), anchor=False, width="content")
    ui.badge(test.experiment.state)
ui.tiles(
    [
        ui.Tile("Assigned", ui.counted(test.assigned)),
        ui.Tile("People in several arms", ui.counted(test.exposure.people_in_several_arms), good="down"),
        ui.Tile("Couples split over arms", ui.counted(test.exposure.split_couples), good="down"),
        ui.Tile("Without a couple", ui.counted(test.exposure.without_couple), good="down"),
    ]
)
ui.facts({"Began": test.experiment.started_at, "Ended": test.experiment.ended_at})
ui.frame(test.arms, experiments.ARM_COLUMNS, key="arms", alt="Arms with their counts")
st.caption(
    f"Counted {ui.moment(test.counted_at)}, from the app's own `converted` and `conversion_value_cents`. "
    "These are no verdict: partners influence each other, and whether the difference is more than chance is "
    "not computed here yet."
)
