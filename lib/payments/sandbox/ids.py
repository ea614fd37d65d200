"""Ids in Stripe's form, and the ids of objects that exist only as a view of another one.

A balance transaction is a view of a charge or refund, an invoice payment one of a payment intent. Their ids
carry the id they are derived from, so they need no row and stay the same for ever.
"""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits

SOURCE_KINDS = {
    "charge": "charge",
    "refund": "refund",
    "failed_refund": "refund",
    "dispute": "dispute",
    "dispute_reversal": "dispute",
}
"""The roles of balance transactions, and the kind of object that each is a view of."""

_TRANSACTION_MARKS = {
    "charge": "1",
    "refund": "3",
    "failed_refund": "5",
    "dispute": "7",
    "dispute_reversal": "9",
}
_ID_PREFIXES = {"charge": "ch_", "refund": "re_", "dispute": "dp_"}


def random_text(length: int = 24) -> str:
    """Letters and digits that nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(prefix: str) -> str:
    """`re` -> `re_` and 24 random characters. A coupon has no prefix and gets 8, as at Stripe."""
    return f"{prefix}_{random_text()}" if prefix else random_text(8)


def tail(object_id: str) -> str:
    """What follows the prefix: `pi_3Abc` -> `3Abc`."""
    return object_id.partition("_")[2]


def transaction_id(role: str, source_id: str) -> str:
    """The balance transaction of an object in one of the roles of `SOURCE_KINDS`."""
    return f"txn_{_TRANSACTION_MARKS[role]}{tail(source_id)}"


def transaction_source(transaction: str) -> tuple[str, str] | None:
    """The role and source id that `transaction_id` was given; None for an id that it never made."""
    rest = tail(transaction)
    for role, mark in _TRANSACTION_MARKS.items():
        if transaction.startswith("txn_") and rest.startswith(mark):
            return role, _ID_PREFIXES[SOURCE_KINDS[role]] + rest[1:]
    return None


def invoice_payment_id(payment_intent: str) -> str:
    """The invoice payment that stands for this payment intent."""
    return "inpay_" + tail(payment_intent)


def item_id(subscription: str, position: int) -> str:
    """The id of a subscription's item that was stored without one."""
    return f"si_{tail(subscription)}{position or ''}"


def line_id(invoice: str, position: int) -> str:
    """The id of an invoice's line."""
    return f"il_{tail(invoice)}{position or ''}"
