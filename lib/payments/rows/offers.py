"""What is on offer follows Stripe: codes, the coupons of batches, the prices of plans and add-ons."""

from lib.core import money
from lib.core.work import Work
from lib.models import Addon, CodeBatch, DiscountCode, MadeCode, SubscriptionPlan
from lib.payments.events import PriceFacts, PromotionCodeFacts
from lib.payments.rows.found import Changes, noted


def follow_promotion_code(
    work: Work, facts: PromotionCodeFacts, discount_id: str, *, max_uses: int | None
) -> Changes | None:
    """Point our code to its coupon and its promotion code; take over its end, its limit, whether it is on.

    None when no code of ours has this id.
    """
    code = work.session.get(DiscountCode, discount_id)
    if code is None:
        return None
    code.stripe_coupon_id = facts.coupon_id
    code.max_uses = max_uses
    code.valid_until = facts.expires_at or code.valid_until
    code.is_active = facts.active is True
    made = work.session.get(MadeCode, discount_id)
    if made is not None:
        made.promotion_code_id = facts.id
    return noted(work)


def switch_code(work: Work, discount_id: str, *, on: bool) -> Changes | None:
    """Let our code be on or off as it now is at Stripe; None when no code of ours has this id."""
    code = work.session.get(DiscountCode, discount_id)
    if code is None:
        return None
    code.is_active = on
    return noted(work)


def follow_batch_coupon(work: Work, coupon_id: str, batch_id: str) -> Changes | None:
    """Note the coupon that the codes of a batch share; None when there is no such batch."""
    batch = work.session.get(CodeBatch, batch_id)
    if batch is None:
        return None
    batch.stripe_coupon_id = coupon_id
    return noted(work)


def follow_price(
    work: Work, facts: PriceFacts, entry: type[SubscriptionPlan] | type[Addon], key: str
) -> Changes | None:
    """Point a plan or an add-on to its price at Stripe, and take over product, amount and currency.

    Subscriptions keep the price that they were sold at. None when no row of ours has this id.
    """
    row = (
        work.session.get(SubscriptionPlan, key) if entry is SubscriptionPlan else work.session.get(Addon, key)
    )
    if row is None:
        return None
    before = row.price_cents
    row.stripe_price_id = facts.id
    row.stripe_product_id = facts.product_id or row.stripe_product_id
    row.price_cents = before if facts.unit_amount is None else facts.unit_amount
    if isinstance(row, SubscriptionPlan):
        if facts.currency and (row.currency or "USD").lower() != facts.currency.lower():
            row.currency = facts.currency.upper()
        row.price_display = _display(row.price_display, before, row.price_cents, row.currency)
    return noted(work)


def _display(text: str, before: int, after: int, currency: str | None) -> str:
    """The price as the app shows it, `$30/month per person`, with the new amount in place of the old one."""
    short = money.show(after, currency).removesuffix(".00")
    for shown in (money.show(before, currency), money.show(before, currency).removesuffix(".00")):
        if shown in text:
            return text.replace(shown, short)
    return text
