"""Users: find a person; see who they are, whom they are with, what they paid, and what was done for them."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import audit_trail, payments, people

ui.page("Users", Permission.PEOPLE_READ)

user_id = ui.opened()
if user_id is None:
    with ui.filters():
        q = ui.search_box("Find", placeholder="Start of a name or an e-mail, or a user id")
        status = ui.choose("Pays for", people.SUBSCRIPTION_STATUSES, key="subscription")
    ui.table(people.users, key="users", empty="Nobody fits these filters.", q=q, subscription=status)
    ui.link(
        "Search by nickname, partner, Stripe id, or with typing errors", "search", icon=":material/search:"
    )
    st.stop()

ui.back("All users")
person = ui.read(people.one, user_id)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(person.name), anchor=False, width="content")
    ui.reveal((person.id,), masked=person.masked, key="reveal")

ui.facts(
    {
        "E-mail": person.email,
        "Phone": person.phone,
        "Nickname": person.nickname,
        "Love language": ui.words(person.love_language),
        "Joined": person.joined,
        "Last active": person.last_active,
        "Time zone": person.timezone,
        "User id": person.id,
    }
)

match ui.sections("Overview", "Payments", "Messages", "Notes", "Staff"):
    case "Overview":
        st.subheader("Couples", anchor=False)
        couples = ui.read(people.couples_of, user_id)
        ui.frame(couples, people.COUPLE_COLUMNS, key="couples", alt="Couples", empty="In no couple.")
        with st.container(horizontal=True):
            for couple in couples:
                ui.link(
                    f"Couple with {couple.partner or couple.id}",
                    "relationships",
                    couple.id,
                    icon=":material/group:",
                )
        st.subheader("Subscriptions that they pay for", anchor=False)
        paid = ui.read(people.subscriptions_of, user_id)
        ui.frame(
            paid, people.SUBSCRIPTION_COLUMNS, key="paid", alt="Subscriptions", empty="They pay for none."
        )
        with st.container(horizontal=True):
            for row in paid:
                label = f"Open {row.plan} ({ui.words(row.status)})"
                ui.link(label, "subscriptions", row.id, icon=":material/autorenew:")
    case "Payments":
        ui.payments(ui.read(payments.of_person, user_id))
    case "Messages":
        sent = ui.read(people.messages_to, user_id)
        ui.frame(sent, people.MESSAGE_COLUMNS, key="messages", alt="Messages", empty="No messages yet.")
    case "Notes":
        ui.notebook("users", user_id)
    case "Staff":
        st.caption("Who of the staff looked at this person, or did something for them.")
        done = ui.read(audit_trail.history, "users", user_id)
        ui.frame(done, audit_trail.HISTORY_COLUMNS, key="staff", alt="History by staff")
