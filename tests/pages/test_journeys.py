"""The Funnels and Retention pages as product and admin see them, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.jobs import funnels, retention
from lib.models import AnalyticsEvent, UserSession
from tests.factories import make_couple, make_payment, make_subscription, make_user, write
from tests.pages.at_desk import open_page, said, staffed_copy

OWN = {"funnel": "Your own steps", "step1": "Plan viewed", "step2": "Subscription paid"}


@pytest.fixture(scope="module")
def company(staffed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Two couples that looked at the plans, of which the Examples subscribed and came back a week later."""
    database = staffed_copy(staffed, tmp_path_factory.mktemp("journeys") / "admin.db")
    now = moments.now()
    looked = now - timedelta(days=20)
    for couple, name in (("c1", "Anna Example"), ("c2", "Ben Sample")):
        person = make_user(database, name=name, created_at=looked)
        make_couple(database, id=couple, user_1_id=person, user_2_id=make_user(database, created_at=looked))
        noted = {"event_name": "plan_viewed", "event_category": "conversion", "relationship_id": couple}
        write(database, AnalyticsEvent, id=f"e_{couple}", user_id=person, created_at=looked, **noted)
        if couple == "c1":
            theirs = {"user_id": person, "relationship_id": couple}
            make_subscription(database, **theirs, created_at=looked + timedelta(hours=2))
            make_payment(database, **theirs, created_at=looked + timedelta(hours=3))
            write(database, UserSession, id="s1", session_start=looked + timedelta(days=7), **theirs)
    funnels.run(database, now.date(), now=now)
    retention.run(database, now)
    yield database
    database.dispose()


def test_a_ready_made_funnel_says_who_came_how_far_and_what_it_counts(company: Database) -> None:
    page = open_page(Role.PRODUCT, "funnels", funnel="From the plans to paying")
    [steps] = [frame.value for frame in page.dataframe]

    assert not page.exception, page.exception
    assert list(steps["reached"]) == [2, 1, 1]
    assert list(steps["median"])[1:] == ["2 h", "1 h"]
    assert {tile.label: tile.value for tile in page.metric}["Of the first step"] == "50.0 %"
    assert "within 14 days of the first, in this order" in said(page)


def test_ones_own_steps_come_from_the_address(company: Database) -> None:
    page = open_page(Role.PRODUCT, "funnels", **OWN, window="1 hour")
    wider = open_page(Role.PRODUCT, "funnels", **OWN, window="1 day", unit="People")

    assert not page.exception, page.exception
    assert list(page.dataframe[0].value["reached"]) == [2, 0]
    assert list(wider.dataframe[0].value["reached"]) == [2, 1]
    assert "People that enter" in said(wider)


def test_admin_sees_who_was_lost_and_product_only_how_many(company: Database) -> None:
    chosen = {"funnel": "From the plans to paying", "step": "2", "outcome": "Lost before it"}
    admin = open_page(Role.ADMIN, "funnels", **chosen)
    product = open_page(Role.PRODUCT, "funnels", **chosen)

    assert not admin.exception, admin.exception
    assert list(admin.dataframe[-1].value["name"]) == ["Ben S."]
    assert list(admin.dataframe[-1].value["address"]) == ["/relationships?id=c2"]
    assert "Your role sees sums, not the people behind them." in said(product)
    assert "Ben" not in str([frame.value for frame in product.dataframe])


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"funnel": "Your own steps"}, "Choose at least two steps."),
        (OWN | {"step2": "Plan viewed", "order": "In any order"}, "Two steps are the same event."),
        ({"within": "Other days", "from": "2026-03-01", "to": "2026-02-01"}, "The days are turned round"),
        ({"within": "Other days", "from": "2030-03-01", "to": "2030-04-01"}, "has not begun yet"),
        (
            {"within": "Other days", "from": "2020-03-01", "to": "2020-04-01"},
            "was not counted for these days",
        ),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(
    company: Database, address: dict[str, str], sentence: str
) -> None:
    page = open_page(Role.PRODUCT, "funnels", **address)

    assert not page.exception, page.exception
    assert sentence in " ".join(str(box.value) for box in (*page.error, *page.info))


def test_the_grid_of_retention_names_its_definition_and_leads_to_the_couples(company: Database) -> None:
    usual = open_page(Role.PRODUCT, "retention")
    week = retention_week()
    admin = open_page(Role.ADMIN, "retention", cohort=week, age="1", buckets="Since each beginning")

    assert not usual.exception, usual.exception
    assert "Ages are weeks of the calendar (UTC, weeks from Monday)." in said(usual)
    assert "2 couples · counted" in said(usual)
    assert len(usual.get("plotly_chart")) == 1
    assert not admin.exception, admin.exception
    assert "spans of 7 days since each one's own beginning" in said(admin)
    assert list(admin.dataframe[-1].value["name"]) == ["Anna E."]


def retention_week() -> str:
    """The Monday of the week in which the accounts were made."""
    day = (moments.now() - timedelta(days=20)).date()
    return f"{day - timedelta(days=day.weekday()):%Y-%m-%d}"


def test_support_opens_neither(company: Database) -> None:
    for slug in ("funnels", "retention"):
        assert "Not allowed" in [title.value for title in open_page(Role.SUPPORT, slug).title]
