"""The versions of a closed month, as they were frozen, beside what the month would say now."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.core import moments
from lib.core.access import Permission
from lib.core.errors import NotFound
from lib.core.work import View, query
from lib.metrics.reported import DEFAULT_CURRENCY
from lib.models import MonthClose, MonthCloseLine, SubscriptionChange
from lib.services.month_close.lines import Difference, Line, Section, differences
from lib.services.month_close.standing import Standing, standing


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a closed month, with its lines in order."""

    id: str
    month: date
    number: int
    reporting_currency: str
    as_of: datetime | None
    ledger_seq: int
    audit_seq: int
    digest: str
    reason: str
    closed_by_email: str
    closed_at: datetime
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """The month and which version of it: `October 2026, version 1`."""
        return f"{self.month:%B %Y}, version {self.number}"

    def of(self, section: Section, policy: str = "", currency: str = "") -> list[Line]:
        """The lines of a section, of one policy and currency."""
        wanted = (section, policy, currency)
        return [line for line in self.lines if (line.section, line.policy, line.currency) == wanted]

    def value(self, section: Section, measure: str, currency: str, policy: str = "") -> Line | None:
        """One line; None where the version does not have it."""
        lines = self.of(section, policy, currency)
        return next((line for line in lines if line.measure == measure), None)


@dataclass(frozen=True, slots=True)
class MonthShown:
    """A month on the page: its versions, newest first, the one that is looked at, and today's figures."""

    month: date
    versions: tuple[int, ...]
    chosen: Version | None
    now: Standing
    differences: tuple[Difference, ...]
    policies: tuple[str, ...]
    currencies: tuple[str, ...]

    @property
    def state(self) -> str:
        """`open`, `frozen`, or `differs` when the newest version says something else than today's figures."""
        if self.chosen is None:
            return "open"
        return "differs" if self.is_newest and self.changed else "frozen"

    @property
    def is_newest(self) -> bool:
        """Whether the version that is looked at is the month's last word."""
        return self.chosen is not None and self.chosen.number == self.versions[0]

    @property
    def changed(self) -> int:
        """How many figures differ from what was frozen."""
        return sum(each.differs for each in self.differences)

    @property
    def why_not_restate(self) -> str | None:
        """Why there is nothing to restate, as a sentence."""
        if not self.is_newest:
            return "A newer version stands. Look at that one."
        if not self.changed:
            return "Nothing differs: today's figures are those that were frozen."
        return self.now.why_not

    def shown(self, policy: str, currency: str, *, all_lines: bool) -> list[Difference]:
        """The lines of a policy and the cash, in a currency: all of them, or those that differ."""
        return [
            each
            for each in self.differences
            if each.policy in {"", policy}
            and (each.section == "reported" or each.currency == currency)
            and (all_lines or each.differs)
        ]


@query(Permission.REVENUE_CLOSE)
def of_month(
    view: View,
    month: date,
    *,
    version: int | None = None,
    reporting: str = DEFAULT_CURRENCY,
    zone: str = "UTC",
) -> MonthShown:
    """A month with one of its versions, the newest until another is chosen, beside what it would say now.

    `zone` is where its days begin and end.

    Raises NotFound for a version that does not exist.
    """
    session = view.session
    closes = session.scalars(
        select(MonthClose).where(MonthClose.month == month).order_by(MonthClose.version.desc())
    ).all()
    row = next((each for each in closes if version in {None, each.version}), None)
    if row is None and version is not None:
        raise NotFound(f"There is no version {version} of {month:%B %Y}. Check the address.")
    chosen = _version(session, row) if row is not None else None
    now = standing(session, month, view.now, chosen.reporting_currency if chosen else reporting, zone)
    frozen = chosen.lines if chosen else now.lines
    return MonthShown(
        month,
        tuple(each.version for each in closes),
        chosen,
        now,
        tuple(differences(frozen, now.lines)),
        tuple(dict.fromkeys(line.policy for line in frozen if line.section == "recurring")),
        tuple(dict.fromkeys(line.currency for line in frozen if line.section != "reported")),
    )


@query(Permission.REVENUE_CLOSE)
def version(view: View, close_id: str) -> Version:
    """One version, as it was frozen. Raises NotFound when there is none of this id."""
    row = view.session.get(MonthClose, close_id)
    if row is None:
        raise NotFound(f"There is no close {close_id[:40]}. Check the address.")
    return _version(view.session, row)


@query(Permission.REVENUE_CLOSE)
def closable_months(view: View, *, most: int = 36, zone: str = "UTC") -> list[date]:
    """The months that there is something of in the ledger and that are over in a zone, the newest first."""
    first = view.session.scalar(select(func.min(SubscriptionChange.effective_at)))
    if first is None:
        return []
    months: list[date] = []
    month = moments.month_start(moments.day_of(view.now, zone))
    while len(months) < most and month > moments.month_start(moments.day_of(first, zone)):
        month = moments.month_start(month - timedelta(days=1))
        months.append(month)
    return months


def newest(session: Session, month: date) -> MonthClose | None:
    """The newest version of a month; None while it is open."""
    newest_first = select(MonthClose).where(MonthClose.month == month).order_by(MonthClose.version.desc())
    return session.scalars(newest_first.limit(1)).one_or_none()


def _version(session: Session, row: MonthClose) -> Version:
    return Version(
        row.id,
        row.month,
        row.version,
        row.reporting_currency,
        row.as_of,
        row.ledger_seq,
        row.audit_seq,
        row.digest,
        row.reason,
        row.closed_by_email,
        row.closed_at,
        tuple(lines_of(session, row.id)),
    )


def lines_of(session: Session, close_id: str) -> list[Line]:
    """The lines of a version, in order."""
    rows = session.scalars(
        select(MonthCloseLine).where(MonthCloseLine.close_id == close_id).order_by(MonthCloseLine.position)
    )
    return [
        Line(row.section, row.policy, row.currency, row.measure, row.value, row.why_not)  # type: ignore[arg-type]
        for row in rows
    ]
