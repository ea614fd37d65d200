"""What all kinds of operation on a subscription share: how Stripe is asked, and how our row follows."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from lib.core.work import Work
from lib.payments import rows
from lib.payments.events import SubscriptionFacts
from lib.payments.gateway import MARK, Gateway
from lib.payments.kinds.kind import Answer, Kind, Next, Params, Sending
from lib.payments.rows import Changes

OVER: Final = frozenset({"canceled", "incomplete_expired"})

Shows = Callable[[SubscriptionFacts, Params], bool]
"""Whether a subscription is as the parameters of an operation want it."""


def follow(work: Work, answer: Answer, operation_id: str) -> Changes | None:
    """Let our subscription follow, and a code that the operation put on it count as redeemed."""
    assert isinstance(answer, SubscriptionFacts)
    rows.note_redemption(work, operation_id)
    return rows.follow_subscription(work, answer, source="action", source_id=operation_id)


def subscription_kind(
    title: str,
    send: Callable[[Gateway, Sending], Answer],
    shows: Shows,
    *,
    follow: Callable[[Work, Answer, str], Changes | None] = follow,
    refusal: Callable[[Answer], str | None] = lambda _: None,
    then: Callable[[Params, Answer], Next | None] = lambda *_: None,
) -> Kind:
    """A kind that is done when the subscription carries its mark, or is as it is to be anyhow.

    `follow`, `refusal`, `then`: as in `Kind`.
    """

    def ask(gateway: Gateway, sending: Sending) -> Answer | None:
        params = sending.params
        facts = gateway.subscriptions.retrieve(params["subscription_id"])
        marked = params.get("mark") is not None and facts.metadata.get(MARK) == params["mark"]
        return facts if marked or shows(facts, params) else None

    return Kind(title, send, ask, follow, refusal, then)


def is_over(facts: SubscriptionFacts, _params: Params | None = None) -> bool:
    """Whether it has ended."""
    return facts.status in OVER


def moment_of(params: Params, name: str) -> datetime | None:
    """A moment among the parameters, which are kept as text; None when it is empty."""
    text = params.get(name)
    return None if text is None else datetime.fromisoformat(text)
