"""A couple or a person behind a step or a cell: what they did, and the way to their own page."""

from collections.abc import Sequence

import streamlit as st

from lib.core.access import Permission
from lib.core.listing import Column, Page
from lib.metrics.funnels import Unit
from lib.services import couples, people, timeline
from lib.ui import desk
from lib.ui.links import link
from lib.ui.people import timeline as entries
from lib.ui.show import badge, plain
from lib.ui.table import back, opened, paged


def may_see_units() -> bool:
    """Whether the role sees who is behind a figure; says so where it does not."""
    if desk.may(Permission.PEOPLE_READ):
        return True
    st.info("Your role sees sums, not the people behind them.", icon=":material/block:")
    return False


def units_table(page: Page, columns: Sequence[Column], unit: Unit, *, empty: str) -> None:
    """Couples or people of one page; a click opens one of them."""
    paged(page, columns, key="units", empty=empty, opens="opens", parameter=unit)


def opened_unit(*, back_to: str) -> bool:
    """Show the couple or the person that the address opens; gives whether it opens one.

    `back_to` is the label of the button that closes it.
    """
    couple_id, person_id = opened("couple"), opened("person")
    if couple_id is not None:
        back(back_to, "couple")
        _couple(couple_id)
    elif person_id is not None:
        back(back_to, "person")
        person = desk.read(people.one, person_id)
        st.subheader(plain(person.name), anchor=False)
        link("The person", "users", person.id, icon=":material/person:")
    return couple_id is not None or person_id is not None


def _couple(couple_id: str) -> None:
    couple = desk.read(couples.one, couple_id)
    names = {partner.id: partner.name for partner in couple.partners}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(" & ".join(names.values()) or couple.id), anchor=False, width="content")
        badge(couple.status)
        link("The couple", "relationships", couple.id, icon=":material/group:")
    entries(desk.read(timeline.of_couple, couple_id), names)
