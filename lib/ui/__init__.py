"""What a page is made of: it composes these and the services; it computes, queries and catches nothing."""

from lib.ui.billing import payments, watch
from lib.ui.desk import announce, attempt, may, page, read
from lib.ui.forms import REASON, Ask, action
from lib.ui.links import link
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
    words,
)
from lib.ui.table import (
    back,
    choose,
    first_page,
    frame,
    open_row,
    opened,
    search_box,
    sections,
    table,
    toggle,
)

__all__ = [
    "REASON",
    "Ask",
    "Tile",
    "action",
    "amount",
    "announce",
    "attempt",
    "back",
    "badge",
    "card",
    "changes",
    "choose",
    "counted",
    "document",
    "facts",
    "first_page",
    "frame",
    "limit",
    "link",
    "may",
    "moment",
    "notebook",
    "open_row",
    "opened",
    "page",
    "payments",
    "plain",
    "read",
    "reveal",
    "search_box",
    "sections",
    "table",
    "tiles",
    "timeline",
    "toggle",
    "watch",
    "words",
]
