"""What actions and tables are called, where a person reads of them: the audit trail above all."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "open": "Looked at a person",
        "read": "Tried to read",
        "error_counts.keep": "Errors: came again",
        "error_weights.keep_weights": "Errors: no longer ignored",
        "couple_status.pause": "Couple: pause",
        "experiments.stop": "Test: stop",
        "experiments.extend": "Test: extend",
        "experiments.confirm": "Test: agree against the card",
        "experiments.deny": "Test: refuse against the card",
        "experiments.choose_control": "Test: choose the control",
        "experiments.set_plan": "Test: set how it is read",
        "couple_status.end": "Couple: end",
        "couple_status.resume": "Couple: resume",
        "giving.give": "Gift: give",
        "handover.hand_over": "Subscription: move to the partner",
        "starts.start": "Subscription: start",
        "people.reveal": "People: show personal data",
        "repair.follow": "Drift: follow Stripe",
        "staff.grant": "Staff: let in or change role",
        "staff.revoke": "Staff: withdraw access",
        "stripe_inbox.ignore": "Stripe inbox: ignore",
        "subscriptions.apply": "Subscriptions: apply a code",
        "subscriptions.remove": "Subscriptions: remove a code",
        "subscriptions.change": "Subscriptions: change the plan",
        "subscriptions.comp": "Subscriptions: bill nothing",
        "subscriptions.pause": "Subscriptions: pause the subscription",
        "subscriptions.pause_collection": "Subscriptions: pause the bills",
        "subscriptions.resume": "Subscriptions: end the pause",
        "subscriptions.resume_collection": "Subscriptions: bill again",
    }
)
_TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "users": "Person",
        "relationships": "Couple",
        "subscriptions": "Subscription",
        "payment_transactions": "Payment",
        "refunds": "Refund",
        "discount_codes": "Discount code",
        "discount_usage": "Redemption",
        "subscription_plans": "Plan",
        "subscription_addons": "Add-on on sale",
        "user_addons": "Add-on",
        "ab_test_variants": "Arm of a test",
        "ai_credits": "AI credits",
        "error_logs": "Error",
        "stripe_webhooks": "Stripe event",
        "subscription_changes": "MRR ledger",
        "admin_batch_switch_offs": "Batch switched off",
        "admin_bulk_runs": "Bulk run",
        "admin_credit_grants": "Grant",
        "admin_credit_limits": "Limit on grants",
        "admin_discount_batches": "Batch of codes",
        "admin_drift": "Drift",
        "admin_experiment_decisions": "Decision on a test",
        "admin_experiment_plans": "How a test is read",
        "admin_error_groups": "Group of errors",
        "admin_inbox": "Stripe event",
        "admin_plans": "Combined plan",
        "admin_refund_limits": "Limit on refunds",
        "admin_sessions": "Session",
        "admin_stripe_operations": "Stripe operation",
        "admin_users": "Staff",
    }
)


def action_name(action: str | None) -> str | None:
    """An action or a job as words: `refunds.try_again` -> `Refunds: try again`; None for None."""
    if action is None or action in _ACTIONS:
        return action and _ACTIONS[action]
    desk, _, verb = action.replace("_", " ").partition(".")
    return f"{desk.capitalize()}: {verb}" if verb else desk.capitalize()


def action_and_code(action: str) -> str:
    """An action as words with its own name behind, so that it is found by typing either."""
    return f"{action_name(action)} ({action})"


def table_name(where: str | None) -> str | None:
    """A table, or one row of it, as words: `refunds/ref_1` -> `Refund ref_1`; None for None."""
    if where is None:
        return None
    table, _, key = where.partition("/")
    name = _TABLES.get(table) or table.removeprefix("admin_").replace("_", " ").capitalize()
    return f"{name} {key}" if key else name
