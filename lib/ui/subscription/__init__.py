"""One subscription on the page, a section at a time: what it is, and each thing that can be done to it.

cards.py     what an action does to access, money and MRR, beside its button
overview.py  what our rows and Stripe say, with the next bill
plans.py     another plan, with Stripe's preview
pauses.py    the two pauses
ends.py      its end, and keeping it
goodwill.py  a longer trial, free months, bills of nothing
codes.py     discounts on it
history.py   what was done, and what was paid
"""

from lib.ui.subscription.codes import codes
from lib.ui.subscription.ends import ends
from lib.ui.subscription.goodwill import goodwill
from lib.ui.subscription.history import history
from lib.ui.subscription.overview import headline, overview
from lib.ui.subscription.pauses import pauses
from lib.ui.subscription.plans import plan

__all__ = ["codes", "ends", "goodwill", "headline", "history", "overview", "pauses", "plan"]
