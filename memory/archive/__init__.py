"""The SQL archive: every turn of a conversation, kept beyond its session, with names, search and statistics.

Usable on its own: ``Archive("sqlite:///chats.db")`` or ``Archive("postgresql+psycopg://…")``, then ``migrate()``.
"""

from memory.archive.archive import Archive
from memory.archive.errors import ArchiveUnavailable, SessionExists
from memory.archive.models import Activity, ArchivedChat, ArchiveStats, ChatEntry, ChatSession, Snippet

__all__ = [
    "Activity",
    "Archive",
    "ArchiveStats",
    "ArchiveUnavailable",
    "ArchivedChat",
    "ChatEntry",
    "ChatSession",
    "SessionExists",
    "Snippet",
]
