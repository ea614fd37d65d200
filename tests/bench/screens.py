"""Every screen of the dashboard: each page's list, one detail of each, and each section that loads alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import ColumnElement, Select, func, select

from lib.core.access import Role
from lib.core.database import Database
from lib.models import (
    ActionPlan,
    AiCredit,
    Assignment,
    AuditEntry,
    BulkRun,
    CohortMonth,
    CoupleAtRisk,
    CreditGrant,
    DiscountUsage,
    Dyad,
    ErrorLog,
    ErrorOccurrence,
    InboxEvent,
    Invoice,
    Payment,
    Refund,
    Subscription,
    UserAddon,
)
from lib.models.expressions import month_of

Which = Literal["fewest", "most"]

_OF_A_COUPLE: Final = (
    "Timeline",
    "Money",
    "Engagement",
    "Life",
    "Messages",
    "Errors",
    "Notes",
    "Start or give",
    "Pause or end",
)
_OF_CREDITS: Final = ("Grants", "AI credits", "Add-ons", "Gifts")
_OF_A_PERSON: Final = ("Overview", "Payments", "Messages", "Notes", "Staff")
_OF_A_SUBSCRIPTION: Final = ("Overview", "Change plan", "Pause", "End", "Goodwill", "Discounts", "History")
_OF_A_PAYMENT: Final = ("Refunds", "Tries and fees", "Credit note", "Credit balance", "Notes")
_OF_A_CLOSE: Final = ("Figures", "Payments at Stripe", "Exchange rates")
_OF_REVENUE: Final = (
    "MRR",
    "Movements",
    "Plan mix",
    "Churn",
    "Payments",
    "Couples",
    "Stored by the app",
)
_OF_A_BRIDGE: Final = ("Another policy", "Stripe’s own")
_OF_COHORTS: Final = ("Couples kept", "Revenue kept", "Lifetime value", "Stored by the app")
_OWN_STEPS: Final = {"funnel": "Your own steps", "step1": "Plan viewed", "step2": "Subscription paid"}
_BY_MONTHS: Final = {"ages": "Months", "cohorts": "First time", "buckets": "Since each beginning"}
_OF_ENGAGEMENT: Final = ("Score", "Both partners", "One-sided couples", "Stored: scores")
_OF_AN_EVENT: Final = ("What it changed", "Payload", "Other events of this object")


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen as somebody who works with it sees it: a page with what stands in its address.

    `opens` names the kind of row that is open on it, which `Rows` has an id for.
    """

    title: str
    page: str
    role: Role
    opens: str | None = None
    address: Mapping[str, str] = field(default_factory=dict)


def _sections(title: str, page: str, role: Role, opens: str | None, names: Sequence[str]) -> list[Screen]:
    return [Screen(f"{title}: {name}", page, role, opens, {"section": name}) for name in names]


