"""Whole subjects, read from Redis and written back by a merge: two scripts that compare, then replace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from memory.codec import (
    decode_document,
    decode_ended,
    decode_turn,
    decode_turns,
    encode_document,
    encode_ended,
    encode_events,
    encode_turn,
)
from memory.session import Key, Session
from memory.stores import keys as names
from memory.stores import scripts
from memory.stores.content import Content, Last
from memory.stores.documents import decode_stamps, encode_stamps
from memory.stores.merge import Merged
from memory.stores.redis import BACKSTOP_MS, FORGET_MARGIN_MS, RedisStore, pairs
from memory.stores.refusals import answering


@dataclass(frozen=True, slots=True)
class Lease:
    """What is known of a subject's lease in Redis: the ``holder`` of one that nobody uses any more, and the ``fence``
    of a turn of this instance that is running."""

    holder: str = ""
    fence: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A subject as Redis has it; ``busy_until`` (ms) where a turn of another instance is running, else 0."""

    now: int
    busy_until: int
    version: bytes
    content: Content


class Written(StrEnum):
    """What became of a merge; only ``MERGED`` wrote."""

    MERGED = "merged"
    CHANGED = "changed"  # it is not as it was read
    LEASED = "leased"  # another instance's turn is running


class Exchange:
    """``instance`` names this process in Redis' memory of what was merged."""

    def __init__(self, remote: RedisStore, instance: str) -> None:
        self._remote = remote
        self._instance = instance

    def fetch(self, key: Key, lease: Lease) -> Found:
        """One round trip. Another instance that holds the lease is asked to let us in next."""
        keys = names.subject_keys(key).merging(self._mark(key))
        with answering():
            reply = scripts.CONTENT.run(self._remote.client, keys, *self._common(key, lease))
        return _found(key, reply)

    def put(self, key: Key, lease: Lease, found: Found, merged: Merged) -> Written:
        """One round trip."""
        content, now = merged.content, found.now
        session, last = content.session, content.last
        session_px = max(content.deadline - now, 0) + BACKSTOP_MS if session else FORGET_MARGIN_MS
        turns_px = session_px
        if content.history_until:
            turns_px = max(content.history_until - now, 0) + FORGET_MARGIN_MS
        applied = {self._instance: 0, **content.applied}
        lists: list[Sequence[Any]] = [
            _fields(content),
            [encode_turn(turn) for turn in content.turns],
            sorted(content.replayable),
            [encode_ended(record) for record in content.ended],
            [part for pair in applied.items() for part in pair],
            *([part for pair in deltas.items() for part in pair] for deltas in merged.counts.values()),
        ]
        with answering():
            reply: bytes = scripts.MERGE.run(
                self._remote.client,
                names.subject_keys(key).merging(self._mark(key), merged.counts),
                *self._common(key, lease),
                found.version,
                session_px,
                turns_px,
                encode_document(session.attributes) if session and session.attributes else b"",
                encode_turn(last.turn) if last else b"",
                max(1, last.until - now) if last else 0,
                content.deadline if session else "",
                content.history_until or "",
                content.erased or "",
                names.ERASURES,
                encode_events([{"key": [key.namespace, key.subject], "at": str(content.erased)}]),
                *(part for items in lists for part in (len(items), *items)),
            )
        return Written(reply.decode())

    def _mark(self, key: Key) -> str:
        return names.mark_of(key, self._remote.secret)

    def _common(self, key: Key, lease: Lease) -> tuple[Any, ...]:
        return (
            self._remote.shift(),
            self._instance,
            lease.holder,
            "" if lease.fence is None else lease.fence,
            self._mark(key),
            key.subject,
        )


def _fields(content: Content) -> list[Any]:
    """Fields and values of the session's hash."""
    session = content.session
    if session is None:
        return []
    fields: dict[str, Any] = {
        "started": session.started,
        "last": session.last_activity,
        "turns": session.turns,
        "bytes": session.stored_bytes,
        "rev": session.revision,
    }
    if session.owner:
        fields["owner"] = session.owner
    if content.edited:
        fields["edited"] = content.edited
    if content.stamps:
        fields["stamps"] = encode_stamps(content.stamps)
    return [part for field in fields.items() for part in field]


def _found(key: Key, reply: Sequence[Any]) -> Found:
    now, busy_until, version, flat, attributes, rows, ids, last, last_px, ended, deadline, history, merged, erased = (
        reply
    )
    values = dict(pairs(flat))
    session = None
    if b"started" in values:
        session = Session(
            key=key,
            started=int(values[b"started"]),
            last_activity=int(values[b"last"]),
            turns=int(values[b"turns"]),
            owner=values.get(b"owner", b"").decode(),
            attributes=decode_document(attributes),
            revision=int(values.get(b"rev", 0)),
            stored_bytes=int(values.get(b"bytes", 0)),
        )
    content = Content(
        session=session,
        deadline=_number(deadline),
        turns=decode_turns(rows),
        replayable=frozenset(turn_id.decode() for turn_id in ids),
        last=Last(now + int(last_px), decode_turn(last)) if last else None,
        ended=tuple(decode_ended(key.subject, row) for row in ended),
        history_until=_number(history),
        applied={name.decode(): int(number) for name, number in pairs(merged)},
        stamps=decode_stamps(values.get(b"stamps")),
        edited=int(values.get(b"edited", 0)),
        erased=_number(erased),
    )
    return Found(now, busy_until, version, content)


def _number(score: bytes | float | None) -> int:
    return int(float(score)) if score is not None else 0
