"""The main job by three people: support asks for a refund, finance approves it, an admin reads of it."""

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Select, exists, select

from lib.core.access import Role
from lib.core.settings import ROOT
from lib.models import (
    AuditedObject,
    AuditEntry,
    Dispute,
    InboxEvent,
    Payment,
    Refund,
    Relationship,
    Subscription,
    User,
    sortable,
)
from tests.browser.company import Company, OpenDesk, eventually

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Customer:
    """A person of the demo who pays for a running subscription and got nothing back yet."""

    user_id: str
    email: str
    name: str
    couple_id: str
    subscription_id: str
    stripe_subscription_id: str
    payment_id: str
    payment_intent_id: str
    amount_cents: int


@pytest.fixture(scope="module")
def customer(company: Company) -> Customer:
    """Somebody whose newest payment of the couple's can be given back."""
    refunded = exists().where(Refund.transaction_id == Payment.id)
    disputed = exists().where(Dispute.payment_id == Payment.id)
    [row, *_] = company.rows(
        select(
            User.id,
            User.email,
            User.name,
            Subscription.relationship_id,
            Subscription.id,
            Subscription.stripe_subscription_id,
            Payment.id,
            Payment.stripe_payment_intent_id,
            Payment.amount_cents,
        )
        .join(Subscription, Subscription.user_id == User.id)
        .join(Relationship, Relationship.id == Subscription.relationship_id)
        .join(Payment, (Payment.user_id == User.id) & (Payment.relationship_id == Relationship.id))
        .where(
            Subscription.status == "active",
            Subscription.is_gift.is_(False),
            Payment.transaction_type == "subscription",
            Payment.status == "succeeded",
            Payment.stripe_payment_intent_id.is_not(None),
            Payment.amount_cents.between(1_000, 9_000),
            ~refunded,
            ~disputed,
        )
        .order_by(sortable(Payment.created_at).desc(), Payment.id)
    )
    return Customer(*row)


def test_a_refund_goes_from_the_phone_call_to_the_bank_through_three_people(
    company: Company, customer: Customer, open_desk: OpenDesk
) -> None:
    refund_id = _support_requests(company, customer, open_desk)
    _finance_approves(company, refund_id, open_desk)
    _stripe_paid_once(company, customer, refund_id)
    _admin_reads_the_trail(company, customer, refund_id, open_desk)


def test_a_cancellation_ends_the_subscription_at_stripe_and_takes_its_mrr_off_the_chart(
    company: Company, customer: Customer, open_desk: OpenDesk
) -> None:
    revenue = open_desk(Role.FINANCE)
    revenue.open("", "Today")
    revenue.menu("Revenue")
    before = _mrr_on(revenue.page)
    support = open_desk(Role.SUPPORT)
    support.open(f"subscriptions?id={customer.subscription_id}&section=End", "Subscriptions")
    form = support.unfold("Cancel now")
    form.get_by_label("Reason").fill("They asked for it on the phone")
    support.submit(form, "Cancel now")
    expect(form.get_by_text("exactly to confirm")).to_be_visible()
    form.get_by_label("to confirm").fill("cancel now")
    support.submit(form, "Cancel now")
    support.says("Done at Stripe.")
    _daily_run(company)
    revenue.page.reload()
    revenue.settled()
    after = _mrr_on(revenue.page)

    assert company.gateway.subscriptions.retrieve(customer.stripe_subscription_id).status == "canceled"
    assert company.value(_status_of(customer)) == "canceled"
    assert after < before


def _support_requests(company: Company, customer: Customer, open_desk: OpenDesk) -> str:
    """Find the person, open the couple, see who calls, ask for the money back; gives the refund's id."""
    desk = open_desk(Role.SUPPORT)
    desk.open("", "Today")
    desk.menu("Search")
    desk.page.get_by_role("searchbox", name="Search").fill(customer.email)
    couples = desk.page.get_by_test_id("stMain").get_by_role("link").filter(has_text="&")
    couples.first.click()
    desk.heading("Relationships").wait_for()
    expect(desk.page).to_have_url(re.compile(f"id={customer.couple_id}"))
    expect(desk.page.get_by_text(customer.email)).to_have_count(0)
    form = desk.unfold("Show personal data")
    desk.submit(form, "Show personal data")
    desk.says(customer.email)
    desk.page.get_by_role("radio", name="Money").click()
    desk.page.get_by_role("combobox", name="Payment to open or to give back").wait_for()
    form = desk.unfold("Request refund")
    form.get_by_label("Amount").fill("5.00")
    form.get_by_label("Note for finance").fill("Charged after they had asked us to stop")
    desk.submit(form, "Request refund")
    desk.says("Requested. Finance decides under Billing, Refunds.")
    return str(
        company.value(select(Refund.id).where(Refund.status == "pending", Refund.refund_amount_cents == 500))
    )


