"""The figures as tables: for the terminal, and for docs/performance.md."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy
import streamlit

from lib.core.settings import ROOT
from tests.bench.export import Download
from tests.bench.measure import Cost, Spread

PAGE: Final = ROOT / "docs" / "performance.md"
BEGIN: Final = "<!-- the bench writes from here -->"
END: Final = "<!-- to here -->"
_TIMES: Final = ("database ms", "script ms", "CPU ms")
HEAD: Final = " ".join(
    [f"{'Screen':38} {'role':8} {'opening':>7} {'again':>5}", *(f"{title:>15}" for title in _TIMES)]
)


def line(cost: Cost) -> str:
    """One line of the terminal's table."""
    figures = " ".join(f"{_spread(each):>15}" for each in (cost.database, cost.script, cost.cpu))
    start = f"{cost.screen.title[:38]:38} {cost.screen.role.value:8} {cost.opening:7} {cost.statements:5}"
    return f"{start} {figures}{'  ← ' + cost.too_much if cost.too_much else ''}"


def machine() -> str:
    """What it was measured on."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"SQLAlchemy {sqlalchemy.__version__}, Streamlit {streamlit.__version__}"
    )


def said(download: Download) -> str:
    """The export in a sentence."""
    return (
        f"CSV of {download.name}: {download.rows:,} rows, {download.megabytes:.1f} MB, first byte after "
        f"{download.first_byte_s * 1000:.0f} ms, all of it after {download.seconds:.1f} s; the server's "
        f"memory grew by {download.grown_mb:.0f} MB, to {download.server_mb:.0f} MB at its peak."
    )


def write(costs: Sequence[Cost], download: Download | None, rows: str, load: float) -> Path:
    """Put a run's table into docs/performance.md, in place of the one before."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {machine()}.",
        f"The company: {rows}. The load of the machine when the run began: {load:.1f}.",
        "",
        "| Screen | Role | Statements, first look | again | Database ms, p50 / p95 | Script ms | CPU ms |",
        "|---|---|--:|--:|--:|--:|--:|",
        *(
            f"| {cost.screen.title} | {cost.screen.role.value} | {cost.opening} | {cost.statements} "
            f"| {_spread(cost.database)} | {_spread(cost.script)} | {_spread(cost.cpu)} |"
            for cost in costs
        ),
    ]
    if download:
        table += ["", said(download)]
    PAGE.write_text("\n".join([before + BEGIN, *table, END + after]), encoding="utf-8")
    return PAGE


def _spread(spread: Spread) -> str:
    return f"{spread.p50:.1f} / {spread.p95:.1f}"
