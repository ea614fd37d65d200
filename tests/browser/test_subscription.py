"""Support changes the plan of a subscription, and pauses the bills of another until a day."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from lib.core import moments
from lib.core.access import Role
from lib.models import Payment, Subscription, sortable
from tests.browser.company import Company, OpenDesk

pytestmark = pytest.mark.browser


def running(company: Company, nth: int) -> tuple[str, str]:
    """A monthly subscription of the demo that pays, by our id and by Stripe's.

    Those that paid longest ago come first: other tests use up the couples that paid last.
    """
    paid = select(Payment.subscription_id).where(Payment.status == "succeeded")
    wanted = (
        select(Subscription.id, Subscription.stripe_subscription_id)
        .where(
            Subscription.status == "active",
            Subscription.canceled_at.is_(None),
            Subscription.billing_period == "monthly",
            Subscription.id.in_(paid),
        )
        .order_by(sortable(Subscription.current_period_end), Subscription.id)
    )
    ours, theirs = company.rows(wanted)[nth]
    return ours, theirs


def test_a_plan_is_changed_as_stripes_preview_said(company: Company, open_desk: OpenDesk) -> None:
    ours, theirs = running(company, 0)
    before = company.gateway.subscriptions.retrieve(theirs)
    plan = company.value(select(Subscription.plan_id).where(Subscription.id == ours))
    desk = open_desk(Role.SUPPORT)
    desk.open(f"subscriptions?id={ours}&section=Change plan", "Subscriptions")
    desk.says("Worked out by Stripe just now")
    form = desk.unfold("Change plan")
    form.get_by_label("Reason").fill("They asked for the annual plan")
    desk.submit(form, "Change plan")
    desk.says("Done at Stripe.")
    after = company.gateway.subscriptions.retrieve(theirs)

    assert [item.price_id for item in after.items] != [item.price_id for item in before.items]
    assert company.value(select(Subscription.plan_id).where(Subscription.id == ours)) != plan
    assert after.latest_invoice_id != before.latest_invoice_id


def test_bills_are_paused_until_a_day_and_the_page_says_so(company: Company, open_desk: OpenDesk) -> None:
    ours, theirs = running(company, 1)
    until = (moments.now() + timedelta(days=40)).date()
    desk = open_desk(Role.SUPPORT)
    desk.open(f"subscriptions?id={ours}&section=Pause", "Subscriptions")
    form = desk.unfold("Pause the bills")
    form.get_by_role("spinbutton").first.click()
    desk.page.keyboard.type(until.strftime("%Y%m%d"))
    form.get_by_label("Reason").fill("Short of money until next month")
    desk.submit(form, "Pause the bills")
    desk.says("Done at Stripe.")
    expect(desk.page.get_by_text("Bills paused").first).to_be_visible()
    paused = company.gateway.subscriptions.retrieve(theirs)

    assert (paused.status, paused.pause_behavior) == ("active", "void")
    assert paused.pause_resumes_at == moments.day_bounds(until)[0]
