"""Ids: of rows, ascending and unique within a company; of Stripe's objects, in Stripe's look."""

import hashlib
import string
from random import Random

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Ids:
    """Makes the ids of one company. The same seed and the same order of calls give the same ids.

    Row ids ascend, so that bulk loading appends to the key's index instead of scattering over it.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: dict[str, int] = {}
        self._random: dict[str, Random] = {}

    def row(self, prefix: str) -> str:
        """An id for a row of ours: `pay_00000a1c9f3e20b7`. Each prefix counts for itself."""
        number = self._made.get(prefix, 0) + 1
        if number == 1:
            self._random[prefix] = Random(f"ids:{self._seed}:{prefix}")
        self._made[prefix] = number
        return f"{prefix}_{number:08x}{self._random[prefix].getrandbits(32):08x}"


def stripe_id(prefix: str, source: str) -> str:
    """An id in Stripe's look that follows from its source: `sub_1Q` and 22 letters and digits."""
    number = int.from_bytes(hashlib.blake2b(f"{prefix}:{source}".encode(), digest_size=17).digest())
    letters = []
    for _ in range(22):
        number, letter = divmod(number, 62)
        letters.append(_LETTERS[letter])
    # Customers carry 14 characters at Stripe, objects of payments begin with 3, others with 1.
    if prefix in {"cus", "prod"}:
        return f"{prefix}_{''.join(letters[:14])}"
    return f"{prefix}_{'3' if prefix in {'pi', 'ch', 're'} else '1'}Q{''.join(letters)}"
