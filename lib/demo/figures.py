"""Daily figures of the whole company, gathered while its couples are written.

Memory is bounded by the number of days, whatever the number of couples.
"""

from collections import Counter, defaultdict

from lib.core.money import monthly
from lib.demo.book import Book
from lib.demo.clock import DAY, sql_form
from lib.demo.life import State

_REVENUE = {
    "subscription": "subscription_revenue_cents",
    "credits": "credits_revenue_cents",
    "gift": "gift_revenue_cents",
    "add_on": "addons_revenue_cents",
    "box": "addons_revenue_cents",
    "coaching": "addons_revenue_cents",
}


def counted_arr(state: State) -> int:
    """Annualised cents that the house policy counts: paid or past due, net of discounts, no gifts."""
    counts = state.status in {"active", "past_due"} and not state.is_gift and not state.collection_paused
    return state.net_arr if counts else 0


class Figures:
    """Adds up what happened, by day number since 1970."""

    def __init__(self) -> None:
        self._days: defaultdict[int, Counter[str]] = defaultdict(Counter)

    def revenue(self, kind: str, cents: int, moment: int) -> None:
        """A payment came in."""
        self._days[moment // DAY][_REVENUE[kind]] += cents

    def refunded(self, cents: int, moment: int) -> None:
        """Money went back."""
        self._days[moment // DAY]["refunds_cents"] += cents

    def subscription(self, changes: list[tuple[int, State]]) -> None:
        """A whole subscription: it began, it ended, its MRR moved."""
        before = 0
        self._days[changes[0][0] // DAY]["new_subscriptions"] += 1
        for moment, state in changes:
            day = self._days[moment // DAY]
            day["arr_change"] += counted_arr(state) - before
            before = counted_arr(state)
            day["canceled_subscriptions"] += state.status == "canceled"

    def write(self, book: Book, start: int, horizon: int) -> None:
        """Write `revenue_analytics`: one row for each whole day, as the app's nightly worker leaves it."""
        arr = 0
        names = [
            *dict.fromkeys(_REVENUE.values()),
            "new_subscriptions",
            "canceled_subscriptions",
            "refunds_cents",
        ]
        for number in range(start // DAY, horizon // DAY):
            day = self._days.get(number, Counter[str]())
            arr += day["arr_change"]
            book.write(
                "revenue_analytics",
                id=book.ids.row("rev"),
                analytics_date=sql_form(number * DAY)[:10],
                **{name: day[name] for name in names},
                total_revenue_cents=sum(day[name] for name in set(_REVENUE.values())),
                mrr_cents=monthly(arr),
                arr_cents=arr,
                created_at=sql_form((number + 1) * DAY + 900),
            )
