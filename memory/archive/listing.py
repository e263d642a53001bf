"""The list of conversations: newest activity first, filtered and searched, a page at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, FromClause, Select, Subquery, func, select

from memory.archive import turn_rows, words
from memory.archive.models import ChatSession
from memory.archive.search import SearchIndex
from memory.archive.tables import AnyRow, sessions, tags

_SHOWN = (
    sessions.c.session_id,
    sessions.c.owner,
    sessions.c.chat_name,
    sessions.c.created_at,
    sessions.c.last_activity,
    sessions.c.message_count,
)


def one(connection: Connection, session_id: str) -> ChatSession | None:
    row = connection.execute(select(*_SHOWN).where(sessions.c.session_id == session_id)).one_or_none()
    return None if row is None else _listed(connection, [row])[0]


def page(
    connection: Connection,
    index: SearchIndex,
    *,
    owner: str | None,
    q: str,
    tag: str | None,
    limit: int,
    offset: int,
) -> tuple[list[ChatSession], int]:
    """The sessions of a page, and how many there are on all pages."""
    searched = words.query(q)
    if q.strip() and searched is None:
        return [], 0
    if searched is None:
        total = connection.execute(_filtered(select(func.count()), None, owner, tag)).scalar_one()
        rows = connection.execute(_page(_filtered(select(*_SHOWN), None, owner, tag), limit, offset)).all()
        return _listed(connection, rows), total
    # One pass over the index for both, as that is what costs; only a page behind the last one has no row to tell.
    hits = index.hits(searched)
    wanted = _filtered(select(*_SHOWN, hits.c.message, func.count().over().label("total")), hits, owner, tag)
    rows = connection.execute(_page(wanted, limit, offset)).all()
    if not rows and offset:
        return [], connection.execute(_filtered(select(func.count()), hits, owner, tag)).scalar_one()
    listed = _marked(connection, _listed(connection, rows), [row.message for row in rows], searched)
    return listed, rows[0].total if rows else 0


def _page(wanted: Select[Any], limit: int, offset: int) -> Select[Any]:
    newest = wanted.order_by(sessions.c.last_activity.desc(), sessions.c.session_id.desc())
    return newest.limit(limit).offset(offset)


def _filtered(selected: Select[Any], hits: Subquery | None, owner: str | None, tag: str | None) -> Select[Any]:
    source: FromClause = sessions
    if hits is not None:
        source = source.join(hits, hits.c.number == sessions.c.number)
    if tag is not None:
        source = source.join(tags, tags.c.session_id == sessions.c.session_id)
        selected = selected.where(tags.c.tag == tag)
    if owner is not None:
        selected = selected.where(sessions.c.owner == owner)
    return selected.select_from(source)


def _listed(connection: Connection, rows: Sequence[AnyRow]) -> list[ChatSession]:
    """Rows of ``_SHOWN`` with their tags."""
    tagged: defaultdict[str, list[str]] = defaultdict(list)
    ids = [row.session_id for row in rows]
    for session_id, tag in connection.execute(
        select(tags.c.session_id, tags.c.tag).where(tags.c.session_id.in_(ids)).order_by(tags.c.tag)
    ):
        tagged[session_id].append(tag)
    return [
        ChatSession(
            session_id=row.session_id,
            owner=row.owner,
            chat_name=row.chat_name,
            created_at=row.created_at,
            last_activity=row.last_activity,
            message_count=row.message_count,
            tags=tuple(tagged[row.session_id]),
        )
        for row in rows
    ]


def _marked(
    connection: Connection, listed: Iterable[ChatSession], found: Sequence[int], searched: words.Query
) -> list[ChatSession]:
    """The sessions with what was found in them: in the turn of message ``found``, or 0 where only the name was."""
    texts = turn_rows.texts(connection, [at for at in found if at])
    return [
        replace(
            chat,
            name_marks=words.marks(chat.chat_name, searched),
            snippet=words.snippet(texts[at], searched) if at in texts else None,
        )
        for chat, at in zip(listed, found, strict=True)
    ]
