"""How the demo's product person wants the running tests to be read: by what such a company can find."""

from math import ceil

from lib.core.access import Role
from lib.core.database import Database
from lib.core.work import reading, working
from lib.demo.desk import staff_of
from lib.demo.experiments import TRIALS
from lib.metrics.stats.power import minimum_detectable_lift
from lib.services import experiments

_WHY = "What a company of our size can find within a quarter; smaller effects are not worth the wait."
_DAYS = 40
_LIFTS = (10, 300)  # percent: the least and the most that is planned for


def plan_tests(database: Database) -> None:
    """Set the least lift to find of each test that runs, through the real action; they have to be counted.

    It is what the test can find with as many couples as it has, or will have after 40 days.
    """
    product = staff_of(database)[Role.PRODUCT]
    for trial in TRIALS:
        if trial.ends or trial.broken:
            continue
        with reading(database, product) as view:
            result = experiments.result(view, trial.name)
        control = next(arm for arm in result.arms if arm.is_control)
        days = max(1.0, result.analysis.plan.days_run)
        per_arm = min(arm.units for arm in result.arms) * max(1.0, _DAYS / days)
        found = minimum_detectable_lift(control.rate or 0.0, per_arm)
        percent = 5 * ceil((found or 0.0) * 20) or _LIFTS[1]
        with working(database, product) as work:
            experiments.set_plan(
                work,
                trial.name,
                deciding="paid",
                minimum_days=14,
                lift_percent=min(_LIFTS[1], max(_LIFTS[0], percent)),
                power_percent=80,
                reason=_WHY,
            )
