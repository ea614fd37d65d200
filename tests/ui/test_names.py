"""What actions and tables are called where people read of them."""

import pytest

from lib.ui.names import action_and_code, action_name, table_name


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("refunds.try_again", "Refunds: try again"),
        ("open", "Looked at a person"),
        ("subscriptions.pause_collection", "Subscriptions: pause the bills"),
        ("something", "Something"),
        (None, None),
    ],
)
def test_an_action_is_named_in_words(action: str | None, name: str | None) -> None:
    assert action_name(action) == name


def test_an_action_is_found_by_its_words_and_by_its_own_name() -> None:
    assert action_and_code("refunds.approve") == "Refunds: approve (refunds.approve)"


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("payment_transactions", "Payment"),
        ("relationships/rel_1", "Couple rel_1"),
        ("admin_refund_hand_ons/h1", "Refund hand ons h1"),
        (None, None),
    ],
)
def test_a_table_or_a_row_of_one_is_named_in_words(where: str | None, name: str | None) -> None:
    assert table_name(where) == name
