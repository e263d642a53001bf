"""The archive's tables as queries see them. They are made by the migrations, which are the truth; a test compares.

``chat_sessions`` and ``chat_messages`` are those of seed 002, with what it takes to give a turn back as it was. Times
are whole milliseconds since 1970. The search index (``chat_search``) is another one in each database: see ``search``.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, MetaData, Row, String, Table, Text

ID_LENGTH: Final = 256
NAME_LENGTH: Final = 80
TAG_LENGTH: Final = 32

HUMAN: Final = "Human"
AI: Final = "AI"

# An INTEGER PRIMARY KEY counts by itself in SQLite, and only that.
_AutoId = BigInteger().with_variant(Integer(), "sqlite")

AnyRow = Row[*tuple[Any, ...]]
"""A row of any query."""

metadata = MetaData()

sessions = Table(
    "chat_sessions",
    metadata,
    Column("session_id", String(ID_LENGTH), primary_key=True),
    # A short name of the session for the search index.
    Column("number", _AutoId, Identity(), nullable=False, unique=True),
    Column("owner", String(ID_LENGTH), nullable=False),
    Column("chat_name", String(NAME_LENGTH), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_activity", BigInteger, nullable=False),
    Column("message_count", Integer, nullable=False),
    # The lists: newest first, of everybody or of one owner. Ends with the id, so that pages have one order.
    Index("chat_sessions_by_activity", "last_activity", "session_id"),
    Index("chat_sessions_by_owner", "owner", "last_activity", "session_id"),
)

messages = Table(
    "chat_messages",
    metadata,
    Column("id", _AutoId, primary_key=True, autoincrement=True),
    Column("session_id", String(ID_LENGTH), ForeignKey("chat_sessions.session_id"), nullable=False),
    Column("turn_id", String(ID_LENGTH), nullable=False),
    Column("sender", String(5), nullable=False),
    Column("content", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    # JSON, on the AI's message only: what else the turn was made of (see ``encoding``).
    Column("detail", Text),
    # A turn is found, and stored once, by its id; a conversation is read in its order; activity by time alone.
    Index("chat_messages_by_turn", "session_id", "turn_id", "sender", unique=True),
    Index("chat_messages_in_order", "session_id", "timestamp", "id"),
    Index("chat_messages_by_time", "timestamp", "session_id"),
    sqlite_autoincrement=True,
)

tags = Table(
    "chat_tags",
    metadata,
    Column("session_id", String(ID_LENGTH), ForeignKey("chat_sessions.session_id"), primary_key=True),
    Column("tag", String(TAG_LENGTH), primary_key=True),
    Index("chat_tags_by_tag", "tag", "session_id"),
)
