"""What guardrails say of an arm: something got worse, did not, or cannot be told."""

from lib.metrics.stats import methods
from lib.metrics.stats.estimates import of_rate
from lib.metrics.stats.means import sequential
from lib.metrics.stats.proportions import Counted, compared, small
from lib.metrics.stats.results import Guarded, GuardedState
from lib.metrics.stats.samples import Guardrail, Plan
from lib.metrics.stats.wording import p_text, share_text


def guard(guardrail: Guardrail, variant: str, plan: Plan, early: bool) -> Guarded:
    """An arm against the control. Harmed is a rise whose p is below alpha.

    The test is the pooled z, or Fisher's where few are expected. `early` takes the always-valid one instead:
    before its planned size a test is looked at again and again.
    """
    a = Counted(guardrail.events.get(plan.control, 0), guardrail.units.get(plan.control, 0))
    b = Counted(guardrail.events.get(variant, 0), guardrail.units.get(variant, 0))
    effect = compared(methods.FISHER if small(a, b) else methods.POOLED_Z, a, b, plan.alpha)
    if effect.why_not is None and early:
        effect = sequential(of_rate(*a), of_rate(*b), "difference", plan.alpha, plan.tuning)
    if effect.p is None or effect.difference is None:
        why_not = effect.why_not or effect.remark or ""
        return Guarded(
            guardrail.name, variant, "unknown", effect, f"{guardrail.title} in {variant}: {why_not}"
        )
    state: GuardedState = "harmed" if effect.difference > 0 and effect.p < plan.alpha else "clear"
    sentence = (
        f"{guardrail.title}: {share_text(b.rate)} in {variant}, {share_text(a.rate)} in {plan.control}"
        f" ({p_text(effect.p)}, {effect.method.title})."
    )
    return Guarded(guardrail.name, variant, state, effect, sentence)
