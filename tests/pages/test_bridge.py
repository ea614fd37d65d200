"""The Bridge page as finance and product see it, without a browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.core.settings import Settings
from lib.models import DriftFinding, DriftWalk
from lib.ui import resources
from tests.factories import make_couple, make_payment, make_plan, make_user
from tests.metrics.ledger import MONTHLY, entry
from tests.pages.at_desk import open_page, said, staffed_copy, written


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    """One couple that pays, one with a discounted gift, one whose collection is paused."""
    database = staffed_copy(staffed, tmp_path / "admin.db")
    joined = moments.now() - timedelta(days=40)
    make_plan(database, id="try_it_out", plan_name="Try It Out")
    for number, name, facts in (
        (1, "Anna Example", {}),
        (2, "Berta Example", {"is_gift": True, "net_arr_cents": 12_000}),
        (3, "Clara Example", {"collection_paused": True}),
    ):
        couple = f"c{number}"
        make_couple(database, id=couple, user_1_id=make_user(database, name=name))
        entry(database, joined, MONTHLY, subscription_id=f"s{number}", relationship_id=couple, **facts)
    make_payment(database, relationship_id="c3", amount_cents=3_000, created_at=joined)
    yield database
    database.dispose()


def tiles(page: AppTest) -> list[str]:
    return [tile.value for tile in page.metric]


def test_the_address_names_both_policies_and_the_reasons_tie(database: Database) -> None:
    page = open_page(Role.FINANCE, "bridge", **{"from": "house", "to": "contracted"})
    [reasons, rows] = [frame.value for frame in page.dataframe]

    assert not page.exception, page.exception
    assert tiles(page) == ["$30.00", "$90.00", "$720.00"]
    assert "It ties: $360.00 a year and the reasons below give $1,080.00" in said(page)
    assert list(reasons["words"]) == ["Paused", "A discount", "A gift"]
    assert written(page.dataframe[0], "difference_arr_cents") == ["$360.00", "$240.00", "$120.00"]
    assert dict(zip(rows["partner_1"], rows["why"], strict=True)) == {
        "Berta E.": "A gift +$120.00 · A discount +$240.00",
        "Clara E.": "Paused",
    }


def test_a_reason_narrows_the_rows_to_what_it_makes_of_each(database: Database) -> None:
    address = {"to": "contracted", "reason": "discount"}
    page = open_page(Role.FINANCE, "bridge", **address)
    stale = open_page(Role.FINANCE, "bridge", **(address | {"to": "stripe"}))

    assert written(page.dataframe[-1], "reason_arr_cents") == ["$240.00"]
    assert not stale.exception, stale.exception
    assert list(stale.dataframe[-1].value["partner_1"]) == ["Clara E."]


def test_policies_are_as_they_are_set_here(database: Database) -> None:
    entry(
        database,
        moments.now() - timedelta(days=3),
        subscription_id="s4",
        relationship_id="c4",
        set_to_cancel=True,
    )
    resources.set_up(
        Settings.from_environment({"ADMIN_DEMO": "1", "STRIPE_CHURN": "at_cancellation"}), database
    )
    page = open_page(Role.FINANCE, "bridge", reason="set_to_cancel")

    assert not page.exception, page.exception
    assert written(page.dataframe[-1], "reason_arr_cents") == ["−$360.00"]


def test_nonsense_in_the_address_opens_the_bridge_to_stripes_policy(database: Database) -> None:
    page = open_page(Role.FINANCE, "bridge", **{"from": "nobody", "to": "", "day": "never", "reason": "x"})

    assert not page.exception, page.exception
    assert tiles(page)[:2] == ["$30.00", "$60.00"]


def test_a_row_leads_to_the_payments_of_its_couple(database: Database) -> None:
    page = open_page(Role.FINANCE, "bridge", id="c3")

    assert not page.exception, page.exception
    assert written(page.dataframe[0], "amount_cents") == ["$30.00"]


def test_product_sees_the_sums_and_not_the_couples(database: Database) -> None:
    page = open_page(Role.PRODUCT, "bridge", to="contracted")

    assert not page.exception, page.exception
    assert "Your role sees sums, not the couples behind them." in said(page)
    assert "Berta" not in str([frame.value for frame in page.dataframe])


def test_before_stripe_was_asked_the_page_says_so(database: Database) -> None:
    page = open_page(Role.FINANCE, "bridge", section="Stripe’s own")

    assert not page.exception, page.exception
    assert "Nothing was compared with Stripe yet" in said(page)


def test_what_stripe_says_otherwise_leads_on_to_its_own_number(database: Database) -> None:
    now = moments.now()
    with database.primary.begin() as connection:
        connection.execute(insert(DriftWalk).values(id="w", state="done", started_at=now, finished_at=now))
        for number, (kind, key, ours, theirs) in enumerate(
            (
                ("subscription_status", "s1", "active", "canceled"),
                # Of one that is over there, the price says nothing more.
                ("subscription_price", "s1", "$30.00", "$40.00"),
                ("subscription_price", "s3", "$30.00", "$35.00"),
                ("subscription_unknown", None, None, "Try It Out, active"),
                ("active_past_period", "s3", "until May", "until June"),
            )
        ):
            found = {"id": str(number), "finding_key": str(number), "kind": kind, "rank": 1, "state": "open"}
            found |= {"object_id": key, "ours": ours, "theirs": theirs, "currency": "USD", "digest": "d"}
            connection.execute(insert(DriftFinding).values(first_seen_at=now, last_seen_at=now, **found))
    page = open_page(Role.FINANCE, "bridge", section="Stripe’s own")
    reasons = page.dataframe[0].value

    assert not page.exception, page.exception
    assert tiles(page) == ["$30.00", "$35.00", "$60.00"]
    differences = written(page.dataframe[0], "difference_arr_cents")
    assert dict(zip(reasons["words"], differences, strict=True)) == {
        "Paused": "$360.00",
        "Another status at Stripe": "−$360.00",
        "Another price at Stripe": "$60.00",
    }
    assert "the comparison does not tell: 1." in said(page)
    assert sorted(written(page.dataframe[1], "effect")) == ["$60.00", "–", "−$360.00"]
