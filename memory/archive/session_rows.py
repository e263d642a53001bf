"""Sessions in ``chat_sessions``, with their names and tags, within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from memory.archive import turn_rows
from memory.archive.encoding import storable
from memory.archive.models import ChatSession
from memory.archive.search import NAME, SearchIndex
from memory.archive.tables import NAME_LENGTH, TAG_LENGTH, AnyRow, sessions, tags
from memory.session import Turn

FIRST_NAME_LENGTH: Final = 40
"""A conversation is named after this many characters of its first message (seed 002)."""

MOST_TAGS: Final = 20
_UNNAMED: Final = "New chat"


def begun(session_id: str, owner: str, turn: Turn, tags: Iterable[str]) -> ChatSession:
    """The session that a first turn opens."""
    name = collapsed(turn.message)[:FIRST_NAME_LENGTH].strip() or _UNNAMED
    return ChatSession(session_id, owner, name, turn.began, turn.ended, message_count=0, tags=checked_tags(tags))


def locked(connection: Connection, session_id: str) -> AnyRow | None:
    """The session's row, which nobody else changes until the transaction ends; None where it is unknown."""
    wanted = select(sessions).where(sessions.c.session_id == session_id).with_for_update()
    return connection.execute(wanted).one_or_none()


def opened(connection: Connection, index: SearchIndex, chat: ChatSession) -> AnyRow:
    """The row of a session that is made now, unless another process was quicker."""
    while True:
        row = insert(connection, index, chat) or locked(connection, chat.session_id)
        if row is not None:
            return row


def insert(connection: Connection, index: SearchIndex, chat: ChatSession) -> AnyRow | None:
    """Its new row; None where there is one of this id."""
    values: dict[str, Any] = {
        "session_id": chat.session_id,
        "owner": chat.owner,
        "chat_name": chat.chat_name,
        "created_at": chat.created_at,
        "last_activity": chat.last_activity,
        "message_count": chat.message_count,
    }
    if connection.dialect.name == "sqlite":
        # Only an INTEGER PRIMARY KEY counts by itself there; under the one writer's lock this is as good.
        values["number"] = select(func.coalesce(func.max(sessions.c.number), 0) + 1).scalar_subquery()
        statement: Any = insert_sqlite(sessions).values(values)
    else:
        statement = insert_postgres(sessions).values(values)
    row: AnyRow | None = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["session_id"]).returning(*sessions.c)
    ).one_or_none()
    if row is not None:
        index.put(connection, row.number, [(NAME, chat.chat_name)])
        insert_tags(connection, chat.session_id, checked_tags(chat.tags))
    return row


def remove(connection: Connection, index: SearchIndex, rows: Sequence[AnyRow]) -> None:
    """Delete sessions with all that is theirs."""
    ids = [row.session_id for row in rows]
    for row in rows:
        turn_rows.clear(connection, index, row.session_id, row.number)
        index.drop(connection, row.number, [(NAME, row.chat_name)])
    connection.execute(delete(tags).where(tags.c.session_id.in_(ids)))
    connection.execute(delete(sessions).where(sessions.c.session_id.in_(ids)))


def insert_tags(connection: Connection, session_id: str, wanted: Sequence[str]) -> None:
    if wanted:
        connection.execute(plain_insert(tags), [{"session_id": session_id, "tag": tag} for tag in wanted])


def collapsed(text: str) -> str:
    """On one line, with single spaces."""
    return " ".join(storable(text).split())


def checked_name(name: str) -> str:
    """The name as it is kept; ``ValueError`` where it is empty or too long."""
    name = collapsed(name)
    if not 0 < len(name) <= NAME_LENGTH:
        raise ValueError(f"a name must have 1 to {NAME_LENGTH} characters, got {len(name)}")
    return name


def checked_tags(wanted: Iterable[str]) -> tuple[str, ...]:
    """The tags in lower case, each once; ``ValueError`` where one is empty or too long, or there are too many."""
    found = tuple(sorted({collapsed(tag).lower() for tag in wanted}))
    if len(found) > MOST_TAGS:
        raise ValueError(f"a conversation can have at most {MOST_TAGS} tags, got {len(found)}")
    for tag in found:
        if not 0 < len(tag) <= TAG_LENGTH:
            raise ValueError(f"a tag must have 1 to {TAG_LENGTH} characters, got {len(tag)}")
    return found
