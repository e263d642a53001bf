"""Sessions and messages, as in seed 002."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    counted = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "chat_sessions",
        sa.Column("session_id", sa.String(256), primary_key=True),
        sa.Column("number", counted, *([] if sqlite else [sa.Identity()]), nullable=False, unique=True),
        sa.Column("owner", sa.String(256), nullable=False),
        sa.Column("chat_name", sa.String(80), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_activity", sa.BigInteger, nullable=False),
        sa.Column("message_count", sa.Integer, nullable=False),
    )
    op.create_index("chat_sessions_by_activity", "chat_sessions", ["last_activity", "session_id"])
    op.create_index("chat_sessions_by_owner", "chat_sessions", ["owner", "last_activity", "session_id"])
    op.create_table(
        "chat_messages",
        sa.Column("id", counted, primary_key=True, autoincrement=True),
        sa.Column("session_id", sa.String(256), sa.ForeignKey("chat_sessions.session_id"), nullable=False),
        sa.Column("turn_id", sa.String(256), nullable=False),
        sa.Column("sender", sa.String(5), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("chat_messages_by_turn", "chat_messages", ["session_id", "turn_id", "sender"], unique=True)
    op.create_index("chat_messages_in_order", "chat_messages", ["session_id", "timestamp", "id"])
    op.create_index("chat_messages_by_time", "chat_messages", ["timestamp", "session_id"])
