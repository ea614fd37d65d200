"""What an action does, before its button: to access, to money, to MRR."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lib.services.subscriptions import SubscriptionCase
from lib.services.subscriptions.asking import Answer, Bill
from lib.ui.show import amount, moment, plain


@contextmanager
def card(title: str, about: str, *, access: str, bills: str, mrr: str) -> Iterator[None]:
    """A frame around one action. The texts are Markdown: values in them have to be `plain`."""
    with st.container(border=True):
        st.markdown(f"**{title}**")
        st.caption(about)
        st.markdown(f"- **Access:** {access}\n- **Money:** {bills}\n- **MRR:** {mrr}")
        yield


def money(cents: int | None, currency: str) -> str:
    """An amount for Markdown."""
    return plain(amount(cents, currency))


def mrr_of(case: SubscriptionCase) -> str:
    """What a subscription adds to MRR today, for Markdown."""
    return money(case.mrr_cents, case.currency)


def falls_by(case: SubscriptionCase, when: str) -> str:
    """The sentence for MRR that is lost."""
    if case.mrr_cents == 0:
        return "it adds nothing today, so nothing is lost."
    return f"falls by {mrr_of(case)} {when}."


def bill_line(bill: Bill | None, *, none: str = "There will be no further bill.") -> str:
    """A bill that is to come, in one sentence of Markdown."""
    if bill is None:
        return none
    when = f" on {plain(moment(bill.at))}" if bill.at else ""
    if bill.total_cents < 0:
        return f"a credit of {money(-bill.total_cents, bill.currency)}{when}, used for the bills after it."
    if bill.due_cents != bill.total_cents:
        return (
            f"{money(bill.due_cents, bill.currency)}{when} "
            f"({money(bill.total_cents, bill.currency)} less the credit that is there)."
        )
    return f"{money(bill.due_cents, bill.currency)}{when}."


def answer_line(answer: Answer | None, *, none: str = "There will be no further bill.") -> str:
    """What Stripe says would come, in one sentence of Markdown, also where it could not be asked."""
    return "Stripe could not be asked." if answer is None else bill_line(answer.bill, none=none)


def lines(bill: Bill, *, key: str) -> None:
    """What a bill consists of, folded."""
    with st.expander(f"The bill of {money(bill.total_cents, bill.currency)}, line by line"):
        st.dataframe(
            [{"For": words, "Amount": amount(cents, bill.currency)} for words, cents in bill.lines],
            hide_index=True,
            key=key,
            alt="Lines of the bill",
        )
