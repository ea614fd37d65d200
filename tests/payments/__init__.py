"""Golden payloads: recorded Stripe objects and events that live outside this repository."""

import json
from typing import Any

from tests.conftest import golden


def golden_webhook(name: str) -> dict[str, Any]:
    """One recorded payload, parsed."""
    payload: dict[str, Any] = json.loads(golden(f"webhooks/{name}").read_text())
    return payload
