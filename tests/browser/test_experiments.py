"""Product decides on the running test, and is stopped by the gate of the broken one, in a browser."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from lib.core.access import Role
from lib.models import ExperimentDecision, Variant
from tests.browser.company import Company, OpenDesk, eventually

pytestmark = pytest.mark.browser

RUNNING, BROKEN = "onboarding_quiz", "pricing_page_layout"


def test_product_ships_the_running_test_and_the_gate_stops_the_broken_one(
    company: Company, open_desk: OpenDesk
) -> None:
    desk = open_desk(Role.PRODUCT)
    desk.open("", "Today")
    desk.menu("Experiments")
    desk.open_row()
    desk.heading("Ship short_quiz.").wait_for()
    form = desk.unfold("Ship short_quiz")
    form.get_by_label("Reason").fill("Clear, and nothing else got worse")
    desk.submit(form, "Ship short_quiz")
    desk.says("short_quiz won.")
    decision = select(ExperimentDecision.kind).where(ExperimentDecision.test_name == RUNNING)
    eventually(lambda: company.rows(decision) == [("winner",)])
    on = select(Variant.variant_name).where(Variant.test_name == RUNNING, Variant.is_active.is_(True))

    assert company.value(on) == "short_quiz"
    desk.says("The test has ended.")

    desk.open(f"experiments?id={BROKEN}", "Experiments")
    desk.says("No winner can be set: The arms do not have the planned sizes")
    expect(desk.page.get_by_role("button", name="Ship a winner")).to_be_disabled()
    form = desk.unfold("Stop without a winner")
    expect(form.get_by_text("nothing happens until a second person agrees")).to_be_visible()
