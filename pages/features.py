"""Features: who uses what, how often they come back, how content they are; each down to its people."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import features, usage_figures

ui.page("Features", Permission.USAGE_READ, about="Who uses what, and how often they come back")

person_id = ui.opened()
if person_id is not None:
    ui.back("Everybody")
    ui.uses_of(ui.read(features.person, person_id))
    st.stop()

section = ui.sections("Adoption", "Trend", "People", "Stored by the app")
if section == "Stored by the app":
    ui.stored_by_the_app("feature_usage_metrics")
    st.stop()

feature = ui.pick("Feature", ui.read(features.names), key="feature", shown_as=ui.words)
match section:
    case "Adoption":
        unit = ui.one_of("By", features.UNITS, key="unit", shown_as=ui.words)
        found = ui.read(features.adoption)
        ui.feature_tiles(found, feature)
        ui.chart(
            usage_figures.adoption_bars(found, unit),
            title=f"Adoption by {unit}",
            about=f"{unit.capitalize()} that used it in 28 days / {unit} that did anything in them",
            basis=found.basis,
            rows=found.features,
            columns=features.COLUMNS,
            key="adoption",
            why_not=found.why_not,
            picks=("feature",),
        )
        ui.definitions(features.WORDS)
    case "Trend":
        with ui.filters():
            unit = ui.one_of("By", features.UNITS, key="unit", shown_as=ui.words)
            since, until = ui.days_over()
        trend = ui.read(features.trend, since, until, feature=feature)
        ui.chart(
            usage_figures.adoption_lines(trend, unit),
            title=f"Adoption by {unit}, day by day",
            about="Each day stands for the 28 days that end with it",
            basis=trend.basis,
            rows=trend.days[::-1],
            columns=features.TREND_COLUMNS,
            key="trend",
            why_not=trend.why_not,
        )
        ui.definitions(features.WORDS)
    case _ if not ui.may(Permission.PEOPLE_READ):
        st.info("Your role sees numbers, not the people behind them.", icon=":material/block:")
    case _ if feature is None:
        st.info("Choose a feature to see who uses it.", icon=":material/touch_app:")
    case _:
        ui.table(features.people, key="people", opens="user_id", empty="Nobody used it.", feature=feature)
