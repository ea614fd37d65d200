"""Stripe's list object."""

from collections.abc import Sequence
from typing import Any


def list_of(data: Sequence[dict[str, Any]], url: str, *, has_more: bool = False) -> dict[str, Any]:
    """A page of objects; `url` is where the list itself is."""
    return {"object": "list", "data": list(data), "has_more": has_more, "url": url}
