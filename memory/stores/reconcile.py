"""Tells Redis what it missed, subject by subject: read both sides, merge, replace what is still as it was read."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final
from zlib import crc32

from memory.errors import StoreUnavailable
from memory.session import Key
from memory.stores.base import Busy, OnEnd
from memory.stores.content import Content
from memory.stores.exchange import Exchange, Lease, Written
from memory.stores.journal import Journal
from memory.stores.merge import Merged, merge
from memory.stores.record import Record, end_kept_until, remember
from memory.stores.redis import RedisStore
from memory.stores.shadow import Shadow
from memory.stores.unsynced import Mark, Ours

log = logging.getLogger(__name__)

ATTEMPTS: Final = 20
STRIPES: Final = 64
BATCH: Final = 200
ASIDE: Final = 60.0

LOCK_PATIENCE: Final = 0.25
"""Seconds that a request waits for another that tells Redis of the same subject."""


@dataclass(slots=True)
class Report:
    """What the last reconciliation did, from ``at`` on (ms), in ``ms``."""

    at: int = 0
    turns: int = 0
    sessions: int = 0
    ended: int = 0
    conflicts: int = 0
    ms: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a subject. ``content`` is what Redis holds now; None where it could not be told: ``busy`` is the
    turn of another instance that is in the way, None where Redis is away."""

    content: Content | None
    busy: Busy | None = None
    gone: frozenset[str] = frozenset()


