"""Balance transactions: what charges, refunds and failed refunds did to the balance.

None has a row of its own: each is a view of its source.
"""

import heapq
from collections.abc import Iterator

from stripe import params as typed

from lib.payments.sandbox.errors import missing_object, unsupported
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import transaction_id, transaction_source
from lib.payments.sandbox.listing import Page, bounds, cut, page_size
from lib.payments.sandbox.router import Params, Route
from lib.payments.sandbox.session import Session

_ROLES = {"charge": "charge", "refund": "refund", "refund_failure": "failed_refund"}


def _transaction(role: str, source: Facts) -> Facts:
    moment = source.get("failed_at", source["created"]) if role == "failed_refund" else source["created"]
    return {
        "object": "balance_transaction",
        "id": transaction_id(role, source["id"]),
        "created": moment,
        "role": role,
        "source": source,
    }


def retrieve(session: Session, _params: Params, transaction: str) -> Facts:
    """One balance transaction."""
    role, source_id = transaction_source(transaction) or ("charge", "")
    source = session.find("charge" if role == "charge" else "refund", source_id)
    if source is None or (source.get("status") == "failed" and role == "charge"):
        raise missing_object("balance_transaction", transaction)
    return _transaction(role, source)


def list_(session: Session, params: Params) -> Page:
    """Balance transactions, newest first, of one charge or refund (`source`) or of one type."""
    if "source" in params:
        found = iter(_of_source(session, params["source"]))
    else:
        kinds = {"charge", "refund"}
        wanted = params.get("type")
        if wanted and wanted not in _ROLES:
            raise unsupported(f"balance transactions of type {wanted!r}")
        found = _merged(session, kinds, bounds(params))
        if wanted:
            found = (one for one in found if one["role"] == _ROLES[wanted])
    if "starting_after" in params:
        found = _after(found, params["starting_after"])
    items, has_more = cut(found, page_size(params))
    return Page(items, has_more)


def _of_source(session: Session, source_id: str) -> list[Facts]:
    for kind in ("charge", "refund"):
        if source := session.find(kind, source_id):
            return list(_transactions(source))
    raise missing_object("charge", source_id, param="source")


def _transactions(source: Facts) -> Iterator[Facts]:
    failed = source.get("status") == "failed"
    if source["object"] == "refund" and failed:
        yield _transaction("failed_refund", source)
    if source["object"] == "refund" or not failed:
        yield _transaction(source["object"], source)


def _merged(session: Session, kinds: set[str], created: dict[str, int] | None) -> Iterator[Facts]:
    """Both kinds, newest first. A failure stands beside its refund, wherever its own time would put it."""
    streams = [session.select(kind, created=created) for kind in sorted(kinds)]
    for source in heapq.merge(*streams, key=lambda facts: facts["created"], reverse=True):
        yield from _transactions(source)


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
