"""What one kind of operation is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lib.core.work import Work
from lib.payments.events import Facts
from lib.payments.gateway import Gateway
from lib.payments.rows import Changes

Params = Mapping[str, Any]
Answer = Facts


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
class Next:
    """An operation that has to follow another one: what `operations.prepare` needs for it."""

    kind: str
    object_type: str
    object_id: str
    params: Params


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of operation.

    `title`: what it does, for a reader. `send`: asks Stripe to do it. `ask`: Stripe's answer, as it is now,
    if it is done already, else None. `follow`: lets our rows follow an answer, on behalf of an operation;
    None when there is no such row any more. `refusal`: why an answer means that it was not done after all;
    None when it was. `then`: the operation that comes after it, if there is one; it is prepared in the
    transaction that closes this one, and so exactly once.
    """

    title: str
    send: Callable[[Gateway, Sending], Answer]
    ask: Callable[[Gateway, Sending], Answer | None]
    follow: Callable[[Work, Answer, str], Changes | None]
    refusal: Callable[[Answer], str | None] = lambda _: None
    then: Callable[[Params, Answer], Next | None] = lambda *_: None
