"""Runs migrations on the connection, and in the transaction, that ``Archive.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from memory.archive.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    # SQLite changes a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
