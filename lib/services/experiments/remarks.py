"""What is odd with a test or its rows, in sentences: each says what was seen and what became of it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.metrics.experiment_cells import Cells
from lib.metrics.experiment_counts import Oddities
from lib.metrics.stats.wording import counted
from lib.models import ArmSeen, Variant
from lib.services.experiments.counts import ExperimentCounts


def other_names(session: Session, name: str) -> list[str]:
    """Tests whose names differ from this one by case or blanks alone."""
    folded = func.lower(func.trim(Variant.test_name))
    statement = (
        select(Variant.test_name)
        .where(folded == name.strip().lower(), Variant.test_name != name)
        .distinct()
        .order_by(Variant.test_name)
    )
    return list(session.scalars(statement))


def of(
    test: ExperimentCounts,
    variants: Sequence[Variant],
    cells: Cells,
    seen: Sequence[ArmSeen],
    others: Sequence[str],
) -> tuple[str, ...]:
    """Everything that is odd, what matters most first. `seen`: how the arms stood, the oldest first."""
    return (
        *_of_arms(variants),
        *_of_names(variants, others),
        *_of_changes(variants, test, seen),
        *_of_rows(test, cells),
        *_of_money(variants, cells),
    )


def _of_arms(variants: Sequence[Variant]) -> Iterator[str]:
    if len(variants) == 1:
        yield f"The test has one arm, {variants[0].variant_name}: there is nothing to compare it with."
    total = sum(arm.traffic_percentage or 0 for arm in variants)
    if total == 0:
        yield "No arm has a share of the traffic planned, so whether the split is right cannot be told."
    elif total != 100:
        yield f"The planned shares add up to {total} %, not 100 %: they are taken in proportion."
    for arm in variants:
        if arm.end_date is not None and arm.start_date is not None and arm.end_date < arm.start_date:
            yield (
                f"{arm.variant_name} ends ({arm.end_date:%Y-%m-%d}) before it starts "
                f"({arm.start_date:%Y-%m-%d}): its dates are wrong, and the days that it ran cannot be told."
            )


def _of_names(variants: Sequence[Variant], others: Sequence[str]) -> Iterator[str]:
    if others:
        named = ", ".join(f"“{name}”" for name in others)
        yield f"Another test has nearly the same name: {named}. They are counted apart."
    spelled: dict[str, list[str]] = {}
    for arm in variants:
        spelled.setdefault(arm.variant_name.strip().lower(), []).append(arm.variant_name)
    for names in spelled.values():
        if len(names) > 1:
            same = ", ".join(f"“{name}”" for name in names)
            yield f"Arms have nearly the same name: {same}. They are counted apart."


def _of_changes(
    variants: Sequence[Variant], test: ExperimentCounts, seen: Sequence[ArmSeen]
) -> Iterator[str]:
    """Arms that were changed while people were put into them."""
    first = test.oddities.first_at
    for arm in variants:
        if first is not None and arm.created_at is not None and arm.created_at > first and test.assigned:
            yield (
                f"{arm.variant_name} was added on {arm.created_at:%Y-%m-%d}, after the first assignment "
                f"({first:%Y-%m-%d}): who came before could not get it, so arms are not alike."
            )
        stood = [each for each in seen if each.variant_id == arm.id]
        for before, after in pairwise(stood):
            if before.traffic_percentage != after.traffic_percentage:
                yield (
                    f"The share of {arm.variant_name} was changed from {before.traffic_percentage} % to "
                    f"{after.traffic_percentage} % by {after.seen_at:%Y-%m-%d}: the sample ratio is held "
                    "against today's shares."
                )
    starts = {arm.start_date.date() for arm in variants if arm.start_date is not None}
    if len(starts) > 1:
        yield "The arms start on different days: who came in between could not get each of them."


def _of_rows(test: ExperimentCounts, cells: Cells) -> Iterator[str]:
    found: Oddities = test.oddities
    if not test.assigned:
        yield "Nobody was put into an arm yet."
    if found.in_future:
        yield f"{counted(found.in_future, 'assignment')} dated in the future: left out until that time comes."
    if found.without_moment:
        yield f"{counted(found.without_moment, 'assignment')} without a time: left out of all results."
    if found.before_start:
        yield f"{counted(found.before_start, 'assignment')} from before the arm started: counted like others."
    if found.after_end:
        yield f"{counted(found.after_end, 'assignment')} from after the arm ended: counted like others."
    if found.of_other_tests:
        yield f"{counted(found.of_other_tests, 'assignment')} into an arm of another test: left out."
    if found.visitors:
        yield (
            f"{counted(found.visitors, 'assignment')} of visitors without an account: nobody pays for them, "
            "so they are no units."
        )
    units = sum(cell.sums["units"] for cell in cells.cells if cell.arrival == "unpaired")
    if units and cells.unit == "couple":
        yield f"{counted(units, 'person', 'people')} without a partner yet: each counts as a couple of one."


def _of_money(variants: Sequence[Variant], cells: Cells) -> Iterator[str]:
    negative = other = 0
    for arm in variants:
        sums = cells.total(arm.id)
        negative += sums["negative"]
        other += sums["other_currency"]
        if sums["units"] > 1 and sums["squares"] * sums["units"] == sums["cents"] ** 2:
            what = "came to the same amount" if sums["cents"] else "came to nothing"
            yield (
                f"Every {cells.unit} in {arm.variant_name} {what}: its revenue has no spread, so a test of "
                "revenue cannot be computed."
            )
    if negative:
        yield (
            f"{counted(negative, cells.unit)} came to less than nothing: more was paid back than paid. "
            "They are counted so."
        )
    if other:
        yield (
            f"{counted(other, cells.unit)} paid in another currency: they count as conversions, their money "
            "is left out."
        )
