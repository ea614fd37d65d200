"""What the Bridge page asks for: between which two policies, on which day; and whether the bridge ties."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import streamlit as st

from lib.core import moments, money
from lib.metrics import policies
from lib.metrics.at_stripe import AtStripe
from lib.metrics.bridge import Bridge
from lib.metrics.policies import Policy
from lib.ui import resources
from lib.ui.filters import first_page
from lib.ui.show import Tile, amount, counted, moment, tiles

_POLICY_WIDTH: Final = 230  # pixels, like the one below
_DAY_WIDTH: Final = 150


def policy_named(label: str, *, key: str, default: str) -> Policy:
    """One of the policies; the address has its name, and a link may."""
    known = policies.of(resources.settings())
    box, kept = f"{key}:box", f"{key}:kept"
    # Kept beside the box: while a couple is open there is no box, and the address has the couple alone.
    name = st.query_params.get(key) or st.session_state.get(kept) or default
    name = name if name in known else default
    st.session_state[box] = st.session_state[kept] = name

    def choose() -> None:
        st.query_params[key] = st.session_state[kept] = st.session_state[box]
        first_page()

    st.selectbox(
        label,
        list(known),
        key=box,
        format_func=lambda each: known[each].title,
        on_change=choose,
        width=_POLICY_WIDTH,
    )
    return known[name]


def day(label: str, *, key: str = "day") -> date:
    """A day that has begun, in the zone of the business; today until another one is chosen."""
    today = moments.day_of(moments.now(), resources.settings().business_zone)
    chosen = st.date_input(
        label,
        value=today,
        max_value=today,
        key=key,
        format="YYYY-MM-DD",
        bind="query-params",
        on_change=first_page,
        width=_DAY_WIDTH,
    )
    return chosen if isinstance(chosen, date) else today


def policy_settings() -> Mapping[str, Any]:
    """The settings that a list needs to know the policies as they are set here."""
    settings = resources.settings()
    return {"zone": settings.business_zone, "stripe_churn": settings.stripe_churn}


def as_stripe() -> Policy:
    """Stripe's policy, as it is set here."""
    return policies.of(resources.settings())[policies.STRIPE.name]


def bridge_tiles(bridge: Bridge) -> None:
    """Both ends and the difference between them, and whether the reasons are the whole of it."""
    currency, difference = bridge.currency, bridge.difference_arr_cents
    monthly = money.monthly(bridge.theirs_arr_cents) - money.monthly(bridge.ours_arr_cents)
    tiles(
        [
            Tile(bridge.ours.title, amount(money.monthly(bridge.ours_arr_cents), currency), help="MRR"),
            Tile(
                bridge.theirs_title,
                amount(money.monthly(bridge.theirs_arr_cents), currency),
                amount(monthly, currency),
                help="MRR, and by how much it differs",
            ),
            Tile("Difference a year", amount(difference, currency), help="Annualised, exact to the cent"),
        ]
    )
    if bridge.untied_arr_cents:
        st.error(
            f"It does not tie: {amount(bridge.untied_arr_cents, currency)} a year have no reason. Do not use "
            "this bridge, and tell whoever runs the dashboard.",
            icon=":material/report:",
        )
    elif bridge.steps:
        st.caption(
            f"It ties: {amount(bridge.ours_arr_cents, currency)} a year and the reasons below give "
            f"{amount(bridge.theirs_arr_cents, currency)}, to the cent."
        )


def compared_with_stripe(found: AtStripe) -> None:
    """As of when Stripe was asked, and what the comparison cannot tell."""
    if found.why_not:
        st.warning(found.why_not, icon=":material/cloud_off:")
        return
    st.caption(
        "What Stripe's subscriptions say otherwise is as of the last comparison, "
        f"{moment(found.compared_at)}; our ledger is as it stands now."
    )
    if found.not_known:
        st.warning(
            "Findings that change what recurs by an amount that the comparison does not tell: "
            f"{counted(found.not_known)}. They are in no sum, and listed below without a difference.",
            icon=":material/help:",
        )
