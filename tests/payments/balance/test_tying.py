"""A month's payments beside Stripe's balance, through the real SDK: matched, differing, only on one side."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lib.core.access import system
from lib.core.database import Database
from lib.core.errors import StripeFailed
from lib.core.work import reading, working
from lib.models import PaymentReconciliation, ReconciledPayment
from lib.payments import balance
from lib.payments.balance import ties
from lib.payments.balance.moves import Move
from lib.payments.gateway import Gateway
from lib.payments.gateway.listed import BalanceTransaction
from lib.payments.reconcile import Budget
from lib.payments.sandbox import server
from lib.payments.sandbox.store import Store
from lib.services.month_close import reconciliation
from tests.factories import make_dispute, make_payment, make_refund
from tests.payments.scripted import KEY
from tests.payments.told import only, rows

OCTOBER = date(2026, 10, 1)
START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
WORKER = system("worker")


def at(day: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def seconds(day: int, month: int = 10) -> int:
    return int(at(day, month).timestamp())


class Books:
    """Both sides of one month, in the making."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.objects: list[tuple[str, dict[str, Any]]] = []

    def charge(self, name: str, cents: int = 3000, *, day: int = 10, month: int = 10) -> None:
        """A charge at Stripe."""
        paid = {"created": seconds(day, month), "amount": cents, "status": "succeeded"}
        self.objects.append(("payment_intent", {"id": f"pi_{name}", **paid}))
        self.objects.append(("charge", {"id": f"ch_{name}", "payment_intent": f"pi_{name}", **paid}))

    def refund(self, name: str, cents: int, **over: Any) -> None:
        """A refund at Stripe of the charge of that name."""
        made = {"created": seconds(12), "amount": cents, "status": "succeeded"}
        made |= {"charge": f"ch_{name}", "payment_intent": f"pi_{name}"}
        self.objects.append(("refund", {"id": f"re_{name}", **made, **over}))

    def dispute(self, name: str, cents: int, **over: Any) -> None:
        """A dispute at Stripe of the charge of that name."""
        made = {"created": seconds(14), "amount": cents, "status": "needs_response", "charge": f"ch_{name}"}
        made |= {"evidence_due_by": seconds(28)}
        self.objects.append(("dispute", {"id": f"dp_{name}", "reason": "fraudulent", **made, **over}))

    def payment(self, name: str, cents: int = 3000, *, day: int = 10, month: int = 10, **over: Any) -> None:
        """Our payment of that name."""
        known = {"stripe_payment_intent_id": f"pi_{name}", "stripe_charge_id": f"ch_{name}"}
        moments = {"processed_at": at(day, month), "created_at": at(day, month)}
        make_payment(self.database, id=f"pay_{name}", amount_cents=cents, **known | moments | over)

    def both(self, name: str, cents: int = 3000, *, day: int = 10) -> None:
        """A payment that both sides know."""
        self.charge(name, cents, day=day)
        self.payment(name, cents, day=day)


@pytest.fixture
def books(database_url: str) -> Iterator[Books]:
    """The books on each engine in turn."""
    database = Database(database_url)
    yield Books(database)
    database.dispose()


@pytest.fixture
def stripe(books: Books, tmp_path: Path) -> Iterator["Opened"]:
    opened = Opened(books, tmp_path)
    yield opened
    opened.close()


class Opened:
    """The books' local Stripe, started with the first question to it."""

    def __init__(self, books: Books, folder: Path) -> None:
        self._books, self._folder = books, folder
        self._running: Any = None
        self._gateway: Gateway | None = None

    @property
    def gateway(self) -> Gateway:
        """A gateway at what the books say by now."""
        if self._gateway is None:
            store = Store(self._folder / "stripe.db")
            store.load(iter(self._books.objects))
            store.close()
            self._running = server.running(self._folder / "stripe.db")
            self._gateway = Gateway(KEY, api_base=self._running.__enter__(), retries=0, sleep=lambda _: None)
        return self._gateway

    def close(self) -> None:
        """End it."""
        if self._gateway is not None:
            self._gateway.close()
            self._running.__exit__(None, None, None)


def ask(database: Database, month: date = OCTOBER) -> str:
    with working(database, WORKER, now=NOW) as work:
        return reconciliation.reconcile(work, month, reason="Month end")


def tie(books: Books, gateway: Gateway, **over: Any) -> balance.Tied:
    key = ask(books.database)
    return balance.tie(books.database, gateway, key, budget=Budget(10_000), clock=lambda: NOW, **over)


