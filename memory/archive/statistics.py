"""How much is archived, and when people talked."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select

from memory.archive.models import Activity, ArchiveStats
from memory.archive.tables import messages, sessions

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
HOURS: Final = 24
DAYS: Final = 30


def stats(connection: Connection, now: int) -> ArchiveStats:
    """All the figures at ``now`` (ms)."""
    total, said = connection.execute(
        select(func.count(), func.coalesce(func.sum(sessions.c.message_count), 0)).select_from(sessions)
    ).one()
    recent = select(func.count()).select_from(sessions).where(sessions.c.last_activity >= now - DAY)
    return ArchiveStats(
        total_sessions=total,
        total_messages=int(said),
        recent_sessions=connection.execute(recent).scalar_one(),
        by_hour=_activity(connection, now, HOUR, HOURS),
        by_day=_activity(connection, now, DAY, DAYS),
    )


def _activity(connection: Connection, now: int, length: int, count: int) -> tuple[Activity, ...]:
    """The last ``count`` periods of ``length`` ms, the one of ``now`` included."""
    last = now // length
    first = last - count + 1
    period = (messages.c.timestamp // length).label("period")
    found = connection.execute(
        select(period, func.count(messages.c.session_id.distinct()), func.count())
        .where(messages.c.timestamp >= first * length, messages.c.timestamp < (last + 1) * length)
        .group_by(period)
    )
    known = {at: (chats, said) for at, chats, said in found}
    return tuple(Activity(at * length, *known.get(at, (0, 0))) for at in range(first, last + 1))
