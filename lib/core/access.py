"""Who may do what: roles are sets of permissions, and nothing else in the code asks for a role."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lib.core.errors import NotAllowed


class Permission(StrEnum):
    """`<resource>:<verb>`. Add one here before you use it."""

    AUDIT_READ = "audit:read"
    BULK_RUN = "bulk:run"
    CATALOGUE_READ = "catalogue:read"
    CATALOGUE_WRITE = "catalogue:write"
    CREDITS_DECIDE = "credits:decide"
    CREDITS_READ = "credits:read"
    CREDITS_REQUEST = "credits:request"
    DISCOUNTS_APPLY = "discounts:apply"
    DISCOUNTS_READ = "discounts:read"
    DISCOUNTS_WRITE = "discounts:write"
    DRIFT_READ = "drift:read"
    DRIFT_REPAIR = "drift:repair"
    ERRORS_NOTE = "errors:note"
    ERRORS_READ = "errors:read"
    ERRORS_RESOLVE = "errors:resolve"
    EXPERIMENTS_DECIDE = "experiments:decide"
    EXPERIMENTS_READ = "experiments:read"
    FUNNELS_READ = "funnels:read"
    HOME_READ = "home:read"
    INBOX_READ = "inbox:read"
    INBOX_REPLAY = "inbox:replay"
    NOTES_WRITE = "notes:write"
    PAYMENTS_COLLECT = "payments:collect"
    PAYMENTS_CREDIT = "payments:credit"
    PAYMENTS_READ = "payments:read"
    PEOPLE_READ = "people:read"
    PEOPLE_REVEAL = "people:reveal"
    REFUNDS_DECIDE = "refunds:decide"
    REFUNDS_READ = "refunds:read"
    REFUNDS_REQUEST = "refunds:request"
    RETENTION_READ = "retention:read"
    REVENUE_CLOSE = "revenue:close"
    REVENUE_COUPLES = "revenue:couples"
    REVENUE_READ = "revenue:read"
    REVENUE_REMARK = "revenue:remark"
    RISK_READ = "risk:read"
    RISK_WORK = "risk:work"
    STAFF_MANAGE = "staff:manage"
    STAFF_READ = "staff:read"
    SUBSCRIPTIONS_CANCEL = "subscriptions:cancel"
    SUBSCRIPTIONS_CHANGE = "subscriptions:change"
    SUBSCRIPTIONS_GIVE = "subscriptions:give"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_START = "subscriptions:start"
    USAGE_READ = "usage:read"


class Role(StrEnum):
    """What a member of staff does here. `system` is the worker and the command line; nobody is granted it."""

    SUPPORT = "support"
    FINANCE = "finance"
    PRODUCT = "product"
    ADMIN = "admin"
    SYSTEM = "system"


P = Permission
_SUPPORT: Final = {
    P.CREDITS_READ,
    P.CREDITS_REQUEST,
    P.DISCOUNTS_APPLY,
    P.DISCOUNTS_READ,
    P.ERRORS_NOTE,
    P.ERRORS_READ,
    P.HOME_READ,
    P.INBOX_READ,
    P.NOTES_WRITE,
    P.PAYMENTS_COLLECT,
    P.PAYMENTS_READ,
    P.PEOPLE_READ,
    P.PEOPLE_REVEAL,
    P.REFUNDS_READ,
    P.REFUNDS_REQUEST,
    P.RISK_READ,
    P.RISK_WORK,
    P.SUBSCRIPTIONS_CANCEL,
    P.SUBSCRIPTIONS_CHANGE,
    P.SUBSCRIPTIONS_GIVE,
    P.SUBSCRIPTIONS_READ,
    P.SUBSCRIPTIONS_START,
}
_FINANCE: Final = {
    P.AUDIT_READ,
    P.BULK_RUN,
    P.CATALOGUE_READ,
    P.CATALOGUE_WRITE,
    P.CREDITS_DECIDE,
    P.CREDITS_READ,
    P.CREDITS_REQUEST,
    P.DISCOUNTS_APPLY,
    P.DISCOUNTS_READ,
    P.DISCOUNTS_WRITE,
    P.DRIFT_READ,
    P.DRIFT_REPAIR,
    P.HOME_READ,
    P.INBOX_READ,
    P.INBOX_REPLAY,
    P.NOTES_WRITE,
    P.PAYMENTS_COLLECT,
    P.PAYMENTS_CREDIT,
    P.PAYMENTS_READ,
    P.PEOPLE_READ,
    P.PEOPLE_REVEAL,
    P.REFUNDS_DECIDE,
    P.REFUNDS_READ,
    P.REFUNDS_REQUEST,
    P.REVENUE_CLOSE,
    P.REVENUE_COUPLES,
    P.REVENUE_READ,
    P.REVENUE_REMARK,
    P.RISK_READ,
    P.RISK_WORK,
    P.SUBSCRIPTIONS_CANCEL,
    P.SUBSCRIPTIONS_CHANGE,
    P.SUBSCRIPTIONS_GIVE,
    P.SUBSCRIPTIONS_READ,
    P.SUBSCRIPTIONS_START,
    P.USAGE_READ,
}
_PRODUCT: Final = {
    P.CATALOGUE_READ,
    P.DISCOUNTS_READ,
    P.ERRORS_NOTE,
    P.ERRORS_READ,
    P.ERRORS_RESOLVE,
    P.EXPERIMENTS_DECIDE,
    P.EXPERIMENTS_READ,
    P.FUNNELS_READ,
    P.HOME_READ,
    P.RETENTION_READ,
    P.REVENUE_READ,
    P.REVENUE_REMARK,
    P.USAGE_READ,
}
GRANTS: Final[dict[Role, frozenset[Permission]]] = {
    Role.SUPPORT: frozenset(_SUPPORT),
    Role.FINANCE: frozenset(_FINANCE),
    Role.PRODUCT: frozenset(_PRODUCT),
    Role.ADMIN: frozenset(Permission),
    Role.SYSTEM: frozenset(Permission),
}
STAFF_ROLES: Final = (Role.SUPPORT, Role.FINANCE, Role.PRODUCT, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf something is read or done: a member of staff, or the system itself."""

    id: str
    email: str
    role: Role
    name: str = ""
    session_id: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the actor's role includes the permission."""
        return permission in GRANTS[self.role]

    def must(self, permission: Permission) -> None:
        """Raise NotAllowed unless the actor's role includes the permission."""
        if not self.may(permission):
            raise NotAllowed(
                f"Your role ({self.role}) does not include “{permission}”. Ask an admin if you need it."
            )

    @property
    def is_system(self) -> bool:
        """Whether this is the worker or the command line rather than a person."""
        return self.role is Role.SYSTEM


def system(name: str) -> Actor:
    """The actor of work that no person asked for at this moment, such as the worker's."""
    return Actor(id=f"system:{name}", email=f"{name}@system", role=Role.SYSTEM, name=name)
