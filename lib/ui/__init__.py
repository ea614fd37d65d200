"""What a page is made of: it composes these and the services; it computes, queries and catches nothing."""

from lib.ui.billing import payments, refund, watch
from lib.ui.charts import chart, figure_tile, month, period, stands_on
from lib.ui.desk import announce, ask_stripe, attempt, may, page, read
from lib.ui.filters import choose, filters, first_page, one_of, pick, search_box, since, toggle
from lib.ui.finder import PLACEHOLDER, results
from lib.ui.forms import REASON, Ask, action
from lib.ui.links import link, object_link, waiting
from lib.ui.payment import collected, collecting, credit_balance, credit_note, dispute
from lib.ui.people import card, notebook, reveal, timeline
from lib.ui.show import (
    Tile,
    amount,
    badge,
    changes,
    counted,
    document,
    facts,
    limit,
    moment,
    plain,
    tiles,
    trace,
    words,
)
from lib.ui.table import back, frame, open_row, opened, sections, table

__all__ = [
    "PLACEHOLDER",
    "REASON",
    "Ask",
    "Tile",
    "action",
    "amount",
    "announce",
    "ask_stripe",
    "attempt",
    "back",
    "badge",
    "card",
    "changes",
    "chart",
    "choose",
    "collected",
    "collecting",
    "counted",
    "credit_balance",
    "credit_note",
    "dispute",
    "document",
    "facts",
    "figure_tile",
    "filters",
    "first_page",
    "frame",
    "limit",
    "link",
    "may",
    "moment",
    "month",
    "notebook",
    "object_link",
    "one_of",
    "open_row",
    "opened",
    "page",
    "payments",
    "period",
    "pick",
    "plain",
    "read",
    "refund",
    "results",
    "reveal",
    "search_box",
    "sections",
    "since",
    "stands_on",
    "table",
    "tiles",
    "timeline",
    "toggle",
    "trace",
    "waiting",
    "watch",
    "words",
]
