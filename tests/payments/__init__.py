"""Golden payloads: recorded Stripe objects and events that live outside this repository."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def golden_path(name: str) -> Path:
    """A file of the golden folder; without the folder the test is skipped, or fails where CI=true."""
    folder = Path(os.environ.get("GOLDEN_DIR", _ROOT.parent / "shared" / "golden"))
    if not folder.is_dir():
        reason = f"no golden data at {folder}; set GOLDEN_DIR"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder / name


def golden_webhook(name: str) -> dict[str, Any]:
    """One recorded payload, parsed."""
    payload: dict[str, Any] = json.loads(golden_path(f"webhooks/{name}").read_text())
    return payload
