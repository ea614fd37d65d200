"""One thing that our rows and Stripe disagree about, before it is stored."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lib.core import money
from lib.core.audit import canonical
from lib.payments.reconcile.classes import CLASSES

GRACE: Final = timedelta(days=1)
"""How long a trial or a period may be over: Stripe renews within hours, and its event may be late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What differs, in words for a reader.

    `kind`: a class of `CLASSES`. `ours`, `theirs`: both values, None where that side has nothing.
    `object_type`, `object_id`: our row, if there is one; `stripe_id`: Stripe's object, if there is one.
    `money_cents`: what is at stake in the smallest unit of `currency`; None where no amount says it.
    `since`: since when it is so, where either side says; `why_not`: why this one has no safe repair.
    """

    kind: str
    ours: str | None
    theirs: str | None
    stripe_id: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    relationship_id: str | None = None
    money_cents: int | None = None
    currency: str | None = None
    since: datetime | None = None
    why_not: str | None = None

    @property
    def key(self) -> str:
        """What it is about: the same difference found again has the same key."""
        return f"{self.kind}:{self.stripe_id or '-'}:{self.object_id or '-'}"

    @property
    def digest(self) -> str:
        """Stands for what was found: another value on either side is another digest."""
        return hashlib.sha256(canonical([self.key, self.ours, self.theirs]).encode()).hexdigest()[:32]

    @property
    def unrepairable(self) -> str | None:
        """Why there is no safe repair, of this finding or of its class; None when there is one."""
        return self.why_not or CLASSES[self.kind].why_none


def amount(cents: int | None, currency: str | None) -> str | None:
    """An amount as it is shown in a finding: `$30.00`; None for none."""
    return None if cents is None else money.show(cents, currency or "USD")


def moment(value: datetime | None) -> str | None:
    """A moment as it is shown in a finding: in UTC, to the minute."""
    return None if value is None else f"{value:%Y-%m-%d %H:%M} UTC"
