"""Reads Stripe's form encoding: `items[0][price]=price_1&metadata[k]=v` becomes nested dictionaries.

Values stay texts and lists stay dictionaries keyed "0", "1", …: only the typed check (`params`) knows what a
parameter is meant to be. `expand[]=a&expand[]=b` numbers its values by itself.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from lib.payments.sandbox.errors import StripeError

_KEY = re.compile(r"[^\[\]]+|\[[^\[\]]*\]")


def decode(text: str) -> dict[str, Any]:
    """The nested parameters of a query string or form body. Raises StripeError for two that contradict."""
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        path = [part.strip("[]") for part in _KEY.findall(key)]
        _place(tree, path, key, value)
    return tree


def _place(tree: dict[str, Any], path: list[str], key: str, value: str) -> None:
    node = tree
    for part in path[:-1]:
        inner = node.setdefault(part, {})
        if not isinstance(inner, dict):
            raise StripeError(f"Invalid parameter: {key} has two values of different forms.", param=key)
        node = inner
    last = path[-1] if path else key
    node[last or str(len(node))] = value
