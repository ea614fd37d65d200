"""What one couple paid, where a figure's way down ends."""

import streamlit as st

from lib.services import couples, payments
from lib.ui import desk
from lib.ui.billing import payments as payment_list
from lib.ui.links import link
from lib.ui.show import badge, plain
from lib.ui.table import back


def couple_payments(couple_id: str, *, back_to: str) -> None:
    """A couple with its payments, the newest first; `back_to` is the label of the button that closes it."""
    back(back_to)
    couple = desk.read(couples.one, couple_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        names = " & ".join(partner.name for partner in couple.partners)
        st.subheader(plain(names or couple.id), anchor=False, width="content")
        badge(couple.status)
        link("The couple", "relationships", couple.id, icon=":material/group:")
    st.markdown("What the couple paid, the newest first")
    payment_list(desk.read(payments.of_couple, couple_id))
