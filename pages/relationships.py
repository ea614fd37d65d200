"""Relationships: find a couple; see both partners, what they pay, and everything that happened."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import couple_life, couples, payments, starts, timeline

ui.page("Relationships", Permission.PEOPLE_READ)

couple_id = ui.opened()
if couple_id is None:
    with ui.filters():
        q = ui.search_box("Find", placeholder="E-mail or id of a partner, id of the couple")
        status = ui.choose("Couple", couples.STATUSES, key="status")
    ui.table(couples.couples, key="couples", empty="No couple fits these filters.", q=q, status=status)
    st.stop()

ui.back("All couples")
# Read before the rows: what is done by then shows in them, what is not is watched.
operations = ui.read(starts.progress, couple_id)
couple = ui.read(couples.one, couple_id)
standing = ui.read(couples.standing, couple_id)
names = {partner.id: partner.name for partner in couple.partners}

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(" & ".join(names.values()) or couple.id), anchor=False, width="content")
    ui.badge(couple.status)
    ui.reveal(couple.person_ids, masked=couple.masked, key="reveal")
for oddity in (*couple.oddities, *standing.oddities):
    st.warning(oddity, icon=":material/warning:")

ui.facts(
    {
        "Subscription": standing.summary,
        "AI credits left": standing.credits,
        "Refunds waiting": standing.open_refunds,
        "Together as": ui.words(couple.kind),
        "Together since": couple.started,
        "In the app since": couple.created_at,
        "Couple id": couple.id,
    }
)
for side, partner in zip(st.columns(2), couple.partners, strict=False):
    with side:
        ui.card(partner, pays=partner.id in standing.payers)

SECTIONS = ("Timeline", "Money", "Engagement", "Life", "Messages", "Errors", "Notes")
match ui.sections(*SECTIONS, "Start or give", "Pause or end"):
    case "Timeline":
        kind = ui.choose("Show", tuple(timeline.KINDS), key="kind")
        ui.timeline(ui.read(timeline.of_couple, couple_id, kind=kind), names)
    case "Money":
        ui.frame(
            standing.subscriptions, couples.SUBSCRIPTION_COLUMNS, key="subscriptions", alt="Subscriptions"
        )
        for row in standing.subscriptions:
            ui.link(
                f"Open {row.plan_name} ({ui.words(row.status)})",
                "subscriptions",
                row.id,
                icon=":material/autorenew:",
            )
        ui.link("Their AI credits", "credits", couple_id, icon=":material/token:")
        ui.payments(ui.read(payments.of_couple, couple_id))
        ui.link(
            "Refund, cancel and take back together", "plans", couple=couple_id, icon=":material/checklist:"
        )
    case "Engagement":
        rows = ui.read(couple_life.engagement, couple_id)
        ui.frame(rows, couple_life.ENGAGEMENT_COLUMNS, key="engagement", alt="Engagement of each partner")
    case "Life":
        life = ui.read(couple_life.life, couple_id)
        st.subheader("Goals", anchor=False)
        ui.frame(life.goals, couple_life.GOAL_COLUMNS, key="goals", alt="Goals", empty="No goals yet.")
        st.subheader("Important dates", anchor=False)
        ui.frame(
            life.dates, couple_life.DATE_COLUMNS, key="dates", alt="Important dates", empty="No dates yet."
        )
        st.subheader("Tests they are in", anchor=False)
        ui.frame(life.tests, couple_life.TEST_COLUMNS, key="tests", alt="A/B tests", empty="In no test.")
    case "Messages":
        sent = ui.read(couple_life.messages, couple_id)
        ui.frame(sent, couple_life.MESSAGE_COLUMNS, key="messages", alt="Messages", empty="No messages yet.")
    case "Errors":
        seen = ui.read(couple_life.errors_seen, couple_id)
        ui.frame(
            seen, couple_life.ERROR_COLUMNS, key="errors", alt="Errors", empty="They ran into no errors."
        )
    case "Notes":
        ui.notebook("relationships", couple_id)
    case "Start or give":
        ui.watch(starts.progress, couple_id, operations)
        ui.begin(couple_id, names)
    case "Pause or end":
        ui.couple_life(couple_id)
