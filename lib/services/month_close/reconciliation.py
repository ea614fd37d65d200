"""A month's payments tied to Stripe's balance: asked for by finance, done by the worker, read here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Final

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import AnySelect, Column, listing
from lib.core.work import View, Work, action, query
from lib.models import PaymentReconciliation, ReconciledPayment, new_id
from lib.payments.balance import STATES
from lib.payments.balance.ties import Tie
from lib.services.month_close.cash import newest_reconciliation
from lib.services.month_close.standing import not_over

UNMATCHED: Final = ("amount_differs", "only_ours", "only_theirs", "other_month")
KINDS: Final[Mapping[str, str]] = {
    "payment": "Payments",
    "refund": "Refunds",
    "dispute": "Disputes",
    "payout": "Payouts",
    "other": "Other",
}
_ALL_UNMATCHED: Final = "Until a state is chosen: everything that is not the same on both sides."
CHOICES: Final = tuple(STATES)
TOTAL_COLUMNS: Final = (
    Column("what", "What"),
    Column("number", "Rows", "count"),
    Column("ours_cents", "Here", "money"),
    Column("theirs_cents", "At Stripe", "money"),
    Column("difference_cents", "Difference", "money"),
    Column("fee_cents", "Stripe kept", "money"),
    Column("net_cents", "Left in the balance", "money"),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """One reconciliation: how far it is, of how many movements, and what went wrong, if something did."""

    id: str
    month: date
    state: str
    done: int
    total_steps: int
    requests: int
    asked_by_email: str
    asked_at: datetime
    finished_at: datetime | None
    error: str | None

    @property
    def is_open(self) -> bool:
        """Whether the worker is on it, or will be."""
        return self.state in {"asked", "running"}


@dataclass(frozen=True, slots=True)
class Total:
    """One state of one kind and currency, or everything of a currency: sums on both sides, signed."""

    what: str
    currency: str
    number: int
    ours_cents: int
    theirs_cents: int
    fee_cents: int | None
    net_cents: int | None

    @property
    def difference_cents(self) -> int:
        """What Stripe has more than we."""
        return self.theirs_cents - self.ours_cents


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is known of a month: the newest that is through, one that is open, and the totals by currency.

    `unmatched` is how many rows are not the same on both sides in this month; `sentence` says so.
    """

    newest: Progress | None
    through_id: str | None
    totals: tuple[Total, ...]
    unmatched: int

    @property
    def sentence(self) -> str:
        """Whether the month ties, in words."""
        if self.through_id is None:
            return "This month's payments were not compared with Stripe's balance yet."
        if not self.unmatched:
            return (
                "Every payment, refund and dispute of the month is in Stripe's balance with the same amount."
            )
        rows = "row differs" if self.unmatched == 1 else "rows differ"
        return f"{self.unmatched:,} {rows} from Stripe's balance. Each is listed below, with its payment."


@action(Permission.REVENUE_CLOSE)
def reconcile(work: Work, month: date, *, reason: str, zone: str = "UTC") -> str:
    """Have the worker compare a month's payments with Stripe's balance; gives the reconciliation's id.

    One that is asked for or under way is given instead of a second one. Raises Refused while the month is
    not over in `zone`.
    """
    under_way = work.session.scalars(
        select(PaymentReconciliation).where(PaymentReconciliation.open_key == month.isoformat())
    ).one_or_none()
    if under_way is not None:
        work.about("admin_payment_reconciliations", under_way.id)
        return under_way.id
    if why_not := not_over(month, work.now, zone):
        raise Refused(why_not)
    row = PaymentReconciliation(
        id=new_id(),
        month=month,
        state="asked",
        stage="stripe",
        open_key=month.isoformat(),
        asked_by_email=work.actor.email,
        asked_at=work.now,
    )
    work.about("admin_payment_reconciliations", row.id)
    work.session.add(row)
    return row.id


@query(Permission.REVENUE_CLOSE)
def reconciling(view: View, reconciliation_id: str) -> Progress:
    """How far one is. Raises NotFound when there is none of this id."""
    row = view.session.get(PaymentReconciliation, reconciliation_id)
    if row is None:
        raise NotFound(f"There is no reconciliation {reconciliation_id[:40]}.")
    return _progress(row)


@query(Permission.REVENUE_CLOSE)
def payments_tied(view: View, month: date) -> Reconciled:
    """What is known of a month's payments at Stripe."""
    session = view.session
    newest = session.scalars(
        select(PaymentReconciliation)
        .where(PaymentReconciliation.month == month)
        .order_by(PaymentReconciliation.asked_at.desc(), PaymentReconciliation.id.desc())
        .limit(1)
    ).one_or_none()
    through = session.scalar(newest_reconciliation(month))
    sums = _sums(session, through) if through else []
    unmatched = sum(each.number for each in sums if each.state in UNMATCHED)
    return Reconciled(_progress(newest) if newest else None, through, tuple(_totals(sums)), unmatched)


