"""Couples that may stop paying: why, what is at stake, what helps, and what somebody did about it.

reasons.py   what puts a couple on the list, as statements that the job `at-risk` runs
helping.py   what helps against each reason, and where it is done
worklist.py  the list, its sums, and one entry of it
answers.py   put aside until a day, handled, put back
"""

from lib.services.at_risk.answers import handled, put_back, snooze
from lib.services.at_risk.helping import Step, step_for
from lib.services.at_risk.reasons import REASONS, WHY
from lib.services.at_risk.worklist import Case, Stake, at_risk, one, stakes

__all__ = [
    "REASONS",
    "WHY",
    "Case",
    "Stake",
    "Step",
    "at_risk",
    "handled",
    "one",
    "put_back",
    "snooze",
    "stakes",
    "step_for",
]
