"""What a page is made of: it composes these and the services; it computes, queries and catches nothing."""

from lib.ui.billing import payments, watch
from lib.ui.charts import chart, figure_tile, month, period, stands_on
from lib.ui.desk import announce, ask_stripe, attempt, may, page, read
from lib.ui.drift import both_sides, drift_classes, follow_repair, our_row, own_drift, standing
from lib.ui.filters import choose, filters, first_page, one_of, pick, search_box, toggle
from lib.ui.finder import PLACEHOLDER, results
from lib.ui.forms import REASON, Ask, action
from lib.ui.inbox import ageing, replay, replays, searched_document
from lib.ui.links import link, object_link, waiting
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
    "ageing",
    "amount",
    "announce",
    "ask_stripe",
    "attempt",
    "back",
    "badge",
    "both_sides",
    "card",
    "changes",
    "chart",
    "choose",
    "counted",
    "document",
    "drift_classes",
    "facts",
    "figure_tile",
    "filters",
    "first_page",
    "follow_repair",
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
    "our_row",
    "own_drift",
    "page",
    "payments",
    "period",
    "pick",
    "plain",
    "read",
    "replay",
    "replays",
    "results",
    "reveal",
    "search_box",
    "searched_document",
    "sections",
    "standing",
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
