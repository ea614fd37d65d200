"""Roles and permissions, as one table: a change of either is a change of this table."""

import pytest

from lib.core.access import GRANTS, STAFF_ROLES, Permission, Role, system
from lib.core.errors import NotAllowed
from tests.services.desk import somebody

# fmt: off
MATRIX = """
                        support  finance  product  admin
audit:read                 -        x        -        x
bulk:run                   -        x        -        x
catalogue:read             -        x        x        x
catalogue:write            -        x        -        x
credits:decide             -        x        -        x
credits:read               x        x        -        x
credits:request            x        x        -        x
discounts:apply            x        x        -        x
discounts:read             x        x        x        x
discounts:write            -        x        -        x
drift:read                 -        x        -        x
drift:repair               -        x        -        x
errors:note                x        -        x        x
errors:read                x        -        x        x
errors:resolve             -        -        x        x
experiments:decide         -        -        x        x
experiments:read           -        -        x        x
funnels:read               -        -        x        x
home:read                  x        x        x        x
inbox:read                 x        x        -        x
inbox:replay               -        x        -        x
notes:write                x        x        -        x
payments:collect           x        x        -        x
payments:credit            -        x        -        x
payments:read              x        x        -        x
people:read                x        x        -        x
people:reveal              x        x        -        x
refunds:decide             -        x        -        x
refunds:read               x        x        -        x
refunds:request            x        x        -        x
retention:read             -        -        x        x
revenue:close              -        x        -        x
revenue:couples            -        x        -        x
revenue:read               -        x        x        x
revenue:remark             -        x        x        x
risk:read                  x        x        -        x
risk:work                  x        x        -        x
staff:manage               -        -        -        x
staff:read                 -        -        -        x
subscriptions:cancel       x        x        -        x
subscriptions:change       x        x        -        x
subscriptions:give         x        x        -        x
subscriptions:read         x        x        -        x
subscriptions:start        x        x        -        x
usage:read                 -        x        x        x
"""
# fmt: on


def test_who_may_do_what_is_as_agreed() -> None:
    header, *lines = [line.split() for line in MATRIX.strip().splitlines()]
    expected = {
        (Role(role), permission): cell == "x"
        for permission, *cells in lines
        for role, cell in zip(header, cells, strict=True)
    }

    granted = {(role, str(each)): each in GRANTS[role] for role in STAFF_ROLES for each in Permission}

    assert granted == expected


def test_nobody_is_hired_as_the_system() -> None:
    assert Role.SYSTEM not in STAFF_ROLES
    assert system("worker").is_system
    assert not somebody("admin").is_system


def test_who_may_not_is_told_what_is_missing_and_whom_to_ask() -> None:
    with pytest.raises(
        NotAllowed, match=r"Your role \(product\) does not include “people:read”. Ask an admin"
    ):
        somebody("product").must(Permission.PEOPLE_READ)
