"""Bulk: one action on many subscriptions: chosen by filters, looked at, confirmed, done by the worker."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import bulk, subscriptions

ui.page("Bulk", Permission.BULK_RUN)

run_id = ui.opened()
if run_id is None:
    if ui.sections("Runs", "New run") == "Runs":
        ui.table(bulk.runs, key="runs", empty="Nothing was done in bulk yet. Choose under “New run”.")
        st.stop()
    st.caption(f"What the filters find is the selection, {bulk.LARGEST:,} subscriptions at most.")
    with ui.filters():
        status = ui.choose("Status", subscriptions.STATUSES, key="status")
        plan = ui.pick_named("Plan", ui.read(subscriptions.plans), key="plan")
        ending = ui.toggle("Set to cancel", key="ending")
    with st.container(horizontal=True):
        for chosen in bulk.bulk_actions().values():
            ui.choose_for_bulk(chosen, {"status": status, "plan": plan, "set_to_cancel": ending or None})
    ui.table(
        subscriptions.subscriptions,
        key="selection",
        opens=None,
        export=False,
        empty="No subscription fits these filters.",
        status=status,
        plan=plan,
        set_to_cancel=ending or None,
    )
    st.stop()

ui.back("All runs")
run = ui.read(bulk.one, run_id)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(run.title), anchor=False, width="content")
    ui.badge(run.state)
if run.error:
    st.warning(ui.plain(run.error), icon=":material/warning:")
ui.watch_work(bulk.one, run, "Looked at" if run.state == "choosing" else "Behind it")

ui.tiles(
    [
        ui.Tile("Chosen", f"{run.total:,}"),
        ui.Tile("Can", f"{run.can:,}"),
        ui.Tile("Cannot", f"{run.counts.get('cannot', 0):,}", help="Said before, and never tried."),
        ui.Tile("Done", f"{run.counts.get('done', 0):,}"),
        ui.Tile("Refused", f"{run.counts.get('refused', 0):,}", help="A rule said no when its turn came."),
    ]
)
ui.facts({**run.in_words, "Asked for": run.created_at, "Begun": run.started_at, "Ended": run.finished_at})

with st.container(horizontal=True):
    if run.state == "ready":
        ui.action(
            f"Do it to {run.can:,}",
            bulk.start,
            run.id,
            key="start",
            needs=Permission.BULK_RUN,
            why_not=None if run.can else "None of these rows can.",
            effect=f"{run.effect} It is done to **{run.can:,}** subscriptions, one by one, in your name.",
            confirm=str(run.can),
            done="The worker begins.",
            icon=":material/play_arrow:",
            primary=True,
            number=run.can,
        )
    if run.state == "running":
        ui.action(
            "Stop",
            bulk.stop,
            run.id,
            key="stop",
            needs=Permission.BULK_RUN,
            effect="What is done stays done. It can go on later with the rows that wait.",
            done="The worker rests.",
            icon=":material/pause:",
        )
    if run.state == "stopped":
        ui.action(
            "Go on",
            bulk.resume,
            run.id,
            key="resume",
            needs=Permission.BULK_RUN,
            effect="It goes on with the rows that wait, in your name; no row is done twice.",
            done="The worker goes on.",
            icon=":material/play_arrow:",
            primary=True,
        )
    if run.can_be_dropped:
        ui.action(
            "Drop it",
            bulk.drop,
            run.id,
            key="drop",
            needs=Permission.BULK_RUN,
            effect="The rows that wait are never tried.",
            done="Dropped.",
            icon=":material/delete:",
        )

if run.reasons:
    st.subheader("Why some cannot", anchor=False)
    ui.frame(run.reasons, bulk.REASON_COLUMNS, key="reasons", alt="Why some cannot")
st.subheader("Rows", anchor=False)
state = ui.choose("Show", bulk.ROW_STATES, key="rows")
ui.table(bulk.rows, key="run_rows", opens=None, empty="No such rows.", run_id=run.id, state=state)
