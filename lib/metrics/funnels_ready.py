"""The ready-made funnels: those that are asked every day, so that the daily job counts them beforehand."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lib.core.errors import NotFound
from lib.metrics.funnels import Question, Step
from lib.metrics.funnels_steps import LANDING


@dataclass(frozen=True, slots=True)
class Ready:
    """A funnel with a name: what it is called, what it is for, and what it asks."""

    name: str
    title: str
    about: str
    question: Question


READY: Final = {
    ready.name: ready
    for ready in (
        Ready(
            "onboarding",
            "From the first visit to paying",
            "Where visitors are lost on the way to a couple that pays. Who leaves without a name counts as a "
            "visitor, by the session.",
            Question(
                (
                    Step(LANDING),
                    Step("step:create_account"),
                    Step("step:invite_partner"),
                    Step("step:partner_joined"),
                    Step("subscribed"),
                    Step("paid"),
                ),
                timedelta(days=30),
            ),
        ),
        Ready(
            "first_week",
            "The first week together",
            "Whether both partners begin: who made the account, then the other one, then a plan of theirs.",
            Question(
                (
                    Step("signed_up"),
                    Step("event:checkin_completed"),
                    Step("event:checkin_completed", by_partner=True),
                    Step("event:activity_planned"),
                ),
                timedelta(days=7),
            ),
        ),
        Ready(
            "plans",
            "From the plans to paying",
            "What looking at the plans leads to within two weeks, the trial between included.",
            Question((Step("event:plan_viewed"), Step("subscribed"), Step("paid")), timedelta(days=14)),
        ),
    )
}


def named(name: str) -> Ready:
    """A ready-made funnel by its name; NotFound with those there are for any other."""
    if name not in READY:
        raise NotFound(f"There is no funnel “{name[:40]}”. The ready-made ones are: {', '.join(READY)}.")
    return READY[name]
