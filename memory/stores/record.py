"""One line of the journal: a thing done for a subject, with all that it takes to know it again. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from memory.codec import CorruptRow, decode_ended, decode_turn, encode_ended, encode_turn
from memory.session import EndedSession, Key, Session, Turn
from memory.stores.base import ENDED_KEPT_MS, LAST_KEPT_MS, Closing, Commit, Counted
from memory.stores.content import Content, Last
from memory.stores.documents import Change, Path, decode_changes, encode_changes
from memory.stores.merge import in_order
from memory.stores.unsynced import Ended, Mark, Ours, Said, Tally, Unsynced

END_KEPT_MS: Final = 600_000
"""An end is remembered until its session would have ended by itself, as far as is known, and at least for so long: no
other instance brings the session back into a Redis that has lost its data. One that leaves something for the next
session is remembered as long as that holds."""


def end_kept_until(ended: EndedSession) -> int:
    """When (ms) the end itself may be forgotten."""
    return ended.ended + (ENDED_KEPT_MS if ended.carry_over else END_KEPT_MS)


@dataclass(frozen=True, slots=True)
class Record:
    """``session`` is as it was afterwards (None: it had ended, or was erased at ``erased``), with ``in_redis`` and
    ``agreed`` as in ``Ours``. ``until`` (ms) is when this may be forgotten. ``synced``: Redis has it, too."""

    key: Key
    mark: Mark
    synced: bool
    until: int
    session: Session | None = None
    in_redis: int | None = None
    agreed: int = 0
    deadline: int = 0
    history_until: int = 0
    keep_turns: int = 0
    max_bytes: int = 0
    turn: Turn | None = None
    replayable: bool = False
    ended: EndedSession | None = None
    erased: int = 0
    changes: Mapping[Path, Change] = field(default_factory=dict)
    minute: int = 0
    deltas: Mapping[str, int] = field(default_factory=dict)


def of_commit(
    commit: Commit,
    mark: Mark,
    attributes: Mapping[str, Any],
    *,
    synced: bool,
    in_redis: int | None = None,
    agreed: int = 0,
    changes: Mapping[Path, Change] | None = None,
) -> Record:
    """``attributes`` are those of the session after it."""
    session = commit.session
    revision = session.revision + (commit.attributes is not None)
    closing = commit.closing
    return Record(
        key=session.key,
        mark=mark,
        synced=synced,
        until=max(commit.deadline, commit.history_until or 0, end_kept_until(closing.record) if closing else 0),
        session=None if closing else replace(session, attributes=attributes, revision=revision),
        in_redis=session.started if synced and not closing else in_redis,
        agreed=session.last_activity if synced else agreed,
        deadline=commit.deadline,
        history_until=commit.history_until or 0,
        keep_turns=commit.keep_turns,
        max_bytes=commit.max_bytes,
        turn=commit.turn,
        replayable=commit.replayable,
        ended=closing.record if closing else None,
        changes=changes or {},
        minute=commit.counted.at // 60_000,
        deltas={} if synced else commit.counted.deltas,
    )


def of_end(session: Session, closing: Closing, mark: Mark, held: Ours, *, counted: Counted | None = None) -> Record:
    """``held`` is what was held of the subject before; ``counted`` is given where Redis does not know of it."""
    return Record(
        key=session.key,
        mark=mark,
        synced=counted is None,
        until=max(held.content.deadline, end_kept_until(closing.record), closing.history_until or 0),
        in_redis=held.in_redis,
        agreed=held.agreed,
        history_until=closing.history_until or 0,
        keep_turns=held.keep_turns,
        max_bytes=held.max_bytes,
        ended=closing.record,
        minute=counted.at // 60_000 if counted else 0,
        deltas=counted.deltas if counted else {},
    )


def encode(record: Record) -> bytes:
    """A line of JSON, then the turn's row, if there is one."""
    session = record.session
    head = {
        "key": [record.key.namespace, record.key.subject],
        "until": record.until,
        "session": session
        and [
            session.started,
            session.last_activity,
            session.turns,
            session.owner,
            session.revision,
            session.attributes,
        ],
        "known": [record.in_redis, record.agreed],
        "limits": [record.deadline, record.history_until, record.keep_turns, record.max_bytes],
        "replayable": record.replayable,
        "ended": encode_ended(record.ended).decode() if record.ended else None,
        "erased": record.erased,
        "changes": encode_changes(record.changes),
        "counted": [record.minute, record.deltas],
    }
    return orjson.dumps({name: value for name, value in head.items() if value}) + b"\n" + _row(record.turn)


