"""Deciding on a test: stop it, set a winner, extend it. Against the card, a second person has to agree.

    with the card       done
    against the card    asked --confirm--> done
                        asked --deny-----> denied

Production has no column for a winner: a test that is stopped ends in all of its arms, and only a winner stays
switched on. What was decided, why, and what the card said then is kept here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.core.access import Actor, Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.listing import Column
from lib.core.moments import day_bounds
from lib.core.work import Digest, View, Work, action, digest, query
from lib.metrics import experiment_counts
from lib.metrics.verdict import goes_against
from lib.models import ExperimentDecision, Variant, new_id
from lib.services.experiments.counts import variants_of
from lib.services.experiments.results import Result, of_test

LONGEST: Final = timedelta(days=365)
COLUMNS: Final = (
    Column("asked_at", "When", "moment"),
    Column("what", "Decision"),
    Column("state", "State", "status"),
    Column("headline", "The card said"),
    Column("reason", "Why"),
    Column("asked_by_email", "By"),
    Column("decided_by_email", "Second person"),
    Column("decision", "What they said"),
)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, or one that waits for a second person. `why_not`: why the reader may not be that one."""

    id: str
    what: str
    state: str
    against: bool
    headline: str
    reason: str
    asked_at: datetime
    asked_by_email: str
    decision: str | None
    decided_by_email: str | None
    digest: Digest
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Deciding:
    """What a person who decides on a test has to know.

    `shown` vouches for the arms and the card that they saw. `why_not` says why nothing can be decided,
    `why_no_winner` why no winner can be set. `against_*`: whether that goes against the card.
    """

    shown: Digest
    why_not: str | None
    why_no_winner: str | None
    against_stop: bool
    against_extend: bool
    against_winner: dict[str, bool]
    decisions: tuple[Decided, ...]

    @property
    def asked(self) -> Decided | None:
        """The decision that waits for a second person."""
        return next((each for each in self.decisions if each.state == "asked"), None)


@query(Permission.EXPERIMENTS_READ)
def deciding(view: View, result: Result) -> Deciding:
    """What can be decided on a test as it was read, and what was. Three statements."""
    name = result.experiment.name
    variants = variants_of(view.session, name)
    rows = _rows(view.session, name)
    names = {variant.id: variant.variant_name for variant in variants}
    card, control = result.card, result.control
    return Deciding(
        _shown(variants, result),
        _why_not(view.session, result, rows),
        _why_no_winner(result),
        goes_against(card, True, None, control),
        goes_against(card, False, None, control),
        {arm: goes_against(card, True, arm, control) for arm in names.values()},
        tuple(_decided(row, names, view.actor) for row in rows),
    )


@action(Permission.EXPERIMENTS_DECIDE)
def stop(work: Work, name: str, *, shown: Digest, reason: str, winner: str | None = None) -> str:
    """Stop a test, without a winner or with one by its name; gives the decision's id.

    Against the card it is only asked for, and somebody else decides. Raises NotFound without such a test,
    Invalid for a winner that is no arm, and Refused when the arms or the card are not as they were shown,
    when the test has ended, when a decision waits, and for a winner while the split is broken.
    """
    variants, result = _expected(work, name, shown)
    if winner is not None and winner not in result.names.values():
        raise Invalid(f"“{winner[:60]}” is no arm of this test.")
    if winner is not None and (why := _why_no_winner(result)):
        raise Refused(why)
    chosen = next((arm.id for arm in variants if arm.variant_name == winner), None)
    row = _new(work, result, "winner" if winner else "stop", reason)
    row.winner_id = chosen
    row.against = goes_against(result.card, True, winner, result.control)
    return _put(work, row, variants)


@action(Permission.EXPERIMENTS_DECIDE)
def extend(work: Work, name: str, *, shown: Digest, until: date, reason: str) -> str:
    """Let a test run until the end of a day (UTC); gives the decision's id. Raises as `stop` does.

    Raises Invalid for a day that is not ahead or more than a year off.
    """
    if not work.now.date() < until <= work.now.date() + LONGEST:
        raise Invalid(f"Choose a day from tomorrow to {work.now.date() + LONGEST}.")
    variants, result = _expected(work, name, shown)
    row = _new(work, result, "extend", reason)
    row.until = until
    row.against = goes_against(result.card, False, None, result.control)
    return _put(work, row, variants)


@action(Permission.EXPERIMENTS_DECIDE, about="admin_experiment_decisions")
def confirm(work: Work, decision_id: str, *, shown: Digest, reason: str) -> None:
    """Agree to what somebody else decided against the card: it is done at once.

    Raises NotFound, and Refused when it changed since it was shown, is decided already, was asked for by the
    actor, when the test has ended meanwhile, or its split is broken and a winner was to be set.
    """
    row = _asked(work, decision_id, shown)
    result = of_test(work.session, work.now, row.test_name)
    if result.experiment.state == "ended":
        raise Refused("The test has ended meanwhile. Deny this, so that it waits no more.")
    if row.kind == "winner" and (why := _why_no_winner(result)):
        raise Refused(why)
    _answer(work, row, "done", reason)
    _carry_out(work, row, variants_of(work.session, row.test_name))


