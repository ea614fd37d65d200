"""What a downgrade asks before it drops anything."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from lib.core.errors import Refused


def refuse_when_filled(tables: Iterable[str]) -> None:
    """Raise Refused when one of the tables holds a row: dropping it would lose what cannot be made again."""
    connection = op.get_bind()
    filled = [
        name
        for name in tables
        if connection.execute(
            sa.select(sa.exists(sa.select(sa.text("1")).select_from(sa.table(name))))
        ).scalar()
    ]
    if filled:
        raise Refused(f"This revision is not taken back while its tables hold rows: {', '.join(filled)}.")
