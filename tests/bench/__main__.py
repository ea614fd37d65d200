"""`python -m tests.bench`: what every screen costs on a large company.

Exits with 1 when a screen needs more than 12 statements, at the first look or later, or 50 ms of the
database's time (the median of its reruns), or when the first byte of the largest CSV takes more than 0.2 s.
"""

import argparse
import logging
import os
import sys

from sqlalchemy import make_url

from lib.core.database import Database
from tests.bench import company, export, report
from tests.bench.measure import measure
from tests.bench.screens import SCREENS


def main() -> int:
    """Run the bench; gives the exit code."""
    options = _options()
    logging.disable(logging.WARNING)
    url = options.database or company.of_size(options.couples)
    settings, database = company.settings_for(url), Database(url)
    chosen = [screen for screen in SCREENS if options.only.lower() in screen.title.lower()]
    rows, load = company.described(database), os.getloadavg()[0]
    print(f"{report.machine()}\n{rows}\n\n{report.HEAD}", flush=True)
    costs = measure(
        settings,
        database,
        chosen,
        reruns=options.reruns,
        tell=lambda cost: print(report.line(cost), flush=True),
    )
    download = None if options.only else export.largest(database)
    if download:
        print(f"\n{report.said(download)}")
    if options.write:
        print(f"Written to {report.write(costs, download, rows, load)}.")
    database.dispose()
    over = [cost for cost in costs if cost.too_much]
    if over or (download and download.too_slow):
        print(f"\n{len(over)} of {len(costs)} screens are over the limit.", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What every screen costs.")
    parser.add_argument("--couples", type=int, default=50_000, help="the size of the company that is built")
    parser.add_argument("--database", metavar="URL", type=_address, help="another company")
    parser.add_argument("--reruns", type=int, default=10, help="of each screen")
    parser.add_argument("--only", default="", metavar="PART", help="only screens with this in their title")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    return parser.parse_args()


def _address(text: str) -> str:
    if make_url(text).get_backend_name() not in {"sqlite", "postgresql"}:
        raise argparse.ArgumentTypeError("name it as sqlite:///path or postgresql://server/database")
    return text


if __name__ == "__main__":
    sys.exit(main())
