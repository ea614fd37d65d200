"""A month's balance at Stripe beside our rows: page by page, in bounded memory, resumed where it was stopped.

    stripe     Stripe's list of balance transactions, each page beside the rows that it names
    payments, refunds, disputes   rows of ours that moved in the month and that Stripe did not list

After each page the rows and the place are kept in one transaction. A process that is killed loses the page
that it was at, and the next one begins there. Stripe is never asked while a transaction is open.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import NotFound, StripeFailed
from lib.models import PaymentReconciliation, ReconciledPayment
from lib.payments.balance import moves
from lib.payments.balance.missing import CHUNK, MISSING, expected
from lib.payments.balance.moves import Move
from lib.payments.balance.ties import Tie, added, beside, of_transaction, only_ours, summed
from lib.payments.gateway import Gateway
from lib.payments.gateway.listed import BalanceTransaction
from lib.payments.reconcile.walking import Budget

_STRIPE: Final = "stripe"
_THROUGH: Final = "through"
_NAMES: Final = tuple(field.name for field in fields(Tie))


@dataclass(frozen=True, slots=True)
class Tied:
    """How a reconciliation went: movements compared, and requests to Stripe."""

    reconciliation_id: str
    compared: int
    requests: int


def tie(
    database: Database,
    gateway: Gateway,
    reconciliation_id: str,
    *,
    budget: Budget,
    progress: Callable[[int], None] = lambda _compared: None,
    clock: Callable[[], datetime] = moments.now,
    zone: str = "UTC",
) -> Tied:
    """Compare the month of a reconciliation, in a zone, and keep each movement; goes on where it was stopped.

    When it is through, what an earlier one of the month found makes room. One at a time is for the caller to
    see to. Raises NotFound, and StripeFailed when Stripe cannot be asked; what was kept until then stays.
    """
    with Session(database.primary.execution_options(writes=False)) as session:
        found = session.get(PaymentReconciliation, reconciliation_id)
        if found is None:
            raise NotFound(f"There is no reconciliation {reconciliation_id[:40]}.")
        session.expunge(found)
    walk = _Walk(database, gateway, found, budget, progress, clock, zone)
    walk.begin()
    try:
        walk.stripe()
    except StripeFailed as failure:
        walk.stop(failure)
        raise
    walk.ours()
    walk.finish()
    return Tied(found.id, found.compared, found.requests)


def give_up(database: Database, reconciliation_id: str, why: str, now: datetime) -> None:
    """Close a reconciliation that cannot be done, with the sentence that says why."""
    with database.primary.execution_options(writes=True).begin() as connection:
        connection.execute(
            update(PaymentReconciliation)
            .where(PaymentReconciliation.id == reconciliation_id)
            .values(state="failed", open_key=None, finished_at=now, error=why)
        )


@dataclass(slots=True)
class _Walk:
    database: Database
    gateway: Gateway
    row: PaymentReconciliation
    budget: Budget
    progress: Callable[[int], None]
    clock: Callable[[], datetime]
    zone: str

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The month's first moment and the first one after it."""
        return moments.month_bounds(self.row.month, self.zone)

    def begin(self) -> None:
        """Note that it runs, and how many movements of ours there are to find."""
        if self.row.state == "asked":
            with self._reading() as session:
                self.row.expected = expected(session, *self.bounds)
            self.row.started_at = self.clock()
        self.row.state, self.row.error = "running", None
        with self._writing() as connection:
            self._keep_place(connection)

    def stripe(self) -> None:
        """Stripe's list, from where the walk stands."""
        while self.row.stage == _STRIPE:
            self.budget.spend()
            self.row.requests += 1
            page = self.gateway.lists.balance_transactions(self.row.cursor, *self.bounds)
            with self._reading() as session:
                ties = _beside(session, page.items, *self.bounds, self.clock())
            self.row.compared += len(page.items)
            self.row.cursor = page.after
            if page.after is None:
                self.row.stage = next(iter(MISSING))
            self._keep(ties)

    def ours(self) -> None:
        """The rows of ours that Stripe did not list, from where the walk stands."""
        stages = (*MISSING, _THROUGH)
        while self.row.stage != _THROUGH:
            with self._reading() as session:
                find = MISSING[self.row.stage]
                chunk = find(session, self.row.id, self.row.cursor or "", *self.bounds)
            self.row.cursor = chunk[-1].object_id if chunk else None
            if len(chunk) < CHUNK:
                self.row.stage, self.row.cursor = stages[stages.index(self.row.stage) + 1], None
            self._keep([only_ours(move, self.clock()) for move in chunk])

    def stop(self, failure: StripeFailed) -> None:
        """Keep why Stripe could not be asked; what asking again cannot help has failed."""
        self.row.error = str(failure)
        if not failure.retryable:
            self.row.state, self.row.open_key, self.row.finished_at = "failed", None, self.clock()
        with self._writing() as connection:
            self._keep_place(connection)

    def finish(self) -> None:
        """Close it; only the newest one of a month that is done keeps its rows."""
        self.row.state, self.row.open_key, self.row.finished_at = "done", None, self.clock()
        older = select(PaymentReconciliation.id).where(
            PaymentReconciliation.month == self.row.month, PaymentReconciliation.id != self.row.id
        )
        with self._writing() as connection:
            connection.execute(
                delete(ReconciledPayment).where(ReconciledPayment.reconciliation_id.in_(older))
            )
            self._keep_place(connection)

    def _keep(self, ties: Sequence[Tie]) -> None:
        with self._writing() as connection:
            _write(connection, self.row.id, ties)
            self._keep_place(connection)
        self.progress(self.row.compared)

    def _keep_place(self, connection: Connection) -> None:
        names = ("state", "stage", "cursor", "open_key", "expected", "compared", "requests")
        values = {name: getattr(self.row, name) for name in (*names, "started_at", "finished_at", "error")}
        connection.execute(
            update(PaymentReconciliation).where(PaymentReconciliation.id == self.row.id).values(**values)
        )

    def _reading(self) -> Session:
        return Session(self.database.primary.execution_options(writes=False))

    def _writing(self) -> AbstractContextManager[Connection]:
        return self.database.primary.execution_options(writes=True).begin()