SCREENS: Final = (
    *(
        Screen(f"Home, {role.value}", "home", role)
        for role in (Role.SUPPORT, Role.FINANCE, Role.PRODUCT, Role.ADMIN)
    ),
    Screen("Search: a name", "search", Role.SUPPORT, address={"q": "anna"}),
    Screen("Search: a typing error", "search", Role.SUPPORT, address={"q": "kowalsk martines"}),
    Screen("Search: an e-mail", "search", Role.SUPPORT, address={"q": "anna.ko"}),
    Screen("Search: nothing found", "search", Role.SUPPORT, address={"q": "xqzzyv"}),
    Screen("Search: an id", "search", Role.SUPPORT, "stripe subscription"),
    Screen("Users", "users", Role.SUPPORT),
    Screen("Users: by the start of a name", "users", Role.SUPPORT, address={"q": "an"}),
    Screen("Users: who pays late", "users", Role.SUPPORT, address={"subscription": "Past due"}),
    Screen("Users: who pays", "users", Role.SUPPORT, address={"subscription": "Active"}),
    *_sections("User", "users", Role.SUPPORT, "person", _OF_A_PERSON),
    Screen("Couples", "relationships", Role.SUPPORT),
    Screen("Couples: by an e-mail", "relationships", Role.SUPPORT, address={"q": "anna.k"}),
    Screen("Couples: paused", "relationships", Role.SUPPORT, address={"status": "Paused"}),
    *_sections("Couple", "relationships", Role.SUPPORT, "couple", _OF_A_COUPLE),
    Screen("Subscriptions", "subscriptions", Role.SUPPORT),
    Screen("Subscriptions: past due", "subscriptions", Role.SUPPORT, address={"status": "Past due"}),
    Screen("Subscriptions: set to cancel", "subscriptions", Role.SUPPORT, address={"ending": "true"}),
    *_sections("Subscription", "subscriptions", Role.SUPPORT, "subscription", _OF_A_SUBSCRIPTION),
    Screen("Payments", "payments", Role.FINANCE),
    Screen("Payments: failed ones", "payments", Role.FINANCE, address={"status": "Failed"}),
    Screen("Payments: not collected", "payments", Role.FINANCE, address={"show": "Failed"}),
    Screen("Payments: disputes", "payments", Role.FINANCE, address={"show": "Disputes"}),
    *_sections("Payment", "payments", Role.FINANCE, "payment", _OF_A_PAYMENT),
    Screen("Refunds", "refunds", Role.FINANCE),
    Screen("Refunds: processed", "refunds", Role.FINANCE, address={"status": "Processed"}),
    Screen("Refunds: limits", "refunds", Role.FINANCE, address={"section": "Limits"}),
    Screen("Refund", "refunds", Role.FINANCE, "refund"),
    Screen("Refund: to decide", "refunds", Role.FINANCE, "refund to decide"),
    Screen("Plans", "plans", Role.FINANCE),
    Screen("Plan", "plans", Role.FINANCE, "plan"),
    Screen("Plan: a new one", "plans", Role.SUPPORT, "couple of a plan"),
    Screen("Discounts", "discounts", Role.SUPPORT),
    Screen("Discount", "discounts", Role.SUPPORT, "code"),
    *_sections("Credits & gifts", "credits", Role.FINANCE, None, _OF_CREDITS),
    Screen("Grant", "credits", Role.FINANCE, "grant"),
    Screen("A couple's credits", "credits", Role.SUPPORT, "credits of a couple"),
    Screen("Add-on", "credits", Role.SUPPORT, "purchase"),
    *_sections("Discount", "discounts", Role.FINANCE, "code", ("Did they stay?", "At Stripe")),
    Screen("Discounts: batches", "discounts", Role.FINANCE, address={"section": "Batches"}),
    Screen("Catalogue", "catalogue", Role.FINANCE),
    Screen("Bulk", "bulk", Role.FINANCE),
    Screen("Bulk: a new run", "bulk", Role.FINANCE, address={"section": "New run", "status": "Past due"}),
    Screen("Bulk run", "bulk", Role.FINANCE, "bulk run"),
    Screen("Stripe inbox", "inbox", Role.FINANCE),
    Screen("Stripe inbox: applied", "inbox", Role.FINANCE, address={"state": "Applied"}),
    Screen("Drift", "drift", Role.FINANCE),
    Screen("Drift: critical", "drift", Role.FINANCE, address={"severity": "Critical"}),
    *_sections("Event", "inbox", Role.FINANCE, "event", _OF_AN_EVENT),
    *_sections("Revenue", "revenue", Role.FINANCE, None, _OF_REVENUE),
    *_sections("Bridge", "bridge", Role.FINANCE, None, _OF_A_BRIDGE),
    Screen("Bridge: contracted", "bridge", Role.FINANCE, address={"to": "contracted", "reason": "Gift"}),
    Screen("Forecast", "forecast", Role.FINANCE),
    Screen("What if", "what_if", Role.FINANCE, address={"churn": "3"}),
    *_sections("Month close", "month_close", Role.FINANCE, None, _OF_A_CLOSE),
    Screen("At risk", "at_risk", Role.SUPPORT),
    Screen("At risk: set to cancel", "at_risk", Role.FINANCE, address={"reason": "Set to cancel"}),
    Screen("At risk: put aside", "at_risk", Role.FINANCE, address={"aside": "true"}),
    Screen("Couple at risk", "at_risk", Role.SUPPORT, "couple at risk"),
    *_sections("Cohorts", "cohorts", Role.FINANCE, None, _OF_COHORTS),
    Screen("Cohorts: how they came", "cohorts", Role.PRODUCT, address={"via": "Social"}),
    Screen("Cohorts: a cell", "cohorts", Role.FINANCE, "cohort", {"age": "1"}),
    Screen("Cohorts: a couple", "cohorts", Role.FINANCE, "couple"),
    Screen("Experiments", "experiments", Role.PRODUCT),
    Screen("Experiment", "experiments", Role.PRODUCT, "test"),
    Screen("Funnels", "funnels", Role.PRODUCT),
    Screen("Funnels: own steps", "funnels", Role.PRODUCT, address=_OWN_STEPS),
    Screen(
        "Funnels: who was lost", "funnels", Role.ADMIN, address={"step": "2", "outcome": "Lost before it"}
    ),
    Screen("Retention", "retention", Role.PRODUCT),
    Screen("Retention: by months, of one's own", "retention", Role.PRODUCT, address=_BY_MONTHS),
    Screen("Features", "features", Role.PRODUCT),
    Screen("Features: a year", "features", Role.PRODUCT, address={"section": "Trend", "days": "12 months"}),
    Screen("Features: people", "features", Role.FINANCE, address={"section": "People", "feature": "goals"}),
    *_sections("Engagement", "engagement", Role.FINANCE, None, _OF_ENGAGEMENT),
    Screen("Engagement: a couple", "engagement", Role.FINANCE, "one-sided couple"),
    *_sections("Sessions", "sessions", Role.PRODUCT, None, ("Visits", "Pages")),
    Screen("Campaigns", "campaigns", Role.PRODUCT),
    *_sections("Partners", "partners", Role.PRODUCT, None, ("Performance", "How couples came")),
    Screen("Errors", "errors", Role.PRODUCT),
    Screen("Errors: by a search", "errors", Role.PRODUCT, address={"q": "is:ongoing page:/home sync"}),
    Screen(
        "Errors: critical",
        "errors",
        Role.PRODUCT,
        address={"section": "Single errors", "severity": "Critical"},
    ),
    Screen(
        "Errors: by a part of the message",
        "errors",
        Role.PRODUCT,
        address={"section": "Single errors", "text": "sync"},
    ),
    Screen("Group of errors", "errors", Role.PRODUCT, "group of errors"),
    Screen(
        "Group of errors: what came of it",
        "errors",
        Role.PRODUCT,
        "group of errors",
        {"part": "What came of it"},
    ),
    Screen(
        "Group of errors: places and tests",
        "errors",
        Role.PRODUCT,
        "group of errors",
        {"part": "Places and tests"},
    ),
    Screen("Error", "errors", Role.PRODUCT, "error"),
    Screen("Audit", "audit", Role.ADMIN),
    Screen("Audit entry", "audit", Role.ADMIN, "entry"),
    Screen("Staff", "staff", Role.ADMIN),
)


