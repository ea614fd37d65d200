"""Stripe inbox: what Stripe told us, what came of it, and applying an event again."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import stripe_inbox

ui.page("Stripe inbox", Permission.INBOX_READ)

event_id = ui.opened()
if event_id is None:
    counts = ui.read(stripe_inbox.counts)
    ui.tiles([ui.Tile(ui.words(state), ui.counted(number)) for state, number in counts.items()])
    with ui.filters():
        q = ui.search_box("Find", placeholder="evt_… or its object: sub_…, ch_…, in_…")
        state = ui.choose("State", stripe_inbox.STATES, key="state")
    ui.table(
        stripe_inbox.events,
        key="events",
        opens="event_id",
        empty="No event fits these filters.",
        q=q,
        state=state,
    )
    st.stop()

ui.back("All events")
event = ui.read(stripe_inbox.one, event_id)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(event.event_type), anchor=False, width="content")
    ui.badge(event.state)
    if event.replayable:
        ui.action(
            "Apply again",
            stripe_inbox.replay,
            event.event_id,
            key="replay",
            needs=Permission.INBOX_REPLAY,
            effect="The object is asked of Stripe as it is now, so an old event does no harm.",
            done="It waits for the worker.",
            icon=":material/replay:",
        )

ui.facts(
    {
        "Event": event.event_id,
        "About": event.stripe_object_id,
        "Happened": event.stripe_created,
        "Received": event.received_at,
        "Applied": event.applied_at,
        "Attempts": event.attempts,
        "Next attempt": event.next_attempt_at,
        "API version": event.api_version,
    }
)
if event.outcome:
    st.info(ui.plain(event.outcome), icon=":material/info:")
if event.error:
    st.error(ui.plain(event.error), icon=":material/error:")

match ui.sections("What it changed", "Payload", "Other events of this object"):
    case "What it changed":
        ui.changes(event.changed)
    case "Payload":
        st.caption("Personal data is hidden.")
        ui.document(event.payload, missing="Production's log does not hold this event any more.")
    case _:
        ui.frame(
            event.related,
            stripe_inbox.RELATED_COLUMNS,
            key="related",
            opens="event_id",
            alt="Other events of this object",
            empty="There is no other event about it.",
        )
