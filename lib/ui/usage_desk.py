"""What the pages about use ask for and say: which days, what the app stored, and one couple of the list."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

import streamlit as st

from lib.core import moments
from lib.metrics import features, usage_stored
from lib.metrics.dyads import WORDS, Pair
from lib.metrics.features import Features, Person
from lib.metrics.figure import percent
from lib.ui.filters import first_page
from lib.ui.links import link
from lib.ui.show import Tile, amount, facts, plain, tiles, words
from lib.ui.table import frame, table

_SPANS: Final[Mapping[str, int]] = {"30 days": 30, "90 days": 90, "12 months": 365}
_USUAL: Final = "90 days"


def days_over(*, usual: str = _USUAL, key: str = "days") -> tuple[date, date]:
    """The days that are looked at, from the address; the last is yesterday (UTC), since it is over."""
    chosen = st.segmented_control(
        "Days",
        list(_SPANS),
        key=key,
        default=usual,
        required=True,
        bind="query-params",
        on_change=first_page,
        wrap=True,
    )
    yesterday = moments.now().date() - timedelta(days=1)
    return yesterday - timedelta(days=_SPANS[chosen or usual] - 1), yesterday


def definitions(named: Mapping[str, str]) -> None:
    """What each word of the page means, unfolded on demand."""
    with st.expander("What the words mean", icon=":material/menu_book:"):
        st.markdown("\n".join(f"- **{word}**: {meaning}" for word, meaning in named.items()))


def stored_by_the_app(roll_up: str) -> None:
    """One of production's roll-ups beside what its raw rows say, day by day."""
    st.caption(
        f"What `{roll_up}` said of each day when the worker compared it with raw rows; its total adds up "
        f"{usage_stored.TOTALS[roll_up]}. Where the dashboard writes roll-ups (ROLLUPS=write), wrong and "
        "missing rows were then corrected; rows without raw rows stay as they are."
    )
    table(
        usage_stored.stored_by_the_app,
        key="stored",
        opens=None,
        empty="Nothing was compared yet: neither stored nor raw rows were found.",
        roll_up=roll_up,
    )


def one_sided(pair: Pair) -> None:
    """One couple of the list: who came how often, what it pays, and where it is helped."""
    with st.container(horizontal=True, vertical_alignment="center"):
        names = " & ".join(name for name in (pair.partner_1, pair.partner_2) if name)
        st.subheader(plain(names or pair.relationship_id), anchor=False, width="content")
        link("The couple", "relationships", pair.relationship_id, icon=":material/group:")
        link("At risk", "at_risk", icon=":material/crisis_alert:", reason="one_sided")
    facts(
        {
            "In 28 days": WORDS[pair.state],
            "First partner came on": f"{pair.days_1} of 28 days",
            "Second partner came on": f"{pair.days_2} of 28 days",
            "MRR": amount(pair.mrr_cents, pair.currency),
            "28 days to": pair.day,
        }
    )


def feature_tiles(found: Features, chosen: str | None) -> None:
    """The figures of one feature, or of the whole app while none is chosen."""
    feature = found.of(chosen)
    if feature is None:
        tiles(
            [
                Tile("People, 28 days", f"{found.people_28:,}", help="Who did anything at all"),
                Tile("Couples, 28 days", f"{found.couples_28:,}", help="Of whom one did anything"),
                Tile("Stickiness of the app", share(found.stickiness), help="DAU / MAU"),
                Tile("Most used", words(found.most_used)),
            ]
        )
        return
    tiles(
        [
            Tile("Adoption", share(feature.adoption), help=f"{feature.people_28:,} people in 28 days"),
            Tile("Both partners", share(feature.both), help="Of couples of whom one used it"),
            Tile("Stickiness", share(feature.stickiness), help="DAU / MAU"),
            Tile("Days a week", decimal(feature.days_a_week)),
            Tile("Satisfaction", decimal(feature.satisfaction), help="1 to 5, as the app stored it"),
        ]
    )


def uses_of(person: Person) -> None:
    """One person: what they use, and the way to everything else about them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(person.name), anchor=False, width="content")
        link("The person", "users", person.id, icon=":material/person:")
    frame(
        person.used, features.USED_COLUMNS, key="used", alt="Features they use", empty="They used no feature."
    )


def share(value: Fraction | None) -> str:
    """A share for a tile, with one decimal; a dash for what cannot be computed."""
    return "–" if value is None else percent(value)


def decimal(value: Fraction | float | None) -> str:
    """A number for a tile, with one decimal; a dash for none."""
    return "–" if value is None else f"{float(value):,.1f}"


def whole(value: int | None) -> str:
    """A count for a tile; a dash for none."""
    return "–" if value is None else f"{value:,}"


def minutes(seconds: Fraction | None) -> str:
    """A duration for a tile: `4 min 12 s`; a dash for none."""
    return "–" if seconds is None else f"{int(seconds) // 60} min {int(seconds) % 60} s"
