"""One try of an operation at Stripe: asked first where it may have been sent before, and what came of it."""

from dataclasses import dataclass

from lib.core.errors import StripeFailed
from lib.payments import freshness
from lib.payments.gateway import Gateway
from lib.payments.kinds import KINDS, Answer, Kind, Sending


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
        known = _asked(kind, gateway, sending) if ask_first else None
    except StripeFailed as failure:
        return Outcome(failure=failure, in_doubt=in_doubt, retryable=failure.retryable)
    if known is not None:
        return Outcome(known)
    try:
        answer = kind.send(gateway, sending)
    except StripeFailed as failure:
        if not failure.outcome_known:
            return Outcome(failure=failure, in_doubt=True)
        if failure.retryable:
            return Outcome(failure=failure, retryable=True)
        return _refused(kind, gateway, sending, failure)
    return _now(gateway, answer) if ask_first else Outcome(answer)


def _refused(kind: Kind, gateway: Gateway, sending: Sending, failure: StripeFailed) -> Outcome:
    """Stripe said no, perhaps because it is so already: a subscription is not cancelled twice."""
    try:
        return Outcome(_asked(kind, gateway, sending), failure)
    except StripeFailed:
        return Outcome(failure=failure)


def _now(gateway: Gateway, answer: Answer) -> Outcome:
    """How things are after what may have been sent twice: Stripe repeats its first answer to a known key."""
    try:
        return Outcome(freshness.as_it_is(gateway, answer))
    except StripeFailed as failure:
        return Outcome(failure=failure, in_doubt=True)


def _asked(kind: Kind, gateway: Gateway, sending: Sending) -> Answer | None:
    """Stripe's answer if it is done already; an object that Stripe does not know shows that it is not."""
    try:
        return kind.ask(gateway, sending)
    except StripeFailed as failure:
        if failure.code == "resource_missing":
            return None
        raise
