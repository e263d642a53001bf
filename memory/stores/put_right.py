"""Times that a wrong clock wrote, put right. Pure functions.

For what a process did that started without Redis, on a machine whose clock is off, until Redis said what time it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from memory.session import EndedSession, Session, Turn
from memory.stores.base import Commit
from memory.stores.content import Content
from memory.stores.unsynced import Ours, Unsynced

Right = Callable[[int], int]
"""The right time (ms) for one that was written; times that were right are left as they are."""


def by(error: int, since: int) -> Right:
    """The clock was behind by ``error`` (ms), and everything from ``since`` on was written by it."""
    return lambda at: at + error if at >= since else at


def ours_of(ours: Ours, right: Right) -> Ours:
    content, unsynced = ours.content, ours.unsynced
    return replace(ours, content=_content(content, right), unsynced=_unsynced(unsynced, right))


def commit_of(commit: Commit, right: Right) -> Commit:
    """A turn that began by the wrong clock and ends by the right one."""
    closing = commit.closing
    return replace(
        commit,
        session=_session(commit.session, right),
        turn=_turn(commit.turn, right) if commit.turn else None,
        row=b"",
        deadline=right(commit.deadline),
        history_until=right(commit.history_until) if commit.history_until is not None else None,
        counted=replace(commit.counted, at=right(commit.counted.at)),
        closing=replace(closing, record=_record(closing.record, right)) if closing else None,
    )


def _content(content: Content, right: Right) -> Content:
    last = content.last
    return replace(
        content,
        session=_session(content.session, right) if content.session else None,
        deadline=right(content.deadline),
        turns=tuple(_turn(turn, right) for turn in content.turns),
        last=replace(last, until=right(last.until), turn=_turn(last.turn, right)) if last else None,
        ended=tuple(_record(record, right) for record in content.ended),
        history_until=right(content.history_until),
    )


def _unsynced(unsynced: Unsynced, right: Right) -> Unsynced:
    return replace(
        unsynced,
        turns={turn_id: replace(said, turn=_turn(said.turn, right)) for turn_id, said in unsynced.turns.items()},
        ends={right(at): replace(end, record=_record(end.record, right)) for at, end in unsynced.ends.items()},
        tallies=[replace(tally, minute=right(tally.minute * 60_000) // 60_000) for tally in unsynced.tallies],
        changes={path: replace(change, at=right(change.at)) for path, change in unsynced.changes.items()},
        erased=right(unsynced.erased),
    )


def _session(session: Session, right: Right) -> Session:
    return replace(session, started=right(session.started), last_activity=right(session.last_activity))


def _turn(turn: Turn, right: Right) -> Turn:
    return replace(turn, began=right(turn.began), session_started=right(turn.session_started))


def _record(record: EndedSession, right: Right) -> EndedSession:
    return replace(record, started=right(record.started), ended=right(record.ended))
