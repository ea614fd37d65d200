"""How large the tests marked `sized` are: small in `make test`, large with FULL=1 in `make test-full`."""

import os
from typing import Final

FULL: Final = os.environ.get("FULL", "") in {"1", "true", "yes"}


def times(few: int, many: int) -> int:
    """How often something is tried: a few times by default, many times with FULL=1."""
    return many if FULL else few
