"""What the Retention page asks for: who, by which definition, and whose names are behind a cell."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import streamlit as st

from lib.metrics import journey_figures, journey_units, retention, retention_read, retention_table
from lib.metrics.funnels import Unit
from lib.metrics.funnels_steps import ANY_EVENT, STEP, named
from lib.metrics.retention import Definition, Period
from lib.metrics.retention_read import Asked, Beginning, Kept, Retention
from lib.ui import desk
from lib.ui.charts import chart
from lib.ui.filters import filters, forget_what_is_not_there, one_of, pick
from lib.ui.journey_units import units_table
from lib.ui.show import distinct
from lib.ui.table import frame

_UNITS: Final[Mapping[str, Unit]] = {"Couples": "couple", "People": "person"}
_PERIODS: Final[Mapping[str, Period]] = {"Weeks": "week", "Months": "month", "Days": "day"}
_BEGINNINGS: Final[Mapping[str, Beginning]] = {
    "Account made": "account",
    "First time": "first_use",
    "Every time": "every_use",
}
_USUAL: Final = "visit"
_COHORTS: Final = ("12", "8", "24")
_BUCKETS: Final = {"calendar": "Of the calendar", "rolling": "Since each beginning"}
_COUNTINGS: Final = {"exact": "At that age", "on_or_after": "At that age or later"}
_TIMES: Final = ("1", "2", "3", "5", "10")
_BACK: Final = {"back": "Came back", "gone": "Did not"}


def asked_retention(whats: Sequence[str]) -> Asked:
    """Whose coming back is asked for, by which definition, from the address. The run ends for a bad one."""
    options = distinct({what: named(what) for what in (*whats, ANY_EVENT) if not what.startswith(STEP)})
    with filters():
        unit = _UNITS[one_of("Count", list(_UNITS), key="unit")]
        beginning = _BEGINNINGS[one_of("Cohort by", list(_BEGINNINGS), key="cohorts")]
        period = _PERIODS[one_of("Ages in", list(_PERIODS), key="ages")]
        number = one_of("Cohorts", _COHORTS, key="number")
    what = pick(
        "Came back by", list(options), key="what", shown_as=lambda what: options[what], unpicked=named(_USUAL)
    )
    with st.expander("More of the definition"), filters():
        buckets = one_of("Ages are", list(_BUCKETS), key="buckets", shown_as=lambda code: _BUCKETS[code])
        counting = one_of(
            "Counted as back", list(_COUNTINGS), key="counting", shown_as=lambda code: _COUNTINGS[code]
        )
        times = one_of("At least so often", _TIMES, key="times")
        week = one_of("Weeks begin on", retention.WEEK_STARTS, key="week", shown_as=str.title)
    with desk.expected_errors():
        definition = Definition(
            period,
            "recurring" if beginning == "every_use" else "first",
            buckets,
            counting,
            int(times),
            week if period == "week" else "monday",
        )
        return Asked(what or _USUAL, beginning, definition, unit, int(number))
    raise AssertionError("expected_errors() ends the run")


def show_retention(found: Retention) -> None:
    """The definition, the grid with its table, and what its averages stand on."""
    said = retention_table.definition(found.asked)
    st.caption(said)
    chart(
        journey_figures.retention_squares(found),
        title="Who comes back",
        about=said,
        basis=found.basis,
        rows=retention_table.rows(found),
        columns=retention_table.COLUMNS,
        key="grid",
        why_not=found.why_not,
        picks=("cohort", "age"),
    )
    if found.why_not:
        return
    st.caption(
        "Age 0 is the cohort itself. Hatched: the time of the age goes on for some of the cohort, so far. "
        "The average takes the cohorts that are mature at an age as one: all who began count alike."
    )
    with st.expander("What the averages stand on, and other weights"):
        frame(found.averages, retention_table.AVERAGE_COLUMNS, key="averages", alt="Averages by age")


def retention_cell(found: Retention) -> tuple[date, int, bool] | None:
    """The cell clicked in the grid or chosen here, and whether those who came back are asked for; or None."""
    starts = {retention_table.cohort_name(found.asked, each.start): each for each in found.cohorts}
    ages = [str(age) for age in range(len(found.cohorts))]
    forget_what_is_not_there("cohort", list(starts))
    forget_what_is_not_there("age", ages)
    with filters():
        name = pick("Cohort", list(starts)[::-1], key="cohort")
        age = pick("Age", ages, key="age")
        back = one_of("Who", list(_BACK), key="who", shown_as=lambda code: _BACK[code])
    if name is None or age is None:
        st.caption("Click a cell of the grid, or choose one here, for those behind it.")
        return None
    if int(age) >= len(starts[name].cells):
        st.info("This cohort is not that old yet.", icon=":material/hourglass_top:")
        return None
    return starts[name].start, int(age), back == "back"


def units_of_cell(found: Kept, cohort: date, age: int, back: bool) -> None:
    """Who of a cohort came back at an age, or did not, by pages."""
    units = retention_read.of_cell(found, cohort, age, back=back)
    units_table(units, journey_units.COLUMNS_OF_A_COHORT, found.asked.unit, empty="Nobody of this cohort.")
