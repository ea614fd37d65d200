"""One group of errors: what it costs, its stack, whom it hit, and what is done about it."""

from typing import Any, Final

import streamlit as st

from lib.core.access import Permission
from lib.services import error_groups
from lib.services.error_groups import GroupCase, case, hit
from lib.ui import desk
from lib.ui.asks import Ask
from lib.ui.filters import first_page
from lib.ui.forms import action
from lib.ui.links import object_link
from lib.ui.show import Tile, amount, badge, facts, moment, plain, tiles, trace
from lib.ui.table import frame, table

_RESOLVE: Final = Permission.ERRORS_RESOLVE


def group_head(group: GroupCase) -> None:
    """Show what a group is, what it costs and how it goes."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(group.error_type), anchor=False, width="content")
        badge(group.state)
        badge(group.severity)
    st.code(group.message or group.title, language=None, wrap_lines=True)
    _cost(group)
    facts(
        {
            "First seen": group.first_seen,
            "Last seen": group.last_seen,
            "Errors": f"{group.errors:,}",
            "People and couples hit": f"{group.people:,} and {group.couples:,}",
            "Each day, today first": " · ".join(f"{number:,}" for number in reversed(group.trend[-7:])),
            "Where": group.culprit or "No frame of the app's own: grouped by its words",
            "Assigned to": group.assigned_email,
            **(
                {"Resolved": group.resolved_at, "By": group.resolved_by_email or "The app"}
                if group.resolved_at
                else {}
            ),
            **({"Came back": group.regressed_at} if group.regressed_at else {}),
            **_ignored(group),
            "Counted": group.counted_at,
        }
    )
    if group.odd_clocks:
        st.caption(
            f"{group.odd_clocks:,} of them came without a moment or with one that lies ahead of us: such a "
            "one counts from when we read it."
        )
    if group.rows_due:
        st.caption("Its single errors follow within minutes.")


def _cost(group: GroupCase) -> None:
    first = group.money[0] if group.money else None
    if first is None:
        tiles([Tile("Couples hit", f"{group.couples:,}"), Tile("People hit", f"{group.people:,}")])
        st.caption("None of them pays, and nobody's payment failed or was asked back within 48 hours after.")
        return
    tiles(
        [
            Tile(
                f"Cost within 48 h ({first.currency})",
                amount(first.cost_cents, first.currency),
                help="Payments that failed and refunds asked for by the same people within 48 hours after "
                "they ran into it. Nearness in time is no proof.",
            ),
            Tile(
                "Payments failed",
                f"{first.failed_payments:,}",
                help=amount(first.failed_cents, first.currency),
            ),
            Tile(
                "Refunds asked for",
                f"{first.refund_requests:,}",
                help=amount(first.refund_cents, first.currency),
            ),
            Tile(
                f"MRR hit ({first.currency})",
                amount(first.mrr_cents, first.currency),
                help=f"What {first.couples:,} couples that ran into it pay a month, by the house policy.",
            ),
        ]
    )
    if len(group.money) > 1:
        frame(group.money, case.MONEY_COLUMNS, key="money", alt="What it costs by currency")


def _ignored(group: GroupCase) -> dict[str, object]:
    if group.state != "ignored":
        return {}
    enough = group.ignored_until_errors
    return {
        "Ignored until": group.ignored_until,
        "Or until": f"{enough:,} errors" if enough is not None else None,
    }


def group_actions(group: GroupCase) -> None:
    """Offer what can be done about a group."""
    staff = desk.read(error_groups.staff_on_call)
    with st.container(horizontal=True):
        if group.state != "resolved":
            action(
                "Resolve",
                error_groups.resolve,
                (group.id,),
                key="resolve",
                needs=_RESOLVE,
                ask=(),
                effect=f"Its {group.errors:,} errors are resolved as well. The next one makes it regressed.",
                done="Resolved.",
                icon=":material/check:",
                primary=True,
            )
        if not group.is_unresolved:
            action(
                "Open again",
                error_groups.reopen,
                group.id,
                key="reopen",
                needs=_RESOLVE,
                ask=(),
                effect="The errors that were resolved with it are open again."
                if group.state == "resolved"
                else None,
                done="Open again.",
                icon=":material/undo:",
            )
        action(
            "Assign",
            error_groups.assign,
            group.id,
            key="assign",
            needs=_RESOLVE,
            ask=[Ask("to", "To", "choice", options=list(staff), shown=staff)],
            done="Assigned.",
            icon=":material/person_add:",
        )
        if group.is_unresolved:
            action(
                "Ignore",
                error_groups.ignore,
                group.id,
                key="ignore",
                needs=_RESOLVE,
                ask=[
                    Ask("until", "Until a day", "date", required=False),
                    Ask("more", "Or until so many more errors", "count", required=False),
                ],
                effect="Out of the unresolved ones until then. Nothing changes in the app.",
                done="Ignored until then.",
                icon=":material/notifications_paused:",
            )


def group_stack(group: GroupCase) -> None:
    """Show the stack of the newest error, the app's own frames first, those of libraries folded."""
    if not group.stack:
        st.caption("The app noted no stack." if group.newest_id else "Its errors were removed by the app.")
        return
    if group.own:
        st.caption("The app's own code, the innermost step first.")
        trace("\n".join(frame.text for frame in group.own))
    else:
        st.caption("No step of it is the app's own code, so its words decide which group an error is in.")
    steps = "1 step" if len(group.foreign) == 1 else f"{len(group.foreign):,} steps"
    with st.expander(
        f"The whole stack, with {steps} of libraries and the runtime" if group.foreign else "The whole stack"
    ):
        trace(group.stack)
        if group.stack_length > len(group.stack):
            st.caption(
                f"It has {group.stack_length:,} characters; the first {len(group.stack):,} of them are read."
            )


