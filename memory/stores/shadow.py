"""What this process has seen of Redis, kept so that it can serve alone: a local store that knows what Redis does not.

While Redis serves, every claim, commit and end is repeated here (``took``, ``kept``, ``closed`` …), so that a turn that
finds Redis gone finds its session, its lease and its fence here. While Redis is away the ordinary methods of a store
serve, and note what Redis has to be told (``unsynced``).

Bounded in bytes: what was served longest ago goes first, but never what Redis was not told, nor a running turn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from memory.clock import Clock
from memory.codec import decode_document, decode_turn, encode_document, encode_turn
from memory.errors import StoreFull
from memory.policy import DURATION, INACTIVITY
from memory.session import Key, Session
from memory.stores import documents
from memory.stores.base import (
    ENDED_KEPT_MS,
    Busy,
    Claimed,
    Closed,
    Closing,
    Commit,
    Committed,
    Counted,
    Known,
    Snapshot,
    Totals,
)
from memory.stores.content import Content, Last
from memory.stores.local import ENTRY_BYTES, Entry, LocalStore
from memory.stores.merge import merge
from memory.stores.put_right import Right, by, commit_of, ours_of
from memory.stores.rows import Rows
from memory.stores.unsynced import ITEM_BYTES, Ended, Mark, Ours, Said, Tally, Unsynced

LOOK_AGAIN_MS = 60_000
"""When a session whose deadline is not known is looked at: the sweep puts it right."""


@dataclass(slots=True)
class Note:
    """What is known of a subject besides what it holds.

    in_redis, agreed   as in ``Ours``
    here      its lease was given out here, and Redis does not know of it
    era       in which time of serving its lease was taken
    claimed   when that was (ms)
    orphan    the holder of a lease of ours that is left in Redis
    whole     Redis is another dataset by now, and has to be told everything
    partial   there may be more of it in Redis
    right     how to put its running turn's times right, which began by a wrong clock
    """

    unsynced: Unsynced = field(default_factory=Unsynced)
    in_redis: int | None = None
    agreed: int = 0
    keep_turns: int = 0
    max_bytes: int = 0
    here: bool = False
    era: int = 0
    claimed: int = 0
    orphan: str = ""
    whole: bool = False
    partial: bool = False
    right: Right | None = None
    size: int = 0

    @property
    def pending(self) -> bool:
        return bool(self.unsynced) or self.whole or bool(self.orphan)


class Shadow(LocalStore):
    """``instance`` names this process in the marks of what it does."""

    def __init__(self, instance: str, *, max_bytes: int, clock: Clock) -> None:
        super().__init__(max_bytes=max_bytes, clock=clock)
        self.instance = instance
        self.pending: dict[Key, None] = {}
        """Subjects of which Redis has to be told something, in the order in which that began."""
        self.here: set[Key] = set()
        """Subjects whose lease was given out here, and not given back."""
        self.era = 0
        self._silent = False
        self._numbers = count(1)
        self._notes: dict[Key, Note] = {}
        self._served: OrderedDict[Key, None] = OrderedDict()

    def next_mark(self) -> Mark:
        return Mark(self.instance, next(self._numbers))

    # --- repeating what Redis did -----------------------------------------------------------------------------------

    def took(self, key: Key, claimed: Claimed, *, era: int, holder: str, lease_ms: int) -> bool:
        """Redis gave out the lease of a subject, when it was asked in that era. False where there is no room for it."""
        with self._lock, self._sized(key):
            if key not in self._entries and not self._has_room(ENTRY_BYTES):
                return False
            entry = self._entry(key)
            self._agree(key, entry, claimed.found)
            entry.fence, entry.lease, entry.holder = claimed.fence, claimed.found.now + lease_ms, holder
            entry.waits, entry.stop = ("", 0), False
            note = self._note(key)
            note.here, note.era, note.orphan = False, era, ""
            note.claimed = claimed.found.now
            self._changed(key)
            return True

    def kept(self, key: Key, fence: int, commit: Commit) -> list[str]:
        """Redis stored a turn. The ids of those that are kept no more."""
        with self._lock:
            entry = self._held(key, fence)
            if entry is None:
                return []
            before = tuple(entry.rows)
            if entry.session and commit.attributes is not None:
                entry.session = replace(entry.session, revision=commit.session.revision)
            note = self._note(key)
            self._silent = True  # Redis has published what happened
            try:
                super().commit(key, fence, commit)
            except StoreFull:
                self.drop(key)
                return []
            finally:
                self._silent = False
            note.keep_turns, note.max_bytes = commit.keep_turns, commit.max_bytes
            note.in_redis = None if commit.closing else commit.session.started
            note.agreed = commit.session.last_activity
            self._changed(key)
            if len(entry.rows) > len(before):
                return []
            after = {turn_id for turn_id, _ in entry.rows}
            return [turn_id for turn_id, _ in before if turn_id not in after]

    def count(self, counted: Counted) -> None:
        with self._lock:
            super().count(Counted(counted.at, counted.deltas) if self._silent else counted)

    def closed(self, session: Session, closing: Closing, fence: int | None) -> None:
        """Redis ended a session. That somebody wanted it ended is kept even where the session was never seen here: no
        other instance brings it back into a Redis that has lost its data."""
        key = session.key
        with self._lock, self._sized(key):
            entry = self._entries.get(key)
            if entry is None:
                if closing.record.reason in (DURATION, INACTIVITY) or not self._has_room(ENTRY_BYTES):
                    return
                entry = self._entry(key)
            if fence is None or self._held(key, fence) is None:
                entry.lease = 0
            if entry.session is None or entry.session.started == session.started:
                self._finish(key, entry, closing)
            self._note(key).in_redis = None
            self._changed(key)

    def put(self, key: Key, started: int, revision: int, attributes: Mapping[str, Any]) -> None:
        """Redis changed the attributes; ``revision`` is the one before."""
        with self._lock, self._sized(key):
            entry = self._entries.get(key)
            if entry and entry.session and entry.session.started == started:
                entry.attributes = encode_document(attributes)
                entry.session = replace(entry.session, revision=revision + 1)

    def forgot(self, key: Key) -> None:
        """Redis erased a subject."""
        with self._lock:
            super().forget(key)
            self._forget_note(key)

    def freed(self, key: Key, fence: int) -> None:
        """Redis freed a lease."""
        with self._lock:
            super().release(key, fence)
            self._changed(key)

    def glimpsed(self, key: Key, found: Snapshot) -> None:
        """Redis was read: what is known here of a subject is brought up to date."""
        with self._lock:
            entry, note = self._entries.get(key), self._notes.get(key)
            if entry is None or note is None or note.pending or entry.lease > self.now():
                return
            if found.session is None or note.in_redis != found.session.started:
                self.drop(key)
                return
            with self._sized(key):
                self._agree(key, entry, found)

    def drop(self, key: Key) -> None:
        """Forget a subject of which Redis knows everything."""
        with self._lock:
            super().forget(key)
            self._forget_note(key)

    def _agree(self, key: Key, entry: Entry, found: Snapshot) -> None:
        """Take over what Redis was read to hold; its older turns stay as they are known here."""
        note, before, now = self._note(key), entry.session, found.session
        note.in_redis, note.agreed = (now.started, now.last_activity) if now else (None, 0)
        note.partial = False
        if now and before and (before.started, before.turns) == (now.started, now.turns):
            if (before.last_activity, before.revision) == (now.last_activity, now.revision):
                return
            if before.revision != now.revision:
                entry.attributes = encode_document(now.attributes)
            entry.session = replace(now, attributes={}, stored_bytes=0)
            self._put_deadline(key, entry, (entry.deadline or 0) + now.last_activity - before.last_activity)
            return
        same = now is not None and before is not None and before.started == now.started
        held = dict(entry.rows)
        known = held if same else {}
        rows = {**known, **{turn.id: known.get(turn.id) or encode_turn(turn) for turn in found.turns}}
        # Which turns of other instances a retry may ask for is not told: any of them.
        entry.ids.update(rows.keys() - held.keys())
        entry.rows.replace(rows.items())
        entry.ids.intersection_update(rows)
        entry.session = replace(now, attributes={}, stored_bytes=0) if now else None
        entry.attributes = encode_document(now.attributes) if now and now.attributes else b""
        deadline = None
        if now:
            deadline = found.now + LOOK_AGAIN_MS
            if same and before and entry.deadline:
                deadline = entry.deadline + now.last_activity - before.last_activity
        self._put_deadline(key, entry, deadline)

    def _put_deadline(self, key: Key, entry: Entry, deadline: int | None) -> None:
        entry.deadline = deadline
        self._index(key).deadlines.put(key.subject, deadline)

    # --- serving alone ----------------------------------------------------------------------------------------------

    def claim(self, key: Key, *, holder: str, lease_ms: int, turns: int, turn_id: str = "") -> Claimed | Busy | Known:
        with self._lock:
            unknown = key not in self._entries and key not in self._notes
            entry = self._entries.get(key)
            left = entry.holder if entry and entry.lease and not self._note(key).here else ""
            claimed = super().claim(key, holder=holder, lease_ms=lease_ms, turns=turns, turn_id=turn_id)
            if isinstance(claimed, Claimed):
                note = self._note(key)
                note.orphan = left or note.orphan
                note.here, note.era, note.right = True, self.era, None
                note.claimed = claimed.found.now
                note.partial = note.partial or unknown
                self.here.add(key)
                self._changed(key)
                return Claimed(claimed.fence, replace(claimed.found, partial=note.partial))
            return claimed

    def _snapshot(self, key: Key, entry: Entry, turns: int, now: int) -> Snapshot:
        note = self._notes.get(key)
        found = super()._snapshot(key, entry, turns, now)
        return replace(found, partial=True) if note and note.partial else found

    def read(self, key: Key, turns: int) -> Snapshot:
        with self._lock:
            if key in self._entries or key in self._notes:
                return super().read(key, turns)
            return Snapshot(self.now(), None, partial=True)

    def foresee(self, key: Key, fence: int, commit: Commit) -> Committed | None:
        """What ``commit`` will answer without writing; None where it will write. Raises ``StoreFull``."""
        with self._lock:
            entry = self._held(key, fence)
            if entry is None:
                stored = commit.turn and self._stored(key, commit.row, self.now())
                return Committed.STORED if stored else Committed.STALE
            revision = entry.session.revision if entry.session else 0
            if commit.attributes is not None and revision != commit.session.revision:
                return Committed.CONFLICT
            text = len(commit.row)
            document = len(encode_document(commit.attributes)) if commit.attributes is not None else 0
            self._make_room(2 * (ITEM_BYTES + text + document))
            return None

    def commit(self, key: Key, fence: int, commit: Commit, mark: Mark | None = None) -> Committed:
        with self._lock:
            entry = self._held(key, fence)
            if entry is None or self.foresee(key, fence, commit) is not None:
                return super().commit(key, fence, commit)
            before = decode_document(entry.attributes) if commit.attributes is not None else {}
            self._note_orphan(key)
            outcome = super().commit(key, fence, commit)
            if outcome is Committed.STORED:
                with self._noting(key) as note:
                    self._note_commit(note, commit, mark or self.next_mark(), before)
            return outcome

    def _note_commit(self, note: Note, commit: Commit, mark: Mark, before: Mapping[str, Any]) -> None:
        unsynced, turn, closing = note.unsynced, commit.turn, commit.closing
        if commit.forget_turns:
            unsynced.turns.clear()
        if turn:
            unsynced.turns[turn.id] = Said(mark, turn, commit.replayable, len(commit.row))
        else:
            unsynced.last = mark
        if commit.attributes is not None:
            unsynced.changes = documents.changes(before, commit.attributes, self.now(), unsynced.changes)
        unsynced.tallies.append(
            Tally(mark, commit.counted.at // 60_000, commit.counted.deltas, turn.id if turn else "")
        )
        note.keep_turns, note.max_bytes = commit.keep_turns, commit.max_bytes
        if closing:
            self._note_end(note, closing, mark)

    def _note_end(self, note: Note, closing: Closing, mark: Mark) -> None:
        record = closing.record
        note.unsynced.ends[record.started] = Ended(mark, record)
        note.unsynced.changes = {}
        if record.reason != INACTIVITY and closing.history_until is None:
            # They went with their session. One that ended for inactivity may turn out to have been active elsewhere.
            for turn_id, said in list(note.unsynced.turns.items()):
                if said.turn.session_started == record.started:
                    del note.unsynced.turns[turn_id]

    def release(self, key: Key, fence: int, counted: Counted | None = None) -> bool:
        with self._lock:
            if self._held(key, fence):
                self._note_orphan(key)
            released = super().release(key, fence, counted)
            if released and counted and counted.deltas:
                with self._noting(key) as note:
                    note.unsynced.tallies.append(Tally(self.next_mark(), counted.at // 60_000, counted.deltas))
            elif released:
                self._changed(key)
            return released

    def close(
        self, session: Session, closing: Closing, counted: Counted, *, fence: int | None = None, force: bool = False
    ) -> Closed:
        with self._lock:
            closed = super().close(session, closing, counted, fence=fence, force=force)
            if closed is Closed.CLOSED:
                with self._noting(session.key) as note:
                    mark = self.next_mark()
                    self._note_end(note, closing, mark)
                    note.unsynced.tallies.append(Tally(mark, counted.at // 60_000, counted.deltas))
            return closed

    def foresee_close(self, session: Session, *, fence: int | None, force: bool) -> Closed | None:
        """What ``close`` will answer without writing; None where it will write."""
        with self._lock:
            entry = self._entries.get(session.key)
            if entry is None or entry.session is None or entry.session.started != session.started:
                return Closed.GONE
            if entry.session.turns != session.turns:
                return Closed.CHANGED
            ours = fence is not None and self._held(session.key, fence) is entry
            return Closed.LEASED if entry.lease > self.now() and not ours and not force else None

    def put_attributes(self, key: Key, started: int, revision: int, attributes: Mapping[str, Any]) -> bool:
        with self._lock:
            entry = self._entries.get(key)
            before = decode_document(entry.attributes) if entry else {}
            put = super().put_attributes(key, started, revision, attributes)
            if put:
                with self._noting(key) as note:
                    unsynced = note.unsynced
                    unsynced.changes = documents.changes(before, attributes, self.now(), unsynced.changes)
                    unsynced.last = self.next_mark()
            return put

    def forget(self, key: Key) -> bool:
        with self._lock:
            there = super().forget(key)
            with self._noting(key) as note:
                tallies = note.unsynced.tallies
                note.unsynced = Unsynced(tallies=tallies, erased=self.now(), last=self.next_mark())
                note.partial = False
            return there

    def tally(self, key: Key, counted: Counted) -> None:
        """Count something, and tell Redis of it with this subject."""
        with self._lock:
            self.count(counted)
            with self._noting(key) as note:
                note.unsynced.tallies.append(Tally(self.next_mark(), counted.at // 60_000, counted.deltas))

    def totals(self, namespace: str) -> Totals:
        with self._lock:
            turns = sum(
                entry.session.turns
                for key, entry in self._entries.items()
                if entry.session and key.namespace == namespace
            )
            return replace(super().totals(namespace), turns=turns)

    # --- leases -----------------------------------------------------------------------------------------------------

    def runs_here(self, key: Key) -> bool:
        """Whether a turn is running whose lease was given out here."""
        if key not in self.here:
            return False
        with self._lock:
            entry, note = self._entries.get(key), self._notes.get(key)
            runs = bool(entry and note and note.here and entry.lease > self.now())
            if not runs:
                self.here.discard(key)
            return runs

    def given_here(self, key: Key, fence: int) -> bool:
        """Whether this fence was given out by the shadow, not by Redis."""
        entry, note = self._entries.get(key), self._notes.get(key)  # no lock: only its holder asks
        return bool(entry and note and note.here and entry.fence == fence and entry.lease)

    def taken_before(self, key: Key, fence: int) -> bool:
        """Whether Redis gave out this fence, and was away since."""
        with self._lock:
            note = self._notes.get(key)
            return bool(self._held(key, fence) and note and not note.here and note.era < self.era)

    def era_of(self, key: Key) -> int:
        """In which era the lease of a subject was taken."""
        note = self._notes.get(key)
        return note.era if note else self.era

    def keep_here(self, key: Key, fence: int) -> bool:
        """Redis lost the lease of a running turn: from now on it is one of ours."""
        with self._lock:
            entry = self._held(key, fence)
            if entry:
                self._note(key).here = True
                self.here.add(key)
            return entry is not None

    def _note_orphan(self, key: Key) -> None:
        """A lease that Redis gave out is about to end here, and Redis is not there to be told."""
        entry, note = self._entries.get(key), self._notes.get(key)
        if entry and note and entry.lease and not note.here:
            note.orphan = entry.holder

    def leave_lease(self, key: Key, holder: str) -> None:
        """A lease of ours may be left in Redis, which nobody uses any more."""
        with self._lock:
            self._note(key).orphan = holder
            self._changed(key)

    def adopt(self, key: Key, fence: int, holder: str, session: Session) -> None:
        """Redis gave out this fence, and there was no room to repeat it here. Raises ``StoreFull``."""
        with self._lock:
            if key in self._entries:
                return
            with self._sized(key):
                self._make_room(ENTRY_BYTES)
                entry = self._entry(key)
                entry.fence, entry.lease, entry.holder = fence, self.now() + 1, holder
                note = self._note(key)
                note.in_redis = session.started if session.turns > 1 else None
                note.partial = True
                self._changed(key)

    # --- merging ----------------------------------------------------------------------------------------------------

    def export(self, key: Key) -> tuple[Ours, int | None, str]:
        """What is held of a subject, the fence of a turn that Redis let begin and that runs still, and the holder of a
        lease that is left in Redis."""
        with self._lock:
            note, entry = self._notes.get(key) or Note(), self._entries.get(key)
            running = bool(entry and entry.lease > self.now())
            fence = entry.fence if entry and running and not note.here else None
            return self._ours(entry, note), fence, note.orphan

    def held(self, key: Key) -> Ours:
        """What is held of a subject, without its turns."""
        with self._lock:
            entry, note = self._entries.get(key), self._notes.get(key)
            return self._ours(replace(entry, rows=Rows(), last_row=None) if entry else None, note or Note())

    def is_at(self, key: Key, started: int, revision: int) -> bool:
        """Whether that is the session, and the revision of its attributes."""
        with self._lock:
            entry = self._entries.get(key)
            session = entry.session if entry else None
            return session is not None and (session.started, session.revision) == (started, revision)

    def subjects(self) -> list[Key]:
        """Everybody of whom something is held."""
        with self._lock:
            return list(self._entries)

    def erased(self, key: Key, at: int) -> None:
        """Another instance erased a subject: what is older than that is gone here, too, and a turn that was running
        then has lost its lease."""
        with self._lock:
            if not self.knows(key):
                return
            entry, note = self._entries.get(key), self._note(key)
            with self._sized(key):
                left = self._ours(entry, note).since(at)
                note.unsynced = left.unsynced
                self._fill(key, left.content)
                if entry and note.claimed <= at:
                    entry.lease = 0
            if entry:
                self._drop_if_empty(key, entry)
            self._changed(key)

    def tell_erasure(self, key: Key, at: int) -> None:
        """Redis is to be told that a subject was erased, since it may hold something older of it."""
        with self._lock, self._noting(key) as note:
            note.unsynced.erased, note.unsynced.last = max(note.unsynced.erased, at), self.next_mark()

    def put_right(self, error: int) -> None:
        """Until now the clock was behind by ``error`` (ms), as nobody had said what time it is."""
        with self._lock:
            right = by(error, self._opened)
            for key, entry in self._entries.items():
                note = self._note(key)
                entry.lease, note.claimed = right(entry.lease), right(note.claimed)
                if note.here and entry.lease:
                    note.right = right
                if note.unsynced:
                    ours = ours_of(self._ours(entry, note), right)
                    note.unsynced = ours.unsynced
                    with self._sized(key):
                        self._fill(key, ours.content)

    def corrected(self, key: Key, fence: int, commit: Commit) -> Commit:
        """The commit of a turn, its times put right where it began by a wrong clock."""
        with self._lock:
            note = self._notes.get(key)
            if note is None or note.right is None or self._held(key, fence) is None:
                return commit
            right, note.right = note.right, None
            return commit_of(commit, right)

    def _ours(self, entry: Entry | None, note: Note) -> Ours:
        return Ours(
            content=_content(entry),
            unsynced=note.unsynced.copy(),
            in_redis=note.in_redis,
            agreed=note.agreed,
            keep_turns=note.keep_turns,
            max_bytes=note.max_bytes,
        )

    def settled(self, key: Key, told: Unsynced, content: Content) -> None:
        """Redis holds ``content`` now, which has all of ``told`` in it."""
        with self._lock, self._sized(key):
            note = self._note(key)
            note.unsynced = note.unsynced.without(told)
            note.whole, note.orphan = False, ""
            session = content.session
            note.in_redis, note.agreed = (session.started, session.last_activity) if session else (None, 0)
            if not note.unsynced:
                note.partial = False
                self._fill(key, content)
            self._changed(key)

    def restore(self, key: Key, ours: Ours, *, whole: bool = False) -> None:
        """Take over what a journal remembers. What is here already is kept beside it.

        ``whole``: Redis is another dataset by now, and has to be told all of it.
        """
        with self._lock, self._sized(key):
            entry, note = self._entries.get(key), self._note(key)
            if entry:
                other = replace(ours, unsynced=Unsynced())
                merged = merge(_content(entry), other, now=self.now(), whole=True)
                content = merged.content
            else:
                content = ours.content
            note.unsynced = note.unsynced.joined(ours.unsynced)
            note.in_redis = ours.in_redis if note.in_redis is None else note.in_redis
            note.agreed = max(note.agreed, ours.agreed)
            note.keep_turns = note.keep_turns or ours.keep_turns
            note.max_bytes = note.max_bytes or ours.max_bytes
            note.whole = note.whole or whole
            self._fill(key, content)
            self._changed(key)

    def _fill(self, key: Key, content: Content) -> None:
        """Make the entry hold this; a running turn goes on."""
        entry = self._entries.get(key)
        if entry is None and not (content.session or content.turns or content.ended or content.last):
            return
        if entry is None:
            entry = self._entry(key)
        session = content.session
        entry.session = replace(session, attributes={}, stored_bytes=0) if session else None
        entry.attributes = encode_document(session.attributes) if session and session.attributes else b""
        entry.rows.replace((turn.id, encode_turn(turn)) for turn in content.turns)
        entry.ids = set(content.replayable)
        entry.last_row = None
        if content.last:
            entry.last_row = (content.last.until, content.last.turn.id, encode_turn(content.last.turn))
        entry.ended = list(content.ended)
        entry.history_until = content.history_until or None
        indexes = self._index(key)
        self._put_deadline(key, entry, content.deadline if session else None)
        indexes.histories.put(key.subject, entry.history_until)
        indexes.records.put(key.subject, entry.ended[0].ended + ENDED_KEPT_MS if entry.ended else None)

    def tell_everything(self) -> None:
        """Redis is another dataset: all that is held here is pending, and it knows of no lease that it gave out."""
        with self._lock:
            self.era += 1
            for key, entry in self._entries.items():
                if entry.session or entry.rows or entry.ended:
                    self._note(key).whole = True
                    self._changed(key)

    def tell_again(self, key: Key) -> None:
        """Redis may have lost what was repeated here just now."""
        with self._lock:
            if key in self._entries:
                self._note(key).whole = True
                self._changed(key)

    def is_whole(self, key: Key) -> bool:
        """Whether Redis has to be told all that is held of a subject."""
        note = self._notes.get(key)
        return note is not None and note.whole

    def whole_only(self) -> list[Key]:
        """Subjects of which Redis may well hold everything already: a look at their sessions shows it."""
        with self._lock:
            return [key for key in self.pending if self._is_plain(key)]

    def _is_plain(self, key: Key) -> bool:
        note, entry = self._notes.get(key), self._entries.get(key)
        if note is None or entry is None or note.unsynced or note.orphan:
            return False
        return note.whole and entry.session is not None and not entry.ended

    def agree_if_same(self, key: Key, found: Snapshot) -> None:
        """Redis holds this session: if it is as it is known here, nothing has to be told."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.session is None or found.session is None or not self._is_plain(key):
                return
            ours, theirs = entry.session, found.session
            if (ours.started, ours.turns, ours.last_activity, ours.revision) == (
                theirs.started,
                theirs.turns,
                theirs.last_activity,
                theirs.revision,
            ):
                self._notes[key].whole = False
                self._changed(key)

    def holds(self, key: Key, turn_ids: Sequence[str]) -> bool:
        """Whether these turns, at least, are known of a subject."""
        with self._lock:
            entry = self._entries.get(key)
            known = {row_id for row_id, _ in entry.rows} if entry else set()
            return entry is not None and known.issuperset(turn_ids)

    def begin_era(self) -> None:
        """Redis went away: what it said of leases until now may not hold when it is back."""
        with self._lock:
            self.era += 1

    def ends_or_erasures(self) -> list[Key]:
        """Of the pending subjects, those of which Redis has to be told an end."""
        with self._lock:
            return [key for key in self.pending if _ends(self._notes.get(key))]

    def waiting(self) -> list[Key]:
        with self._lock:
            return list(self.pending)

    def unsynced_turns(self) -> tuple[int, int | None]:
        """How many turns Redis was not told, and when the oldest of them began (ms)."""
        with self._lock:
            parts = [self._notes[key].unsynced for key in self.pending if key in self._notes]
            oldest = min((part.oldest for part in parts if part.oldest is not None), default=None)
            return sum(len(part.turns) for part in parts), oldest

    def knows(self, key: Key) -> bool:
        return key in self._entries or key in self._notes

    def expects(self, key: Key, found: Snapshot) -> bool:
        """Whether Redis holds of a subject what it must, as far as is known here; a session may have ended there."""
        entry, note = self._entries.get(key), self._notes.get(key)  # no lock: only who has its lease asks
        known = entry.session if entry else None
        if entry is None or note is None or known is None or note.in_redis != known.started:
            return True
        if entry.deadline is not None and entry.deadline <= found.now:
            return True
        session = found.session
        return session is not None and session.started == known.started and session.turns >= known.turns

    # --- what is kept, and how long ---------------------------------------------------------------------------------

    def purge(self) -> None:
        """Forget what is over and of which Redis knows everything. Costs what it forgets."""
        with self._lock:
            now = self.now()
            for namespace, indexes in list(self._indexes.items()):
                for subject in indexes.deadlines.until(now, 1_000):
                    key = Key(namespace, subject)
                    entry = self._entries.get(key)
                    if self._is_needed(key) or entry is None:
                        continue
                    if not (entry.ended or entry.history_until):
                        self.drop(key)
                        continue
                    with self._sized(key):
                        entry.session, entry.attributes = None, b""
                        if not entry.history_until:
                            entry.forget_turns()
                        self._put_deadline(key, entry, None)
                self.trim(namespace, now)

    def _make_room(self, more: int) -> None:
        while self._bytes + more > self.max_bytes:
            key = next(iter(self._served), None)
            if key is None:
                raise StoreFull(self.kind, self.max_bytes)
            del self._served[key]
            if not self._is_needed(key):
                self.drop(key)

    def _has_room(self, more: int) -> bool:
        try:
            self._make_room(more)
        except StoreFull:
            return False
        return True

    def _is_needed(self, key: Key) -> bool:
        """Whether Redis must be told of it, or a turn is running."""
        note, entry = self._notes.get(key), self._entries.get(key)
        return bool((note and note.pending) or (entry and entry.lease > self.now()))

    @contextmanager
    def _sized(self, key: Key) -> Iterator[None]:
        """Whatever is done to an entry in here is counted in bytes."""
        entry = self._entries.get(key)
        before = entry.size if entry else 0
        yield
        entry = self._entries.get(key)
        self._bytes += (entry.size if entry else 0) - before
        self._size_note(key)

    @contextmanager
    def _noting(self, key: Key) -> Iterator[Note]:
        """Note what Redis has to be told."""
        note = self._note(key)
        yield note
        self._size_note(key)
        self._changed(key)

    def _size_note(self, key: Key) -> None:
        if note := self._notes.get(key):
            size = note.unsynced.size
            self._bytes += size - note.size
            note.size = size

    def _entry(self, key: Key) -> Entry:
        """The entry, made where there is none; its bytes are counted by ``_sized``."""
        return self._entries.setdefault(key, Entry())

    def _note(self, key: Key) -> Note:
        note = self._notes.get(key)
        if note is None:
            note = self._notes[key] = Note()
        return note

    def _drop_if_empty(self, key: Key, entry: Entry) -> None:
        super()._drop_if_empty(key, entry)
        note = self._notes.get(key)
        if key not in self._entries and note and not note.pending:
            self._forget_note(key)

    def _forget_note(self, key: Key) -> None:
        note = self._notes.pop(key, None)
        if note:
            self._bytes -= note.size
        self.pending.pop(key, None)
        self._served.pop(key, None)

    def _changed(self, key: Key) -> None:
        """Put a subject in its place among the pending and the served."""
        note = self._notes.get(key)
        if note and note.pending:
            self.pending.setdefault(key)
            self._served.pop(key, None)
            return
        self.pending.pop(key, None)
        if key in self._entries:
            self._served[key] = None
            self._served.move_to_end(key)
        elif note:
            self._forget_note(key)


def _content(entry: Entry | None) -> Content:
    if entry is None:
        return Content()
    session = entry.session
    if session:
        session = replace(session, attributes=decode_document(entry.attributes))
    return Content(
        session=session,
        deadline=entry.deadline or 0,
        turns=entry.turns(len(entry.rows)),
        replayable=frozenset(entry.ids),
        last=Last(entry.last_row[0], decode_turn(entry.last_row[2])) if entry.last_row else None,
        ended=tuple(entry.ended),
        history_until=entry.history_until or 0,
    )


def _ends(note: Note | None) -> bool:
    return bool(note and (note.unsynced.ends or note.unsynced.erased))
