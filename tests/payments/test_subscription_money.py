"""What changes, gifts, codes and pauses of a subscription do to money, at Stripe and in the MRR ledger."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from lib.core import moments
from lib.core.database import Database
from lib.core.work import reading
from lib.models import DiscountUsage
from lib.payments import operations
from lib.services import subscriptions
from lib.services.subscriptions import asking, codes, goodwill, pauses, plan_changes
from tests.local_stripe import LocalStripe
from tests.payments.subscription_wishes import (
    LATER,
    desk_of,
    make_code,
)
from tests.staff import FINANCE, read


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.dispose()


def test_a_change_of_plan_charges_what_stripes_preview_said_and_moves_mrr(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    question = desk.question("dearer", "now")
    preview = plan_changes.preview(stripe.gateway, question)
    untouched = desk.theirs

    desk.ask(plan_changes.change, plan_id="dearer", settlement="now", moment=question.moment)
    desk.work_off()

    charged = stripe.gateway.invoices.retrieve(desk.theirs.latest_invoice_id or "")
    assert [item.price_id for item in untouched.items] == ["price_of_tests"]
    assert preview.now is not None
    assert preview.then is not None
    assert (preview.now.total_cents, preview.then.total_cents) == (charged.total, 5000)
    assert (charged.status, 0 < preview.now.total_cents <= 2000) == ("paid", True)
    assert (question.mrr_before_cents, question.mrr_after_cents) == (3000, 5000)
    assert (desk.ours.plan_id, desk.ours.price_cents) == ("dearer", 5000)
    assert (desk.ledger.net_arr_cents, desk.ledger.source) == (60_000, "action")


@pytest.mark.parametrize(("settlement", "more"), [("next_bill", True), ("not_at_all", False)])
def test_a_change_that_waits_charges_nothing_now_and_the_preview_says_what_comes(
    database: Database, stripe: LocalStripe, settlement: str, more: bool
) -> None:
    desk = desk_of(database, stripe)
    question = desk.question("dearer", settlement)
    preview = plan_changes.preview(stripe.gateway, question)
    invoice = desk.theirs.latest_invoice_id

    desk.ask(plan_changes.change, plan_id="dearer", settlement=settlement, moment=question.moment)
    desk.work_off()

    then = asking.at_stripe(stripe.gateway, desk.stripe_id).next_bill
    assert preview.now is None
    assert preview.then is not None
    assert then is not None
    assert preview.then.total_cents == then.total_cents
    assert (then.total_cents > 5000) is more
    assert desk.theirs.latest_invoice_id == invoice


def test_another_period_begins_at_once_and_is_charged_less_the_rest_of_the_old_one(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    question = desk.question("yearly", "next_bill")
    preview = plan_changes.preview(stripe.gateway, question)

    desk.ask(plan_changes.change, plan_id="yearly", settlement="next_bill", moment=question.moment)
    desk.work_off()

    charged = stripe.gateway.invoices.retrieve(desk.theirs.latest_invoice_id or "")
    assert preview.now is not None
    assert preview.then is not None
    assert preview.now.total_cents == charged.total
    assert charged.total < 24_000 == preview.then.total_cents
    assert preview.then.at is not None
    assert preview.then.at - preview.now.at >= timedelta(days=365)
    assert (desk.ours.billing_period, desk.ledger.net_arr_cents) == ("annual", 24_000)
    assert question.mrr_after_cents == 2000


def test_free_months_are_goodwill_in_the_ledger_and_mrr_stays(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)

    desk.ask(goodwill.free_months, months=2)
    desk.work_off()

    next_bill = asking.at_stripe(stripe.gateway, desk.stripe_id).next_bill
    assert next_bill is not None
    assert next_bill.total_cents == 0
    assert (desk.ledger.list_arr_cents, desk.ledger.net_arr_cents) == (36_000, 0)
    assert desk.ledger.goodwill_arr_cents == 36_000
    assert read(database, FINANCE, subscriptions.one, desk.id).mrr_cents == 3000


def test_a_free_month_of_an_annual_plan_is_a_twelfth_off_the_next_bill(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    desk.ask(plan_changes.change, plan_id="yearly", settlement="now", moment=moments.now())
    desk.work_off()

    desk.ask(goodwill.free_months, months=1)
    desk.work_off()

    next_bill = asking.at_stripe(stripe.gateway, desk.stripe_id).next_bill
    assert next_bill is not None
    assert next_bill.total_cents == 22_000
    assert (desk.ledger.net_arr_cents, desk.ledger.goodwill_arr_cents) == (22_000, 2_000)


def test_a_subscription_for_nothing_adds_nothing_to_mrr(database: Database, stripe: LocalStripe) -> None:
    desk = desk_of(database, stripe)

    desk.ask(goodwill.comp)
    desk.work_off()

    assert (desk.ledger.net_arr_cents, desk.ledger.goodwill_arr_cents) == (0, 0)
    assert desk.ledger.forever_arr_cents == 36_000
    assert read(database, FINANCE, subscriptions.one, desk.id).mrr_cents == 0


def test_a_code_joins_the_discounts_that_are_there_and_counts_as_redeemed_once(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    make_code(database)
    desk.ask(goodwill.free_months, months=1)
    desk.work_off()

    queued = desk.ask(codes.apply, code="SPRING20")
    desk.work_off()
    operations.settle(database, stripe.gateway, queued.id)

    with reading(database, FINANCE) as view:
        used = view.session.scalars(select(DiscountUsage)).one()
        code = view.session.get_one(codes.DiscountCode, "disc_spring")
    assert len(desk.theirs.discounts) == 2
    assert (used.id, used.discount_amount_cents, code.current_uses) == (queued.id, 600, 1)


def test_removing_one_discount_leaves_the_others(database: Database, stripe: LocalStripe) -> None:
    desk = desk_of(database, stripe)
    make_code(database)
    for action, given in ((codes.apply, {"code": "SPRING20"}), (goodwill.free_months, {"months": 1})):
        desk.ask(action, **given)
        desk.work_off()
    free = next(each for each in desk.theirs.discounts if each.coupon_id != "co_spring")
    without = codes.preview_without(stripe.gateway, desk.stripe_id, free.id or "")

    desk.ask(codes.remove, discount_id=free.id)
    desk.work_off()

    assert without.bill is not None
    assert without.bill.total_cents == 2400
    assert [each.coupon_id for each in desk.theirs.discounts] == ["co_spring"]
    assert (desk.ledger.net_arr_cents, desk.ledger.goodwill_arr_cents) == (28_800, 0)


def test_a_coupon_whose_making_went_unanswered_is_made_once(database: Database, stripe: LocalStripe) -> None:
    desk = desk_of(database, stripe)
    queued = desk.ask(goodwill.comp)
    stripe.goes_wrong("drop_after", method="POST", path="/v1/coupons")

    desk.work_off()
    desk.work_off(LATER)

    assert desk.operation(queued).state == "done"
    assert len(desk.theirs.discounts) == 1


def test_a_code_that_stripe_does_not_have_fails_with_a_sentence(
    database: Database, stripe: LocalStripe
) -> None:
    desk = desk_of(database, stripe)
    make_code(database, code="ONLY-HERE", stripe_coupon_id="co_elsewhere")
    queued = desk.ask(codes.apply, code="ONLY-HERE")

    desk.work_off()

    failed = desk.operation(queued)
    assert failed.state == "failed"
    assert "no active promotion code “ONLY-HERE”" in (failed.error_message or "")


def test_the_two_pauses_differ_in_status_and_both_leave_mrr(database: Database, stripe: LocalStripe) -> None:
    bills = desk_of(database, stripe)
    bills.ask(pauses.pause_collection, behavior="void", until=None)
    bills.work_off()
    paused_bills = (bills.ours.status, bills.ledger.collection_paused)
    bills.ask(pauses.resume_collection)
    bills.work_off()
    whole = bills
    whole.ask(pauses.pause)
    whole.work_off()
    coming = asking.resumption(stripe.gateway, whole.stripe_id)

    assert paused_bills == ("active", True)
    assert (whole.ours.status, whole.ledger.collection_paused) == ("paused", False)
    assert read(database, FINANCE, subscriptions.one, whole.id).mrr_cents == 0
    assert coming.bill is not None
    # What was left of the paid period is a credit, so that nearly nothing is due for the new one.
    assert coming.bill.total_cents < 10
