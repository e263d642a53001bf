"""Full-text search over names and messages, and tags. What is there already is indexed."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa
from alembic import op

from memory.archive.search import NAME, document, index_for

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chat_tags",
        sa.Column("session_id", sa.String(256), sa.ForeignKey("chat_sessions.session_id"), primary_key=True),
        sa.Column("tag", sa.String(32), primary_key=True),
    )
    op.create_index("chat_tags_by_tag", "chat_tags", ["tag", "session_id"])
    connection = op.get_bind()
    index = index_for(connection.dialect.name)
    index.create(connection)
    for number, name in connection.execute(sa.text("SELECT number, chat_name FROM chat_sessions ORDER BY 1")).all():
        index.put(connection, number, [(NAME, name)])
    turns = connection.execute(
        sa.text(
            "SELECT s.number, ai.id, human.content AS asked, ai.content AS told FROM chat_messages ai "
            "JOIN chat_sessions s ON s.session_id = ai.session_id "
            "JOIN chat_messages human ON human.session_id = ai.session_id AND human.turn_id = ai.turn_id "
            "AND human.sender = 'Human' WHERE ai.sender = 'AI' ORDER BY s.number, ai.id"
        ).execution_options(yield_per=1_000)
    )
    for number, rows in groupby(turns, key=attrgetter("number")):
        index.put(connection, number, [document(row.id, row.asked, row.told) for row in rows])
