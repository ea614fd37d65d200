"""What each kind of operation is: how it is sent, how Stripe is asked whether it happened, what follows here.

    kind                                how its outcome is found
    refund                              our refund's id in the `metadata` of the payment's refunds
    subscription_cancel_now             the subscription is `canceled`
    subscription_cancel_at_period_end   `cancel_at_period_end` is set, or it is `canceled`
    subscription_cancel_on              our mark, or `cancel_at` is that moment, or it is `canceled`
    subscription_keep                   nothing is set to end it, and it is not `canceled`
    subscription_start                  our row's id in the `metadata` of the customer's subscriptions
    subscription_hand_over              `cancel_at_period_end` is set; then subscription_start for the partner
    gift                                our row's id in the `metadata` of the giver's payments
    addon_cancel_now                    the add-on's subscription is `canceled`
    addon_cancel_at_period_end          `cancel_at_period_end` is set, or it is `canceled`
    subscription_change_plan            our mark, or an item has the new price
    subscription_pause_collection       our mark, or `pause_collection` says the same
    subscription_resume_collection      our mark, or `pause_collection` is empty
    subscription_pause                  it is `paused`
    subscription_resume                 it is no longer `paused`, and not `canceled`
    subscription_extend_trial           our mark, or `trial_end` is that moment
    subscription_apply_code             our mark, or the code's coupon is among its discounts
    subscription_remove_discount        our mark, or the discount is not there any more
    subscription_free_months            our mark, or our coupon is among its discounts
    subscription_comp                   the same
    invoice_retry                       the invoice is paid, or was tried more often than was known
    invoice_send                        an event `invoice.sent` since it was asked for
    invoice_void                        the invoice is `void`
    invoice_uncollectible               the invoice is `uncollectible`
    customer_balance                    our credit's id in the `metadata` of the customer's movements
    credit_note                         our credit's id in the `metadata` of the invoice's credit notes
    discount_create, discount_change    a promotion code of its coupon carries the `revision` asked for
    discount_switch_off                 no promotion code of its coupon and text is active
    discount_switch_on                  one is
    discount_coupon                     the coupon's id, which is ours
    catalogue_create                    a price of the product carries the `revision` asked for
    catalogue_new_price                 the same, and the price before it is archived
    catalogue_adopt_price               nothing is changed at Stripe: the price is read again

Our mark is an id in the subscription's metadata, written by the same request as the change. Stripe takes no
metadata on cancellations, pauses and resumptions, hence the object's state; it forgets idempotency keys after
about a day, hence a question before anything is sent a second time. What comes after an operation
(`Kind.then`) is prepared in the transaction that closes it. One module for each kind of object.
"""

from collections.abc import Mapping
from typing import Final

from lib.payments.kinds import (
    addons,
    cancellations,
    catalogue,
    changes,
    crediting,
    discounts,
    gifts,
    invoices,
    reductions,
    refunds,
    starts,
)
from lib.payments.kinds.kind import Answer, Kind, Next, Params, Sending

__all__ = ["KINDS", "Answer", "Kind", "Next", "Params", "Sending"]

KINDS: Final[Mapping[str, Kind]] = {
    **cancellations.KINDS,
    **changes.KINDS,
    **reductions.KINDS,
    **refunds.KINDS,
    **starts.KINDS,
    **gifts.KINDS,
    **addons.KINDS,
    **crediting.KINDS,
    **invoices.KINDS,
    **discounts.KINDS,
    **catalogue.KINDS,
}
