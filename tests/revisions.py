"""The revisions that there are, the oldest first, as their files are named."""

from typing import Final

from lib.core.settings import ROOT

ALL: Final = tuple(path.name[:4] for path in sorted((ROOT / "migrations" / "versions").glob("[0-9]*.py")))
OURS: Final = ALL[ALL.index("0100") :]
NEWEST: Final = ALL[-1]
