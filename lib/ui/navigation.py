"""The pages: where each stands in the menu, its address, and the permission it needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from lib.core.access import Actor, Permission
from lib.core.settings import ROOT

PAGES_FOLDER: Final = ROOT / "pages"


@dataclass(frozen=True, slots=True)
class Desk:
    """One page. `slug` is its address and the name of its file; a detail view is the page with `?id=`."""

    section: str
    slug: str
    title: str
    icon: str
    permission: Permission

    @property
    def file(self) -> Path:
        """The page's script."""
        return PAGES_FOLDER / f"{self.slug}.py"


P = Permission
DESKS: Final = (
    Desk("Today", "home", "Home", "home", P.HOME_READ),
    Desk("Today", "search", "Search", "search", P.PEOPLE_READ),
    Desk("Support", "users", "Users", "person", P.PEOPLE_READ),
    Desk("Support", "relationships", "Relationships", "group", P.PEOPLE_READ),
    Desk("Billing", "subscriptions", "Subscriptions", "autorenew", P.SUBSCRIPTIONS_READ),
    Desk("Billing", "payments", "Payments", "payments", P.PAYMENTS_READ),
    Desk("Billing", "refunds", "Refunds", "undo", P.REFUNDS_READ),
    Desk("Billing", "plans", "Plans", "checklist", P.REFUNDS_READ),
    Desk("Billing", "discounts", "Discounts", "sell", P.DISCOUNTS_READ),
    Desk("Billing", "credits", "Credits & gifts", "redeem", P.CREDITS_READ),
    Desk("Billing", "catalogue", "Catalogue", "menu_book", P.CATALOGUE_READ),
    Desk("Billing", "bulk", "Bulk", "checklist", P.BULK_RUN),
    Desk("Billing", "inbox", "Stripe inbox", "inbox", P.INBOX_READ),
    Desk("Billing", "drift", "Drift", "difference", P.DRIFT_READ),
    Desk("Finance", "revenue", "Revenue", "monitoring", P.REVENUE_READ),
    Desk("Finance", "bridge", "Bridge", "compare_arrows", P.REVENUE_READ),
    Desk("Finance", "forecast", "Forecast", "trending_up", P.REVENUE_READ),
    Desk("Finance", "what_if", "What if", "tune", P.REVENUE_READ),
    Desk("Finance", "month_close", "Month close", "event_available", P.REVENUE_CLOSE),
    Desk("Finance", "at_risk", "At risk", "crisis_alert", P.RISK_READ),
    Desk("Finance", "cohorts", "Cohorts", "grid_on", P.REVENUE_READ),
    Desk("Product", "experiments", "Experiments", "science", P.EXPERIMENTS_READ),
    Desk("Product", "funnels", "Funnels", "filter_alt", P.FUNNELS_READ),
    Desk("Product", "retention", "Retention", "replay", P.RETENTION_READ),
    Desk("Operations", "errors", "Errors", "bug_report", P.ERRORS_READ),
    Desk("Operations", "audit", "Audit", "history", P.AUDIT_READ),
    Desk("Operations", "staff", "Staff", "badge", P.STAFF_READ),
)
HOME: Final = DESKS[0]
MISSING: Final = "missing"  # where an address leads that is no page's; `lib.web.addresses` sends people there


def menu(
    actor: Actor, *, not_allowed: Callable[[], None], missing: Callable[[], None]
) -> Mapping[str, Sequence[StreamlitPage]]:
    """Every page by section. Those that the role lacks stand hidden, with `not_allowed` in their place.

    Left out instead, their address would say "Page not found" and be forgotten. `missing` is shown, hidden
    as well, at the address of what does not exist.
    """
    sections: dict[str, list[StreamlitPage]] = {}
    for desk in DESKS:
        sections.setdefault(desk.section, []).append(
            _page(desk) if actor.may(desk.permission) else _stand_in(desk.slug, desk.title, not_allowed)
        )
    sections[HOME.section].append(_stand_in(MISSING, "Not found", missing))
    return sections


def closed(stand_in: Callable[[], None]) -> Sequence[StreamlitPage]:
    """Every address with one and the same page behind it, for somebody who is not signed in."""
    pages = [_stand_in(desk.slug, desk.title, stand_in) for desk in DESKS]
    return [*pages, _stand_in(MISSING, "Not found", stand_in)]


def _page(desk: Desk) -> StreamlitPage:
    return st.Page(
        desk.file,
        title=desk.title,
        icon=f":material/{desk.icon}:",
        url_path=desk.slug,
        default=desk is HOME,
    )


def _stand_in(slug: str, title: str, show: Callable[[], None]) -> StreamlitPage:
    def run() -> None:
        show()

    return st.Page(run, title=title, url_path=slug, default=slug == HOME.slug, visibility="hidden")
