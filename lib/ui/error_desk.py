"""The error desk: the list of groups with its search, and one single error."""

from typing import Any, Final

import streamlit as st

from lib.core.access import Permission
from lib.services import error_groups, error_logs
from lib.services.error_groups import asking, worklist
from lib.services.error_logs import ErrorReport
from lib.ui import desk
from lib.ui.asks import Ask
from lib.ui.filters import filters, first_page, one_of
from lib.ui.forms import action
from lib.ui.links import link
from lib.ui.show import badge, facts, moment, plain, trace
from lib.ui.table import frame, table

_UNRESOLVED: Final = "is:unresolved"
_RESOLVE: Final = Permission.ERRORS_RESOLVE
_SEARCH_WIDTH: Final = 275  # pixels
_AT_ONCE: Final = 50  # groups that are offered to be resolved together


def error_groups_list() -> None:
    """Show the groups that the search in the address asks for, and resolve several of them at once."""
    with filters():
        q = _search()
        order = one_of(
            "Order",
            list(error_groups.ORDERS),
            key="order",
            shown_as=lambda name: error_groups.ORDERS[name],
        )
        with (
            st.container(width="content", height="stretch", vertical_alignment="bottom"),
            st.popover("How to search", icon=":material/help:", type="tertiary"),
        ):
            st.markdown(asking.HOW)
    _since_then()
    asked: dict[str, Any] = {"q": q, "order": order, "me": desk.actor().id}
    table(
        error_groups.error_groups,
        key="error_groups",
        empty="No group of errors fits this search."
        if q != _UNRESOLVED
        else "Nothing is unresolved. Well done.",
        **asked,
    )
    st.caption(
        "Cost within 48 h: payments that failed and refunds that were asked for by the same people within 48 "
        "hours after they ran into it, in the currency with the most; nearness in time is no proof. MRR hit: "
        "what the couples that ran into it pay a month, by the house policy."
    )
    if desk.may(_RESOLVE):
        _resolve_several(asked)


def _search() -> str:
    """The search box; in the address it stands as it was typed, and unresolved groups until something was."""
    typed = st.text_input(
        "Find",
        _UNRESOLVED,
        key="q",
        type="search",
        bind="query-params",
        placeholder="is:unresolved severity:critical page:/checkout",
        max_chars=asking.LONGEST,
        on_change=first_page,
        width=_SEARCH_WIDTH,
    )
    return (typed or "").strip()


def _since_then() -> None:
    """Say what came since the groups were counted."""
    found = desk.read(error_groups.tail)
    if not found.groups:
        return
    number = f"More than {found.errors:,} errors" if found.more else f"{found.errors:,} errors"
    number = "1 error" if found.errors == 1 else number
    kinds = f", {found.new} of a kind never seen before" if found.new else ""
    told = f"since {moment(found.since)}" if found.since else "yet to be counted"
    with st.expander(
        f"{number} {told}{kinds}", icon=":material/fiber_new:" if found.new else ":material/update:"
    ):
        st.caption("The worker adds them to the list below within minutes.")
        frame(found.groups, worklist.TAIL_COLUMNS, key="tail", alt="Errors that were not counted yet")


def _resolve_several(asked: dict[str, Any]) -> None:
    rows = desk.read(error_groups.error_groups.page, size=_AT_ONCE, **asked).rows
    shown = {row.id: f"{row.error_type}: {row.title[:60]}" for row in rows if row.state != "resolved"}
    if len(shown) > 1:
        action(
            "Resolve several",
            error_groups.resolve,
            key="resolve_several",
            needs=_RESOLVE,
            ask=[Ask("group_ids", "Groups", "choices", options=list(shown), shown=shown)],
            effect="Their errors up to now are resolved as well. The next one of a group makes it regressed.",
            done="Resolved.",
            icon=":material/done_all:",
        )


def error_row(report: ErrorReport) -> None:
    """Show one single error, with its group, and resolve it or take that back."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(report.error_type or "Error without a type"), anchor=False, width="content")
        badge(report.severity)
        badge("resolved" if report.resolved else "open")
        link("Its group", "errors", report.group_id, icon=":material/stacks:")
        link("The couple", "relationships", report.relationship_id, icon=":material/group:")
        link("The person", "users", report.user_id, icon=":material/person:")
    st.code(report.error_message, language=None, wrap_lines=True)
    facts(
        {
            "When": report.created_at,
            "Resolved": report.resolved_at,
            "Seen in 7 days": report.seen,
            "Couples hit in 7 days": report.couples,
            "Page": report.page_url,
            "Session": report.session_id,
            "Browser": report.user_agent,
            "Error id": report.id,
        }
    )
    if report.odd_clock:
        st.caption(
            "The app wrote no moment, or one that lies ahead of us: it counts from when we read it first."
        )
    _resolve_one(report)
    st.subheader("Stack", anchor=False)
    if report.stack_trace:
        trace(report.stack_trace)
    else:
        st.caption("The app noted no stack.")


def _resolve_one(report: ErrorReport) -> None:
    with st.container(horizontal=True):
        if report.resolved:
            action(
                "Reopen",
                error_logs.reopen,
                report.id,
                key="reopen",
                needs=_RESOLVE,
                ask=(),
                done="Open again.",
                icon=":material/undo:",
                shown=report.digest,
            )
        else:
            action(
                "Resolve",
                error_logs.resolve,
                report.id,
                key="resolve",
                needs=_RESOLVE,
                ask=(),
                done="Resolved.",
                icon=":material/check:",
                primary=True,
                shown=report.digest,
            )
