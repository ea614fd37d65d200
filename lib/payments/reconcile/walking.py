"""The comparison of everything: page by page, in bounded memory, and going on where it was stopped.

    for each part:  theirs   Stripe's list, each page beside the rows that it names
                    ours     our rows, those that Stripe did not list asked for one by one
    at last:        here     what our rows say alone

After each page the findings and the place are kept in one transaction. A process that is killed loses the
page that it was at, and the next walk begins there. Stripe is never asked while a transaction is open.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.database import Database
from lib.core.errors import StripeFailed
from lib.models import DriftWalk
from lib.payments.gateway import Gateway
from lib.payments.gateway.lists import ListPage
from lib.payments.reconcile import here, ours, store
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.parts import PARTS, Mine, Part, Reading

CHUNK: Final = 500
"""Rows of ours that are read at once."""

_HERE: Final = "here"


@dataclass(slots=True)
class Budget:
    """At most so many requests a second, evenly: Stripe's limit is shared with the app (100 in live mode)."""

    per_second: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    spent: int = 0
    _free_at: float = field(default=0.0, init=False)

    def spend(self) -> None:
        """Wait until the next request may be sent."""
        present = self.clock()
        if self._free_at > present:
            self.sleep(self._free_at - present)
        self._free_at = max(present, self._free_at) + 1 / self.per_second
        self.spent += 1


@dataclass(frozen=True, slots=True)
class Walked:
    """How a walk went: objects compared, findings, those gone since the last one, and requests to Stripe."""

    walk_id: str
    compared: int
    found: int
    gone: int
    requests: int


def walk(
    database: Database,
    gateway: Gateway,
    *,
    since: datetime | None = None,
    budget: Budget,
    progress: Callable[[int], None] = lambda _compared: None,
    clock: Callable[[], datetime] = moments.now,
) -> Walked:
    """Compare everything, or only what was made since then, and keep what differs.

    Goes on with a walk of the same `since` that was stopped less than two days ago. `progress` hears how many
    objects were compared. One walk at a time is for the caller to see to. Raises StripeFailed when Stripe
    cannot be asked; what was found until then is kept.
    """
    under_way = store.begin(database, since, clock())
    walker = _Walker(database, gateway, under_way, budget, progress, clock)
    names = [part.name for part in PARTS]
    first = names.index(under_way.part) if under_way.part in names else 0
    if under_way.part != _HERE:
        for part in PARTS[first:]:
            walker.part(part)
    walker.here()
    gone = store.finish(database, under_way, clock())
    return Walked(under_way.id, under_way.compared, under_way.found, gone, under_way.requests)


@dataclass(slots=True)
class _Walker:
    database: Database
    gateway: Gateway
    walk: DriftWalk
    budget: Budget
    progress: Callable[[int], None]
    clock: Callable[[], datetime]

    def part(self, part: Part) -> None:
        """Both stages of a part, from where the walk stands."""
        if self.walk.part != part.name:
            self._stand(part.name, "theirs", forget=True)
        if self.walk.stage == "theirs":
            self._theirs(part)
            self._stand(part.name, "ours")
        self._ours(part)

    def here(self) -> None:
        """What our rows say alone."""
        if self.walk.part != _HERE:
            self._stand(_HERE, "impossible", forget=True)
        while self.walk.stage == "impossible":
            with self._reading() as session:
                found = here.impossible(session, self.walk.cursor or "", self.clock(), CHUNK)
            self.walk.cursor = found[-1][0] if found else None
            self._keep((), [finding for _, findings in found for finding in findings], len(found))
            if len(found) < CHUNK:
                self._stand(_HERE, "couples")
        for find in (here.customers_twice, here.both_pay):
            with self._reading() as session:
                findings = find(session)
                while some := list(islice(findings, CHUNK)):
                    self._keep((), some, 0)

    def _theirs(self, part: Part) -> None:
        while True:
            page = self._page(part)
            with self._reading() as session:
                findings = part.compared(self._beside(session), page.items)
            findings = self._explained(part, findings)
            self.walk.cursor = page.after
            seen = (key for item in page.items for key in part.keys(item) if key is not None)
            self._keep(seen, findings, len(page.items))
            if page.after is None:
                return

    def _page(self, part: Part) -> ListPage[object]:
        try:
            self._spend()
            since = part.since(self.walk.since, self.clock())
            return part.listed(self.gateway, self.walk.cursor, since)
        except StripeFailed as error:
            if error.code != "resource_missing" or self.walk.cursor is None:
                raise
        # What the walk stood at was deleted meanwhile: the list is read from its beginning again.
        self.walk.cursor = None
        return self._page(part)

    def _ours(self, part: Part) -> None:
        while part.mine is not None and part.asked is not None:
            with self._reading() as session:
                chunk = part.mine(self._beside(session), self.walk.cursor or "", CHUNK)
                lacking = self._not_listed(session, chunk)
                prices = ours.prices(session)
            findings: list[Finding] = []
            for row in lacking:
                self._spend()
                findings += part.asked(self.gateway, row.row, prices, self.clock())
            findings = self._explained(part, findings)
            self.walk.cursor = chunk[-1].id if chunk else None
            self._keep((), findings, len(lacking))
            if len(chunk) < CHUNK:
                return

    def _explained(self, part: Part, findings: Sequence[Finding]) -> list[Finding]:
        explained = []
        for finding in findings:
            if part.explained is not None and finding.kind in part.needs_explaining:
                self._spend()
                explained.append(part.explained(self.gateway, finding))
            else:
                explained.append(finding)
        return explained

    def _not_listed(self, session: Session, chunk: Sequence[Mine]) -> list[Mine]:
        lacking = store.not_listed(session.connection(), (key for row in chunk for key in row.keys))
        return [row for row in chunk if lacking.issuperset(row.keys)]

    def _keep(self, seen: Iterable[str], findings: Sequence[Finding], compared: int) -> None:
        if findings:
            with self._reading() as session:
                settling = store.under_way(session.connection(), findings)
            findings = [
                finding
                for finding in findings
                if not settling & {finding.stripe_id, f"{finding.object_type}:{finding.object_id}"}
            ]
        self.walk.compared += compared
        store.keep_page(self.database, self.walk, seen, findings, self.clock())
        self.progress(self.walk.compared)

    def _stand(self, part: str, stage: str, *, forget: bool = False) -> None:
        self.walk.part, self.walk.stage, self.walk.cursor = part, stage, None
        store.next_stage(self.database, self.walk, forget=forget)

    def _spend(self) -> None:
        self.budget.spend()
        self.walk.requests += 1

    def _beside(self, session: Session) -> Reading:
        return Reading(session, self.clock(), self.walk.since)

    def _reading(self) -> Session:
        return Session(self.database.primary.execution_options(writes=False))
