"""The pages about use as product, finance and admin see them, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.jobs import usage
from lib.models import AnalyticsEvent, EmailCampaign, PartnerDay, UserSession
from tests.factories import make_change, make_couple, make_user, write
from tests.pages.at_desk import open_page, said, staffed_copy, written

SETTINGS = Settings.from_environment({"ROLLUPS": "observe"})
SLUGS = ("features", "engagement", "sessions", "campaigns", "partners")


@pytest.fixture
def empty(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    database = staffed_copy(staffed, tmp_path / "admin.db")
    yield database
    database.dispose()


@pytest.fixture
def database(empty: Database) -> Database:
    """A couple that pays, of whom only Anna came, yesterday; a campaign and a partner."""
    yesterday = moments.now() - timedelta(days=1)
    anna = make_user(empty, id="anna", name="Anna Example")
    make_couple(empty, id="c1", user_1_id=anna, user_2_id=make_user(empty, name="Ben Example"))
    long_ago = yesterday - timedelta(days=40)
    make_change(empty, "s1", relationship_id="c1", effective_at=long_ago, recorded_at=long_ago)
    write(
        empty,
        AnalyticsEvent,
        id="e1",
        event_name="used",
        event_category="feature_usage",
        user_id="anna",
        relationship_id="c1",
        event_data={"feature": "date_ideas"},
        created_at=yesterday,
    )
    write(
        empty,
        UserSession,
        id="v1",
        user_id="anna",
        relationship_id="c1",
        session_start=yesterday,
        duration_seconds=252,
        pages_viewed=3,
        device_type="mobile",
        entry_page="/home",
        exit_page="/ideas",
    )
    for name, clicked in (("Good mail", 20), ("Odd mail", 900)):
        write(
            empty,
            EmailCampaign,
            id=name,
            campaign_name=name,
            campaign_type="welcome",
            sent_date=yesterday.date(),
            total_sent=210,
            total_delivered=200,
            total_opened=150,
            total_clicked=clicked,
            conversion_count=5,
            conversion_value_cents=15_000,
        )
    write(
        empty,
        PartnerDay,
        id="p1",
        partner_name="Still Waters Spa",
        partner_category="wellness",
        analytics_date=yesterday.date(),
        total_bookings=4,
        total_revenue_cents=40_000,
        commission_cents=4_800,
        average_rating=4.5,
        cancellations=1,
    )
    usage.run(empty, SETTINGS)
    return empty


def shown(slug: str, role: Role = Role.PRODUCT, **parameters: str) -> tuple[str, list[str], list[object]]:
    """What a page says, the values of its tiles, and its tables; it must not break."""
    page = open_page(role, slug, **parameters)
    assert not page.exception, page.exception
    return said(page), [tile.value for tile in page.metric], [frame.value for frame in page.dataframe]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_without_anything_counted_says_so(empty: Database, slug: str) -> None:
    words, _, _ = shown(slug)

    assert any(sentence in words for sentence in ("Nothing was counted yet", "in this time"))


def test_features_show_adoption_and_lead_to_people_only_those_who_may(database: Database) -> None:
    words, tiles, _ = shown("features")
    product = shown("features", section="People", feature="Date ideas")
    finance = shown("features", Role.FINANCE, section="People", feature="Date ideas")
    person = shown("features", Role.FINANCE, id="anna")

    assert tiles == ["1", "1", "3.6 %", "Date ideas"]
    assert "1 events in the 28 days to" in words
    assert "Your role sees numbers, not the people behind them." in product[0]
    assert "Anna" not in str(product)
    assert list(finance[2][0]["name"]) == ["Anna E. ›"]
    assert "Anna E" in person[0].replace("\\", "")
    assert list(person[2][0]["feature"]) == ["Date ideas"]


def test_a_feature_of_the_address_is_drawn_day_by_day(database: Database) -> None:
    page = open_page(Role.PRODUCT, "features", section="Trend", feature="date_ideas", days="30 days")

    assert not page.exception, page.exception
    assert len(page.get("plotly_chart")) == 1


def test_the_score_says_how_it_is_made(database: Database) -> None:
    _, tiles, tables = shown("engagement")

    assert tiles == ["6.0", "6.0", "1"]
    assert list(tables[-1]["at_most"]) == [40, 20, 10, 20, 10]


def test_one_sided_couples_are_listed_with_their_money_for_those_who_work_on_them(database: Database) -> None:
    _, shares, _ = shown("engagement", section="Both partners")
    finance = open_page(Role.FINANCE, "engagement", section="One-sided couples")
    product = shown("engagement", section="One-sided couples")
    couple = open_page(Role.FINANCE, "engagement", id="c1")

    assert shares == ["0.0 %", "100.0 %", "0.0 %", "100.0 %"]
    assert written(finance.dataframe[1], "mrr_cents") == ["$30.00"]
    assert list(finance.dataframe[1].value["days_1"]) == [1]
    assert len(product[2]) == 1
    assert "Your role sees sums" in product[0]
    assert "1 of 28 days" in said(couple)


def test_visits_have_a_duration_and_pages_their_entries_and_exits(database: Database) -> None:
    _, tiles, tables = shown("sessions")
    _, _, pages = shown("sessions", section="Pages", measure="Visits that began here")

    assert tiles == ["1", "0.0 %", "4 min 12 s", "3.0"]
    assert list(tables[-1]["device"]) == ["Mobile"]
    assert list(pages[0]["page"]) == ["/home", "/ideas"]


def test_campaigns_lead_with_clicks_and_say_what_opens_are(database: Database) -> None:
    words, tiles, tables = shown("campaigns")

    # The mail with more clicks than it was delivered stands in no rate.
    assert tiles == ["10.0 %", "25.0 %", "5", "$150.00", "0.0 %"]
    assert "inflated by machines" in words
    assert list(tables[0]["impossible"]) == [1]
    assert "More than there can be: see the counts" in set(tables[1]["remark"])


def test_partners_show_what_they_earn_and_why_bookings_have_no_raw_rows(database: Database) -> None:
    _, tiles, tables = shown("partners")
    stored, _, checks = shown("partners", section="Stored by the app")

    assert tiles == ["$48.00", "$400.00", "4", "25.0 %", "4.5"]
    assert list(tables[0]["partner"]) == ["Still Waters Spa"]
    assert "Production has no table of bookings" in stored
    assert list(checks[0]["unsupported"]) == [1]


@pytest.mark.parametrize("slug", SLUGS)
def test_an_address_with_nonsense_opens_the_page(database: Database, slug: str) -> None:
    page = open_page(
        Role.ADMIN, slug, section="Nothing", days="900 years", feature="<b>", kind="x", unit="?", shown="?"
    )

    assert not page.exception, page.exception
    assert not page.error
