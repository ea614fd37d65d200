"""A believable company: built couple by couple, in the order in which they signed up.

Every theme has a module of its own. Each couple draws from random numbers of its own, by its number and the
theme, so that a larger company or more events change nothing about the couples that were there before.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random

from lib.core.access import system
from lib.core.database import Database
from lib.core.work import working
from lib.demo import bad_deploy, dirt, failures, growth, households, outside
from lib.demo import catalogue as price_list
from lib.demo.at_stripe import StripeSide
from lib.demo.billing import Billing
from lib.demo.book import Book
from lib.demo.clock import midnight
from lib.demo.diary import Diary
from lib.demo.experiments import Experiments
from lib.demo.extras import Extras
from lib.demo.figures import Figures
from lib.demo.loader import TABLES, is_empty, loading
from lib.demo.messages import Messages
from lib.demo.people import Registry
from lib.demo.refunds import Refunds
from lib.demo.scale import Scale
from lib.demo.together import Together
from lib.demo.visits import Visits
from lib.demo.webhooks import Webhooks
from lib.payments.sandbox.store import Store
from lib.services import reference_data

__all__ = ["build", "is_empty"]

_TELL_EVERY = 500


def build(
    database: Database,
    sandbox_path: Path | None,
    *,
    couples: int,
    months: int,
    seed: int,
    today: date,
    events: int | None = None,
    assignments: int | None = None,
    errors: int | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, int]:
    """Fill an empty database, and the local Stripe's file, with a company; gives the rows per table.

    The same arguments give the same rows. Everything happened before `today` began (UTC). The price list is
    seeded if it is not there. `progress` hears of couples done and in total. Memory does not grow with size.

    Raises Refused when the database holds people already, Invalid for sizes that make no company.
    """
    scale = Scale(couples, months, seed, today, events, assignments, errors)
    if is_empty(database):
        with working(database, system("demo")) as work:
            reference_data.seed(work)
    with database.primary.connect() as connection:
        catalogue = price_list.read(connection)
    store = Store(sandbox_path) if sandbox_path else None
    try:
        with loading(database) as loader, _without_collector():
            return _Company(Book(loader, store, seed), scale, catalogue).write(progress)
    finally:
        if store is not None:
            store.close()


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing made here refers to itself, and the collector would walk through the waiting rows for ever."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Company:
    """One company in the making."""

    def __init__(self, book: Book, scale: Scale, catalogue: price_list.Catalogue) -> None:
        self.book = book
        self.scale = scale
        self.catalogue = catalogue
        self.start = midnight(scale.start)
        self.horizon = midnight(scale.today)
        catalogue.codes = price_list.campaign_codes(scale.start, scale.today, book.ids)
        self.figures = Figures()
        webhooks = Webhooks(book, self.horizon, scale.webhook_days)
        stripe = StripeSide(book, self.horizon)
        self.refunds = Refunds(book, stripe, self.figures, webhooks, self.horizon)
        self.billing = Billing(book, catalogue, self.figures, webhooks, self.refunds, self.horizon)
        self.extras = Extras(book, catalogue, self.billing, self.refunds, self.horizon)
        self.together = Together(book, catalogue, self.horizon, detail=0.3 if scale.large else 1.0)
        self.diary = Diary(book, self.horizon, scale.diary_days)
        self.visits = Visits(book, self.horizon, scale.events_per_couple)
        self.messages = Messages(book, self.horizon)
        self.experiments = Experiments(book, self.start, self.horizon, scale.couples)
        self.witnesses = failures.Witnesses(scale.couples)

    def write(self, progress: Callable[[int, int], None]) -> dict[str, int]:
        """Write everything and give the counts."""
        book, scale = self.book, self.scale
        self.billing.stripe.catalogue(self.catalogue, self.start)
        price_list.write_codes(book, self.catalogue.codes)
        fair = price_list.fair_batch(scale.today, book.ids)
        price_list.write_batch(book, fair)
        self.billing.stripe.coupon_of_batch(fair)
        registry = Registry()
        moments = growth.signups(scale.couples, scale.start, scale.today, self._random("signups"))
        for number, joined in enumerate(moments):
            self._couple(number, joined, registry)
            book.turn_page()
            if (number + 1) % _TELL_EVERY == 0:
                progress(number + 1, scale.couples)
        self._close_the_books()
        progress(scale.couples, scale.couples)
        return {table: number for table, number in sorted(book.counts.items()) if table in TABLES}

    def _couple(self, number: int, joined: int, registry: Registry) -> None:
        wrong = dirt.of_couple(number, self.scale.couples)
        odd = dirt.odd_name(number, self.scale.couples)
        couple = households.found(
            number, joined, registry, self.book.ids, self._random("people", number), wrong, odd
        )
        money = self.billing.couple(couple, self._random("money", number), wrong)
        self.extras.couple(couple, money, self._random("extras", number))
        partners = households.write(self.book, couple, money, self.horizon, self._random("profile", number))
        if dirt.Dirt.SWAPPED in wrong:
            dirt.write_swapped(self.book, couple, partners, self.horizon, self._random("swapped", number))
        self.together.couple(couple, money.until, self._random("together", number))
        self.diary.couple(couple, money, self._random("diary", number))
        self.diary.before(couple, money, self.scale.weeks_before, self._random("weeks before", number))
        beginning = self._random("first days", number)
        self.visits.couple(couple, money, self._random("visits", number), beginning)
        self.messages.couple(couple, money, self._random("messages", number))
        self.experiments.couple(couple, money, self._random("experiments", number))
        self.witnesses.offer(number, joined, couple.payer.id, couple.payer.email, couple.id)

    def _outside(self) -> None:
        """What is about no single couple."""
        book, scale = self.book, self.scale
        if scale.assignments is not None:
            missing = scale.assignments - book.counts["ab_test_assignments"]
            self.experiments.visitors(max(0, missing), self._random("visitors"))
        failures.write(
            book, scale.total_errors, self.start, self.horizon, self.witnesses, self._random("errors")
        )
        bad_deploy.write(book, self.billing.till, self.refunds, self.horizon, self._random("bad deploy"))
        told = outside.partners(book, self.start, self.horizon, scale.couples, self._random("partners"))
        outside.bookings(book, told, self._random("bookings"))
        outside.campaigns(book, self.start, self.horizon, scale.couples, self._random("campaigns"))
        self.visits.write_features(book, self._random("features"))

    def _close_the_books(self) -> None:
        self._outside()
        self.refunds.open_requests(self.scale.couples, self._random("requests"))
        self.billing.collecting.disputes(self.refunds.undisturbed)
        self.figures.write(self.book, self.start, self.horizon)
        self.billing.stripe.codes(self.catalogue.codes)
        self.book.close()
        self.book.correct(
            "UPDATE discount_codes SET current_uses = ? WHERE id = ?",
            [(code.uses, code.id) for code in self.catalogue.codes],
        )

    def _random(self, theme: str, number: int = 0) -> Random:
        return Random(f"{self.scale.seed}:{theme}:{number}")
