"""The demo's staff: one account for each role, with one password, which the sign-in page shows.

They exist in a demo only, which serves this machine only.
"""

from dataclasses import dataclass
from typing import Final

from pwdlib import PasswordHash
from sqlalchemy import update

from lib.core.access import Role, system
from lib.core.database import Database
from lib.core.work import working
from lib.models import AdminUser
from lib.services import staff

PASSWORD: Final = "better-together"  # noqa: S105 - shown on the sign-in page


@dataclass(frozen=True, slots=True)
class Account:
    """One demo account, and what its role is there for."""

    role: Role
    name: str
    purpose: str

    @property
    def email(self) -> str:
        """`support@example.org` and so on."""
        return f"{self.role.value}@example.org"


ACCOUNTS: Final = (
    Account(Role.SUPPORT, "Sam Support", "finds people, requests refunds"),
    Account(Role.FINANCE, "Fiona Finance", "decides refunds, watches revenue"),
    Account(Role.PRODUCT, "Pat Product", "watches errors and experiments"),
    Account(Role.ADMIN, "Ada Admin", "sees everything, lets staff in"),
)


def create_demo_staff(database: Database, password: str = PASSWORD) -> None:
    """Make the demo accounts, or give them their role and password back."""
    hashed = PasswordHash.recommended().hash(password)
    for account in ACCOUNTS:
        with working(database, system("demo")) as work:
            staff.grant(work, account.email, account.role, account.name)
        # A statement of its own: no password hash belongs into the audit trail.
        with database.primary.execution_options(writes=True).begin() as connection:
            connection.execute(
                update(AdminUser.__table__)  # type: ignore[arg-type]
                .where(AdminUser.email == account.email)
                .values(password_hash=hashed)
            )
