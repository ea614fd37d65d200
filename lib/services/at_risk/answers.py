"""What staff do with an entry of the list: put it aside until a day, call it handled, put it back."""

from datetime import date, timedelta
from typing import Final, Literal

from sqlalchemy import select

from lib.core.access import Permission
from lib.core.errors import Invalid, NotFound, Refused
from lib.core.moments import day_bounds
from lib.core.work import Work, action
from lib.models import CoupleAtRisk, RiskAnswer, new_id
from lib.services.notes import check

LONGEST: Final = timedelta(days=180)


@action(Permission.RISK_WORK)
def snooze(work: Work, at_risk_id: str, *, until: date, note: str) -> str:
    """Put an entry aside until a day begins (UTC), with a note of what is waited for; gives the answer's id.

    Raises NotFound when it is no longer on the list, Invalid for a day that is not ahead or more than 180
    days off and for an empty note.
    """
    today = work.now.date()
    if not today < until <= today + LONGEST:
        raise Invalid(f"Choose a day from tomorrow to {today + LONGEST}.")
    return _answer(work, at_risk_id, "snoozed", note, until=until)


@action(Permission.RISK_WORK)
def handled(work: Work, at_risk_id: str, *, note: str) -> str:
    """Call an entry handled, with a note of what was done; it comes back when its reason comes up anew.

    Raises NotFound when it is no longer on the list and Invalid for an empty note.
    """
    return _answer(work, at_risk_id, "handled", note)


@action(Permission.RISK_WORK)
def put_back(work: Work, at_risk_id: str) -> None:
    """Put an entry back on the list. Raises Refused when nothing keeps it out of it."""
    answers = work.session.scalars(
        select(RiskAnswer).where(RiskAnswer.at_risk_id == at_risk_id, RiskAnswer.ended_at.is_(None))
    ).all()
    if not answers:
        raise Refused("Nobody put this aside, or somebody put it back already.")
    for answer in answers:
        answer.ended_at = work.now
    work.about("relationships", answers[0].relationship_id)


def _answer(
    work: Work,
    at_risk_id: str,
    kind: Literal["snoozed", "handled"],
    note: str,
    *,
    until: date | None = None,
) -> str:
    found = work.session.get(CoupleAtRisk, at_risk_id)
    if found is None:
        raise NotFound("This is no longer on the list: what put the couple there is over.")
    answer = RiskAnswer(
        id=new_id(),
        at_risk_id=at_risk_id,
        relationship_id=found.relationship_id,
        reason=found.reason,
        kind=kind,
        until=day_bounds(until)[0] if until else None,
        body=check(note),
        author_id=work.actor.id,
        author_email=work.actor.email,
        at=work.now,
    )
    work.session.add(answer)
    work.about("relationships", found.relationship_id)
    return answer.id