def found(database: Database) -> dict[str, tuple[str, int | None, int | None]]:
    return {
        row.object_id: (row.state, row.ours_cents, row.theirs_cents)
        for row in rows(database, ReconciledPayment)
    }


def test_the_same_on_both_sides_is_matched_with_what_stripe_kept(books: Books, stripe: Opened) -> None:
    books.both("a", 10_000)
    tied = tie(books, stripe.gateway)

    row = only(books.database, ReconciledPayment, object_id="ch_a")
    assert (row.state, row.kind, row.payment_id) == ("matched", "payment", "pay_a")
    assert (row.ours_cents, row.theirs_cents, row.fee_cents, row.net_cents) == (10_000, 10_000, 320, 9_680)
    assert (tied.compared, tied.requests) == (1, 1)


def test_every_way_to_differ_is_told_apart_and_leads_to_the_payment(books: Books, stripe: Opened) -> None:
    books.charge("dearer", 3500)
    books.payment("dearer", 3000)
    books.payment("ours")
    books.charge("theirs")
    books.charge("late", day=1, month=11)
    books.charge("earlier", day=31)
    books.payment("earlier", day=1, month=11)
    books.charge("unsettled")
    books.payment("unsettled", status="pending")
    tie(books, stripe.gateway)

    assert found(books.database) == {
        "ch_dearer": ("amount_differs", 3000, 3500),
        "pay_ours": ("only_ours", 3000, None),
        "ch_theirs": ("only_theirs", None, 3000),
        "ch_earlier": ("other_month", 3000, 3000),
        "ch_unsettled": ("amount_differs", 0, 3000),
    }
    leading = {row.object_id: row.payment_id for row in rows(books.database, ReconciledPayment)}
    assert leading["pay_ours"] == "pay_ours"
    assert leading["ch_unsettled"] == "pay_unsettled"


def test_the_month_is_that_of_the_zone_of_the_business(books: Books, stripe: Opened) -> None:
    # Noon of UTC is two in the morning of the next day there.
    for name, day, month in (("first", 30, 9), ("second", 30, 10), ("next", 31, 10)):
        books.charge(name, day=day, month=month)
        books.payment(name, day=day, month=month)
    tie(books, stripe.gateway, zone="Pacific/Kiritimati")

    assert found(books.database) == {
        "ch_first": ("matched", 3000, 3000),
        "ch_second": ("matched", 3000, 3000),
    }


def test_refunds_and_disputes_are_tied_too_and_one_that_failed_comes_to_nothing(
    books: Books, stripe: Opened
) -> None:
    for name in ("back", "failed", "taken", "won", "quiet"):
        books.both(name, 5000)
    refunded = {"user_id": None, "requested_at": at(11), "processed_at": at(12)}
    books.refund("back", 2000)
    make_refund(
        books.database,
        transaction_id="pay_back",
        refund_amount_cents=2000,
        status="processed",
        stripe_refund_id="re_back",
        **refunded,
    )
    books.refund("failed", 1500, status="failed", failed_at=seconds(15))
    make_refund(
        books.database,
        transaction_id="pay_failed",
        refund_amount_cents=1500,
        status="approved",
        stripe_refund_id="re_failed",
        **refunded | {"processed_at": None},
    )
    books.dispute("taken", 5000)
    make_dispute(
        books.database,
        stripe_dispute_id="dp_taken",
        payment_id="pay_taken",
        amount_cents=5000,
        opened_at=at(14),
        told_at=at(14),
    )
    books.dispute("won", 5000, status="won", closed_at=seconds(20))
    make_dispute(
        books.database,
        stripe_dispute_id="dp_won",
        payment_id="pay_won",
        amount_cents=5000,
        status="won",
        opened_at=at(14),
        told_at=at(20),
    )
    books.refund("quiet", 700)
    tie(books, stripe.gateway)

    told = found(books.database)
    assert told["re_back"] == ("matched", -2000, -2000)
    assert told["re_failed"] == ("matched", 0, 0)
    assert told["dp_taken"] == ("matched", -5000, -5000)
    assert told["dp_won"] == ("matched", 0, 0)
    assert told["re_quiet"] == ("only_theirs", None, -700)
    assert only(books.database, ReconciledPayment, object_id="re_quiet").payment_id == "pay_quiet"
    assert only(books.database, ReconciledPayment, object_id="dp_taken").fee_cents == 1500


