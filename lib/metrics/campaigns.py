"""E-mail campaigns: clicks and conversions first; opens are told as what they are.

    click rate        clicks / delivered
    conversion rate   conversions / clicks
    unsubscribed      / delivered
    bounced           / sent
    opens             inflated: mail programs fetch pictures by themselves (Apple's since 2021), so an open
                      may be a machine's. They order nothing here and stand last.

From `email_campaign_analytics` as the app wrote it: a row for each sending, no currency (US dollars). Rates
are worked out from its counts, not taken from its own rate columns. More clicks than were delivered, or more
conversions than clicks, cannot be: such a row says so and stands in no rate.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, select

from lib.core.access import Permission
from lib.core.errors import Invalid
from lib.core.listing import AnySelect, Column, listing
from lib.core.moments import month_start
from lib.core.work import View, query
from lib.metrics.figure import Basis, share_of
from lib.models import EmailCampaign

KINDS: Final = ("welcome", "engagement", "retention", "promotional", "transactional")
CURRENCY: Final = "USD"
MEANINGS: Final = {
    "Clicks / delivered": "every click the app counted of every e-mail that reached a mailbox",
    "Conversions / clicks": "what the app noted as a conversion; payments are not looked at",
    "Opens, inflated by machines": "mail programs fetch pictures by themselves, so that an e-mail nobody "
    "read counts as opened. Compare clicks instead",
    "Impossible rows": "more clicks than delivered e-mails, or more conversions than clicks: left out of "
    "every rate",
    "Value": "`conversion_value_cents`, in US dollars: the table has no currency",
}
COLUMNS: Final = (
    Column("kind", "Kind", "code"),
    Column("sendings", "Sendings", "count"),
    Column("delivered", "Delivered", "count"),
    Column("clicked", "Clicks", "count"),
    Column("click_rate", "Clicks / delivered", "percent"),
    Column("conversions", "Conversions", "count"),
    Column("conversion_rate", "Conversions / clicks", "percent"),
    Column("value_cents", "Value", "money"),
    Column("unsubscribed_rate", "Unsubscribed", "percent"),
    Column("bounced_rate", "Bounced", "percent"),
    Column("open_rate", "Opens, inflated by machines", "percent"),
    Column("impossible", "Impossible rows", "count"),
)
MONTH_COLUMNS: Final = (Column("month", "Month", "day"), *COLUMNS)


@dataclass(frozen=True, slots=True)
class Results:
    """What came of some sendings; rates are None of nothing, `kind` is empty for all of them."""

    kind: str
    month: date | None
    sendings: int
    sent: int
    delivered: int
    clicked: int
    conversions: int
    value_cents: int
    impossible: int
    click_rate: Fraction | None
    conversion_rate: Fraction | None
    unsubscribed_rate: Fraction | None
    bounced_rate: Fraction | None
    open_rate: Fraction | None
    currency: str = CURRENCY


@dataclass(frozen=True, slots=True)
class Campaigns:
    """All sendings of a time, by kind and by kind and month; `why_not` when there was none."""

    total: Results
    kinds: tuple[Results, ...]
    months: tuple[Results, ...]
    basis: Basis
    why_not: str | None


@query(Permission.USAGE_READ)
def results(view: View, since: date, until: date, *, kind: str | None = None) -> Campaigns:
    """What came of the campaigns, of one kind or of all, that were sent in a time. One statement."""
    sent = select(EmailCampaign).where(EmailCampaign.sent_date.between(since, until))
    if kind is not None:
        sent = sent.where(EmailCampaign.campaign_type == kind)
    rows = view.session.scalars(sent.order_by(EmailCampaign.sent_date)).all()
    by_kind: dict[str, list[EmailCampaign]] = {}
    by_month: dict[tuple[date, str], list[EmailCampaign]] = {}
    for row in rows:
        sort = row.campaign_type or "unknown"
        by_kind.setdefault(sort, []).append(row)
        by_month.setdefault((month_start(row.sent_date), sort), []).append(row)
    kinds = [_results(sort, each) for sort, each in by_kind.items()]
    newest = f", the newest of {rows[-1].sent_date}" if rows else ""
    return Campaigns(
        _results("", rows),
        tuple(sorted(kinds, key=lambda each: -(each.click_rate or 0))),
        tuple(_results(sort, each, month) for (month, sort), each in by_month.items()),
        Basis(None, len(rows), f"sendings as the app wrote them{newest}", None),
        None if rows else "No campaign was sent in this time.",
    )


@listing(
    Permission.USAGE_READ,
    columns=(
        Column("campaign_name", "Campaign"),
        Column("sent_date", "Sent", "day"),
        Column("campaign_type", "Kind", "code"),
        Column("total_delivered", "Delivered", "count"),
        Column("total_clicked", "Clicks", "count"),
        Column("click_rate", "Clicks / delivered", "percent"),
        Column("conversion_count", "Conversions", "count"),
        Column("conversion_rate", "Conversions / clicks", "percent"),
        Column("conversion_value_cents", "Value", "money"),
        Column("total_unsubscribed", "Unsubscribed", "count"),
        Column("total_bounced", "Bounced", "count"),
        Column("open_rate", "Opens, inflated by machines", "percent"),
        Column("remark", "Remark"),
    ),
)
def sendings(*, kind: str | None = None, since: date | None = None) -> AnySelect:
    """Every sending, the latest first. Raises Invalid for a kind that does not exist."""
    if kind is not None and kind not in KINDS:
        raise Invalid(f"Kinds are {', '.join(KINDS)}, not “{kind[:40]}”.")
    row = EmailCampaign
    impossible = _impossible()
    statement = select(
        row.campaign_name,
        row.sent_date,
        row.campaign_type,
        row.total_delivered,
        row.total_clicked,
        case((~impossible, _ratio(row.total_clicked, row.total_delivered))).label("click_rate"),
        row.conversion_count,
        case((~impossible, _ratio(row.conversion_count, row.total_clicked))).label("conversion_rate"),
        row.conversion_value_cents,
        row.total_unsubscribed,
        row.total_bounced,
        _ratio(row.total_opened, row.total_delivered).label("open_rate"),
        case((impossible, "More than there can be: see the counts")).label("remark"),
    ).order_by(row.sent_date.desc(), row.id.desc())
    if kind is not None:
        statement = statement.where(row.campaign_type == kind)
    return statement if since is None else statement.where(row.sent_date >= since)


def _impossible() -> ColumnElement[bool]:
    row = EmailCampaign
    clicked = func.coalesce(row.total_clicked, 0)
    return (clicked > func.coalesce(row.total_delivered, 0)) | (
        func.coalesce(row.conversion_count, 0) > clicked
    )


def _ratio(part: Any, whole: Any) -> Any:
    return 1.0 * part / func.nullif(whole, 0)


def _is_possible(row: EmailCampaign) -> bool:
    return (row.conversion_count or 0) <= (row.total_clicked or 0) <= (row.total_delivered or 0)


def _results(kind: str, rows: Sequence[EmailCampaign], month: date | None = None) -> Results:
    good = [row for row in rows if _is_possible(row)]
    sent, delivered = _sum(good, "total_sent"), _sum(good, "total_delivered")
    clicked, converted = _sum(good, "total_clicked"), _sum(good, "conversion_count")
    return Results(
        kind,
        month,
        len(rows),
        sent,
        delivered,
        clicked,
        converted,
        _sum(good, "conversion_value_cents"),
        len(rows) - len(good),
        share_of(clicked, delivered),
        share_of(converted, clicked),
        share_of(_sum(good, "total_unsubscribed"), delivered),
        share_of(_sum(good, "total_bounced"), sent),
        share_of(_sum(good, "total_opened"), delivered),
    )


def _sum(rows: Iterable[EmailCampaign], name: str) -> int:
    return sum(int(getattr(row, name) or 0) for row in rows)
