"""Stripe as one account sees it: the key, and our verbs by the kind of object that they are about."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from lib.core.errors import Invalid
from lib.core.settings import Settings
from lib.payments.events.fields import at, text
from lib.payments.gateway.catalogue import Catalogue
from lib.payments.gateway.charges import Charges
from lib.payments.gateway.connection import Connection
from lib.payments.gateway.credit_notes import CreditNotes
from lib.payments.gateway.customers import Customers
from lib.payments.gateway.discounts import Discounts
from lib.payments.gateway.disputes import Disputes
from lib.payments.gateway.events import Events
from lib.payments.gateway.failures import unreadable
from lib.payments.gateway.invoices import Invoices
from lib.payments.gateway.lists import Lists
from lib.payments.gateway.payment_intents import PaymentIntents
from lib.payments.gateway.previews import Previews
from lib.payments.gateway.reductions import Reductions
from lib.payments.gateway.refunds import Refunds
from lib.payments.gateway.subscriptions import Subscriptions

_KEY = re.compile(r"[sr]k_(test|live)_[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose key it is: `id` is `acct_…`, `name` what Stripe's dashboard shows, `livemode` the key's mode."""

    id: str
    name: str | None
    livemode: bool


class Gateway:
    """Stripe, as one account sees it. Safe to share between threads.

    `key`: a secret or restricted key of test or live mode; Invalid when it is none.
    `api_base`: another address to talk to, such as the local sandbox's.
    `timeout`: seconds to connect, and to wait for each part of the answer.
    `retries`: how often a request is repeated, with the same key, that got no answer, a 409 or a 5xx.
    `sleep`: waits before a request that was told to slow down (429) is tried again.

    Every verb raises StripeFailed; the code `resource_missing` means that Stripe does not know the object.
    """

    def __init__(
        self,
        key: str,
        *,
        api_base: str | None = None,
        timeout: tuple[float, float] = (5.0, 20.0),
        retries: int = 2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._livemode = _is_live(key)
        self._connection = Connection(key, api_base=api_base, timeout=timeout, retries=retries, sleep=sleep)
        self.catalogue = Catalogue(self._connection)
        self.charges = Charges(self._connection)
        self.customers = Customers(self._connection)
        self.credit_notes = CreditNotes(self._connection)
        self.customers = Customers(self._connection)
        self.disputes = Disputes(self._connection)
        self.discounts = Discounts(self._connection)
        self.events = Events(self._connection)
        self.invoices = Invoices(self._connection)
        self.payment_intents = PaymentIntents(self._connection)
        self.lists = Lists(self._connection)
        self.previews = Previews(self._connection)
        self.reductions = Reductions(self._connection)
        self.refunds = Refunds(self._connection)
        self.subscriptions = Subscriptions(self._connection)

    def __repr__(self) -> str:
        return f"Gateway({'live' if self._livemode else 'test'} mode)"

    @property
    def livemode(self) -> bool:
        """Whether the key moves real money."""
        return self._livemode

    def close(self) -> None:
        """Close this thread's connections; they open again when needed."""
        self._connection.close()

    def check_key(self) -> Account:
        """Ask Stripe whose key it is: one cheap request that fails with a clear sentence for a wrong key."""
        answer = self._connection.ask(self._connection.v1.accounts.retrieve_current)
        account_id = text(answer.get("id"))
        if account_id is None:
            raise unreadable(writes=False)
        name = text(at(answer, "settings", "dashboard", "display_name"))
        return Account(
            id=account_id, name=name or text(at(answer, "business_profile", "name")), livemode=self._livemode
        )


def gateway_of(settings: Settings) -> Gateway | None:
    """Stripe as the settings' key sees it; None without a key. Raises Invalid for a key that is none."""
    return Gateway(settings.stripe_key, api_base=settings.stripe_api_base) if settings.stripe_key else None


def _is_live(key: str) -> bool:
    """Whether the key is of live mode. A malformed one is refused here: the HTTP library would quote it."""
    if not key:
        raise Invalid("The setting STRIPE_SECRET_KEY is empty.")
    if key.startswith("pk_"):
        raise Invalid(
            "STRIPE_SECRET_KEY holds a publishable key (pk_…). Put the secret key (sk_…) or a restricted one "
            "(rk_…) there."
        )
    match = _KEY.fullmatch(key)
    if match is None:
        raise Invalid("STRIPE_SECRET_KEY does not look like a key of Stripe's (sk_test_…, sk_live_…, rk_…).")
    return match[1] == "live"
