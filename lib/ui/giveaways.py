"""What the desk of credits and gifts shows of one row: a grant, a couple's credits, a purchase, a gift."""

import streamlit as st

from lib.core.access import Permission
from lib.services import addons, couples, gifts
from lib.services.credits import grants, ledger
from lib.ui import desk
from lib.ui.asks import REASON, Ask
from lib.ui.billing import watch
from lib.ui.forms import action
from lib.ui.links import link
from lib.ui.show import Tile, amount, badge, distinct, facts, moment, plain, tiles, words
from lib.ui.table import frame


def grant(grant_id: str) -> None:
    """Show a grant that was asked for, and the decision on it."""
    case = desk.read(grants.one, grant_id)
    row = case.grant
    _title(case.addon_name or case.worth, row.status, row.relationship_id)
    facts(
        {
            "Worth": case.worth,
            "For": case.person,
            "Lasts": f"{row.lasts_days} days" if row.lasts_days else None,
            "Given to this couple in 90 days before": case.earlier,
            "Requested by": row.requested_by_email,
            "Requested": row.requested_at,
            "Why": row.reason,
            "Decided by": row.decided_by_email,
            "Decided": row.decided_at,
            "Decision": row.decision,
        }
    )
    link("The couple's credits", "credits", row.relationship_id, icon=":material/token:")
    if row.status != "pending":
        return
    with st.container(horizontal=True):
        action(
            "Give it",
            grants.approve,
            row.id,
            key="approve",
            needs=Permission.CREDITS_DECIDE,
            why_not=case.why_not_decide,
            effect=f"The couple has **{plain(case.worth)}** at once. No money moves.",
            done="Given.",
            icon=":material/check:",
            primary=True,
            shown=case.digest,
        )
        action(
            "Deny",
            grants.deny,
            row.id,
            key="deny",
            needs=Permission.CREDITS_DECIDE,
            why_not=case.why_not_decide,
            done="Denied.",
            icon=":material/close:",
            shown=case.digest,
        )


def couple_credits(couple_id: str) -> None:
    """Show a couple's ledger with its check and its trace, and what can be asked for on their behalf."""
    found = desk.read(ledger.of_couple, couple_id)
    _title("AI credits", None, couple_id)
    for oddity in found.oddities:
        st.warning(oddity, icon=":material/warning:")
    tiles(
        [
            Tile("Balance", f"{found.stored:,}", help="As the app wrote it last"),
            Tile("Bought", f"{found.bought:,}"),
            Tile("Granted", f"{found.granted:,}"),
            Tile("Used", f"{found.used:,}"),
            Tile("Run out within 30 days", f"{found.expiring:,}"),
        ]
    )
    st.caption("A use takes from the oldest credits that are left; that is our rule, the app keeps no trace.")
    frame(found.lines, ledger.LINE_COLUMNS, key="ledger", alt="Movements, newest first")
    _ask_for(couple_id)


def _ask_for(couple_id: str) -> None:
    couple = desk.read(couples.one, couple_id)
    names = distinct({partner.id: partner.name for partner in couple.partners})
    extras = distinct(desk.read(grants.addons_to_give))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        person = st.selectbox("For", list(names), format_func=lambda key: names[key], key="grant:for")
        action(
            "Request credits",
            grants.request_credits,
            couple_id,
            key="credits",
            needs=Permission.CREDITS_REQUEST,
            effect="Somebody else decides. Nothing is given before.",
            ask=[
                Ask("amount", "Credits", "count", default="20", least=1, most=grants.MOST_CREDITS),
                Ask(
                    "lasts_days",
                    "Last for days",
                    "count",
                    default=str(grants.DEFAULT_DAYS),
                    least=1,
                    most=grants.LONGEST_DAYS,
                ),
                REASON,
            ],
            done="Requested. Somebody else decides under Credits & gifts.",
            icon=":material/token:",
            for_user=person,
        )
        extra = st.selectbox("Add-on", list(extras), format_func=lambda key: extras[key], key="grant:addon")
        action(
            "Request the add-on",
            grants.request_addon,
            couple_id,
            key="addon",
            needs=Permission.CREDITS_REQUEST,
            effect=f"**{plain(extras.get(extra, ''))}**, once and free of charge. Somebody else decides.",
            done="Requested. Somebody else decides under Credits & gifts.",
            icon=":material/redeem:",
            for_user=person,
            addon_id=extra,
        )


def purchase(purchase_id: str) -> None:
    """Show an add-on that was bought, and its cancellation where it goes on."""
    case = desk.read(addons.one, purchase_id)
    _title(case.name or "Add-on", case.status, case.relationship_id)
    goes_on = case.stripe_subscription_id is not None
    facts(
        {
            "Kind": words(case.kind),
            "Price": amount(case.price_cents, "USD"),
            "Billed": words(case.billing_period),
            "Bought by": case.buyer,
            "Bought": case.purchase_date,
            "Paid until" if goes_on else "Ends": case.expiration_date,
            "Cancelled": case.canceled_at,
            "Stripe subscription": case.stripe_subscription_id,
        }
    )
    if case.kind in {"surprise_box", "coaching"}:
        st.caption("The app keeps no shipment and no appointment: only what was bought, and until when.")
    with st.container(horizontal=True):
        action(
            "Cancel at period end",
            addons.cancel_at_period_end,
            case.id,
            key="at_period_end",
            needs=Permission.SUBSCRIPTIONS_CANCEL,
            why_not=case.why_not_cancel_at_period_end,
            effect=f"It stays until **{moment(case.expiration_date)}** and is not charged again.",
            done="Queued: it ends with its period.",
            icon=":material/event_busy:",
            shown=case.digest,
        )
        action(
            "Cancel now",
            addons.cancel_now,
            case.id,
            key="now",
            needs=Permission.SUBSCRIPTIONS_CANCEL,
            why_not=case.why_not_cancel_now,
            effect="It ends **at once**. Nothing is paid back by itself. It cannot be undone.",
            confirm="cancel now",
            done="Queued: it ends now.",
            icon=":material/cancel:",
            shown=case.digest,
        )
    watch(addons.progress, case.id, case.operations)


def gift(gift_id: str) -> None:
    """Show a gift: from whom to whom, whether it is used, and how to see more of it."""
    row = desk.read(gifts.one, gift_id)
    _title(row.plan_name or "Gift", row.state, row.relationship_id)
    facts(
        {
            "From": row.giver,
            "To": row.recipient,
            "Given": row.created_at,
            "Ends": row.current_period_end,
            "Paid": amount(row.paid_cents, row.currency),
            "Message": row.gift_message,
        }
    )
    with st.container(horizontal=True):
        link("The giver", "users", row.gift_from_user_id, icon=":material/person:")
        link("The subscription", "subscriptions", row.id, icon=":material/autorenew:")


def _title(title: str, status: str | None, couple_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(title), anchor=False, width="content")
        badge(status)
        link("The couple", "relationships", couple_id, icon=":material/group:")
