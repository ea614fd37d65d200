"""Drift: where our rows and Stripe disagree, how that is found, and what may safely be done about it.

classes.py    the classes of drift, as data
finding.py    one difference
ours.py       our rows, looked up for a page
compare/      facts beside rows: pure functions
parts/        each kind of thing: Stripe's list, our rows, how they are compared
here.py       what our rows say alone
walk.py       everything, page by page, resumable
store.py      findings and the place of a walk, kept in our own tables
remedies.py   what each safe repair asks of Stripe and lets follow
repair.py     doing one, once
single.py     one subscription, while somebody looks at it
"""

from lib.payments.reconcile.classes import CLASSES, REPAIRABLE, SEVERITIES, DriftClass
from lib.payments.reconcile.finding import Finding
from lib.payments.reconcile.repair import asked, run
from lib.payments.reconcile.single import Question, of_subscription, question_about
from lib.payments.reconcile.walking import Budget, Walked, walk

__all__ = [
    "CLASSES",
    "REPAIRABLE",
    "SEVERITIES",
    "Budget",
    "DriftClass",
    "Finding",
    "Question",
    "Walked",
    "asked",
    "of_subscription",
    "question_about",
    "run",
    "walk",
]
