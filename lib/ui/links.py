"""Links from one page to another, which keep what they are about in the address."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import streamlit as st

from lib.core.access import Permission
from lib.ui import desk, navigation
from lib.ui.names import table_name
from lib.ui.show import plain

# Where a row of a table is opened.
PAGE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "users": "users",
        "relationships": "relationships",
        "subscriptions": "subscriptions",
        "payment_transactions": "payments",
        "refunds": "refunds",
        "admin_plans": "plans",
        "discount_codes": "discounts",
        "user_addons": "credits",
        "admin_credit_grants": "credits",
        "admin_bulk_runs": "bulk",
        "stripe_webhooks": "inbox",
        "admin_inbox": "inbox",
        "admin_drift": "drift",
        "error_logs": "errors",
        "admin_error_groups": "errors",
    }
)


_TEXT_WIDTH: Final = 560  # pixels


def link(
    label: str,
    slug: str | None,
    key: str | None = "",
    *,
    icon: str | None = None,
    help: str | None = None,  # noqa: A002 - Streamlit's word
    **filters: str,
) -> None:
    """Link to a page, to the row `key` on it, or to its list with filters: codes of options, words to find.

    Nothing is shown where `key` is None: there is no such row. Who may not open the page sees the label only.
    """
    if key is None:
        return
    target = next((each for each in navigation.DESKS if each.slug == slug), None)
    if target is None or not desk.may(target.permission):
        st.caption(plain(label), width="content")
        return
    parameters = ({"id": key} if key else {}) | filters
    if _is_here(target.slug) and parameters:
        _link_within(label, parameters, icon=icon, help=help)
    else:
        st.page_link(target.file, label=plain(label), icon=icon, help=help, query_params=parameters)


def _is_here(slug: str) -> bool:
    return urlsplit(str(st.context.url or "")).path.strip("/") == slug


def _link_within(label: str, parameters: Mapping[str, str], *, icon: str | None, help: str | None) -> None:  # noqa: A002
    """A link from a page to itself: Streamlit's own would lose the parameters."""
    key = f"link:{label}:{sorted(parameters.items())}"
    if st.button(plain(label), key=key, icon=icon, help=help, type="tertiary"):
        st.query_params.from_dict(dict(parameters))
        st.rerun()


def waiting(title: str, detail: str, slug: str, *, urgent: bool = False, **filters: str) -> None:
    """Show something that waits for the person, with its link beside it, below it on a narrow screen."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", border=True
    ):
        with st.container(gap=None, width=_TEXT_WIDTH):
            st.markdown(f"**{plain(title)}**")
            st.caption(plain(detail))
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            if urgent:
                st.badge("Today", icon=":material/priority_high:", color="orange")
            link("Open", slug, icon=":material/arrow_forward:", **filters)


def not_allowed() -> None:
    """Say that a page is not for this role, whom to ask, and where to go from here."""
    desk.not_allowed()
    link("Home", navigation.HOME.slug, icon=":material/home:")


def missing() -> None:
    """Say that an address leads nowhere, and where to go from here."""
    st.title("Not found", anchor=False)
    asked = st.query_params.get("address", "")
    st.info(
        f"There is no page at {plain(asked)}. Choose one in the menu, or search for what you meant."
        if asked
        else "There is no page here. Choose one in the menu, or search for what you meant.",
        icon=":material/search_off:",
    )
    with st.container(horizontal=True):
        link("Home", navigation.HOME.slug, icon=":material/home:")
        if desk.may(Permission.PEOPLE_READ):
            link("Search", "search", icon=":material/search:")


def object_link(table: str, key: str) -> None:
    """Link to a row by its table's name and its key; where it has no page, name it."""
    label = table_name(f"{table}/{key}") or key
    if table in PAGE_OF:
        link(label, PAGE_OF[table], key)
    else:
        st.caption(plain(label), width="content")
