"""Every kind of step. What can fail by a rule comes first; money leaves last."""

from collections.abc import Mapping
from typing import Final

from lib.services.plans.addons import ADDON
from lib.services.plans.ai_credits import CREDITS
from lib.services.plans.cancellation import step_kind
from lib.services.plans.refund import REFUND
from lib.services.plans.wishes import StepKind

STEPS: Final[Mapping[str, StepKind]] = {
    "cancel_at_period_end": step_kind("at_period_end"),
    "cancel_now": step_kind("now"),
    "take_back_credits": CREDITS,
    "end_addon": ADDON,
    "refund": REFUND,
}
