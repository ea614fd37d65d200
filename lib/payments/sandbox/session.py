"""One request's view of the account: objects are read, changed and added here, and events recorded.

Within a session an object exists once: whoever asks for `sub_1` gets the same dictionary, so a change made in
one place is seen in another. A session lives inside one transaction of the store.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lib.payments.sandbox import shapes
from lib.payments.sandbox.errors import missing_object
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.ids import new_id
from lib.payments.sandbox.kinds import KINDS
from lib.payments.sandbox.store import Store


class Session:
    """Reads and writes for one request. `now` is the time of everything that it makes, in Unix seconds."""

    def __init__(
        self,
        store: Store,
        *,
        now: int | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        self.store = store
        self.now = int(time.time()) if now is None else now
        self.request_id = request_id
        self.idempotency_key = idempotency_key
        self.recorded = 0
        self._seen: dict[tuple[str, str], Facts] = {}

    def find(self, kind: str, object_id: str) -> Facts | None:
        """The object, a deleted one too, or None."""
        if (kind, object_id) not in self._seen:
            found = self.store.get(kind, object_id)
            return self._known(found) if found else None
        return self._seen[kind, object_id]

    def get(self, kind: str, object_id: str, *, param: str | None = None) -> Facts:
        """The object; `param` names the parameter that asked. Raises StripeError `resource_missing`."""
        found = self.find(kind, object_id)
        if found is None or found.get("deleted"):
            raise missing_object(kind, object_id, param=param)
        return found

    def exists(self, kind: str, object_id: str) -> bool:
        """Whether there is such an object that was not deleted."""
        found = self.find(kind, object_id)
        return found is not None and not found.get("deleted")

    def select(self, kind: str, **conditions: Any) -> Iterator[Facts]:
        """Objects of one kind, newest first; the conditions are those of `Store.select`."""
        return (self._known(facts) for facts in self.store.select(kind, **conditions))

    def newest(self, kind: str, **conditions: Any) -> Facts | None:
        """The newest object that fits, or None."""
        return next(self.select(kind, **conditions), None)

    def add(self, kind: str, facts: Facts, *events: str) -> Facts:
        """Keep a new object, giving it an id and a time where it has none, and record `events` about it."""
        made: Facts = {"object": kind, "id": new_id(KINDS[kind].prefix), "created": self.now, **facts}
        self.store.put(made)
        self._seen[kind, made["id"]] = made
        for event in events:
            self.record_now(event, made)
        return made

    @contextmanager
    def changing(self, facts: Facts, *events: str) -> Iterator[Facts]:
        """Change the object inside the block; it is kept afterwards.

        `events` are recorded with what changed. An event ending in `updated` is left out when nothing did.
        """
        before = shapes.render(self, facts)
        yield facts
        self.store.put(facts)
        after = shapes.render(self, facts)
        for event in events:
            if after != before or not event.endswith(".updated"):
                self.record(event, facts, after, before)

    def remove(self, facts: Facts, event: str) -> shapes.Shape:
        """Delete the object, record `event`, and return what Stripe answers to a deletion.

        The facts stay behind a mark: a discount outlives its coupon, an invoice its customer.
        """
        self.record_now(event, facts)
        facts["deleted"] = True
        self.store.put(facts)
        return {"id": facts["id"], "object": facts["object"], "deleted": True}

    def record_now(self, event: str, facts: Facts) -> None:
        """Record an event about the object as it is now."""
        self.record(event, facts, shapes.render(self, facts))

    def record(
        self, event: str, subject: Facts, data: shapes.Shape, before: shapes.Shape | None = None
    ) -> None:
        """Record an event and queue its delivery to every endpoint that asked for it."""
        made: Facts = {
            "object": "event",
            "id": new_id("evt"),
            "created": self.now,
            "type": event,
            "subject": subject["id"],
            "subject_kind": subject["object"],
            "data": data,
            "before": before
            if event.endswith(("updated", "refunded", "deleted", "paused", "resumed"))
            else None,
            "request_id": self.request_id,
            "idempotency_key": self.idempotency_key,
        }
        self.store.put(made)
        self.recorded += 1
        for endpoint in self.store.select("webhook_endpoint", statuses=["enabled"]):
            if {"*", event} & set(endpoint["enabled_events"]) and not endpoint.get("deleted"):
                self.store.connection.execute(
                    "INSERT INTO delivery (event, endpoint, due) VALUES (?, ?, ?)",
                    (made["id"], endpoint["id"], time.time()),
                )

    def later(self, action: str, subject: str, seconds: float) -> None:
        """Have the server do `action` to `subject` after so many seconds (see `rules.deferred`)."""
        self.store.connection.execute(
            "INSERT INTO deferred (due, action, subject) VALUES (?, ?, ?)",
            (time.time() + seconds, action, subject),
        )

    def _known(self, facts: Facts) -> Facts:
        return self._seen.setdefault((facts["object"], facts["id"]), facts)
