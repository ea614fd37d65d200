"""What each kind of operation is: how it is sent, how Stripe is asked whether it happened, what follows here.

    kind                                how its outcome is found
    refund                              our refund's id in the `metadata` of the payment's refunds
    subscription_cancel_now             the subscription is `canceled`
    subscription_cancel_at_period_end   `cancel_at_period_end` is set, or it is `canceled`
    subscription_keep                   nothing is set to end it, and it is not `canceled`
    invoice_retry                       the invoice is paid, or was tried more often than was known
    invoice_send                        an event `invoice.sent` since it was asked for
    invoice_void                        the invoice is `void`
    invoice_uncollectible               the invoice is `uncollectible`
    customer_balance                    our credit's id in the `metadata` of the customer's movements
    credit_note                         our credit's id in the `metadata` of the invoice's credit notes

Stripe keeps no metadata on cancellations and on what is done with an invoice, hence the object's state; it
forgets idempotency keys after about a day, hence a question before anything is sent a second time. One module
for each kind of object.
"""

from collections.abc import Mapping
from typing import Final

from lib.payments.kinds import cancellations, crediting, invoices, refunds
from lib.payments.kinds.kind import Answer, Kind, Params, Sending

__all__ = ["KINDS", "Answer", "Kind", "Params", "Sending"]

KINDS: Final[Mapping[str, Kind]] = {
    **cancellations.KINDS,
    **crediting.KINDS,
    **invoices.KINDS,
    **refunds.KINDS,
}
