"""Turns in ``chat_messages``: stored, read and taken out, within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select

from memory.archive.encoding import decode, encode
from memory.archive.models import ChatEntry
from memory.archive.search import SearchIndex, document
from memory.archive.tables import AI, HUMAN, AnyRow, messages
from memory.session import Turn

_human = messages.alias("human")
_ai = messages.alias("ai")


def put(connection: Connection, index: SearchIndex, session_id: str, number: int, turn: Turn) -> int:
    """Store a turn of a locked session; returns by how much its messages grew: 2, or 0 when the turn was there.

    One of the same id is replaced if it differs.
    """
    before = connection.execute(_of(session_id).where(_ai.c.turn_id == turn.id)).one_or_none()
    if before is not None:
        if _turn(before) == turn:
            return 0
        remove(connection, index, session_id, number, turn.id)
    later = select(messages.c.timestamp).where(messages.c.session_id == session_id, messages.c.timestamp >= turn.began)
    insert_rows(connection, index, session_id, number, encode(turn, set(connection.execute(later).scalars())))
    return 0 if before is not None else 2


def insert_rows(
    connection: Connection, index: SearchIndex, session_id: str, number: int, rows: Sequence[dict[str, Any]]
) -> None:
    """Write the rows of turns, two by two as ``encoding.encode`` makes them, and index their words."""
    statement = insert(messages).returning(messages.c.id, sort_by_parameter_order=True)
    ids = connection.execute(statement, [{"session_id": session_id, **row} for row in rows]).scalars().all()
    turns = zip(ids[1::2], rows[::2], rows[1::2], strict=True)
    index.put(connection, number, [document(at, human["content"], ai["content"]) for at, human, ai in turns])


def newest(connection: Connection, session_id: str, count: int | None) -> list[Turn]:
    """The newest turns (None: all), oldest first."""
    found = connection.execute(_of(session_id).order_by(_ai.c.timestamp.desc()).limit(count))
    return sorted((_turn(row) for row in found), key=lambda turn: (turn.began, turn.id))


def find(connection: Connection, session_id: str, turn_id: str) -> Turn | None:
    row = connection.execute(_of(session_id).where(_ai.c.turn_id == turn_id)).one_or_none()
    return None if row is None else _turn(row)


def entries(connection: Connection, session_id: str, limit: int | None, before: int | None) -> list[ChatEntry]:
    """The newest messages ahead of ``before`` (ms, exclusive), oldest first."""
    asked = select(messages.c.sender, messages.c.content, messages.c.timestamp).where(
        messages.c.session_id == session_id
    )
    if before is not None:
        asked = asked.where(messages.c.timestamp < before)
    found = connection.execute(asked.order_by(messages.c.timestamp.desc(), messages.c.id.desc()).limit(limit))
    return [ChatEntry(*row) for row in found][::-1]


def clear(connection: Connection, index: SearchIndex, session_id: str, number: int) -> int:
    """Delete all messages of a session; returns how many."""
    found = connection.execute(_of(session_id))
    index.drop(connection, number, [document(row.ai_id, row.asked, row.told) for row in found])
    return connection.execute(delete(messages).where(messages.c.session_id == session_id)).rowcount


def remove(connection: Connection, index: SearchIndex, session_id: str, number: int, turn_id: str) -> None:
    """Delete one turn."""
    for row in connection.execute(_of(session_id).where(_ai.c.turn_id == turn_id)).all():
        index.drop(connection, number, [document(row.ai_id, row.asked, row.told)])
        connection.execute(delete(messages).where(messages.c.id.in_([row.human_id, row.ai_id])))


def texts(connection: Connection, ai_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Question and answer of turns, by the id of the AI's message."""
    found = connection.execute(_pairs().where(_ai.c.id.in_(ai_ids)))
    return {row.ai_id: (row.asked, row.told) for row in found}


def _of(session_id: str) -> Select[Any]:
    return _pairs().where(_ai.c.session_id == session_id, _ai.c.sender == AI)


def _pairs() -> Select[Any]:
    """Both messages of each turn."""
    together = (
        (_human.c.session_id == _ai.c.session_id) & (_human.c.turn_id == _ai.c.turn_id) & (_human.c.sender == HUMAN)
    )
    return select(
        _ai.c.turn_id,
        _human.c.id.label("human_id"),
        _human.c.content.label("asked"),
        _ai.c.id.label("ai_id"),
        _ai.c.content.label("told"),
        _ai.c.detail,
    ).select_from(_ai.join(_human, together))


def _turn(row: AnyRow) -> Turn:
    return decode(row.turn_id, row.asked, row.told, row.detail)