def _row(turn: Turn | None) -> bytes:
    return encode_turn(turn) if turn else b""


def decode(body: bytes, mark: Mark, *, synced: bool) -> Record:
    """``CorruptRow`` where it is none."""
    line, _, row = body.partition(b"\n")
    try:
        head = orjson.loads(line)
        key = Key(*head["key"])
        session = None
        if kept := head.get("session"):
            started, last, turns, owner, revision, attributes = kept
            session = Session(key, started, last, turns, owner, attributes, revision)
        in_redis, agreed = head["known"]
        deadline, history_until, keep_turns, max_bytes = head["limits"]
        minute, deltas = head["counted"]
        ended = head.get("ended")
        return Record(
            key=key,
            mark=mark,
            synced=synced,
            until=head.get("until", 0),
            session=session,
            in_redis=in_redis,
            agreed=agreed,
            deadline=deadline,
            history_until=history_until,
            keep_turns=keep_turns,
            max_bytes=max_bytes,
            turn=decode_turn(row) if row else None,
            replayable=head.get("replayable", False),
            ended=decode_ended(key.subject, ended.encode()) if ended else None,
            erased=head.get("erased", 0),
            changes=decode_changes(head.get("changes", [])),
            minute=minute,
            deltas=deltas,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptRow("a journaled row can't be read") from error


def remember(records: Iterable[Record]) -> Ours:
    """What a subject's records, in the order in which they were written, come to."""
    session: Session | None = None
    latest: Record | None = None
    turns: dict[str, Turn] = {}
    replayable: set[str] = set()
    ended: dict[int, EndedSession] = {}
    last: Last | None = None
    unsynced = Unsynced()
    in_redis, agreed = None, 0
    for record in records:
        if record.erased:
            session, turns, ended, last = None, {}, {}, None
            unsynced = Unsynced(tallies=unsynced.tallies)
        attributes = session.attributes if session else {}
        revision = session.revision if session else 0
        latest, session = record, record.session
        if session and revision > session.revision:  # two things at once may be written in either order
            session = replace(session, attributes=attributes, revision=revision)
        if record.turn:
            turns[record.turn.id] = record.turn
            if record.replayable:
                replayable.add(record.turn.id)
        if record.ended:
            ended[record.ended.started] = record.ended
            if record.turn:
                last = Last(record.ended.ended + LAST_KEPT_MS, record.turn)
            if not record.history_until:
                turns.clear()
        in_redis, agreed = record.in_redis, record.agreed
        if not record.synced:
            _note(unsynced, record)
    ends = sorted(ended.values(), key=lambda each: each.ended, reverse=True)
    return Ours(
        content=Content(
            session=session,
            deadline=latest.deadline if latest and session else 0,
            turns=tuple(in_order(turns.values())),
            replayable=frozenset(replayable & turns.keys()),
            last=last,
            ended=(*ends[:1], *(each.without_words() for each in ends[1:])),
            history_until=latest.history_until if latest else 0,
        ),
        unsynced=unsynced,
        in_redis=in_redis,
        agreed=agreed,
        keep_turns=latest.keep_turns if latest else 0,
        max_bytes=latest.max_bytes if latest else 0,
    )


def _note(unsynced: Unsynced, record: Record) -> None:
    if record.turn:
        unsynced.turns[record.turn.id] = Said(record.mark, record.turn, record.replayable, len(_row(record.turn)))
    else:
        unsynced.last = record.mark
    for path, change in record.changes.items():
        known = unsynced.changes.get(path)
        unsynced.changes[path] = replace(change, base=known.base) if known else change
    if record.ended:
        unsynced.ends[record.ended.started] = Ended(record.mark, record.ended)
        unsynced.changes = {}
    if record.erased:
        unsynced.erased = record.erased
    if record.deltas:
        turn_id = record.turn.id if record.turn else ""
        unsynced.tallies.append(Tally(record.mark, record.minute, record.deltas, turn_id))
