"""What each kind of operation is: how it is sent, how Stripe is asked whether it happened, what follows here.

    kind                                how its outcome is found
    refund                              our refund's id in the `metadata` of the payment's refunds
    subscription_cancel_now             the subscription is `canceled`
    subscription_cancel_at_period_end   `cancel_at_period_end` is set, or it is `canceled`
    subscription_keep                   nothing is set to end it, and it is not `canceled`

Stripe keeps no metadata on cancellations, hence the object's state; it forgets idempotency keys after about a
day, hence a question before anything is sent a second time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lib.core.errors import StripeFailed
from lib.core.work import Work
from lib.payments import rows
from lib.payments.events import RefundFacts, SubscriptionFacts
from lib.payments.gateway import Gateway
from lib.payments.rows import Changes

Params = Mapping[str, Any]
Answer = RefundFacts | SubscriptionFacts

_OVER: Final = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Sending:
    """One operation on its way: `key` makes sending it twice harmless for a day."""

    operation_id: str
    kind: str
    params: Params

    @property
    def key(self) -> str:
        """The idempotency key: the same for every try of this operation, and for nothing else."""
        return f"{self.kind}:{self.operation_id}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of operation.

    `title`: what it does, for a reader. `send`: asks Stripe to do it. `ask`: Stripe's answer if it is done
    already, else None. `follow`: lets our rows follow an answer, on behalf of
    an operation; None when there is no such row any more. `refusal`: why an answer means that it was
    not done after all; None when it was.
    """

    title: str
    send: Callable[[Gateway, Sending], Answer]
    ask: Callable[[Gateway, Params], Answer | None]
    follow: Callable[[Work, Answer, str], Changes | None]
    refusal: Callable[[Answer], str | None] = lambda _: None


def _send_refund(gateway: Gateway, sending: Sending) -> Answer:
    params = sending.params
    return gateway.create_refund(
        payment_intent_id=params["payment_intent_id"],
        charge_id=params["charge_id"],
        amount_cents=params["amount_cents"],
        reason=params["reason"],
        metadata={"refund_id": params["refund_id"], "operation_id": sending.operation_id},
        key=sending.key,
    )


def _ask_refund(gateway: Gateway, params: Params) -> Answer | None:
    found = gateway.find_refund(
        params["payment_intent_id"], params["refund_id"], charge_id=params["charge_id"]
    )
    # One that failed is why this is tried again: it does not count as done.
    return None if found is None or _refund_refusal(found) else found


def _refund_refusal(answer: Answer) -> str | None:
    if answer.status not in {"failed", "canceled"}:
        return None
    why = answer.failure_reason if isinstance(answer, RefundFacts) else None
    return f"Stripe could not give the money back ({(why or answer.status).replace('_', ' ')})."


def _follow_refund(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    assert isinstance(answer, RefundFacts)
    return rows.follow_refund(work, answer, source="action", source_id=operation_id)


def _cancel_now(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.cancel_subscription(sending.params["subscription_id"], key=sending.key)


def _cancel_at_period_end(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.cancel_at_period_end(sending.params["subscription_id"], key=sending.key)


def _keep(gateway: Gateway, sending: Sending) -> Answer:
    return gateway.keep_subscription(sending.params["subscription_id"], key=sending.key)


def _is_over(facts: SubscriptionFacts) -> bool:
    return facts.status in _OVER


def _will_end(facts: SubscriptionFacts) -> bool:
    return _is_over(facts) or facts.cancel_at_period_end is True


def _goes_on(facts: SubscriptionFacts) -> bool:
    return not _is_over(facts) and facts.cancel_at_period_end is not True and facts.cancel_at is None


def _ask_subscription(
    wanted: Callable[[SubscriptionFacts], bool],
) -> Callable[[Gateway, Params], Answer | None]:
    def ask(gateway: Gateway, params: Params) -> Answer | None:
        facts = gateway.retrieve_subscription(params["subscription_id"])
        return facts if wanted(facts) else None

    return ask


def _follow_subscription(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    assert isinstance(answer, SubscriptionFacts)
    return rows.follow_subscription(work, answer, source="action", source_id=operation_id)


KINDS: Final[Mapping[str, Kind]] = {
    "refund": Kind("Refund at Stripe", _send_refund, _ask_refund, _follow_refund, _refund_refusal),
    "subscription_cancel_now": Kind(
        "Cancel now", _cancel_now, _ask_subscription(_is_over), _follow_subscription
    ),
    "subscription_cancel_at_period_end": Kind(
        "Cancel at the period's end",
        _cancel_at_period_end,
        _ask_subscription(_will_end),
        _follow_subscription,
    ),
    "subscription_keep": Kind("Keep going", _keep, _ask_subscription(_goes_on), _follow_subscription),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: an answer, or a failure.

    `in_doubt`: Stripe may have done it all the same. `retryable`: it was not done, and may work later.
    """

    answer: Answer | None = None
    failure: StripeFailed | None = None
    in_doubt: bool = False
    retryable: bool = False

    def __str__(self) -> str:
        """In a word, for the audit: what Stripe said stands in the operation itself."""
        if self.answer is not None:
            return "answered"
        return "unknown" if self.in_doubt else "turned down for now" if self.retryable else "refused"


def at_stripe(gateway: Gateway, sending: Sending, *, ask_first: bool, in_doubt: bool) -> Outcome:
    """Let Stripe do it, outside of any transaction, and say what came of it.

    `ask_first`: it may have been sent before, so it is sent only if Stripe shows that it did not happen.
    `in_doubt`: nobody knows yet what came of an earlier try; a question without an answer leaves it so.
    """
    kind = KINDS[sending.kind]
    try:
        answer = _asked(kind, gateway, sending.params) if ask_first else None
    except StripeFailed as failure:
        return Outcome(failure=failure, in_doubt=in_doubt, retryable=failure.retryable)
    try:
        return Outcome(answer or kind.send(gateway, sending))
    except StripeFailed as failure:
        if not failure.outcome_known:
            return Outcome(failure=failure, in_doubt=True)
        if failure.retryable:
            return Outcome(failure=failure, retryable=True)
        return _refused(kind, gateway, sending, failure)


def _refused(kind: Kind, gateway: Gateway, sending: Sending, failure: StripeFailed) -> Outcome:
    """Stripe said no, perhaps because it is so already: a subscription is not cancelled twice."""
    try:
        return Outcome(_asked(kind, gateway, sending.params), failure)
    except StripeFailed:
        return Outcome(failure=failure)


def _asked(kind: Kind, gateway: Gateway, params: Params) -> Answer | None:
    """Stripe's answer if it is done already; an object that Stripe does not know shows that it is not."""
    try:
        return kind.ask(gateway, params)
    except StripeFailed as failure:
        if failure.code == "resource_missing":
            return None
        raise