def _finance_approves(company: Company, refund_id: str, open_desk: OpenDesk) -> None:
    """Find it in the queue, approve it, and watch it until Stripe has paid."""
    desk = open_desk(Role.FINANCE)
    desk.open("", "Today")
    desk.menu("Refunds")
    pending = (
        select(Refund.id).where(Refund.status == "pending").order_by(sortable(Refund.requested_at), Refund.id)
    )
    queue = [row.id for row in company.rows(pending)]
    desk.open_row(queue.index(refund_id))
    expect(desk.page).to_have_url(re.compile(refund_id))
    desk.says("support@example.org")
    form = desk.unfold("Approve and pay")
    form.get_by_label("Reason").fill("Charged after the cancellation")
    desk.submit(form, "Approve and pay")
    desk.says("At Stripe")
    desk.says("Done at Stripe.")
    expect(desk.page.get_by_test_id("stMain").get_by_text("Processed").first).to_be_visible()
    desk.says(str(company.value(select(Refund.stripe_refund_id).where(Refund.id == refund_id))))


def _stripe_paid_once(company: Company, customer: Customer, refund_id: str) -> None:
    payment_intent = company.value(
        select(Payment.stripe_payment_intent_id)
        .join(Refund, Refund.transaction_id == Payment.id)
        .where(Refund.id == refund_id)
    )
    charge = company.gateway.charges.of_payment(payment_intent)
    assert charge is not None
    at_stripe = company.gateway.refunds.of_charge(charge.id)
    ours = select(Refund.status, Refund.stripe_refund_id).where(Refund.id == refund_id)

    assert [(refund.amount, refund.status) for refund in at_stripe] == [(500, "succeeded")]
    assert company.rows(ours) == [("processed", at_stripe[0].id)]
    eventually(lambda: ("charge.refunded", "applied") in company.rows(_events_about(charge.id)))


def _admin_reads_the_trail(company: Company, customer: Customer, refund_id: str, open_desk: OpenDesk) -> None:
    desk = open_desk(Role.ADMIN)
    desk.open("", "Today")
    desk.menu("Audit")
    desk.page.get_by_role("searchbox", name="About").fill(refund_id)
    desk.page.get_by_role("searchbox", name="About").press("Enter")
    expect(desk.page.get_by_text(re.compile("^1–3 of 3 "))).to_be_visible()
    desk.open_row()
    desk.says("operations.conclude")
    trail = select(AuditEntry.actor_role, AuditEntry.action, AuditEntry.outcome).join(
        AuditedObject, AuditedObject.seq == AuditEntry.seq
    )
    about_refund = trail.where(AuditedObject.object_id == refund_id).order_by(AuditEntry.seq)
    partners = select(Relationship.user_1_id, Relationship.user_2_id)
    [couple] = company.rows(partners.where(Relationship.id == customer.couple_id))
    about_couple = trail.where(
        AuditedObject.object_id.in_(tuple(couple)), AuditEntry.actor_email == "support@example.org"
    )

    assert company.rows(about_refund) == [
        ("support", "refunds.request", "done"),
        ("finance", "refunds.approve", "done"),
        ("system", "operations.conclude", "done"),
    ]
    assert {action for _, action, _ in company.rows(about_couple)} == {"open", "people.reveal"}


def _events_about(charge_id: str) -> Select[Any]:
    return select(InboxEvent.event_type, InboxEvent.state).where(InboxEvent.stripe_object_id == charge_id)


def _status_of(customer: Customer) -> Select[Any]:
    return select(Subscription.status).where(Subscription.id == customer.subscription_id)


def _daily_run(company: Company) -> None:
    """What the worker does a minute later, at once."""
    url = company.database.primary.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "lib", "jobs", "run", "daily", "--database", url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr


def _mrr_on(page: Page) -> float:
    """The figure on the tile of the page."""
    tile = page.get_by_test_id("stMetric").filter(has_text="MRR").first
    shown = tile.get_by_test_id("stMetricValue").inner_text()
    return float(shown.removeprefix("$").replace(",", ""))