@action(Permission.EXPERIMENTS_DECIDE, about="admin_experiment_decisions")
def deny(work: Work, decision_id: str, *, shown: Digest, reason: str) -> None:
    """Refuse what somebody else decided against the card; the test stays as it is. Raises as `confirm`."""
    _answer(work, _asked(work, decision_id, shown), "denied", reason)


def _expected(work: Work, name: str, shown: Digest) -> tuple[Sequence[Variant], Result]:
    variants = variants_of(work.session, name)
    if experiment_counts.stored(work.session, name) is None:
        raise Refused("This test was not counted yet, which happens hourly. Decide when it was.")
    result = of_test(work.session, work.now, name)
    if why := _why_not(work.session, result, _rows(work.session, name)):
        raise Refused(why)
    if _shown(variants, result) != shown:
        raise Refused("The arms or the card have changed since they were shown. Reload and look again.")
    return variants, result


def _shown(variants: Sequence[Variant], result: Result) -> Digest:
    said = [*(digest(variant) for variant in variants), result.card.decision, str(result.card.variant)]
    said += [gate.state for gate in result.analysis.gates if gate.name == "sample_ratio"]
    return Digest(hashlib.sha256("\n".join(said).encode()).hexdigest()[:32])


def _why_not(session: Session, result: Result, rows: Sequence[ExperimentDecision]) -> str | None:
    if result.experiment.state == "ended":
        return "The test has ended."
    if result.unit != "couple":
        return "Tests are decided on couples. Count couples to decide."
    if any(row.state == "asked" for row in rows):
        return "A decision waits for a second person."
    return None


def _why_no_winner(result: Result) -> str | None:
    """A split that is not the planned one may have lost just those who would have done otherwise."""
    gate = result.analysis.gate("sample_ratio")
    return f"No winner can be set: {gate.sentence}" if gate.state == "failed" else None


def _new(work: Work, result: Result, kind: str, reason: str) -> ExperimentDecision:
    return ExperimentDecision(
        id=new_id(),
        test_name=result.experiment.name,
        kind=kind,
        card=result.card.decision,
        card_variant=result.card.variant,
        headline=result.card.headline,
        reason=reason.strip(),
        asked_by=work.actor.id,
        asked_by_email=work.actor.email,
        asked_at=work.now,
    )


def _put(work: Work, row: ExperimentDecision, variants: Sequence[Variant]) -> str:
    """Write a decision; carry it out unless somebody else has to agree."""
    row.state = "asked" if row.against else "done"
    row.open_key = row.test_name if row.against else None
    work.session.add(row)
    work.about("admin_experiment_decisions", row.id)
    if not row.against:
        _carry_out(work, row, variants)
    return row.id


def _carry_out(work: Work, row: ExperimentDecision, variants: Sequence[Variant]) -> None:
    for variant in variants:
        work.about("ab_test_variants", variant.id)
        if row.kind == "extend":
            assert row.until is not None, "an extension names its day"
            variant.end_date = day_bounds(row.until)[1]
            continue
        variant.is_active = variant.id == row.winner_id
        if variant.end_date is None or variant.end_date > work.now:
            variant.end_date = work.now


def _answer(work: Work, row: ExperimentDecision, state: str, reason: str) -> None:
    row.state, row.open_key, row.decision = state, None, reason.strip()
    row.decided_by, row.decided_by_email = work.actor.id, work.actor.email
    row.decided_at = work.now


def _asked(work: Work, decision_id: str, shown: Digest) -> ExperimentDecision:
    row = work.session.get(ExperimentDecision, decision_id)
    if row is None:
        raise NotFound(f"There is no decision “{decision_id[:40]}”.")
    work.expect(row, shown)
    if why := _why_not_second(row, work.actor):
        raise Refused(why)
    return row


def _why_not_second(row: ExperimentDecision, actor: Actor) -> str | None:
    if row.state != "asked":
        return "This was decided already."
    if row.asked_by == actor.id:
        return "You decided this yourself against the card, so somebody else has to agree."
    return None if actor.may(Permission.EXPERIMENTS_DECIDE) else "Your role does not decide on tests."


def _rows(session: Session, name: str) -> Sequence[ExperimentDecision]:
    row = ExperimentDecision
    newest = select(row).where(row.test_name == name).order_by(row.asked_at.desc(), row.id.desc())
    return session.scalars(newest).all()


def _decided(row: ExperimentDecision, names: dict[str, str], actor: Actor) -> Decided:
    match row.kind:
        case "winner":
            what = f"Ship {names.get(row.winner_id or '', row.winner_id)}"
        case "extend":
            what = f"Extend to {row.until}"
        case _:
            what = "Stop without a winner"
    return Decided(
        row.id,
        what,
        row.state,
        row.against,
        row.headline,
        row.reason,
        row.asked_at,
        row.asked_by_email,
        row.decision,
        row.decided_by_email,
        digest(row),
        _why_not_second(row, actor),
    )