def rows_to_open(database: Database, which: Which) -> dict[str, str]:
    """An id for each kind of row that a screen opens: the one with the most, or fewest, rows under it."""
    found = {
        "person": _extreme(Payment.user_id, which),
        "couple": _extreme(Payment.relationship_id, which),
        "subscription": _extreme(Payment.subscription_id, which),
        "payment": select(Invoice.payment_id).order_by(Invoice.stripe_invoice_id),
        "refund": select(Refund.id).order_by(Refund.id),
        "grant": select(CreditGrant.id).order_by(CreditGrant.requested_at, CreditGrant.id),
        "credits of a couple": _extreme(AiCredit.relationship_id, which),
        "purchase": select(UserAddon.id).order_by(UserAddon.id),
        "refund to decide": select(Refund.id).where(Refund.status == "pending").order_by(Refund.id),
        "plan": select(ActionPlan.id).order_by(ActionPlan.id),
        "couple of a plan": _extreme(Payment.relationship_id, which),
        "code": _extreme(DiscountUsage.discount_id, which),
        "event": _extreme(InboxEvent.stripe_object_id, which),
        "bulk run": select(BulkRun.id).order_by(BulkRun.total.desc()),
        "test": _extreme(Assignment.test_name, which),
        "group of errors": _extreme(ErrorOccurrence.group_id, which),
        "error": select(ErrorLog.id).where(ErrorLog.user_id.is_not(None)).order_by(ErrorLog.id.desc()),
        "couple at risk": select(CoupleAtRisk.id).order_by(CoupleAtRisk.id),
        "cohort": _cohort(which),
        "one-sided couple": select(Dyad.relationship_id).order_by(Dyad.state.desc(), Dyad.relationship_id),
        "entry": select(AuditEntry.seq).order_by(AuditEntry.seq.desc()),
    }
    with database.primary.execution_options(writes=False).connect() as connection:
        ids = {kind: str(connection.scalars(statement.limit(1)).one()) for kind, statement in found.items()}
        ids["event"] = connection.scalars(
            select(InboxEvent.event_id).where(InboxEvent.stripe_object_id == ids["event"]).limit(1)
        ).one()
        ids["stripe subscription"] = (
            connection.scalars(
                select(Subscription.stripe_subscription_id).where(Subscription.id == ids["subscription"])
            ).one()
            or ids["subscription"]
        )
    return ids


def address_of(screen: Screen, ids: Mapping[str, str]) -> dict[str, str]:
    """What stands in the address of a screen, with the row that is open on it."""
    if screen.opens is None:
        return dict(screen.address)
    others = {"Search: an id": "q", "Plan: a new one": "couple", "Cohorts: a cell": "cohort"}
    parameter = others.get(screen.title, "id")
    return {parameter: ids[screen.opens], **screen.address}


def _cohort(which: Which) -> Select[str]:
    """The month of the cohort with the most couples, or the fewest, that is a month old."""
    row, joined = CohortMonth, func.sum(CohortMonth.joined_couples)
    last = select(func.max(CohortMonth.cohort)).scalar_subquery()
    return (
        select(month_of(row.cohort))
        .where(row.policy == "house", row.cohort < last)
        .group_by(row.cohort)
        .order_by(joined.desc() if which == "most" else joined, row.cohort)
    )


def _extreme(key: ColumnElement[str | None] | object, which: Which) -> Select[str]:
    column: ColumnElement[str] = key  # type: ignore[assignment]
    number = func.count()
    return (
        select(column)
        .where(column.is_not(None))
        .group_by(column)
        .order_by(number.desc() if which == "most" else number, column)
    )
