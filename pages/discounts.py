"""Discounts: codes and batches of them; what they give, who used them, what it cost, and who stayed."""

import streamlit as st

from lib import ui
from lib.core.access import Permission
from lib.services import discounts

ui.page("Discounts", Permission.DISCOUNTS_READ)

code_id, batch_id = ui.opened(), ui.opened("batch")
if code_id is None:
    if batch_id is None:
        section = ui.sections("Codes", "Batches")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            kind = ui.choose("A new code gives", discounts.KINDS, key="gives", default="percentage")
            plans = ui.read(discounts.plans)
            ui.make_code(kind or "percentage", plans)
            ui.make_batch(kind or "percentage", plans)
        if section == "Batches":
            ui.table(discounts.batches, key="batches", parameter="batch", empty="No batch was made yet.")
            st.stop()
        with ui.filters():
            q = ui.search_box("Find", placeholder="Beginning of the code")
            switched = ui.choose("Switched", discounts.SWITCHES, key="switched")
        ui.table(discounts.codes, key="codes", empty="No code fits these filters.", q=q, switched=switched)
        st.stop()
    ui.back("All batches", "batch")
    batch = ui.read(discounts.batch, batch_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(ui.plain(batch.title), anchor=False, width="content")
        ui.badge(batch.state, note=batch.error)
    if batch.error:
        st.error(ui.plain(batch.error))
    ui.watch_work(discounts.batch, batch, "Codes made")
    ui.tiles(
        [
            ui.Tile("Codes", f"{batch.made:,} of {batch.wanted:,}"),
            ui.Tile("At Stripe", f"{batch.sent:,}" if batch.at_stripe else "the coupon only"),
            ui.Tile("Used", f"{batch.redeemed:,}"),
        ]
    )
    ui.facts(
        {
            "Gives": batch.gives,
            "Begin with": batch.prefix,
            "From": batch.valid_from,
            "Until": batch.valid_until,
            "Asked for by": batch.requested_by_email,
            "Why": batch.reason,
            "Done": batch.finished_at,
            "Stripe coupon": batch.stripe_coupon_id,
        }
    )
    switching_off = ui.read(discounts.switch_off_case, batch.id)
    with st.container(horizontal=True):
        ui.stop_or_resume(batch)
        ui.switch_batch_off(switching_off)
    ui.watch(discounts.batch_progress, batch.id, batch.operations)
    st.subheader("Codes", anchor=False)
    ui.table(discounts.of_batch, key="of_batch", empty="The worker has not begun yet.", batch_id=batch.id)
    st.stop()

ui.back("Back to the list")
code = ui.read(discounts.one, code_id)
there = ui.ask_stripe(discounts.at_stripe, code)

with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader(ui.plain(code.code), anchor=False, width="content")
    ui.badge(code.state)
    ui.link("Its batch", "discounts", "" if code.batch_id else None, batch=code.batch_id or "")
for oddity in (*code.oddities, *(there.differences if there else ())):
    st.warning(ui.plain(oddity), icon=":material/warning:")

ui.tiles(
    [
        ui.Tile("Redemptions", ui.counted(code.redemptions)),
        ui.Tile("Stripe counts", ui.counted(there.redeemed) if there else "–"),
        ui.Tile("Left", "no limit" if code.left is None else ui.counted(code.left)),
        ui.Tile("Not taken at redemption", ui.amount(code.given_cents, "USD"), help=discounts.GIVEN),
        ui.Tile("Off MRR today", ui.amount(code.mrr_off_cents, "USD"), help=discounts.MRR_OFF),
    ]
)
ui.facts(
    {
        "Gives": code.gives,
        "Applies to": ui.words(code.applies_to),
        "Plans": ", ".join(code.plans) or ("every plan" if code.terms_known else "as set at Stripe"),
        "Per couple": code.max_per_customer or ("no limit" if code.terms_known else "as set at Stripe"),
        "First purchase only": code.first_time_only if code.terms_known else "as set at Stripe",
        "From": code.valid_from,
        "Until": code.valid_until,
        "Last used": code.last_used_at,
        "Made by": code.created_by,
        "Made": code.created_at,
        "Stripe coupon": code.stripe_coupon_id,
    }
)
with st.container(horizontal=True):
    ui.switch_code(code)
    ui.change_code(code)
ui.watch(discounts.progress, code.id, code.operations)

match ui.sections("Redemptions", "Did they stay?", "At Stripe"):
    case "Redemptions":
        empty = "Nobody used it yet."
        ui.table(discounts.redemptions, key="redemptions", opens=None, empty=empty, code_id=code_id)
    case "Did they stay?":
        st.caption(discounts.STAYED)
        stayed = ui.read(discounts.stayed, code_id)
        ui.frame(stayed, discounts.STAYED_COLUMNS, key="stayed", alt="Who stayed", empty=discounts.NOBODY)
    case _:
        codes = there.codes if there else ()
        ui.frame(codes, discounts.STRIPE_COLUMNS, key="there", alt="At Stripe", empty=discounts.NOT_THERE)
