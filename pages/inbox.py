"""Stripe inbox: what Stripe told us, what came of it, and applying it again, as a dry run first."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import inbox_replays, stripe_inbox

ui.page("Stripe inbox", Permission.INBOX_READ)

replay_id = ui.opened("replay")
if replay_id:
    ui.back("All events", "replay")
    ui.replay(ui.read(inbox_replays.one, replay_id))
    ui.table(inbox_replays.steps, key="steps", opens=None, empty="It is about no event.", replay_id=replay_id)
    st.stop()

event_id = ui.opened()
if event_id is None:
    counts = ui.read(stripe_inbox.counts)
    ui.tiles([ui.Tile(ui.words(state), ui.counted(number)) for state, number in counts.items()])
    ui.ageing(ui.read(stripe_inbox.ageing))
    with ui.filters():
        q = ui.search_box("Find", placeholder="evt_… or its object: sub_…, ch_…, in_…")
        kind = ui.pick("Type", stripe_inbox.TYPES, key="type")
        state = ui.choose("State", stripe_inbox.STATES, key="state")
    ui.table(
        stripe_inbox.events,
        key="events",
        opens="event_id",
        empty="No event fits these filters.",
        q=q,
        state=state,
        type=kind,
    )
    ui.replays(ui.read(inbox_replays.latest))
    st.stop()

ui.back("All events")
event = ui.read(stripe_inbox.one, event_id)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(event.event_type), anchor=False, width="content")
    ui.badge(event.state)
    ui.action(
        "Apply again",
        inbox_replays.rehearse,
        event.event_id,
        key="rehearse",
        needs=Permission.INBOX_REPLAY,
        why_not=event.why_not_replay,
        effect="First a dry run: the object is asked of Stripe as it is now, and you see what would change.",
        done="The dry run is on its way.",
        icon=":material/replay:",
    )
    ui.action(
        "Ignore",
        stripe_inbox.ignore,
        event.event_id,
        key="ignore",
        needs=Permission.INBOX_REPLAY,
        why_not=event.why_not_ignore,
        effect="It is not tried again. Our rows stay as they are.",
        done="Ignored.",
        icon=":material/block:",
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
ui.replay(ui.read(inbox_replays.of_event, event.event_id))

match ui.sections("What it changed", "Payload", "Other events of this object"):
    case "What it changed":
        ui.changes(event.changed)
    case "Payload":
        st.caption("Personal data is hidden.")
        ui.searched_document(event.payload, missing="Production's log does not hold this event any more.")
    case _:
        ui.frame(
            event.related,
            stripe_inbox.RELATED_COLUMNS,
            key="related",
            opens="event_id",
            alt="Other events of this object",
            empty="There is no other event about it.",
        )
