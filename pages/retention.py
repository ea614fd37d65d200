"""Retention: who comes back, by the period in which they began and the age since; each cell down to who."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.metrics import funnels_read, retention_read

ui.page("Retention", Permission.RETENTION_READ)

asked = ui.asked_retention(ui.read(funnels_read.known_whats))
if retention_read.ready_name(asked):
    found = ui.read(retention_read.ready, asked)
else:
    found = retention_read.counted(ui.read_shared(retention_read.kept, asked))
ui.show_retention(found)

if found.why_not or not ui.may_see_units():
    st.stop()
cell = ui.retention_cell(found)
if cell:
    ui.units_of_cell(ui.read_shared(retention_read.kept, asked), *cell)
