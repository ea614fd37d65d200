"""How values and lists look, asked of the elements that a page is made of."""

import tomllib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lib.core.listing import Column
from lib.core.settings import ROOT
from lib.ui import cells
from tests.pages.at_desk import written


def _tiles() -> None:
    from lib.ui.show import Tile, tiles

    tiles(
        [
            Tile("Failed payments", "0", "+0", good="down"),
            Tile("MRR", "$10.00", "$0.00 in 30 days"),
            Tile("New people", "10", "+10"),
            Tile("Churn", "3.0 %", "0.5 %"),
            Tile("ARPA", "$10.00", "−0.5 %"),
        ]
    )


def shown(script: Callable[[], None]) -> AppTest:
    return AppTest.from_function(script).run()


def test_a_figure_that_stayed_is_neither_good_nor_bad() -> None:
    failed, mrr, new, churn, arpa = shown(_tiles).metric

    assert [each.delta for each in (failed, mrr, new, churn)] == ["no change", "no change", "+10", "0.5 %"]
    assert arpa.proto.color == arpa.proto.RED
    assert failed.proto.color == mrr.proto.color == failed.proto.GRAY
    assert new.proto.color == new.proto.GREEN


def _amounts() -> None:
    from types import SimpleNamespace as Row

    from lib.core.listing import Column
    from lib.ui.table import frame

    found = [
        Row(who="a", cents=7500, currency="USD"),
        Row(who="b", cents=-138_414, currency=None),
        Row(who="c", cents=123_456, currency="JPY"),
        Row(who="d", cents=None, currency="USD"),
    ]
    columns = (Column("who", "Who"), Column("cents", "Refunded", "money"))
    frame(found, columns, key="amounts", alt="Amounts", opens="who")


def test_money_sorts_by_the_amount_and_is_written_in_its_currency() -> None:
    [table] = shown(_amounts).dataframe

    assert table.value["cents"].dropna().tolist() == [75.0, -1384.14, 123_456.0]
    assert written(table, "cents") == ["$75.00", "−$1,384.14", "¥123,456", "–"]
    assert table.value["who"].tolist() == ["a ›", "b ›", "c ›", "d ›"]


def rows(*statuses: str) -> list[Any]:
    return [
        SimpleNamespace(name=f"Somebody with a long name {number:03}", status=each)
        for number, each in enumerate(statuses)
    ]


def test_a_status_below_the_first_rows_has_room_for_its_word() -> None:
    columns = (Column("name", "Name"), Column("status", "Status", "status"))
    short = cells.widths(rows(*["active"] * 20), columns)
    long = cells.widths(rows(*["active"] * 17, *["incomplete_expired"] * 3), columns)

    assert long["status"] > short["status"]


def test_one_very_long_name_does_not_push_the_other_columns_away() -> None:
    columns = (Column("name", "Name"), Column("status", "Status", "status"), Column("name", "Again"))
    usual = rows(*["active"] * 50)
    with_a_long_one = [*usual[1:], SimpleNamespace(name="W" * 100, status="active")]

    assert cells.widths(with_a_long_one, columns) == cells.widths(usual, columns)


@pytest.mark.parametrize(
    ("shares", "shown_as", "pattern"),
    [
        ([0.5, 0.25, None], [50.0, 25.0, None], "%.0f %%"),
        ([0.5, 0.125], [50.0, 12.5], "%.1f %%"),
        ([2 / 3, 0.012], [66.67, 1.2], "%.2f %%"),
    ],
)
def test_the_percentages_of_a_column_have_the_same_decimals_and_no_more_than_they_need(
    shares: list[float | None], shown_as: list[float | None], pattern: str
) -> None:
    column, found = Column("share", "Share", "percent"), [SimpleNamespace(share=each) for each in shares]

    assert [cells.cell(row, column) for row in found] == shown_as
    assert cells.config(column, found, None)["type_config"]["format"] == pattern


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "colours", ["chartCategoricalColors", "chartSequentialColors", "chartDivergingColors"]
)
def test_a_theme_has_as_many_chart_colours_as_plotly_takes(scheme: str, colours: str) -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"][scheme]

    assert len(set(theme[colours])) == 10
