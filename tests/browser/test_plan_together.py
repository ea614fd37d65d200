"""A plan of support's, decided by finance as a whole, and carried out by the worker at the local Stripe."""

import pytest
from sqlalchemy import select

from lib.core.access import Role
from lib.models import ActionPlan, ActionPlanStep, Payment, Refund
from tests.browser.company import Company, OpenDesk, eventually

pytestmark = pytest.mark.browser


def test_finance_approves_a_plan_and_the_worker_takes_its_steps(
    company: Company, open_desk: OpenDesk
) -> None:
    [(plan_id, refund_id)] = company.rows(
        select(ActionPlan.id, ActionPlan.refund_id).where(ActionPlan.state == "proposed")
    )
    desk = open_desk(Role.FINANCE)
    desk.open(f"plans?id={plan_id}", "Plans")
    desk.says("Recommendation")
    form = desk.unfold("Approve the plan")
    form.get_by_role("textbox", name="Reason").fill("Both asked for it")
    desk.submit(form, "Approve the plan")

    eventually(lambda: company.value(select(ActionPlan.state).where(ActionPlan.id == plan_id)) == "done")
    desk.says("Stripe has paid it back.")
    steps = select(ActionPlanStep.state).where(ActionPlanStep.plan_id == plan_id)
    intent, amount = company.rows(
        select(Payment.stripe_payment_intent_id, Refund.refund_amount_cents)
        .join(Refund, Refund.transaction_id == Payment.id)
        .where(Refund.id == refund_id)
    )[0]

    assert company.rows(steps) == [("done",), ("done",)]
    assert [refund.amount for refund in company.refunds_of(intent)] == [amount]


def test_an_admin_finds_what_was_handed_on(company: Company, open_desk: OpenDesk) -> None:
    desk = open_desk(Role.ADMIN)
    desk.open("", "Today")

    desk.says("handed on to you")
    desk.says("stopped half-way")
