"""What a person may type into an address or a form, and nobody expected: a sentence, and nothing lost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from lib.core import moments
from lib.core.access import Role
from lib.core.database import Database
from lib.models import AdminUser, DiscountCode, Operation, Refund, User
from lib.ui import navigation
from tests.factories import make_couple, make_payment, make_refund, make_subscription, make_user, write
from tests.pages.at_desk import open_page, said, staffed_copy

# What is at home at an address of its own, but has no row to open.
NO_ROWS = frozenset(
    {"home", "search", "revenue", "forecast", "what_if", "month_close", "funnels", "retention", "staff"}
)
WITH_ROWS = [desk.slug for desk in navigation.DESKS if desk.slug not in NO_ROWS]
WITH_PAGES = [
    "credits",
    "users",
    "relationships",
    "subscriptions",
    "payments",
    "refunds",
    "discounts",
    "inbox",
    "drift",
    "errors",
    "audit",
]
HOSTILE = "**Bold** <b>x</b> [link](https://example.org) $x$ :material/home: # `code`"


@pytest.fixture
def database(staffed: Path, tmp_path: Path) -> Iterator[Database]:
    database = staffed_copy(staffed, tmp_path / "admin.db")
    yield database
    database.dispose()


@pytest.mark.parametrize("slug", WITH_ROWS)
@pytest.mark.parametrize("key", ["no-such-id", "0", "x" * 10_000, "'; DROP TABLE users; --", "**bold**"])
def test_an_id_that_does_not_exist_gets_a_sentence(database: Database, slug: str, key: str) -> None:
    page = open_page(Role.ADMIN, slug, id=key)
    answers = [str(box.value) for box in (*page.warning, *page.error)]

    assert not page.exception, page.exception
    assert len(answers) == 1
    assert answers[0].endswith(".")
    assert len(answers[0]) < 200


@pytest.mark.parametrize("slug", WITH_PAGES)
@pytest.mark.parametrize("number", ["99999", "abc", "-1", "0", "1e9", "9" * 100, "²", "1.5"])
def test_a_page_number_that_is_none_or_too_large_opens_the_list(
    database: Database, slug: str, number: str
) -> None:
    page = open_page(Role.ADMIN, slug, page=number)

    assert not page.exception, page.exception
    assert not page.error


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("users", "subscription"),
        ("relationships", "status"),
        ("relationships", "kind"),
        ("subscriptions", "status"),
        ("subscriptions", "ending"),
        ("subscriptions", "section"),
        ("subscriptions", "plan"),
        ("subscriptions", "settlement"),
        ("subscriptions", "code"),
        ("payments", "show"),
        ("payments", "status"),
        ("payments", "kind"),
        ("payments", "within"),
        ("refunds", "status"),
        ("discounts", "switched"),
        ("credits", "section"),
        ("credits", "status"),
        ("inbox", "state"),
        ("inbox", "type"),
        ("drift", "state"),
        ("drift", "kind"),
        ("drift", "severity"),
        ("errors", "section"),
        ("errors", "order"),
        ("errors", "q"),
        ("errors", "state"),
        ("errors", "severity"),
        ("audit", "outcome"),
        ("audit", "action"),
        ("revenue", "period"),
        ("revenue", "currency"),
        ("revenue", "section"),
        ("forecast", "currency"),
        ("forecast", "policy"),
        ("what_if", "come"),
        ("what_if", "churn"),
        ("what_if", "existing"),
        ("month_close", "month"),
        ("month_close", "version"),
        ("month_close", "section"),
        ("month_close", "row"),
        ("month_close", "payment"),
        ("funnels", "funnel"),
        ("funnels", "step"),
        ("retention", "what"),
    ],
)
@pytest.mark.parametrize("value", ["no_such_value", "", "x" * 10_000, "<b>"])
def test_a_filter_value_that_does_not_exist_breaks_nothing(
    database: Database, slug: str, name: str, value: str
) -> None:
    page = open_page(Role.ADMIN, slug, **{name: value})

    assert not page.exception, page.exception
    assert len(page.title) == 1


@pytest.mark.parametrize(
    "slug", ["search", "users", "relationships", "subscriptions", "payments", "inbox", "discounts"]
)
@pytest.mark.parametrize("typed", ["x" * 10_000, "%", "_", "'", '"', "\\", "\x00", "🜁", "*" * 200])
def test_a_search_for_anything_is_answered(database: Database, slug: str, typed: str) -> None:
    make_couple(database)
    page = open_page(Role.SUPPORT, slug, q=typed)

    assert not page.exception, page.exception
    assert len(page.title) == 1


def test_markdown_and_html_in_a_name_are_escaped_wherever_streamlit_reads_them(database: Database) -> None:
    user = make_user(database, name=HOSTILE)
    make_couple(database, user_1_id=user)
    page = open_page(Role.SUPPORT, "users", id=user)
    read_as_markdown = [*page.subheader, *page.markdown, *page.caption, *page.info]

    assert not page.exception, page.exception
    assert not [each.value for each in read_as_markdown if "**B" in each.value or "<b>" in each.value]


def test_a_refund_of_more_than_is_left_is_refused_in_the_form(database: Database) -> None:
    user = make_user(database)
    make_payment(database, user_id=user, amount_cents=3000)
    page = open_page(Role.SUPPORT, "users", id=user, section="Payments")
    [amount] = [box for box in page.text_input if box.label.startswith("Amount")]
    [submit] = [button for button in page.button if button.label == "Request refund"]
    amount.set_value("30.01")
    submit.click().run()

    assert not page.exception, page.exception
    assert "Only $30.00 of this payment is left to refund" in said(page)
    assert count(database, Refund) == 0


@pytest.mark.parametrize("typed", ["", "0", "-5", "ten", "1,00,0.0", "5.001", "9" * 20, "NaN", "1e3"])
def test_an_amount_that_is_none_is_refused_in_the_form(database: Database, typed: str) -> None:
    user = make_user(database)
    make_payment(database, user_id=user, amount_cents=3000)
    page = open_page(Role.SUPPORT, "users", id=user, section="Payments")
    [amount] = [box for box in page.text_input if box.label.startswith("Amount")]
    [submit] = [button for button in page.button if button.label == "Request refund"]
    amount.set_value(typed)
    submit.click().run()

    assert not page.exception, page.exception
    assert [str(error.value) for error in page.error]
    assert count(database, Refund) == 0


def test_a_row_that_changed_since_it_was_shown_is_not_acted_upon(database: Database) -> None:
    refund = make_refund(database, refund_amount_cents=1000)
    page = open_page(Role.FINANCE, "refunds", id=refund)
    change(database, update(Refund).where(Refund.id == refund).values(refund_amount_cents=2000))
    submit_with_reason(page, "Approve and pay")

    assert not page.exception, page.exception
    assert "changed" in said(page)
    assert count(database, Operation) == 0


def test_a_user_who_was_deleted_meanwhile_gets_a_sentence(database: Database) -> None:
    user = make_user(database)
    page = open_page(Role.SUPPORT, "users", id=user)
    change(database, delete(User).where(User.id == user))
    page.run()

    assert not page.exception, page.exception
    assert [each.value for each in page.warning] == [
        f"There is no person {user}. They may have been erased; try the search."
    ]


def test_an_access_that_was_withdrawn_meanwhile_stops_the_action(database: Database) -> None:
    refund = make_refund(database)
    page = open_page(Role.FINANCE, "refunds", id=refund)
    change(
        database,
        update(AdminUser).where(AdminUser.email == "finance@example.org").values(is_active=False),
    )
    submit_with_reason(page, "Approve and pay")

    assert "Your access was withdrawn." in said(page)
    assert count(database, Operation) == 0


def test_a_code_that_ran_out_says_so(database: Database) -> None:
    now = moments.now()
    code = write(
        database,
        DiscountCode,
        id="d1",
        code="LASTYEAR",
        discount_type="percentage",
        discount_value=10,
        valid_from=now - timedelta(days=60),
        valid_until=now - timedelta(days=30),
        created_at=now,
    )
    page = open_page(Role.SUPPORT, "discounts", id=code)

    assert not page.exception, page.exception
    assert [badge for badge in page.markdown if "Over" in badge.value]


def test_the_words_that_confirm_a_cancellation_have_to_be_typed(database: Database) -> None:
    subscription = make_subscription(database)
    page = open_page(Role.SUPPORT, "subscriptions", id=subscription, section="End")
    submit_with_reason(page, "Cancel now")

    assert "exactly to confirm" in said(page)
    assert count(database, Operation) == 0


def submit_with_reason(page, label: str) -> None:
    """Fill in the reason of the form with this button, and press it."""
    [submit] = [button for button in page.button if button.label == label]
    [reason] = [area for area in page.text_area if area.form_id == submit.form_id]
    reason.set_value("Fair")
    submit.click().run()


def change(database: Database, statement) -> None:
    """Change a row as the app or another person does."""
    with database.primary.begin() as connection:
        connection.execute(statement)


def count(database: Database, model) -> int:
    """How many rows a table holds."""
    with database.primary.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model)) or 0
