"""The schema: revisions up and down, and what a database holds beside what it should hold.

`upgrade` and `downgrade` move a database of ours; `adopt` takes over one that the app made; `check` reports.
"""

from lib.core.schema.adoption import AdoptReport, adopt
from lib.core.schema.differences import differences
from lib.core.schema.manifest import Manifest, manifest_of, production
from lib.core.schema.report import SchemaReport, check
from lib.core.schema.revisions import as_sql, downgrade, pin, upgrade

__all__ = [
    "AdoptReport",
    "Manifest",
    "SchemaReport",
    "adopt",
    "as_sql",
    "check",
    "differences",
    "downgrade",
    "manifest_of",
    "pin",
    "production",
    "upgrade",
]
