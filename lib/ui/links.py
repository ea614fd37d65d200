"""Links from one page to another, which keep what they are about in the address."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import streamlit as st

from lib.ui import desk, navigation
from lib.ui.show import plain

# Where a row of a table is opened.
PAGE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "users": "users",
        "relationships": "relationships",
        "subscriptions": "subscriptions",
        "payment_transactions": "payments",
        "refunds": "refunds",
        "discount_codes": "discounts",
        "stripe_webhooks": "inbox",
        "admin_inbox": "inbox",
        "error_logs": "errors",
    }
)


def link(
    label: str,
    slug: str,
    key: str | None = "",
    *,
    icon: str | None = None,
    help: str | None = None,  # noqa: A002 - Streamlit's word
    **filters: str,
) -> None:
    """Link to a page, to the row `key` on it, or to its list with filters.

    Nothing is shown where `key` is None: there is no such row. Who may not open the page sees the label only.
    """
    if key is None:
        return
    target = next((each for each in navigation.DESKS if each.slug == slug), None)
    if target is None or not desk.may(target.permission):
        st.caption(plain(label), width="content")
        return
    st.page_link(
        target.file,
        label=plain(label),
        icon=icon,
        help=help,
        query_params={**({"id": key} if key else {}), **filters},
    )


def object_link(table: str, key: str) -> None:
    """Link to a row by its table's name and its key; where it has no page, name it."""
    label = f"{table.removeprefix('admin_').replace('_', ' ')} {key}"
    if table in PAGE_OF:
        link(label, PAGE_OF[table], key)
    else:
        st.caption(plain(label), width="content")
