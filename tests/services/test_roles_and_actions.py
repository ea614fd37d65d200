"""Every action x every role: whom a role does not allow it is told so, before anything is looked at."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

import lib.services
from lib.core.access import GRANTS, STAFF_ROLES, Actor, Role
from lib.core.database import Database
from lib.core.errors import NotAllowed
from lib.core.work import ACTIONS, name_of, reading, working
from lib.models import AuditEntry
from tests.staff import FINANCE


def actions() -> dict[str, Callable[..., Any]]:
    """Every action of the services by its name, with its guard."""
    found = {}
    for module in pkgutil.walk_packages(lib.services.__path__, "lib.services."):
        for function in vars(importlib.import_module(module.name)).values():
            if inspect.isfunction(function) and hasattr(function, "__wrapped__"):
                found[name_of(function)] = function
    return {name: function for name, function in found.items() if name in ACTIONS}


def nonsense(function: Callable[..., Any]) -> dict[str, str]:
    """An argument for each parameter but the Work."""
    return dict.fromkeys(list(inspect.signature(function).parameters)[1:], "nonsense")


def test_every_action_of_the_services_is_tried_here() -> None:
    found = actions()  # importing them is what registers them
    # Tests of the core have actions of their own.
    ours = {name for name in ACTIONS if not name.startswith(("verbs.", "processes.", "test_"))}

    assert len(found) > len(STAFF_ROLES)
    assert ours == found.keys()


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_a_role_is_refused_every_action_that_it_was_not_granted(sqlite_url: str, role: Role) -> None:
    database = Database(sqlite_url)
    somebody = Actor(f"staff_{role}", f"{role}@example.org", role)
    closed = {name: function for name, function in actions().items() if ACTIONS[name] not in GRANTS[role]}
    for function in closed.values():
        with (
            pytest.raises(NotAllowed, match="Your role"),
            working(database, somebody) as work,
        ):
            function(work, **nonsense(function))
    with reading(database, FINANCE) as view:
        noted = view.session.execute(
            select(AuditEntry.action, AuditEntry.outcome, func.count()).group_by(
                AuditEntry.action, AuditEntry.outcome
            )
        ).all()
    database.dispose()

    assert sorted(tuple(row) for row in noted) == sorted((name, "denied", 1) for name in closed)
