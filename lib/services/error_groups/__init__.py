"""Groups of errors: which there are, what each costs, and what somebody does about it.

asking.py    what is typed into the search: `is:unresolved severity:critical sync`
worklist.py  the list of groups, and what came since they were counted
case.py      one group: its stack, its money, its history
hit.py       its errors, people, places, what came of it, arms of running tests
acting.py    resolve, open again, ignore, assign, note
"""

from lib.services.error_groups.acting import assign, ignore, note, reopen, resolve
from lib.services.error_groups.case import GroupCase, history, notes_about, one, staff_on_call
from lib.services.error_groups.hit import aftermath, arms, facets, occurrences, people
from lib.services.error_groups.worklist import ORDERS, Tail, error_groups, is_group, tail

__all__ = [
    "ORDERS",
    "GroupCase",
    "Tail",
    "aftermath",
    "arms",
    "assign",
    "error_groups",
    "facets",
    "history",
    "ignore",
    "is_group",
    "note",
    "notes_about",
    "occurrences",
    "one",
    "people",
    "reopen",
    "resolve",
    "staff_on_call",
    "tail",
]
