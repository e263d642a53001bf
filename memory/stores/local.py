"""Sessions in this process: for ``memory://``, and behind Redis for the time when that is away. Bounded in bytes.

It answers the same contract as Redis and keeps the same bytes (``codec.py``), so that what comes out of it is what
would come out of Redis. Indexes are sorted, so finding what ended costs what ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sortedcontainers import SortedList

from memory.clock import Clock, now_ms
from memory.codec import decode_document, decode_turn, decode_turns, encode_document
from memory.errors import StoreFull
from memory.session import EndedSession, Key, Session, Turn
from memory.stores.base import (
    ENDED_KEPT,
    ENDED_KEPT_MS,
    LAST_KEPT_MS,
    LIVE_TURNS,
    SERIES_KEPT_MINUTES,
    Busy,
    Claimed,
    Closed,
    Closing,
    Commit,
    Committed,
    Counted,
    Durability,
    Known,
    Listener,
    Renewed,
    SessionStore,
    Snapshot,
    StoreStatus,
    Totals,
)
from memory.stores.rows import Rows

ENTRY_BYTES: Final = 1_800
ROW_BYTES: Final = 150
RECORD_BYTES: Final = 400
"""What a subject, a turn and an ended session take besides their text: Python's objects and index entries, as
tracemalloc measured them over 5,000 sessions, rounded up."""

_WAITS_MS: Final = 1_000


@dataclass(slots=True)
class Entry:
    """All that is kept of one subject."""

    session: Session | None = None
    rows: Rows = field(default_factory=Rows)
    ids: set[str] = field(default_factory=set)
    attributes: bytes = b""
    last_row: tuple[int, str, bytes] | None = None
    fence: int = 0
    lease: int = 0
    holder: str = ""
    stop: bool = False
    waits: tuple[str, int] = ("", 0)
    deadline: int | None = None
    history_until: int | None = None
    ended: list[EndedSession] = field(default_factory=list)

    @property
    def size(self) -> int:
        kept = ROW_BYTES * len(self.rows) + self.rows.bytes + len(self.attributes)
        left = sum(RECORD_BYTES + len(record.carry_over.encode()) for record in self.ended)
        return ENTRY_BYTES + left + kept + (len(self.last_row[2]) if self.last_row else 0)

    def forget_turns(self) -> None:
        self.rows.replace(())
        self.ids.clear()
        self.history_until = None

    def turns(self, newest: int) -> tuple[Turn, ...]:
        return decode_turns(self.rows.newest(newest))


class _Index:
    """Subjects of a namespace, sorted by a time (ms)."""

    def __init__(self) -> None:
        self._sorted: SortedList[tuple[int, str]] = SortedList()
        self._at: dict[str, int] = {}

    def put(self, subject: str, at: int | None) -> bool:
        """Move a subject to ``at``, or take it out. Whether it was there."""
        was = self._at.pop(subject, None)
        if was is not None:
            self._sorted.remove((was, subject))
        if at is not None:
            self._at[subject] = at
            self._sorted.add((at, subject))
        return was is not None

    def __contains__(self, subject: str) -> bool:
        return subject in self._at

    def until(self, now: int, limit: int, skip: int = 0) -> list[str]:
        """Subjects at or before ``now``, earliest first."""
        end = min(self._passed(now), skip + limit)
        return [subject for _, subject in self._sorted.islice(skip, end)]

    def after(self, now: int, limit: int, offset: int) -> list[str]:
        """Subjects after ``now``, latest first."""
        end = len(self._sorted) - offset
        start = max(self._passed(now), end - limit)
        return [subject for _, subject in self._sorted.islice(start, end, reverse=True)] if start < end else []

    def count(self, now: int) -> int:
        return len(self._sorted) - self._passed(now)

    def _passed(self, now: int) -> int:
        """How many are at or before ``now``."""
        return int(self._sorted.bisect_left((now + 1, "")))


class _Indexes:
    def __init__(self) -> None:
        self.deadlines, self.histories, self.records = _Index(), _Index(), _Index()


class LocalStore(SessionStore):
    """Safe for threads. ``max_bytes`` bounds what is kept: beyond it a new turn is refused with ``StoreFull``."""

    kind = "memory"

    def __init__(self, *, max_bytes: int = 268_435_456, clock: Clock = now_ms) -> None:
        self.max_bytes = max_bytes
        self._clock = clock
        self._opened = clock()
        self._lock = threading.RLock()
        self._entries: dict[Key, Entry] = {}
        self._indexes: dict[str, _Indexes] = {}
        self._bytes = 0
        self._fence = 0
        self._minutes: dict[int, dict[str, int]] = {}
        self._totals: dict[str, int] = {}
        self._listeners: list[Listener] = []

    def now(self) -> int:
        return self._clock()

    # --- a turn -----------------------------------------------------------------------------------------------------

    def claim(self, key: Key, *, holder: str, lease_ms: int, turns: int, turn_id: str = "") -> Claimed | Busy | Known:
        with self._lock:
            now = self.now()
            entry = self._entries.get(key)
            if entry and turn_id and (known := self._known(key, entry, turn_id, now)):
                return known
            waits = entry.waits if entry and entry.waits[1] > now else ("", 0)
            if entry and entry.lease > now:
                if waits[0] in ("", holder, entry.holder):
                    entry.waits = (holder, now + _WAITS_MS)
                return Busy(now, entry.lease)
            if waits[0] not in ("", holder):
                return Busy(now, now)
            if entry is None:
                self._make_room(ENTRY_BYTES)
                entry = self._entries[key] = Entry()
                self._bytes += entry.size
            # A session has a start of its own, though the last one may have begun and ended within this millisecond.
            begins = max(now, entry.ended[0].started + 1) if entry.ended and not entry.session else now
            found = self._snapshot(key, entry, turns, begins)
            # One count for all subjects, so that a subject that is forgotten and comes back never has a fence twice.
            self._fence = entry.fence = max(now * 1000, self._fence + 1)
            entry.lease, entry.holder = now + lease_ms, holder
            entry.waits, entry.stop = ("", 0), False
            return Claimed(entry.fence, found)

    def _known(self, key: Key, entry: Entry, turn_id: str, now: int) -> Known | None:
        row = None
        if turn_id in entry.ids:
            row = next(row for row_id, row in entry.rows if row_id == turn_id)
        elif entry.last_row and entry.last_row[1] == turn_id and entry.last_row[0] > now:
            row = entry.last_row[2]
        return Known(decode_turn(row), self._snapshot(key, entry, len(entry.rows), now)) if row else None

    def renew(self, leases: Sequence[tuple[Key, int]], lease_ms: int) -> list[Renewed]:
        with self._lock:
            return [self._renew(key, fence, lease_ms) for key, fence in leases]

    def _renew(self, key: Key, fence: int, lease_ms: int) -> Renewed:
        entry = self._held(key, fence)
        if entry is None:
            return Renewed.LOST
        entry.lease = self.now() + lease_ms
        return Renewed.STOP if entry.stop else Renewed.HELD

    def _held(self, key: Key, fence: int) -> Entry | None:
        """The entry whose lease is of this fence, run out or not: as long as nobody else took it, it is ours."""
        entry = self._entries.get(key)
        return entry if entry and entry.lease and entry.fence == fence else None

    def commit(self, key: Key, fence: int, commit: Commit) -> Committed:
        with self._lock:
            now = self.now()
            turn, closing = commit.turn, commit.closing
            entry = self._held(key, fence)
            if entry is None:
                return Committed.STORED if turn and self._stored(key, commit.row, now) else Committed.STALE
            if commit.attributes is not None and _revision(entry) != commit.session.revision:
                return Committed.CONFLICT
            row = (turn.id, commit.row) if turn else None
            attributes = None if commit.attributes is None else encode_document(commit.attributes)
            self._make_room((len(row[1]) if row else 0) + (len(attributes) if attributes else 0))
            before = entry.size
            if commit.forget_turns:
                entry.forget_turns()
            if closing and row:
                entry.last_row = (now + LAST_KEPT_MS, *row)
            if row and (closing is None or commit.history_until is not None):
                self._append(entry, row, commit)
            if commit.history_until is not None:
                entry.history_until = commit.history_until
                self._index(key).histories.put(key.subject, commit.history_until)
            if closing:
                self._finish(key, entry, closing)
            else:
                revision = _revision(entry)
                if attributes is not None:
                    entry.attributes, revision = attributes, revision + 1
                entry.session = replace(commit.session, revision=revision, attributes={})
                entry.deadline = commit.deadline
                self._index(key).deadlines.put(key.subject, commit.deadline)
            entry.lease, entry.stop = 0, False
            self._bytes += entry.size - before
            self.count(commit.counted)
            return Committed.STORED

    def _stored(self, key: Key, row: bytes, now: int) -> bool:
        """The lease goes with the turn that is stored, so a repeated commit comes by here.

        Another row of the same id is what a retry was told after this lease was lost.
        """
        entry = self._entries.get(key)
        last = entry.last_row if entry else None
        used_up = bool(last and last[2] == row and last[0] > now)
        return used_up or bool(entry and any(each == row for _, each in entry.rows))

    def _append(self, entry: Entry, row: tuple[str, bytes], commit: Commit) -> None:
        entry.rows.append(*row)
        if commit.replayable:
            entry.ids.add(row[0])
        rows = entry.rows
        while len(rows) > 1 and (len(rows) > commit.keep_turns or rows.bytes > commit.max_bytes):
            entry.ids.discard(rows.drop_oldest())

    def release(self, key: Key, fence: int, counted: Counted | None = None) -> bool:
        with self._lock:
            entry = self._held(key, fence)
            if entry is None:
                return False
            entry.lease, entry.stop = 0, False
            self._drop_if_empty(key, entry)
            if counted:
                self.count(counted)
            return True

    def stop(self, key: Key) -> bool:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.lease <= self.now():
                return False
            entry.stop = True
            return True

    # --- a session --------------------------------------------------------------------------------------------------

    def read(self, key: Key, turns: int) -> Snapshot:
        with self._lock:
            now = self.now()
            entry = self._entries.get(key)
            return self._snapshot(key, entry, turns, now) if entry else Snapshot(now, None)

    def peek(self, keys: Sequence[Key]) -> list[Snapshot]:
        with self._lock:
            return [self.read(key, 0) for key in keys]

    def _snapshot(self, key: Key, entry: Entry, turns: int, now: int) -> Snapshot:
        session = entry.session
        if session:
            session = replace(session, attributes=decode_document(entry.attributes), stored_bytes=entry.rows.bytes)
        return Snapshot(now, session, entry.turns(turns), entry.lease > now)

    def close(
        self, session: Session, closing: Closing, counted: Counted, *, fence: int | None = None, force: bool = False
    ) -> Closed:
        with self._lock:
            entry = self._entries.get(session.key)
            if entry is None or entry.session is None or entry.session.started != session.started:
                return Closed.GONE
            if entry.session.turns != session.turns:
                return Closed.CHANGED
            ours = fence is not None and self._held(session.key, fence) is entry
            if entry.lease > self.now() and not ours and not force:
                return Closed.LEASED
            before = entry.size
            self._finish(session.key, entry, closing)
            self._bytes += entry.size - before
            if not ours:
                entry.lease = 0
            self.count(counted)
            return Closed.CLOSED

    def _finish(self, key: Key, entry: Entry, closing: Closing) -> None:
        entry.session, entry.attributes, entry.deadline = None, b"", None
        if closing.history_until is None:
            entry.forget_turns()
        entry.ended = [closing.record, *(record.without_words() for record in entry.ended)][:ENDED_KEPT]
        indexes = self._index(key)
        indexes.deadlines.put(key.subject, None)
        if closing.history_until is None:
            indexes.histories.put(key.subject, None)
        indexes.records.put(key.subject, self.now() + ENDED_KEPT_MS)

    def put_attributes(self, key: Key, started: int, revision: int, attributes: Mapping[str, Any]) -> bool:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.session is None or entry.session.started != started:
                return False
            if entry.session.revision != revision:
                return False
            document = encode_document(attributes)
            self._make_room(len(document) - len(entry.attributes))
            self._bytes += len(document) - len(entry.attributes)
            entry.attributes = document
            entry.session = replace(entry.session, revision=revision + 1)
            return True

    def forget(self, key: Key) -> bool:
        with self._lock:
            entry = self._entries.pop(key, None)
            if entry is None:
                return False
            self._bytes -= entry.size
            indexes = self._index(key)
            for index in (indexes.deadlines, indexes.histories, indexes.records):
                index.put(key.subject, None)
            if entry.session:
                self._add({f"{key.namespace}.{LIVE_TURNS}": -entry.session.turns})
            return bool(entry.session or entry.rows or entry.ended or entry.last_row or entry.lease)

    def ended(self, key: Key) -> list[EndedSession]:
        with self._lock:
            entry = self._entries.get(key)
            oldest = self.now() - ENDED_KEPT_MS
            return [record for record in entry.ended if record.ended > oldest] if entry else []

    # --- indexes ----------------------------------------------------------------------------------------------------

    def _index(self, key: Key) -> _Indexes:
        return self._indexes.setdefault(key.namespace, _Indexes())

    def due(self, namespace: str, now: int, limit: int, skip: int = 0) -> list[str]:
        with self._lock:
            return self._index(Key(namespace, "")).deadlines.until(now, limit, skip)

    def postpone(self, key: Key, deadline: int | None) -> bool:
        with self._lock:
            index = self._index(key).deadlines
            entry = self._entries.get(key)
            if key.subject not in index or (deadline is None and entry and entry.session):
                return False
            return index.put(key.subject, deadline)

    def live(self, namespace: str, limit: int, offset: int = 0) -> list[Key]:
        with self._lock:
            subjects = self._index(Key(namespace, "")).deadlines.after(self.now(), limit, offset)
            return [Key(namespace, subject) for subject in subjects]

    def totals(self, namespace: str) -> Totals:
        with self._lock:
            now = self.now()
            indexes = self._index(Key(namespace, ""))
            turns = self._totals.get(f"{namespace}.{LIVE_TURNS}", 0)
            return Totals(indexes.deadlines.count(now), turns, indexes.histories.count(now), indexes.records.count(now))

    def recount(self, namespace: str) -> None:
        with self._lock:
            live = (entry.session for key, entry in self._entries.items() if key.namespace == namespace)
            self._totals[f"{namespace}.{LIVE_TURNS}"] = sum(session.turns for session in live if session)

    def trim(self, namespace: str, now: int) -> None:
        with self._lock:
            indexes = self._index(Key(namespace, ""))
            for subject in indexes.histories.until(now, len(self._entries)):
                indexes.histories.put(subject, None)
                if entry := self._entries.get(Key(namespace, subject)):
                    before = entry.size
                    entry.forget_turns()
                    self._bytes += entry.size - before
                    self._drop_if_empty(Key(namespace, subject), entry)
            for subject in indexes.records.until(now, len(self._entries)):
                indexes.records.put(subject, None)
                if entry := self._entries.get(Key(namespace, subject)):
                    before = entry.size
                    entry.ended, entry.last_row = [], None
                    self._bytes += entry.size - before
                    self._drop_if_empty(Key(namespace, subject), entry)

    def _drop_if_empty(self, key: Key, entry: Entry) -> None:
        if not (entry.session or entry.rows or entry.ended or entry.lease):
            self._bytes -= entry.size
            del self._entries[key]

    def _make_room(self, more: int) -> None:
        if self._bytes + more > self.max_bytes:
            raise StoreFull(self.kind, self.max_bytes)

    # --- counts -----------------------------------------------------------------------------------------------------

    def count(self, counted: Counted) -> None:
        with self._lock:
            self._add(counted.deltas)
            minute = counted.at // 60_000
            counts = self._minutes.setdefault(minute, {})
            for name, delta in counted.deltas.items():
                counts[name] = counts.get(name, 0) + delta
            while len(self._minutes) > SERIES_KEPT_MINUTES:
                del self._minutes[min(self._minutes)]
            for event in counted.events:
                for listener in self._listeners:
                    listener.put(event)

    def _add(self, deltas: Mapping[str, int]) -> None:
        for name, delta in deltas.items():
            self._totals[name] = self._totals.get(name, 0) + delta

    def series(self, minutes: Iterable[int]) -> dict[int, dict[str, int]]:
        with self._lock:
            return {minute: dict(self._minutes[minute]) for minute in minutes if minute in self._minutes}

    def counters(self) -> dict[str, int]:
        with self._lock:
            return dict(self._totals)

    def listen(self) -> Listener:
        listener = Listener(on_close=lambda: self._unlisten(listener))
        with self._lock:
            self._listeners.append(listener)
        return listener

    def _unlisten(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    # --- the process ------------------------------------------------------------------------------------------------

    def status(self) -> StoreStatus:
        return StoreStatus(self.kind, since=self._opened)

    def durability(self, namespace: str) -> Durability:
        return Durability.MEMORY

    def usage(self) -> Mapping[str, Any]:
        with self._lock:
            return {"used_bytes": self._bytes, "max_bytes": self.max_bytes}

    def bytes_of(self, keys: Sequence[Key]) -> int:
        with self._lock:
            return sum(entry.size for key in keys if (entry := self._entries.get(key)))

    def close_store(self) -> None:
        """Nothing to give back; the sessions end with the process."""


def _revision(entry: Entry) -> int:
    return entry.session.revision if entry.session else 0
