"""The list of tests: where each stands, and what its card says in a word."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.listing import Column
from lib.core.work import View, query
from lib.metrics import experiment_cells, verdict
from lib.metrics.experiment_cells import Cells
from lib.metrics.stats import Overlap, analyse
from lib.metrics.verdict import Card
from lib.models import ExperimentCount, ExperimentDecision, ExperimentPlan, Variant
from lib.services.experiments.counts import Experiment, every_variant, of_arms
from lib.services.experiments.plans import Reading, reading_of
from lib.services.experiments.results import plan_of, state_of

STATES: Final = ("to_decide", "running", "planned", "ended", "off")
COLUMNS: Final = (
    Column("name", "Test"),
    Column("state", "State", "status"),
    Column("says", "Decision"),
    Column("couples", "Couples", "count"),
    Column("days", "Days", "count"),
    Column("arm_names", "Arms"),
    Column("started_at", "Began", "moment"),
    Column("ended_at", "Ended", "moment"),
)
_WORDS: Final[Mapping[str, str]] = {
    "ship": "Ship {variant}",
    "roll_back": "Roll back",
    "keep_running": "Keep running",
    "review": "Look closer",
}


@dataclass(frozen=True, slots=True)
class ListedTest:
    """A test in the list. `says` is what was decided, or else what the card advises, in a word or two."""

    name: str
    state: str
    says: str
    couples: int
    days: int
    arm_names: str
    started_at: datetime | None
    ended_at: datetime | None


@query(Permission.EXPERIMENTS_READ)
def listed(view: View, *, state: str | None = None) -> list[ListedTest]:
    """The tests in one state, or all: those ready to decide first, then the newest. Five statements."""
    every = every_variant(view.session)
    cells = experiment_cells.stored_of(view.session, every, "couple")
    counts = select(ExperimentCount).where(ExperimentCount.test_name.in_(every))
    exposures = {row.test_name: row for row in view.session.scalars(counts)}
    plans = select(ExperimentPlan).where(ExperimentPlan.test_name.in_(every))
    readings = {row.test_name: reading_of(row) for row in view.session.scalars(plans)}
    decided = _decided(view, every)
    found = []
    for name, variants in every.items():
        test = of_arms(name, variants, view.now)
        reading = readings.get(name, Reading())
        card = _card(test, variants, reading, cells.get(name), exposures.get(name), view.now)
        found.append(_listed(test, card, cells.get(name), decided.get(name), view.now))
    found.sort(key=lambda each: each.started_at.timestamp() if each.started_at else 0.0, reverse=True)
    found.sort(key=lambda each: STATES.index(each.state))
    return [each for each in found if state is None or each.state == state]


def _card(
    test: Experiment,
    variants: list[Variant],
    reading: Reading,
    cells: Cells | None,
    seen: ExperimentCount | None,
    now: datetime,
) -> Card | None:
    """The card; None for a test that was not counted yet."""
    if cells is None or seen is None:
        return None
    names = {variant.id: variant.variant_name for variant in variants}
    arms = experiment_cells.arms(cells, names, reading.deciding)
    overlap = Overlap(seen.people, seen.people_in_several_arms, seen.couples, seen.split_couples)
    analysis = analyse(arms, plan_of(test, variants, reading, "couple", now), overlap)
    return verdict.decide(analysis, experiment_cells.guardrails(cells, names))


def _listed(
    test: Experiment, card: Card | None, cells: Cells | None, decided: str | None, now: datetime
) -> ListedTest:
    until = min(now, test.ended_at) if test.ended_at else now
    return ListedTest(
        test.name,
        state_of(test, card) if card else test.state,
        decided or (_WORDS[card.decision].format(variant=card.variant) if card else "Not counted yet"),
        sum(cell.sums["units"] for cell in cells.cells) if cells else 0,
        max(0, (until - test.started_at).days) if test.started_at else 0,
        test.arm_names,
        test.started_at,
        test.ended_at,
    )


def _decided(view: View, names: Collection[str]) -> dict[str, str]:
    """What was decided last of each test that was stopped, and what waits, in words."""
    row = ExperimentDecision
    statement = (
        select(row.test_name, row.kind, row.state, Variant.variant_name)
        .outerjoin(Variant, Variant.id == row.winner_id)
        .where(row.test_name.in_(names), row.state != "denied", row.kind != "extend")
        .order_by(row.asked_at, row.id)
    )
    found = {}
    for name, kind, state, winner in view.session.execute(statement):
        what = f"{winner} won" if kind == "winner" else "Stopped without a winner"
        found[name] = what if state == "done" else "Waits for a second person"
    return found
