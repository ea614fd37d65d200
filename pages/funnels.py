"""Funnels: how far couples and people come, where they are lost, how long it takes; down to who they are."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import funnels_read, funnels_ready

ui.page("Funnels", Permission.FUNNELS_READ)

with ui.filters():
    name = ui.ready_funnel()
    since, until = ui.entry_days("Entered within")

if name is None:
    question = ui.own_question(ui.read(funnels_read.known_whats))
    walked = ui.read_shared(funnels_read.walked, question, since, until)
    found = funnels_read.counted(walked, since, until)
    ui.show_funnel(found, "Your own steps")
else:
    found = ui.read(funnels_read.ready, name, since, until)
    ui.show_funnel(found, funnels_ready.named(name).title)
    st.caption(funnels_ready.named(name).about)

if found.why_not or not ui.may_see_units():
    st.stop()
chosen = ui.step_and_outcome(found)
if chosen:
    entries = walked if name is None else ui.read_shared(funnels_read.ready_walked, name, since, until)
    ui.units_at_step(entries, *chosen)
