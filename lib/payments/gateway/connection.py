"""How a request is sent: repeated when that is safe, paged, and never in doubt unnoticed."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote_plus

import stripe

from lib.core.errors import StripeFailed
from lib.payments.events import Facts, read_object
from lib.payments.events.fields import at
from lib.payments.gateway.failures import FOREIGN_ERROR, translate, unreadable

API_VERSION = "2026-10-28.endive"
"""The version whose shapes Stripe answers in: the one that the pinned SDK's typed parameters describe."""

# Telemetry would send the times of our requests along with later ones.
stripe.enable_telemetry = False

_TRIES = 4
_LONGEST_PAUSE = 20.0  # seconds; also the most that a Retry-After makes us wait
_PAGE = 100  # rows a page, the most that Stripe gives

F = TypeVar("F", bound=Facts)


class Transport(stripe.RequestsClient):
    """Notes when an attempt may have reached Stripe without an answer of Stripe's that settles it.

    The SDK repeats such attempts by itself and raises only the last error: a time-out followed by a 429 ends
    as a RateLimitError, although the first attempt may have taken effect.
    """

    def __init__(self, timeout: tuple[float, float]) -> None:
        super().__init__(timeout=timeout)
        self._call = threading.local()

    def begin(self) -> None:
        """A new call starts on this thread."""
        self._call.in_doubt = False

    @property
    def in_doubt(self) -> bool:
        """Whether this thread's call had such an attempt."""
        return bool(getattr(self._call, "in_doubt", False))

    def request(  # type: ignore[override]  # the SDK's own overloads differ in bytes and str
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            body, status, answered = super().request(method, url, headers, post_data)
        except stripe.APIConnectionError:
            self._call.in_doubt = True
            raise
        # 409: an earlier request with the same key is still under way.
        if status >= 500 or status == 409:
            self._call.in_doubt = True
        if status >= 400 and not _is_stripe_error(body):
            # Not every such answer is Stripe's own, and the SDK trips over some of them.
            self._call.in_doubt = True
            body = FOREIGN_ERROR
        return body, status, answered


def _is_stripe_error(body: bytes) -> bool:
    try:
        return isinstance(at(json.loads(body), "error"), Mapping)
    except (ValueError, RecursionError):
        return False


class Connection:
    """Sends requests through the SDK and answers with plain JSON. Safe to share between threads.

    After a 429, which the SDK does not repeat, it waits with jitter, as long as `Retry-After` asks, and tries
    again, four times in all. Everything that goes wrong is a StripeFailed.
    """

    def __init__(
        self,
        key: str,
        *,
        api_base: str | None,
        timeout: tuple[float, float],
        retries: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = key
        self._sleep = sleep
        self._transport = Transport(timeout)
        self._client = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base.rstrip("/")} if api_base else {},
            max_network_retries=retries,
            http_client=self._transport,
        )
        self.v1 = self._client.v1

    def read(self, kind: type[F], send: Callable[..., Any], *args: Any, **kwargs: Any) -> F:
        """The facts that a request is answered with."""
        return facts_of(kind, self.ask(send, *args, **kwargs))

    def one(self, kind: type[F], folder: str, object_id: str, *, expand: Sequence[str] = ()) -> F:
        """The facts of one object, such as that of `charges` with the id `ch_…`, as it is now.

        Read off the JSON: the SDK's objects take it as long as all the rest of a request, and they would be
        made into JSON again.
        """
        address = f"/v1/{folder}/{quote_plus(object_id)}"
        return self.read(kind, self._client.raw_request, "get", address, expand=list(expand))

    def write(self, kind: type[F], send: Callable[..., Any], *args: Any, key: str, **kwargs: Any) -> F:
        """The facts of an object after changing it, once for this idempotency key."""
        # The SDK makes up a key for a POST but none for a DELETE, which is how a subscription is cancelled.
        answer = self.ask(send, *args, writes=True, options={"idempotency_key": key}, **kwargs)
        return facts_of(kind, answer, writes=True)

    def pages(
        self, send: Callable[..., Any], params: Mapping[str, Any], *parents: str
    ) -> Iterator[dict[str, Any]]:
        """Every row of a list; the next page is asked for when the last one is used up.

        `parents`: the ids in the list's address, such as the customer's.
        """
        after: str | None = None
        while True:
            rows, more = self.page(send, params, after, *parents)
            yield from rows
            if not more:
                return
            after = rows[-1]["id"]

    def page(
        self, send: Callable[..., Any], params: Mapping[str, Any], after: str | None, *parents: str
    ) -> tuple[list[dict[str, Any]], bool]:
        """The rows of a list that follow the object `after`, a hundred at most, and whether more follow."""
        cursor = {"starting_after": after} if after else {}
        answer = self.ask(send, *parents, params={**params, **cursor, "limit": _PAGE})
        rows = answer.get("data")
        if not isinstance(rows, list):
            raise unreadable(writes=False)
        return rows, bool(rows) and bool(answer.get("has_more"))

    def ask(
        self, send: Callable[..., Any], *args: Any, writes: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        """The JSON object that a request is answered with."""
        self._transport.begin()
        tries = 0
        while True:
            tries += 1
            try:
                answer = send(*args, **kwargs)
            except stripe.RateLimitError as error:
                if tries == _TRIES:
                    raise self._failure(error, writes) from None
                self._sleep(_pause(error, tries))
            except stripe.StripeError as error:
                # `from None`: the SDK's errors carry whole bodies and headers, which must not reach a log.
                raise self._failure(error, writes) from None
            else:
                if isinstance(answer, stripe.StripeObject):
                    return answer.to_dict(for_json=True)
                if isinstance(answer, stripe.StripeResponse) and isinstance(answer.data, dict):
                    return answer.data
                raise unreadable(writes=writes)

    def _failure(self, error: stripe.StripeError, writes: bool) -> StripeFailed:
        return translate(error, writes=writes, in_doubt=self._transport.in_doubt, key=self._key)

    def close(self) -> None:
        """Close this thread's connections; they open again when needed."""
        self._transport.close()  # type: ignore[no-untyped-call]


def _pause(error: stripe.RateLimitError, tries: int) -> float:
    """Seconds to wait before the next try: what Stripe asks for, else doubling from one, with jitter."""
    asked = (error.headers or {}).get("Retry-After", "")
    if asked.isdecimal():
        return min(float(asked), _LONGEST_PAUSE)
    return min(2.0 ** (tries - 1), _LONGEST_PAUSE) * random.uniform(0.5, 1.0)


def facts_of(kind: type[F], answer: object, *, writes: bool = False) -> F:
    """The answer as facts of that kind; StripeFailed when it is something else."""
    facts = read_object(answer)
    if not isinstance(facts, kind):
        raise unreadable(writes=writes)
    return facts
