"""Home: what waits for the reader, the few figures they watch, and what is wrong with the machinery.

Each thing stands with the page, and its filter, where something is done about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lib.core.access import Permission
from lib.core.work import View, query
from lib.services.home.collecting import collecting
from lib.services.home.counts import counts
from lib.services.home.machinery import alerts, figures, from_counts, mrr, running_tests
from lib.services.home.parts import Figure, Waiting
from lib.services.home.refunds import my_requests, refund_desk, refunds_to_decide

__all__ = ["Figure", "Today", "Waiting", "today"]


@dataclass(frozen=True, slots=True)
class Today:
    """What Home shows. `alerts` are sentences about the dashboard's own machinery."""

    waiting: Sequence[Waiting]
    figures: Sequence[Figure]
    alerts: Sequence[Waiting]


@query(Permission.HOME_READ)
def today(view: View) -> Today:
    """What the reader's role has to do with, urgent things first. Ten statements at most."""
    counted = counts(view)
    waiting = [
        *refunds_to_decide(view),
        *refund_desk(view),
        *my_requests(view),
        *collecting(view),
        *from_counts(view, counted),
        *running_tests(view),
    ]
    return Today(
        sorted(waiting, key=lambda each: not each.urgent),
        [*mrr(view), *figures(view, counted)],
        list(alerts(view, counted)),
    )
