"""Balance transactions: what charges, refunds, failed refunds and disputes did to the balance.

None has a row of its own: each is a view of its source.
"""

import heapq
import operator
from collections.abc import Iterator

from stripe import params as typed

from lib.payments.sandbox.errors import missing_object, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import SOURCE_KINDS, transaction_id, transaction_source
from lib.payments.sandbox.listing import Page, bounds, cut, page_size
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.session import Session
from lib.payments.sandbox.shapes.payments import BALANCE_TYPES, moved_at

_COMPARED = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def _transaction(role: str, source: Facts) -> Facts:
    return {
        "object": "balance_transaction",
        "id": transaction_id(role, source["id"]),
        "created": moved_at(role, source),
        "role": role,
        "source": source,
    }


def retrieve(session: Session, _params: Params, transaction: str) -> Facts:
    """One balance transaction."""
    role, source_id = transaction_source(transaction) or ("charge", "")
    source = session.find(SOURCE_KINDS[role], source_id)
    if source is None or (source.get("status") == "failed" and role == "charge"):
        raise missing_object("balance_transaction", transaction)
    return _transaction(role, source)


def list_(session: Session, params: Params) -> Page:
    """Balance transactions, newest first, of one charge, refund or dispute (`source`) or of one type."""
    if "source" in params:
        found = iter(_of_source(session, params["source"]))
    else:
        wanted = params.get("type")
        if wanted and wanted not in BALANCE_TYPES.values():
            raise unsupported(f"balance transactions of type {wanted!r}")
        found = _merged(session, set(SOURCE_KINDS.values()), bounds(params))
        if wanted:
            found = (one for one in found if BALANCE_TYPES[one["role"]] == wanted)
    if "starting_after" in params:
        found = _after(found, params["starting_after"])
    items, has_more = cut(found, page_size(params))
    return Page(items, has_more)


def _of_source(session: Session, source_id: str) -> list[Facts]:
    for kind in ("charge", "refund", "dispute"):
        if source := session.find(kind, source_id):
            return list(_transactions(source))
    raise missing_object("charge", source_id, param="source")


def _transactions(source: Facts) -> Iterator[Facts]:
    failed = source.get("status") == "failed"
    if source["object"] == "dispute" and source["status"] == "won":
        yield _transaction("dispute_reversal", source)
    if source["object"] == "refund" and failed:
        yield _transaction("failed_refund", source)
    if _moved(source):
        yield _transaction(source["object"], source)


def _merged(session: Session, kinds: set[str], created: dict[str, int] | None) -> Iterator[Facts]:
    """All kinds, newest first, each by when the balance moved: what undoes one moved it later."""
    streams = [_of_kind(session, kind, created) for kind in sorted(kinds)]
    undone = (
        _transaction(role, source)
        for role, status in (("failed_refund", "failed"), ("dispute_reversal", "won"))
        for source in session.select(SOURCE_KINDS[role], statuses=[status])
    )
    later = sorted(
        (one for one in undone if _lies_within(one["created"], created)),
        key=lambda one: one["created"],
        reverse=True,
    )
    return heapq.merge(*streams, iter(later), key=lambda one: one["created"], reverse=True)


def _of_kind(session: Session, kind: str, created: dict[str, int] | None) -> Iterator[Facts]:
    return (_transaction(kind, source) for source in session.select(kind, created=created) if _moved(source))


def _moved(source: Facts) -> bool:
    """Whether the object itself moved the balance: a declined charge did not."""
    return source["object"] != "charge" or source.get("status") != "failed"


def _lies_within(moment: int, created: dict[str, int] | None) -> bool:
    return all(_COMPARED[name](moment, bound) for name, bound in (created or {}).items())


def _after(found: Iterator[Facts], cursor: str) -> Iterator[Facts]:
    for one in found:
        if one["id"] == cursor:
            return found
    raise missing_object("balance_transaction", cursor, param="starting_after")


ROUTES = (
    Route("GET", "/v1/balance_transactions/{}", retrieve, typed.BalanceTransactionRetrieveParams, "expand"),
    Route(
        "GET",
        "/v1/balance_transactions",
        list_,
        typed.BalanceTransactionListParams,
        "limit starting_after expand created source type",
    ),
)
