"""Long work that the worker does: how far it is, looked at again while it goes on."""

from collections.abc import Callable
from typing import Protocol

import streamlit as st

from lib.ui import desk


class LongWork(Protocol):
    """Something with an end: `done` of `total_steps`, and whether the worker is on it."""

    @property
    def id(self) -> str: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def done(self) -> int: ...
    @property
    def total_steps(self) -> int: ...


def watch_work(read: Callable[..., LongWork], work: LongWork, what: str) -> None:
    """Show how far it is, every second until it ends; then the page runs again. It can be left meanwhile."""
    if not work.is_open:
        return

    @st.fragment(run_every=1.0)
    def look() -> None:
        current = desk.read(read, work.id)
        if not current.is_open:
            st.rerun()
        share = current.done / current.total_steps if current.total_steps else 0.0
        st.progress(min(1.0, share), text=f"{what}: {current.done:,} of {current.total_steps:,}")
        st.caption("The worker goes on if you leave this page.")

    look()
