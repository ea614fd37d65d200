"""Metadata: keys that are given are set, keys given as empty are removed, an empty value removes all.

Source: https://docs.stripe.com/api/metadata.
"""

from lib.payments.sandbox.errors import StripeError
from lib.payments.sandbox.facts import Facts
from lib.payments.sandbox.router import Params

_MOST_KEYS = 50
_LONGEST_KEY = 40
_LONGEST_VALUE = 500


def merge_metadata(facts: Facts, params: Params) -> None:
    """Apply the request's `metadata` to the object. Raises StripeError past Stripe's limits."""
    if "metadata" not in params:
        return
    kept = dict(facts.get("metadata", {})) if params["metadata"] else {}
    for name, value in (params["metadata"] or {}).items():
        if len(name) > _LONGEST_KEY:
            raise StripeError(
                f"Metadata keys can be up to {_LONGEST_KEY} characters long: '{name}' is {len(name)}.",
                param="metadata",
            )
        if value is None:
            kept.pop(name, None)
        elif len(value) > _LONGEST_VALUE:
            raise StripeError(
                f"Metadata values can have up to {_LONGEST_VALUE} characters. You passed in a value that is "
                f"{len(value)} characters under the key '{name}'.",
                param="metadata",
            )
        else:
            kept[name] = value
    if len(kept) > _MOST_KEYS:
        raise StripeError(f"You can only specify up to {_MOST_KEYS} keys in metadata.", param="metadata")
    facts["metadata"] = kept