def group_aftermath(group: GroupCase) -> None:
    """Show what the same people paid, could not pay and asked back within 48 hours after."""
    costs = st.toggle("Only what it cost", True, key="costs", bind="query-params", on_change=first_page)
    asked: dict[str, Any] = {"group_id": group.id, "costs": costs or None}
    table(
        error_groups.aftermath,
        key="aftermath",
        opens=None,
        empty="Within 48 hours after, none of these people paid or asked for money back."
        if not costs
        else "Within 48 hours after, no payment of these people failed and no refund was asked for.",
        **asked,
    )
    rows = desk.read(error_groups.aftermath.page, **asked).rows
    _open_one({f"{row.object_type}/{row.object_id}": f"{row.object_id}" for row in rows})


def group_people(group: GroupCase) -> None:
    """Show who ran into it."""
    table(
        error_groups.people, key="people", opens=None, empty="The app knew none of them.", group_id=group.id
    )
    rows = desk.read(error_groups.people.page, group_id=group.id).rows
    _open_one({f"users/{row.user_id}": row.user_id for row in rows if row.user_id})


def _open_one(rows: dict[str, str]) -> None:
    """Offer the pages of the rows above: a table's cells lead only to this page."""
    if not rows or not desk.may(Permission.PEOPLE_READ):
        return
    chosen = st.selectbox(
        "Open one of them",
        list(rows),
        index=None,
        key="open_one",
        format_func=lambda each: rows[each],
        width=320,
    )
    if chosen:
        kind, _, key = chosen.partition("/")
        object_link(kind, key)


def group_places(group: GroupCase) -> None:
    """Show on which pages, devices and browsers it happened, and which running tests people are in."""
    found = desk.read(error_groups.facets, group.id)
    for column, kind in zip(st.columns(len(found)), found, strict=True):
        with column:
            st.markdown(f"**{hit.FACETS[kind]}**")
            frame(found[kind], hit.FACET_COLUMNS, key=f"facet_{kind}", alt=hit.FACETS[kind])
    st.markdown("**Running tests**")
    frame(
        desk.read(error_groups.arms, group.id),
        hit.ARM_COLUMNS,
        key="arms",
        alt="Arms of running tests",
        empty="None of these people is in a running test.",
    )


def group_history(group: GroupCase) -> None:
    """Show notes about it with a form for another, and what was done with it."""
    action(
        "Add a note",
        error_groups.note,
        group.id,
        key="note",
        needs=Permission.ERRORS_NOTE,
        ask=[Ask("body", "Note", "area", placeholder="What the next colleague should know")],
        done="Note added.",
        icon=":material/add:",
    )
    for note in desk.read(error_groups.notes_about, group.id):
        with st.container(border=True, gap=None):
            st.text(note.body)
            st.caption(f"{plain(note.author_email)} · {moment(note.created_at)}")
    frame(
        desk.read(error_groups.history, group.id),
        case.HISTORY_COLUMNS,
        key="history",
        alt="What was done with it",
        empty="Nobody did anything with it yet.",
    )
