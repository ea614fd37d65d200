"""What the month close shows of its figures: the month and its version, frozen beside now, the files."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

import streamlit as st

from lib.core import money
from lib.core.access import Permission
from lib.metrics.policies import POLICIES
from lib.services import month_close
from lib.services.month_close.files import csv_of, pdf_of
from lib.services.month_close.lines import DIFFERENCE_COLUMNS, SECTIONS, STANDING_COLUMNS, Section
from lib.services.month_close.versions import MonthShown, Version
from lib.ui import desk, resources
from lib.ui.filters import first_page
from lib.ui.forms import action
from lib.ui.show import Tile, amount, badge, facts, plain, tiles
from lib.ui.table import frame

_VERSION: Final = "version"
_MONTH_WIDTH: Final = 200  # pixels


def reporting_currency() -> str:
    """The currency that several are reported in, as it is set here."""
    return resources.settings().reporting_currency


def business_zone() -> str:
    """The zone in which the days of the business begin and end, as it is set here."""
    return resources.settings().business_zone


def policy_title(name: str) -> str:
    """What a policy is called; of one that is no more, its name."""
    return POLICIES[name].title if name in POLICIES else name


def closing_month(months: Sequence[date]) -> date:
    """One of the months that are over, from the address; the newest until another is chosen."""
    named = {f"{month:%Y-%m}": month for month in months}
    chosen = st.selectbox(
        "Month", list(named), key="month", bind="query-params", on_change=_other_month, width=_MONTH_WIDTH
    )
    return named.get(chosen or "", months[0])


def chosen_version() -> int | None:
    """The version that the address asks for; None for the newest."""
    text = st.query_params.get(_VERSION, "")
    return int(text) if text.isdecimal() else None


def close_head(shown: MonthShown) -> None:
    """The month, how it stands, and what its figures come to in one currency after the other."""
    with st.container(horizontal=True, vertical_alignment="center"):
        title = shown.chosen.title if shown.chosen else f"{shown.month:%B %Y}"
        st.subheader(plain(title), anchor=False, width="content")
        badge(shown.state)
        for number in shown.versions:
            if shown.chosen and number != shown.chosen.number:
                _version_button(number)
    if shown.chosen is not None:
        _frozen(shown.chosen)


def close_tiles(shown: MonthShown, policy: str, currency: str) -> None:
    """What the month comes to, as it was frozen; as it stands, while it is open."""
    found = {
        (each.section, each.measure): each.frozen
        for each in shown.differences
        if each.policy in {"", policy} and each.currency == currency
    }

    def of(section: Section, measure: str) -> int | None:
        return found.get((section, measure))

    closing, opening = of("recurring", "closing_arr_cents"), of("recurring", "opening_arr_cents")
    couples = of("recurring", "closing_couples")
    moved = None if closing is None or opening is None else money.monthly(closing) - money.monthly(opening)
    tiles(
        [
            Tile(
                "MRR at the end",
                "–" if closing is None else amount(money.monthly(closing), currency),
                None if moved is None else amount(moved, currency),
                help="Change against the month's beginning",
            ),
            Tile("Couples at the end", "–" if couples is None else f"{couples:,}"),
            Tile("Paid", amount(of("cash", "payments_cents"), currency)),
            Tile(
                "Net of refunds, disputes and fees",
                amount(of("cash", "net_cents"), currency),
                help="Not known until the payments were reconciled with Stripe",
            ),
        ]
    )


def close_figures(shown: MonthShown, policy: str, currency: str, *, all_lines: bool) -> None:
    """The figures by section: frozen beside now, or as they stand while the month is open."""
    columns = DIFFERENCE_COLUMNS if shown.chosen else STANDING_COLUMNS
    rows = shown.shown(policy, currency, all_lines=all_lines)
    if not rows:
        st.info("Nothing differs from what was frozen.", icon=":material/check:")
    for section, title in SECTIONS.items():
        mine = [each for each in rows if each.section == section]
        if mine:
            st.markdown(f"**{title}**")
            frame(mine, columns, key=f"figures:{section}", alt=title)
            for remark in dict.fromkeys(each.remark for each in mine if each.remark):
                st.caption(plain(remark))


def close_actions(shown: MonthShown) -> None:
    """Freeze an open month, or restate one whose figures have moved on."""
    month = shown.month
    if shown.chosen is None:
        action(
            f"Freeze {month:%B %Y}",
            month_close.freeze,
            month,
            key="freeze",
            needs=Permission.REVENUE_CLOSE,
            why_not=shown.now.why_not,
            effect="The figures are kept as they stand. What comes later shows as a difference.",
            done=f"{month:%B %Y} is frozen.",
            icon=":material/lock:",
            primary=True,
            reporting=reporting_currency(),
            zone=business_zone(),
        )
        return
    count = "1 figure differs" if shown.changed == 1 else f"{shown.changed:,} figures differ"
    action(
        "Restate",
        month_close.restate,
        shown.chosen.id,
        key="restate",
        needs=Permission.REVENUE_CLOSE,
        why_not=shown.why_not_restate,
        effect=f"{count}. A new version is made of today's figures; this one stays, and so do its files.",
        done=f"{month:%B %Y} is restated.",
        icon=":material/edit_calendar:",
        primary=True,
        shown=shown.now.digest,
        zone=business_zone(),
    )


def close_files(close: Version | None) -> None:
    """The CSV and the PDF of a version, made when they are asked for."""
    if close is None:
        return
    with st.popover("Files", icon=":material/download:", key="files", on_change="rerun") as unfolded:
        if not unfolded.open:
            return
        name = f"month-close-{close.month:%Y-%m}-v{close.number}"
        st.caption("Made from what was frozen: the same version gives the same bytes.")
        for kind, mime, make in (("PDF", "application/pdf", pdf_of), ("CSV", "text/csv", csv_of)):
            st.download_button(
                f"Download {kind}",
                _file(kind, close.digest, make, close.id),
                file_name=f"{name}.{kind.lower()}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
            )


def _frozen(close: Version) -> None:
    facts(
        {
            "Frozen": close.closed_at,
            "By": close.closed_by_email,
            "Ledger as of": close.as_of,
            "Why": close.reason,
            "Digest": close.digest[:16],
        }
    )


def _version_button(number: int) -> None:
    def choose() -> None:
        st.query_params[_VERSION] = str(number)

    st.button(f"Version {number}", key=f"version:{number}", type="tertiary", on_click=choose)


def _other_month() -> None:
    st.query_params.pop(_VERSION, None)
    first_page()


# What was frozen never changes, so its files are made once.
@st.cache_data(max_entries=40, show_spinner=False)
def _file(kind: str, digest: str, _make: Callable[..., bytes], close_id: str) -> bytes:  # noqa: ARG001 - the key
    return desk.read(_make, close_id)