class Reconciler:
    """Safe for threads: requests settle the subject that they are about, the watch all others.

    ``journal_of`` gives the journal for a namespace whose turns go to disk. ``on_end`` is told of the ends that earlier
    processes left in the journal: nobody knows whether these told of them.
    """

    def __init__(
        self,
        remote: RedisStore,
        exchange: Exchange,
        shadow: Shadow,
        *,
        journal_of: Callable[[str], Journal | None],
        trip: Callable[[StoreUnavailable], None],
        away: Callable[[], bool],
        on_end: OnEnd | None = None,
    ) -> None:
        self._remote = remote
        self._exchange = exchange
        self._shadow = shadow
        self._journal_of = journal_of
        self._trip = trip
        self._away = away
        self._on_end = on_end
        self._stripes = [threading.Lock() for _ in range(STRIPES)]
        self._counting = threading.Lock()
        self._aside: dict[Key, float] = {}
        self.report = Report()

    # --- one subject ------------------------------------------------------------------------------------------------

    def settle(self, key: Key, fence: int | None = None) -> Settled:
        """Tell Redis what is pending of a subject. ``fence`` is of a lease that Redis gave us just now."""
        with self._stripe(key) as held:
            if not held or self._away():
                return Settled(None)
            try:
                return self._settle(key, fence)
            except StoreUnavailable as error:
                self._trip(error)
                return Settled(None)

    def _settle(self, key: Key, fence: int | None) -> Settled:
        for _ in range(ATTEMPTS):
            ours, own_fence, orphan = self._shadow.export(key)
            whole = self._shadow.is_whole(key)
            lease = Lease(orphan, own_fence if fence is None else fence)
            settled = self._exchange_once(key, ours, lease, whole=whole)
            if isinstance(settled, Busy):
                return Settled(None, settled)
            if settled is not None:
                self._shadow.settled(key, ours.unsynced, settled.content)
                self._note_in_journal(key, ours, settled)
                self._count(key, ours, settled, whole=whole)
                self._tell_ends(key, ours, settled.content)
                return Settled(settled.content, gone=settled.gone)
        return Settled(None, Busy(self._shadow.now(), self._shadow.now()))

    def _exchange_once(self, key: Key, ours: Ours, lease: Lease, *, whole: bool) -> Merged | Busy | None:
        """What Redis holds now, another's turn that is in the way, or None where Redis was changed meanwhile."""
        found = self._exchange.fetch(key, lease)
        if found.busy_until:
            return Busy(found.now, found.busy_until)
        merged = merge(found.content, ours, now=found.now, whole=whole)
        written = self._exchange.put(key, lease, found, merged)
        if written is Written.LEASED:
            return Busy(found.now, found.now)
        return merged if written is Written.MERGED else None

    @contextmanager
    def _stripe(self, key: Key) -> Iterator[bool]:
        lock = self._stripes[crc32(f"{key.namespace} {key.subject}".encode()) % STRIPES]
        held = lock.acquire(timeout=LOCK_PATIENCE)
        try:
            yield held
        finally:
            if held:
                lock.release()

    def _note_in_journal(self, key: Key, ours: Ours, merged: Merged) -> None:
        """The journal holds from now on what it takes to tell all this to another Redis."""
        journal = self._journal_of(key.namespace)
        if journal is None:
            return
        content = merged.content
        told = ours.unsynced
        if merged.conflict or told.ends or content.erased or content.session is None:
            journal.replace(key, records_of(key, content, ours, self._shadow.next_mark))
        else:
            journal.synced(key, told.marks())

    def _count(self, key: Key, ours: Ours, merged: Merged, *, whole: bool) -> None:
        with self._counting:
            self.report.turns += len(ours.unsynced.turns)
            self.report.sessions += whole and merged.content.session is not None
            self.report.ended += len(ours.unsynced.ends) + bool(ours.unsynced.erased)
            self.report.conflicts += merged.conflict
            if merged.conflict:
                log.warning("sessions that began apart became one: %s", hashed(key))

    def _tell_ends(self, key: Key, ours: Ours, content: Content) -> None:
        lives_on = content.session.started if content.session else None
        for started, end in ours.unsynced.ends.items():
            if self._on_end and end.mark.instance != self._shadow.instance and started != lives_on:
                self._on_end(key.namespace, end.record, end.record.owner)

    # --- all of them ------------------------------------------------------------------------------------------------

    def run(self, stop: Callable[[], bool]) -> None:
        """Tell Redis everything that is pending, ends first. Something may be left: what has to wait for a turn of
        another instance, or everything when Redis is away again."""
        self._pass_over_what_is_there(stop)
        first = self._shadow.ends_or_erasures()
        for key in [*first, *(key for key in self._shadow.waiting() if key not in set(first))]:
            if stop() or self._away():
                return
            if self.is_set_aside(key) or key not in self._shadow.pending:
                continue
            try:
                self.settle(key)
            except Exception:  # whatever Redis holds of one subject must not keep the others from being told
                log.exception("%s can't be told to Redis and is tried again in a minute", hashed(key))
                self._aside[key] = time.monotonic() + ASIDE

    def is_settled(self) -> bool:
        """Whether Redis was told everything, but for what can't be told at all."""
        return all(self.is_set_aside(key) for key in self._shadow.waiting())

    def is_set_aside(self, key: Key) -> bool:
        return self._aside.get(key, 0.0) > time.monotonic()

    def tell_journaled(self, journal: Journal, stop: Callable[[], bool]) -> None:
        """Redis is another dataset: tell it also what only the journal remembers."""
        for key in journal.subjects():
            if stop() or self._away():
                return
            remembered = remember(journal.records(key))
            if self._shadow.holds(key, [turn.id for turn in remembered.content.turns]):
                continue
            # Told with everything else that is pending, should it have to wait.
            self._shadow.restore(key, remembered, whole=True)
            self.settle(key)

    def _pass_over_what_is_there(self, stop: Callable[[], bool]) -> None:
        """After a restart with its data Redis has nearly everything: many subjects are compared in one round trip."""
        keys = self._shadow.whole_only()
        for start in range(0, len(keys), BATCH):
            if stop() or self._away():
                return
            part = keys[start : start + BATCH]
            try:
                found = self._remote.peek(part)
            except StoreUnavailable as error:
                self._trip(error)
                return
            for key, snapshot in zip(part, found, strict=True):
                self._shadow.agree_if_same(key, snapshot)


def records_of(key: Key, content: Content, ours: Ours, next_mark: Callable[[], Mark]) -> list[Record]:
    """The journal's records of what Redis holds of a subject: ends first, as they end what stands before them."""
    session = content.session
    common = Record(
        key=key,
        mark=next_mark(),
        synced=True,
        until=max(content.deadline, content.history_until),
        session=session,
        in_redis=session.started if session else None,
        agreed=session.last_activity if session else 0,
        deadline=content.deadline,
        history_until=content.history_until,
        keep_turns=ours.keep_turns,
        max_bytes=ours.max_bytes,
    )
    ends = [
        replace(common, mark=next_mark(), session=None, ended=record, until=max(common.until, end_kept_until(record)))
        for record in reversed(content.ended)
    ]
    said = [
        replace(common, mark=next_mark(), turn=turn, replayable=turn.id in content.replayable) for turn in content.turns
    ]
    return [*ends, *(said or ([common] if session else []))]


def hashed(key: Key) -> str:
    """A subject in a log line: nobody can tell who it is, but that it is the same as in another line."""
    return blake2b(f"{key.namespace} {key.subject}".encode(), digest_size=6).hexdigest()
