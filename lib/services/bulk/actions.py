"""Every bulk action by its name."""

from collections.abc import Mapping
from typing import Final

from lib.core.errors import NotFound
from lib.services.bulk.action import BulkAction
from lib.services.bulk.notes import ADD_NOTE
from lib.services.bulk.subscriptions import APPLY_CODE, CANCEL

__all__ = ["BulkAction", "bulk_action", "bulk_actions"]

_ACTIONS: Final = (APPLY_CODE, CANCEL, ADD_NOTE)


def bulk_actions() -> Mapping[str, BulkAction]:
    """What can be done to many at once, by name, in the order in which it is offered."""
    return {action.name: action for action in _ACTIONS}


def bulk_action(name: str) -> BulkAction:
    """The action with a name; raises NotFound."""
    try:
        return bulk_actions()[name]
    except KeyError:
        raise NotFound(f"There is no bulk action “{name[:40]}”.") from None
