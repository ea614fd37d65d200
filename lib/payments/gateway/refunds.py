"""Refunds at Stripe."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from lib.payments.events import RefundFacts
from lib.payments.gateway.connection import Connection, facts_of


class Refunds:
    """Money given back for a payment, named by its payment intent or its charge."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def create(
        self,
        *,
        payment_intent_id: str | None = None,
        charge_id: str | None = None,
        amount_cents: int,
        reason: str | None,
        metadata: Mapping[str, str],
        key: str,
    ) -> RefundFacts:
        """Give back `amount_cents` of one payment, named by its payment intent or its charge.

        `reason`: one of Stripe's (duplicate, fraudulent, requested_by_customer) or None. `fraudulent` also
        blocks the card and the e-mail address at Stripe. What staff wrote belongs in our rows.
        `metadata`: carries our refund's id as `refund_id` and the operation's as `operation_id`; `find` looks
        for them.
        """
        params = {
            **_payment(payment_intent_id, charge_id),
            "amount": amount_cents,
            "metadata": dict(metadata),
        }
        if reason is not None:
            params["reason"] = reason
        return self._connection.write(RefundFacts, self._stripe.refunds.create, params=params, key=key)

    def find(
        self,
        payment_intent_id: str | None,
        refund_id: str,
        *,
        charge_id: str | None = None,
        operation_id: str | None = None,
    ) -> RefundFacts | None:
        """Stripe's refund of that payment (or charge) for our `refund_id`; None when it was never made.

        Of several tries, that of `operation_id` goes first, then one that has not failed or been canceled,
        then the newest.
        """
        ours = [
            refund
            for refund in self._listed(_payment(payment_intent_id, charge_id))
            if refund.metadata.get("refund_id") == refund_id
        ]
        wanted = (refund for refund in ours if refund.metadata.get("operation_id") == operation_id)
        alive = (refund for refund in ours if refund.status not in {"failed", "canceled"})
        return next(chain(wanted if operation_id else (), alive, ours), None)

    def retrieve(self, refund_id: str) -> RefundFacts:
        """The refund `re_…` as it is now."""
        return self._connection.one(RefundFacts, "refunds", refund_id)

    def of_charge(self, charge_id: str) -> list[RefundFacts]:
        """All refunds of a charge, newest first."""
        return list(self._listed({"charge": charge_id}))

    def _listed(self, payment: Mapping[str, Any]) -> Iterator[RefundFacts]:
        for row in self._connection.pages(self._stripe.refunds.list, payment):
            yield facts_of(RefundFacts, row)


def _payment(payment_intent_id: str | None, charge_id: str | None) -> dict[str, Any]:
    if (payment_intent_id is None) == (charge_id is None):
        raise ValueError("a refund is of a payment intent or of a charge: name one of them")
    return {"payment_intent": payment_intent_id} if payment_intent_id else {"charge": charge_id}
