"""A/B tests: the list, what each came to, deciding on it, and who lies behind its figures."""

from lib.services.experiments import behind, counts, decisions, overview, plans, results
from lib.services.experiments.behind import people, segments, timeline
from lib.services.experiments.counts import Experiment, ExperimentCounts, experiments, one
from lib.services.experiments.decisions import Deciding, confirm, deciding, deny, extend, stop
from lib.services.experiments.overview import listed
from lib.services.experiments.plans import choose_control, set_plan
from lib.services.experiments.results import ArmOutcome, Result, result

__all__ = [
    "ArmOutcome",
    "Deciding",
    "Experiment",
    "ExperimentCounts",
    "Result",
    "behind",
    "choose_control",
    "confirm",
    "counts",
    "deciding",
    "decisions",
    "deny",
    "experiments",
    "extend",
    "listed",
    "one",
    "overview",
    "people",
    "plans",
    "result",
    "results",
    "segments",
    "set_plan",
    "stop",
    "timeline",
]
