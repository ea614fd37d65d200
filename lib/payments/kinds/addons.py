"""The end of an add-on that is paid again and again: found again by the state of its subscription."""

from collections.abc import Mapping
from typing import Final

from lib.core.work import Work
from lib.payments import rows
from lib.payments.events import SubscriptionFacts
from lib.payments.kinds.cancellations import cancel_at_period_end, cancel_now, will_end
from lib.payments.kinds.kind import Answer, Kind
from lib.payments.kinds.subscriptions import is_over, subscription_kind
from lib.payments.rows import Changes


def _follow(work: Work, answer: Answer, _operation_id: str) -> Changes | None:
    assert isinstance(answer, SubscriptionFacts)
    return rows.follow_addon(work, answer)


KINDS: Final[Mapping[str, Kind]] = {
    "addon_cancel_now": subscription_kind("Cancel the add-on now", cancel_now, is_over, follow=_follow),
    "addon_cancel_at_period_end": subscription_kind(
        "Cancel the add-on at its period's end", cancel_at_period_end, will_end, follow=_follow
    ),
}
