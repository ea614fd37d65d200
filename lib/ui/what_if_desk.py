"""What should be different: a form whose answers live in the address; what is left alone stays as it goes."""

from fractions import Fraction
from typing import Final

import streamlit as st

from lib.core import money
from lib.metrics import scenario
from lib.metrics.figure import rounded
from lib.metrics.scenario import Now, PlanNow, Projection, Wish
from lib.ui import desk

_WIDTH: Final = 200  # pixels of a number
_NAME_WIDTH: Final = 220


def project(start: Now, wish: Wish) -> Projection:
    """The projection of a wish; what cannot be is said, and ends the run."""
    with desk.expected_errors():
        return scenario.project(start, wish)
    raise AssertionError("expected_errors() ends the run")


def wish_for(start: Now) -> Wish:
    """Ask what should be different; a number that is as it goes now is no wish."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        came = _number(
            "Couples that come, a month", float(rounded(10 * start.came)) / 10, key="come", step=1.0
        )
        churn = _number("Churn, % a month", float(rounded(10_000 * start.churn)) / 100, key="churn", step=0.1)
        existing = _existing()
    prices: dict[str, int] = {}
    shares: dict[str, Fraction | None] = {}
    usual = _whole_percents(start.plans)
    with st.expander("Prices and mix by plan", key="plans", expanded=bool(_plan_keys(start))):
        for plan in start.plans:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.text(f"{plan.name}, {plan.billing_period}", width=_NAME_WIDTH)
                price = _price(plan, start.currency)
                if price is not None:
                    prices[plan.plan_id] = price
                shares[plan.plan_id] = _number(
                    "% of those who come", float(usual[plan.plan_id]), key=f"share-{plan.plan_id}", step=1.0
                )
    mixed = any(share is not None for share in shares.values())
    return Wish(
        churn=None if churn is None else churn / 100,
        came=came,
        prices=prices,
        shares={key: Fraction(usual[key] if share is None else share) / 100 for key, share in shares.items()}
        if mixed
        else {},
        for_existing=existing,
    )


def _existing() -> bool:
    """Whether the new prices are for those who are there too."""
    return st.toggle("New prices for existing couples too", key="existing", bind="query-params")


def _price(plan: PlanNow, currency: str) -> int | None:
    """A new price in minor units, None while it is the list price."""
    places = money.decimals(currency)
    typed = _number(
        f"Price ({currency})",
        float(money.typed(plan.price_cents, currency)),
        key=f"price-{plan.plan_id}",
        step=1.0,
    )
    return None if typed is None else rounded(typed * 10**places)


def _number(label: str, usual: float, *, key: str, step: float) -> Fraction | None:
    """A number, kept in the address; None while it is the usual one.

    It has no limits in the browser: what cannot be gets a sentence, not silence.
    """
    typed = st.number_input(label, value=usual, step=step, key=key, bind="query-params", width=_WIDTH)
    return None if typed is None or float(typed) == usual else Fraction(str(typed))


def _plan_keys(start: Now) -> list[str]:
    """What the address says of plans."""
    keys = (f"{what}-{plan.plan_id}" for plan in start.plans for what in ("price", "share"))
    return [key for key in keys if key in st.query_params]


def _whole_percents(plans: tuple[PlanNow, ...]) -> dict[str, int]:
    """The plans' shares in whole percents that make 100: the largest remainders are rounded up."""
    whole = {plan.plan_id: int(100 * plan.share) for plan in plans}
    lacking = 100 - sum(whole.values())
    by_rest = sorted(plans, key=lambda plan: (whole[plan.plan_id] - 100 * plan.share, plan.plan_id))
    for plan in by_rest[:lacking]:
        whole[plan.plan_id] += 1
    return whole
