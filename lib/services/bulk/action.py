"""What one bulk action is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lib.core.access import Permission
from lib.core.work import Work
from lib.models import Subscription

Arguments = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one row: a sentence, and the operation that it queued, if any."""

    sentence: str
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class BulkAction:
    """Something that can be done to many subscriptions.

    `permission`: what the person needs besides `bulk:run`, checked again at each row. `effect`: what it does
    to one row, for who is about to start it. `asks`: the arguments it needs, with their labels.
    `check` raises Invalid or Refused for arguments that cannot be accepted. `why_not` says of one row why it
    cannot, None when it can. `act` does it inside the transaction that marks the row as done: it must neither
    commit nor call Stripe, and says no by raising Refused.
    """

    name: str
    title: str
    permission: Permission
    effect: str
    asks: Mapping[str, str]
    check: Callable[[Session, Arguments, datetime], None]
    why_not: Callable[[Session, Subscription, Arguments, datetime], str | None]
    act: Callable[[Work, Subscription, Arguments, str], Result]
