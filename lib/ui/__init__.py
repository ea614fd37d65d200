"""What a page is made of: it composes these and the services; it computes, queries and catches nothing."""

from lib.ui.asks import REASON, Ask
from lib.ui.balance import behind_open, enter_rate, reconcile_head
from lib.ui.billing import payments, refund, watch
from lib.ui.bridge_desk import (
    as_stripe,
    bridge_tiles,
    compared_with_stripe,
    day,
    policy_named,
    policy_settings,
)
from lib.ui.bulk import choose_for_bulk
from lib.ui.charts import chart, figure_tile, month, period, policy, rate_tile, stands_on
from lib.ui.closing import (
    business_zone,
    chosen_version,
    close_actions,
    close_figures,
    close_files,
    close_head,
    close_tiles,
    closing_month,
    policy_title,
    reporting_currency,
)
from lib.ui.cohort_desk import cohort_cell, cohort_span
from lib.ui.couple_life import couple_life
from lib.ui.couple_payments import couple_payments
from lib.ui.desk import announce, ask_stripe, attempt, may, page, read, read_shared
from lib.ui.discounting import (
    change_code,
    make_batch,
    make_code,
    stop_or_resume,
    switch_batch_off,
    switch_code,
)
from lib.ui.drift import both_sides, drift_classes, follow_repair, our_row, own_drift, standing
from lib.ui.error_case import (
    group_actions,
    group_aftermath,
    group_head,
    group_history,
    group_people,
    group_places,
    group_stack,
)
from lib.ui.error_desk import error_groups_list, error_row
from lib.ui.experiment_desk import decide_test, decision_card, test_sections
from lib.ui.filters import choose, filters, first_page, one_of, pick, pick_named, search_box, since, toggle
from lib.ui.finder import PLACEHOLDER, results
from lib.ui.forms import action
from lib.ui.funnel_desk import (
    entry_days,
    own_question,
    ready_funnel,
    show_funnel,
    step_and_outcome,
    units_at_step,
)
from lib.ui.giveaways import couple_credits, gift, grant, purchase
from lib.ui.inbox import ageing, replay, replays, searched_document
from lib.ui.journey_units import may_see_units
from lib.ui.limits import limits_section, own_limits
from lib.ui.links import link, object_link, waiting
from lib.ui.names import action_and_code, action_name
from lib.ui.payment import collected, collecting, credit_balance, credit_note, dispute
from lib.ui.people import card, notebook, reveal, timeline
from lib.ui.plan_desk import plan_offers, steps, watch_plan, wish
from lib.ui.progress import watch_work
from lib.ui.refund_desk import for_customer, hand_on, recommendation, recommended_then
from lib.ui.retention_desk import asked_retention, retention_cell, show_retention, units_of_cell
from lib.ui.revenue_behind import couples_behind
from lib.ui.revenue_desk import all_currencies, compared_with, revenue_tiles, ways_down
from lib.ui.revenue_sections import (
    Looked,
    churn_section,
    movements_section,
    mrr_section,
    payments_section,
    plan_mix_section,
)
from lib.ui.risk_desk import answer_risk, next_steps, risk_tiles
from lib.ui.show import (
    Tile,
    amount,
    badge,
    changes,
    counted,
    document,
    facts,
    moment,
    plain,
    tiles,
    trace,
    words,
)
from lib.ui.starting import begin, hand_over
from lib.ui.table import back, frame, open_row, opened, sections, table
from lib.ui.test_planner import plan_test
from lib.ui.what_if_desk import project, wish_for

__all__ = [
    "PLACEHOLDER",
    "REASON",
    "Ask",
    "Looked",
    "Tile",
    "action",
    "action_and_code",
    "action_name",
    "ageing",
    "all_currencies",
    "amount",
    "announce",
    "answer_risk",
    "as_stripe",
    "ask_stripe",
    "asked_retention",
    "attempt",
    "back",
    "badge",
    "begin",
    "behind_open",
    "both_sides",
    "bridge_tiles",
    "business_zone",
    "card",
    "change_code",
    "changes",
    "chart",
    "choose",
    "choose_for_bulk",
    "chosen_version",
    "churn_section",
    "close_actions",
    "close_figures",
    "close_files",
    "close_head",
    "close_tiles",
    "closing_month",
    "cohort_cell",
    "cohort_span",
    "collected",
    "collecting",
    "compared_with",
    "compared_with_stripe",
    "counted",
    "couple_credits",
    "couple_life",
    "couple_payments",
    "couples_behind",
    "credit_balance",
    "credit_note",
    "day",
    "decide_test",
    "decision_card",
    "dispute",
    "document",
    "drift_classes",
    "enter_rate",
    "entry_days",
    "error_groups_list",
    "error_row",
    "facts",
    "figure_tile",
    "filters",
    "first_page",
    "follow_repair",
    "for_customer",
    "frame",
    "gift",
    "grant",
    "group_actions",
    "group_aftermath",
    "group_head",
    "group_history",
    "group_people",
    "group_places",
    "group_stack",
    "hand_on",
    "hand_over",
    "limits_section",
    "link",
    "make_batch",
    "make_code",
    "may",
    "may_see_units",
    "moment",
    "month",
    "movements_section",
    "mrr_section",
    "next_steps",
    "notebook",
    "object_link",
    "one_of",
    "open_row",
    "opened",
    "our_row",
    "own_drift",
    "own_limits",
    "own_question",
    "page",
    "payments",
    "payments_section",
    "period",
    "pick",
    "pick_named",
    "plain",
    "plan_mix_section",
    "plan_offers",
    "plan_test",
    "policy",
    "policy_named",
    "policy_settings",
    "policy_title",
    "project",
    "purchase",
    "rate_tile",
    "read",
    "read_shared",
    "ready_funnel",
    "recommendation",
    "recommended_then",
    "reconcile_head",
    "refund",
    "replay",
    "replays",
    "reporting_currency",
    "results",
    "retention_cell",
    "reveal",
    "revenue_tiles",
    "risk_tiles",
    "search_box",
    "searched_document",
    "sections",
    "show_funnel",
    "show_retention",
    "since",
    "standing",
    "stands_on",
    "step_and_outcome",
    "steps",
    "stop_or_resume",
    "switch_batch_off",
    "switch_code",
    "table",
    "test_sections",
    "tiles",
    "timeline",
    "toggle",
    "trace",
    "units_at_step",
    "units_of_cell",
    "waiting",
    "watch",
    "watch_plan",
    "watch_work",
    "ways_down",
    "wish",
    "wish_for",
    "words",
]