@listing(
    Permission.REVENUE_CLOSE,
    columns=(
        Column("object_id", "At Stripe, or here", "id"),
        Column("state", "State", "status"),
        Column("kind", "What", "status"),
        Column("ours_cents", "Here", "money"),
        Column("theirs_cents", "At Stripe", "money"),
        Column("fee_cents", "Stripe kept", "money"),
        Column("net_cents", "Left in the balance", "money"),
        Column("moved_at", "Moved", "moment"),
        Column("payment_id", "Payment", "id"),
    ),
)
def reconciled(*, reconciliation_id: str = "", state: str | None = None) -> AnySelect:
    """The movements of a reconciliation, newest first: those of a state, or all that are not matched.

    Raises Invalid for a state that does not exist.
    """
    row = ReconciledPayment
    if state is not None and state not in STATES:
        raise Invalid(f"The states are {', '.join(STATES)}, not “{state[:40]}”.")
    wanted = (state,) if state else UNMATCHED
    settled_alike = row.settled_currency == row.currency
    return (
        select(row)
        .with_only_columns(
            row.object_id,
            row.state,
            row.kind,
            row.currency,
            row.ours_cents,
            row.theirs_cents,
            case((settled_alike, row.fee_cents)).label("fee_cents"),
            case((settled_alike, row.net_cents)).label("net_cents"),
            row.moved_at,
            row.payment_id,
            (row.reconciliation_id + "/" + row.object_id).label("key"),
        )
        .where(row.reconciliation_id == reconciliation_id, row.state.in_(wanted))
        .order_by(row.moved_at.desc(), row.object_id)
    )


def explained(state: str | None) -> str:
    """What a state means, in a sentence; without one, what the list shows."""
    return STATES.get(state, _ALL_UNMATCHED) if state else _ALL_UNMATCHED  # type: ignore[call-overload]


@query(Permission.REVENUE_CLOSE)
def movement(view: View, key: str) -> Tie:
    """One row of a reconciliation by its key, `reconciliation/object`. Raises NotFound."""
    reconciliation_id, _, object_id = key.partition("/")
    row = view.session.get(ReconciledPayment, (reconciliation_id, object_id))
    if row is None:
        raise NotFound("This row is gone: the month was compared anew since. Go back to the month.")
    return Tie(**{field.name: getattr(row, field.name) for field in fields(Tie)})


def _progress(row: PaymentReconciliation) -> Progress:
    return Progress(
        row.id,
        row.month,
        row.state,
        row.compared,
        max(row.expected, row.compared),
        row.requests,
        row.asked_by_email,
        row.asked_at,
        row.finished_at,
        row.error,
    )


@dataclass(frozen=True, slots=True)
class _Sum:
    currency: str
    state: str
    kind: str
    settled_currency: str | None
    number: int
    ours: int
    theirs: int
    fee: int
    net: int


def _sums(session: Session, reconciliation_id: str) -> list[_Sum]:
    row = ReconciledPayment
    where = (row.currency, row.state, row.kind, row.settled_currency)
    amounts = (row.ours_cents, row.theirs_cents, row.fee_cents, row.net_cents)
    found = session.execute(
        select(*where, func.count(), *(func.sum(func.coalesce(each, 0)) for each in amounts))
        .where(row.reconciliation_id == reconciliation_id)
        .group_by(*where)
    )
    return [
        _Sum(currency, state, kind, settled, *(int(number) for number in numbers))
        for currency, state, kind, settled, *numbers in found
    ]


def _totals(sums: Sequence[_Sum]) -> list[Total]:
    """Each currency by kind, and payments, refunds and disputes together."""
    totals: list[Total] = []
    for currency in sorted({each.currency for each in sums}):
        mine = [each for each in sums if each.currency == currency]
        for kind, title in KINDS.items():
            totals += _total(title, [each for each in mine if each.kind == kind])
        totals += _total("Together", [each for each in mine if each.state != "no_payment"])
    return totals


def _total(what: str, sums: Sequence[_Sum]) -> list[Total]:
    if not sums:
        return []
    # What was taken in one currency and settled in another has its fee in that one: it is not added here.
    alike = all(each.settled_currency in {None, each.currency} for each in sums)
    return [
        Total(
            what,
            sums[0].currency,
            sum(each.number for each in sums),
            sum(each.ours for each in sums),
            sum(each.theirs for each in sums),
            sum(each.fee for each in sums) if alike else None,
            sum(each.net for each in sums) if alike else None,
        )
    ]
