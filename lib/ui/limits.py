"""Limits at the desk: one's own and their use, and where an admin sets everybody's."""

from typing import Final

import streamlit as st

from lib.core import money
from lib.core.access import Permission
from lib.core.listing import Listing
from lib.services import limit_use, limits
from lib.services.limits import Allowance
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.filters import one_of
from lib.ui.forms import action
from lib.ui.show import amount, limit, plain, words
from lib.ui.table import frame, table

_CURRENCIES: Final = ("USD", "EUR", "GBP", "CHF")
_TRIES: Final[dict[str, Listing]] = {
    limits.REFUNDS.name: limit_use.refund_attempts,
    limits.GIVEN.name: limit_use.grant_attempts,
}


def own_limits(allowance: str, label: str) -> None:
    """Show how much the reader has used of what they may approve within 24 hours; nothing for others."""
    for each in desk.read(limit_use.mine, allowance):
        limit(label, each.used_cents, each.limit_cents, each.currency)


def limits_section() -> None:
    """Show who may approve how much and used how much; who manages staff sets it."""
    names = [name for name, each in limits.ALLOWANCES.items() if desk.may(each.needs)]
    chosen = one_of("Limits on", names, key="limits_on", shown_as=lambda name: limits.ALLOWANCES[name].title)
    limited = limits.ALLOWANCES[chosen]
    rows = desk.read(limit_use.holders, limited.name)
    frame(rows, limit_use.HOLDER_COLUMNS, key="holders", alt="Limits and their use within 24 hours")
    st.caption(
        "A person's own limit goes before their role's, and that before the default of "
        f"{plain(_default(limited))}."
    )
    _set(limited)
    st.subheader("Every try to approve", anchor=False)
    table(_TRIES[limited.name], key="attempts", empty="Nobody tried yet.", opens=None)


def _default(limited: Allowance) -> str:
    return " and ".join(amount(limited.default_of(unit), unit) for unit in (*limited.units, "USD"))


def _set(limited: Allowance) -> None:
    units = (*limited.units, *_CURRENCIES)
    unit = one_of(
        "Counted in", units, key="unit", shown_as=lambda each: words(each) if each == money.CREDITS else each
    )
    who = Ask("holder", "E-mail of a person, or a role", placeholder="name@example.org or finance")
    with st.container(horizontal=True):
        action(
            "Set a limit",
            limits.set_limit,
            limited.name,
            key=f"limit:{limited.name}:{unit}",
            needs=Permission.STAFF_MANAGE,
            icon=":material/speed:",
            effect="How much may be approved within 24 hours. It counts from the next approval on.",
            ask=[who, Ask("limit_cents", "Limit", "money", currency=unit), REASON],
            done="The limit is set.",
            currency=unit,
        )
        action(
            "Take a limit away",
            limits.remove_limit,
            limited.name,
            key=f"no_limit:{limited.name}:{unit}",
            needs=Permission.STAFF_MANAGE,
            icon=":material/backspace:",
            effect="A person then has the limit of their role, a role the default.",
            ask=[who, REASON],
            done="The limit is taken away.",
            currency=unit,
        )
