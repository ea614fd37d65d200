"""What the Funnels page asks for: which steps, on which days, and whose names."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import streamlit as st

from lib.core import moments
from lib.metrics import funnels, funnels_steps, funnels_table, journey_figures, journey_units
from lib.metrics.figure import percent
from lib.metrics.funnels import Question, Step, Unit
from lib.metrics.funnels_read import Funnel, Walked
from lib.metrics.funnels_ready import READY
from lib.ui import desk
from lib.ui.charts import chart
from lib.ui.filters import filters, first_page, forget_what_is_not_there, one_of, pick
from lib.ui.journey_units import units_table
from lib.ui.show import Tile, tiles

OWN: Final = "Your own steps"
_OWN_DAYS: Final = "Other days"
_WITHIN: Final[Mapping[str, int]] = {"90 days": 90, "30 days": 30, "12 months": 365}
_WINDOWS: Final[Mapping[str, timedelta | None]] = {
    "7 days": timedelta(days=7),
    "1 hour": timedelta(hours=1),
    "1 day": timedelta(days=1),
    "14 days": timedelta(days=14),
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
}
_ORDERS: Final[Mapping[str, funnels.Order]] = {
    "In order": "ordered",
    "Strictly in order": "strict",
    "In any order": "any",
}
_UNITS: Final[Mapping[str, Unit]] = {"Couples": "couple", "People": "person"}
_OUTCOMES: Final = {"came": "Came to it", "lost": "Lost before it"}


def entry_days(label: str) -> tuple[date, date]:
    """The days that are looked at, from the address: the last so many until today (UTC), or others."""
    chosen = one_of(label, [*_WITHIN, _OWN_DAYS], key="within")
    today = moments.now().date()
    if chosen in _WITHIN:
        return today - timedelta(days=_WITHIN[chosen] - 1), today
    with st.container(horizontal=True, width="content"):
        since = _day("From", today - timedelta(days=89), key="from")
        until = _day("To", today, key="to")
    return since, until


def ready_funnel() -> str | None:
    """The ready-made funnel that is chosen, from the address; None for the person's own steps."""
    titles = {ready.title: name for name, ready in READY.items()}
    return titles.get(one_of("Funnel", [*titles, OWN], key="funnel"))


def own_question(whats: Sequence[str]) -> Question:
    """The person's own steps, from the address. The run ends here until there are two, and for bad ones."""
    options = _options(whats)
    steps: list[Step] = []
    with filters():
        for number in range(1, funnels.MOST + 1):
            # The first step begins; the partner can only follow.
            names = [name for name, step in options.items() if number > 1 or not step.by_partner]
            name = pick(f"Step {number}", names, key=f"step{number}", unpicked="Choose")
            if name is None:
                if number > 1:
                    break
                continue
            steps.append(options[name])
    with filters():
        window = _WINDOWS[one_of("All steps within", list(_WINDOWS), key="window")]
        order = _ORDERS[one_of("Order", list(_ORDERS), key="order")]
        unit = _UNITS[one_of("Count", list(_UNITS), key="unit")]
    if len(steps) < funnels.FEWEST:
        st.info("Choose at least two steps.", icon=":material/filter_alt:")
        st.stop()
    with desk.expected_errors():
        return Question(tuple(steps), window, order, unit)
    raise AssertionError("expected_errors() ends the run")


def show_funnel(found: Funnel, title: str) -> None:
    """Tiles, the chart with its table, the definition, and what is still open."""
    if not found.why_not:
        first, *later = funnels_table.step_rows(found)
        lost = max(later, key=lambda row: row.dropped)
        tiles(
            [
                Tile("Entered", f"{first.reached:,}", help=found.basis.of_what),
                Tile("Came to the end", f"{later[-1].reached:,}"),
                Tile("Of the first step", percent(later[-1].of_first or 0)),
                Tile(
                    "Most lost before",
                    f"Step {lost.number}",
                    help=f"{lost.step}: {lost.dropped:,} came to the step before and not to this one.",
                ),
            ]
        )
    chart(
        journey_figures.funnel_bars(found),
        title=title,
        about=funnels_table.definition(found.question),
        basis=found.basis,
        rows=funnels_table.step_rows(found),
        columns=funnels_table.COLUMNS,
        key="steps",
        why_not=found.why_not,
        picks=("step", "outcome"),
    )
    st.caption(funnels_table.definition(found.question))
    if said := funnels_table.waiting(found):
        st.caption(said)


def step_and_outcome(found: Funnel) -> tuple[int, str] | None:
    """The step whose people are asked for, clicked in the chart or chosen here; None for none."""
    names = {str(row.number): f"{row.number}. {row.step}" for row in funnels_table.step_rows(found)}
    if st.query_params.get("step") not in names.values():
        forget_what_is_not_there("step", list(names))
    with filters():
        number = pick(
            "Step", list(names), key="step", shown_as=lambda number: names[number], unpicked="Choose"
        )
        outcome = one_of("Who", list(_OUTCOMES), key="outcome", shown_as=lambda code: _OUTCOMES[code])
    if number is None:
        st.caption("Click a bar, or choose a step here, for those behind it.")
        return None
    return int(number), outcome


def units_at_step(walked: Walked, number: int, outcome: str) -> None:
    """Who came to a step, or was lost before it, by pages."""
    found = funnels_table.at_step(walked, number, outcome)
    empty = "Nobody: no one was lost before this step." if outcome == "lost" else "Nobody came to this step."
    units_table(found, journey_units.COLUMNS, walked.question.unit, empty=empty)


def _options(whats: Sequence[str]) -> dict[str, Step]:
    """Every step by its name, those of the partner last."""
    own = [Step(what) for what in whats]
    partners = [Step(what, by_partner=True) for what in whats if not what.startswith(funnels_steps.STEP)]
    return {funnels_table.step_name(step): step for step in (*own, *partners)}


def _day(label: str, default: date, *, key: str) -> date:
    chosen = st.date_input(
        f"{label} (UTC)",
        default,
        key=key,
        format="YYYY-MM-DD",
        bind="query-params",
        on_change=first_page,
        width=150,
    )
    return chosen if isinstance(chosen, date) else default
