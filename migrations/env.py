"""What Alembic runs: revisions on a connection that it is handed, or as SQL text for one dialect.

There is no alembic.ini: `lib.core.schema.revisions` configures everything, owns the connection and its one
transaction, and is the only way in.
"""

from alembic import context


def _on_a_connection() -> None:
    # SQLite rolls DDL back like any other engine here, because our connections begin their own transactions
    # (`lib.core.database`); Alembic believes that it cannot.
    context.configure(
        connection=context.config.attributes["connection"], render_as_batch=False, transactional_ddl=True
    )
    context.run_migrations()


def _as_text() -> None:
    context.configure(
        dialect_name=context.config.attributes["dialect"],
        render_as_batch=False,
        transactional_ddl=True,
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _as_text()
else:
    _on_a_connection()
