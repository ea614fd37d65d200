"""Credit notes at Stripe: they lower an invoice, or credit the customer; none of ours sends money back."""

from collections.abc import Mapping
from typing import Any

from lib.payments.events import CreditNoteFacts
from lib.payments.events.customers import credit_note
from lib.payments.events.fields import text
from lib.payments.gateway.connection import Connection, facts_of


class CreditNotes:
    """What was taken off an invoice after it was made final."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stripe = connection.v1

    def preview(self, invoice_id: str, amount_cents: int, *, to_balance: bool) -> CreditNoteFacts:
        """What a credit note of that amount would do; Stripe changes nothing."""
        params = _note(invoice_id, amount_cents, to_balance)
        answer = self._connection.ask(self._stripe.credit_notes.preview, params=params)
        return credit_note(answer, text(answer.get("id")) or "preview")

    def create(
        self,
        invoice_id: str,
        *,
        amount_cents: int,
        to_balance: bool,
        reason: str | None,
        memo: str | None,
        metadata: Mapping[str, str],
        key: str,
    ) -> CreditNoteFacts:
        """Take `amount_cents` off an open invoice, or credit them to the customer for a paid one.

        `to_balance`: the invoice is paid, so that the amount goes to the customer's credit balance.
        `reason`: one of Stripe's (duplicate, fraudulent, order_change, product_unsatisfactory) or None.
        `memo`: printed on the note for the customer to read. `metadata`: carries our own id as `credit_id`,
        by which `find` finds the note.
        """
        params = {
            **_note(invoice_id, amount_cents, to_balance),
            "metadata": dict(metadata),
            "expand": ["invoice"],
        }
        params |= {name: given for name, given in (("reason", reason), ("memo", memo)) if given}
        return self._connection.write(
            CreditNoteFacts, self._stripe.credit_notes.create, params=params, key=key
        )

    def of_invoice(self, invoice_id: str) -> list[CreditNoteFacts]:
        """All credit notes of an invoice, newest first."""
        params = {"invoice": invoice_id, "expand": ["data.invoice"]}
        return [
            facts_of(CreditNoteFacts, row)
            for row in self._connection.pages(self._stripe.credit_notes.list, params)
        ]

    def find(self, invoice_id: str, credit_id: str) -> CreditNoteFacts | None:
        """The credit note that carries our `credit_id`; None when it was never made."""
        ours = (note for note in self.of_invoice(invoice_id) if note.metadata.get("credit_id") == credit_id)
        return next(ours, None)


def _note(invoice_id: str, amount_cents: int, to_balance: bool) -> dict[str, Any]:
    # Of a paid invoice Stripe wants to be told where the amount goes: to the balance, or back as money.
    credited = {"credit_amount": amount_cents} if to_balance else {}
    return {"invoice": invoice_id, "amount": amount_cents, **credited}