def _beside(
    session: Session, page: Iterable[BalanceTransaction], start: datetime, end: datetime, now: datetime
) -> list[Tie]:
    """A page's movements beside the rows of ours that they are about."""
    items = list(page)
    ties = summed(of_transaction(each, now) for each in items)
    paid = moves.payments_of(
        session, [each.payment_intent_id for each in items], [each.charge_id for each in items]
    )
    found: dict[str, Move] = moves.refunds_of(
        session, [key for key, each in ties.items() if each.kind == "refund"]
    )
    found |= moves.disputes_of(
        session, [key for key, each in ties.items() if each.kind == "dispute"], start, end
    )
    told = {}
    for each in items:
        payment = paid.get(each.payment_intent_id or "") or paid.get(each.charge_id or "")
        object_id = each.source_id or each.id
        one = ties[object_id]
        mine = payment if one.kind == "payment" else found.get(object_id)
        known = replace(one, payment_id=payment.payment_id) if payment is not None else one
        told[object_id] = beside(known, mine, start, end)
    return list(told.values())


def _write(connection: Connection, reconciliation_id: str, ties: Sequence[Tie]) -> None:
    """Write movements; one whose object an earlier page had is added to that."""
    mine = ReconciledPayment.reconciliation_id == reconciliation_id
    columns = [getattr(ReconciledPayment, name) for name in _NAMES]
    known = {
        row.object_id: Tie(**row._mapping)
        for row in connection.execute(
            select(*columns).where(mine, ReconciledPayment.object_id.in_([each.object_id for each in ties]))
        )
    }
    fresh = [each for each in ties if each.object_id not in known]
    if fresh:
        rows = [asdict(each) | {"reconciliation_id": reconciliation_id} for each in fresh]
        connection.execute(insert(ReconciledPayment), rows)
    for each in ties:
        if each.object_id in known:
            whole = added(known[each.object_id], each)
            connection.execute(
                update(ReconciledPayment)
                .where(mine, ReconciledPayment.object_id == each.object_id)
                .values(**asdict(whole))
            )