def test_the_totals_of_a_month_tie_per_currency(books: Books, stripe: Opened) -> None:
    books.both("a", 10_000)
    books.both("b", 2500)
    books.payment("ours", 900)
    tie(books, stripe.gateway)
    with reading(books.database, WORKER, now=NOW) as view:
        known = reconciliation.payments_tied(view, OCTOBER)

    [payments, together] = known.totals
    assert (payments.what, payments.number, payments.currency) == ("Payments", 3, "USD")
    assert (together.ours_cents, together.theirs_cents, together.difference_cents) == (13_400, 12_500, -900)
    assert together.fee_cents is not None
    assert together.net_cents == 12_500 - together.fee_cents
    assert known.unmatched == 1
    assert known.sentence.startswith("1 row differs")


def test_a_long_month_is_paged_and_goes_on_where_it_was_stopped(books: Books, stripe: Opened) -> None:
    for number in range(230):
        books.both(f"n{number}", 1000 + number, day=1 + number % 28)
    seen: list[int] = []

    def stops(compared: int) -> None:
        seen.append(compared)
        if compared == 100:
            raise KeyboardInterrupt

    gateway = stripe.gateway
    with pytest.raises(KeyboardInterrupt):
        tie(books, gateway, progress=stops)
    stopped = only(books.database, PaymentReconciliation)
    tied = tie(books, gateway, progress=seen.append)

    assert (stopped.state, stopped.compared, stopped.expected) == ("running", 100, 230)
    assert tied.reconciliation_id == stopped.id
    assert seen[:4] == [100, 200, 230, 230]
    assert tied.requests == 3
    assert {state for state, *_ in found(books.database).values()} == {"matched"}
    assert len(found(books.database)) == 230
    assert only(books.database, PaymentReconciliation).state == "done"


def test_a_second_comparison_takes_the_place_of_the_first(books: Books, stripe: Opened) -> None:
    books.charge("a")
    tie(books, stripe.gateway)
    before = found(books.database)
    books.payment("a")
    tie(books, stripe.gateway)

    assert before == {"ch_a": ("only_theirs", None, 3000)}
    assert found(books.database) == {"ch_a": ("matched", 3000, 3000)}


def test_one_that_stripe_refuses_has_failed_and_says_why(books: Books) -> None:
    gateway = Gateway(KEY, api_base="http://127.0.0.1:9", retries=0, timeout=(1.0, 1.0))
    with pytest.raises(StripeFailed):
        tie(books, gateway)
    gateway.close()

    row = only(books.database, PaymentReconciliation)
    assert row.error
    # It may be reached later: then the next run goes on.
    assert (row.state, row.open_key) == ("running", "2026-10-01")


def test_one_that_is_asked_for_twice_is_done_once(books: Books) -> None:
    assert ask(books.database) == ask(books.database)
    assert len(rows(books.database, PaymentReconciliation)) == 1


def moved(**over: Any) -> BalanceTransaction:
    values: dict[str, Any] = {
        "id": "txn_1",
        "type": "charge",
        "source_id": "ch_1",
        "payment_intent_id": "pi_1",
        "charge_id": "ch_1",
        "amount": 3240,
        "currency": "usd",
        "fee": 124,
        "net": 3116,
        "source_amount": 3000,
        "source_currency": "eur",
        "created": at(10),
    }
    return BalanceTransaction(**values | over)


def test_what_was_taken_in_another_currency_is_compared_in_that_one() -> None:
    ours = Move("ch_1", "payment", "pay_1", "EUR", 3000, at(10))
    tie = ties.beside(ties.of_transaction(moved(), NOW), ours, START, END)

    assert (tie.state, tie.currency, tie.theirs_cents) == ("matched", "EUR", 3000)
    assert (tie.settled_currency, tie.fee_cents, tie.net_cents) == ("USD", 124, 3116)


def test_payouts_and_stripes_own_fees_are_no_payments() -> None:
    payout = ties.of_transaction(
        moved(type="payout", source_id="po_1", amount=-5000, source_amount=-5000, source_currency="usd"), NOW
    )
    fee = ties.of_transaction(moved(type="stripe_fee", source_id=None, source_amount=None), NOW)

    assert [(each.kind, each.state) for each in (payout, fee)] == [
        ("payout", "no_payment"),
        ("other", "no_payment"),
    ]


def test_the_states_are_those_that_the_table_allows(books: Books) -> None:
    check = next(
        each
        for each in ReconciledPayment.__table__.constraints
        if getattr(each, "name", None) == "admin_reconciled_payments_state"
    )

    assert all(f"'{state}'" in str(check.sqltext) for state in balance.STATES)  # type: ignore[attr-defined]
    with books.database.primary.execution_options(writes=False).connect() as connection:
        assert connection.execute(select(ReconciledPayment)).all() == []
