"""The chain of a subscription that nobody recorded, worked out from the dates on its rows.

Production keeps no history: a row says what is, and a few dates say what was. What they leave open is decided
here, the same way for everybody, and the rows are marked `backfill`:

| what | from |
|---|---|
| start | `created_at`, or the first payment where that is earlier or the date unreadable |
| trial | from the start until `trial_end_date` |
| past due | since the period began whose renewal failed |
| paused | since the row was last written |
| set to cancel | since `canceled_at` |
| ended | at the period's end if the row was written at or after it, else at `canceled_at` |
| why it ended | involuntary when the last try to collect had failed, or the reason says so |
| plan and price | today's, all along: former ones are not kept |
| discount | from a payment with a redeemed code, for one billing period |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from lib.core.money import annualised
from lib.payments.ledger.states import Cause, State

Step = tuple[datetime, dict[str, Any]]
"""A moment, and the fields of the state that changed in it."""

_LOST: Final = ("payment_failed", "payment_disputed", "card_declined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the rows say about one subscription; `discounts` are (paid at, cents off), oldest first.

    `acquired_via`: how the couple came. A date is None where there is none or it cannot be read.
    `first_paid`, `last_paid` and `last_failed` are about its payments.
    """

    id: str
    relationship_id: str
    plan_id: str
    status: str
    billing_period: str
    price_cents: int
    currency: str | None
    is_gift: bool | None
    created_at: datetime | None
    updated_at: datetime | None
    trial_end_date: datetime | None
    current_period_start: datetime | None
    current_period_end: datetime | None
    canceled_at: datetime | None
    cancel_reason: str | None
    first_paid: datetime | None = None
    last_paid: datetime | None = None
    last_failed: datetime | None = None
    discounts: Sequence[tuple[datetime, int]] = ()
    acquired_via: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One row of a chain: the state since a moment, and why it ended, on the last one of a subscription."""

    effective_at: datetime
    state: State
    cause: Cause | None = None


def history_of(known: Known, now: datetime) -> list[Link]:
    """The chain of one subscription, up to `now`; empty when no date of it can be read."""
    start = _start(known)
    if start is None:
        return []
    start = min(start, now)
    end = _end(known, start, now) if known.status == "canceled" else None
    links: list[Link] = []
    for at, state in _states(known, start, end, now):
        if links and links[-1].effective_at == at:
            links.pop()
        if not links or links[-1].state != state:
            links.append(Link(at, state, _cause(known) if state.status == "canceled" else None))
    return links


def _start(known: Known) -> datetime | None:
    dates = [date for date in (known.created_at, known.first_paid) if date is not None]
    return min(dates) if dates else known.current_period_start


def _end(known: Known, start: datetime, now: datetime) -> datetime:
    asked, period_end, written = known.canceled_at, known.current_period_end, known.updated_at
    ran_out = period_end is not None and period_end <= now and (written is not None and written >= period_end)
    end = period_end if ran_out or asked is None else asked
    return min(max(end or written or now, start), now)


def _states(
    known: Known, start: datetime, end: datetime | None, now: datetime
) -> Iterator[tuple[datetime, State]]:
    """The state after each moment at which something about it changed, in order."""
    steps = [*_statuses(known, start, end, now), *_discounts(known, end)]
    if known.canceled_at is not None and (end is None or known.canceled_at < end):
        steps.append((max(known.canceled_at, start), {"set_to_cancel": True}))
    price = annualised(known.price_cents, known.billing_period)
    fields: dict[str, Any] = {
        "relationship_id": known.relationship_id,
        "status": "incomplete",
        "plan_id": known.plan_id,
        "billing_period": known.billing_period,
        "currency": (known.currency or "USD").upper(),
        "list_arr_cents": price,
        "net_arr_cents": price,
        "is_gift": bool(known.is_gift),
        "collection_paused": False,
        "set_to_cancel": False,
        "acquired_via": known.acquired_via,
    }
    for at, change in sorted((step for step in steps if step[0] <= now), key=lambda step: step[0]):
        fields |= change
        if fields["status"] == "canceled":
            fields["set_to_cancel"] = False
        yield max(at, start), State(**fields)


def _statuses(known: Known, start: datetime, end: datetime | None, now: datetime) -> Iterator[Step]:
    """A trial, if there was one, what it turned into, and what came of that."""
    if known.status == "incomplete":
        yield start, {"status": "incomplete"}
        return
    trial_end = known.trial_end_date
    if known.status == "trialing" or (trial_end is not None and trial_end > start):
        yield start, {"status": "trialing"}
    else:
        yield start, {"status": "active"}
        trial_end = None
    if known.status == "trialing":
        return
    last = _last_status(known, start, end)
    if trial_end is not None and (last is None or trial_end < last[0]):
        # One that is active before its trial's end was let go early: at the first payment, if there is one.
        early = max(known.first_paid or known.updated_at or start, start)
        yield (trial_end if trial_end <= now else min(early, now)), {"status": "active"}
    if last is not None:
        yield last


def _last_status(known: Known, start: datetime, end: datetime | None) -> Step | None:
    match known.status:
        case "canceled":
            return end or start, {"status": "canceled"}
        case "past_due":
            return max(start, known.current_period_start or start), {"status": "past_due"}
        case "paused":
            return max(start, known.updated_at or start), {"status": "paused"}
        case _:
            return None


def _discounts(known: Known, end: datetime | None) -> Iterator[Step]:
    price = annualised(known.price_cents, known.billing_period)
    period = timedelta(days=365 if known.billing_period == "annual" else 30)
    for number, (paid, cents) in enumerate(known.discounts):
        if end is not None and paid >= end:
            return
        yield paid, {"net_arr_cents": max(price - annualised(cents, known.billing_period), 0)}
        over = paid + period
        following = known.discounts[number + 1][0] if number + 1 < len(known.discounts) else None
        # A few days of slack: months differ in length, and a renewal is collected an hour late.
        if following is not None and following <= over + timedelta(days=3):
            continue
        if end is None or over < end:
            yield over, {"net_arr_cents": price}


def _cause(known: Known) -> Cause:
    reason = (known.cancel_reason or "").lower()
    if any(word in reason for word in _LOST):
        return "involuntary"
    failed_last = known.last_failed is not None and (
        known.last_paid is None or known.last_failed > known.last_paid
    )
    return "involuntary" if failed_last else "voluntary"
