"""What every store of sessions can do. The rules live in ``memory.policy``; a store compares, sets and counts.

A store is shared by all threads of a process. Times are the store's own, in milliseconds since 1970. Every call ends
within the store's time-outs; a store that cannot answer raises ``StoreUnavailable`` and never says "not found".
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from memory.codec import encode_turn
from memory.session import EndedSession, Key, Session, Turn

ENDED_KEPT_MS = 24 * 3_600_000
ENDED_KEPT = 20
"""Ended sessions are remembered for 24 hours, the newest 20 of a subject (API.md)."""

LAST_KEPT_MS = 600_000
"""How long the turn that used up its session stays replayable by its idempotency key (ms)."""

SERIES_KEPT_MINUTES = 1_500
"""Per-minute counts are kept for 25 hours."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session as it is stored, with its newest turns, oldest first. ``session`` is None where there is none.

    Turns may be there without a session (they outlived it). ``now`` is the store's time of the reading; ``leased``
    says whether a turn is running, ``partial`` that there may be more of this subject in a store that is away.
    """

    now: int
    session: Session | None
    turns: tuple[Turn, ...] = ()
    leased: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """The lease is ours: no other turn of the session begins or ends until it is released, lost or run out.

    ``fence`` grows with every claim of the subject; whatever is written under the lease must show it.
    """

    fence: int
    found: Snapshot


@dataclass(frozen=True, slots=True)
class Busy:
    """Another turn holds the lease until ``until`` (ms), unless it renews it."""

    now: int
    until: int


@dataclass(frozen=True, slots=True)
class Known:
    """A turn of this id is stored already. ``found`` is the session as it is now, perhaps a later one, or none."""

    turn: Turn
    found: Snapshot


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a session: the record that stays, and whether its turns outlive it (``history_until``, ms)."""

    record: EndedSession
    history_until: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What the store counts in the same breath as it writes: ``deltas`` by name, in the minute of ``at`` (ms).

    ``events`` are published to whoever listens, if and only if the write took place.
    """

    at: int
    deltas: Mapping[str, int] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one finished turn changes, written at once or not at all.

    session        the session as it is after the turn
    turn           the turn, or None when a session is only opened or touched
    replayable     the turn's id was made from an idempotency key, so a retry will ask for it
    deadline       when the session ends if nothing more is said (ms)
    history_until  when the turns may be forgotten, where that is not with the session (ms)
    forget_turns   what was stored of earlier turns is past its time: the list begins anew
    keep_turns, max_bytes   what is kept of the turns, newest first
    attributes     the new document, or None to leave it; ``session.revision`` is the revision it was made from
    closing        set when the turn used up the session: it is stored and ended in one step
    row            the turn as it is stored, written once for all stores, and before any of them takes a lock
    """

    session: Session
    turn: Turn | None
    deadline: int
    keep_turns: int
    max_bytes: int
    counted: Counted
    replayable: bool = False
    history_until: int | None = None
    forget_turns: bool = False
    attributes: Mapping[str, Any] | None = None
    closing: Closing | None = None
    row: bytes = field(default=b"", repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.turn and not self.row:
            object.__setattr__(self, "row", encode_turn(self.turn))


@dataclass(frozen=True, slots=True)
class Totals:
    """``live`` sessions and the ``turns`` that they count, ``histories`` of turns that outlive their session,
    ``ended`` subjects with a record of the last day."""

    live: int = 0
    turns: int = 0
    histories: int = 0
    ended: int = 0


class Durability(StrEnum):
    """Where an acknowledged turn is safe at least."""

    REDIS = "redis"
    DISK = "disk"  # this machine's journal
    MEMORY = "memory"  # this process only


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """How a store does. ``state`` is ``closed`` (it serves), ``open`` (it is away, another serves for it) or
    ``reconcile`` (it is back, what it missed is being written); ``since`` (ms); ``detail`` is for people."""

    backend: str
    state: str = "closed"
    since: int = 0
    degraded: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)


OnEnd = Callable[[str, EndedSession, str], None]
"""Told of the end of a session by the one instance that made it: namespace, record, and owner where that is known."""


class Committed(StrEnum):
    """What became of a commit; only ``STORED`` wrote."""

    STORED = "stored"
    STALE = "stale"  # the lease is another's by now, or the session was ended
    CONFLICT = "conflict"  # the attributes were changed meanwhile


class Closed(StrEnum):
    """What became of a close; only ``CLOSED`` wrote."""

    CLOSED = "closed"
    GONE = "gone"  # somebody else ended it, or another session is there
    CHANGED = "changed"  # it had another turn meanwhile
    LEASED = "leased"  # a turn is running


class Renewed(StrEnum):
    """What became of a lease's renewal."""

    HELD = "held"
    LOST = "lost"
    STOP = "stop"  # held, but somebody asked for the turn to end


LIVE_TURNS = "live_turns"
"""The count of turns in live sessions: up with each turn, down by all of a session's when it ends."""


class Listener:
    """Events as they come, at most 1,000 waiting: whoever reads too slowly misses the oldest."""

    def __init__(self, on_close: Callable[[], None]) -> None:
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=1_000)
        self._arrived = threading.Condition()
        self.close = on_close

    def put(self, event: Mapping[str, Any]) -> None:
        with self._arrived:
            self._waiting.append(event)
            self._arrived.notify()

    def get(self, timeout: float) -> Mapping[str, Any] | None:
        """The next event, or None when none came within ``timeout`` seconds."""
        with self._arrived:
            if not self._waiting:
                self._arrived.wait(timeout)
            return self._waiting.popleft() if self._waiting else None


class SessionStore(ABC):
    """Where sessions live. All stores answer one contract suite (``tests/memory/test_store_contract.py``)."""

    kind: str
    """``redis`` or ``memory``: for people, in status and errors."""

    @abstractmethod
    def now(self) -> int:
        """The store's time (ms)."""

    @abstractmethod
    def claim(self, key: Key, *, holder: str, lease_ms: int, turns: int, turn_id: str = "") -> Claimed | Busy | Known:
        """Take the lease, and read the session with its newest ``turns``, in one round trip.

        ``holder`` names the instance: when another one waits already, it is served first. ``turn_id`` is looked for
        among the replayable turns first.
        """

    @abstractmethod
    def renew(self, leases: Sequence[tuple[Key, int]], lease_ms: int) -> list[Renewed]:
        """Prolong the leases given as (key, fence)."""

    @abstractmethod
    def commit(self, key: Key, fence: int, commit: Commit) -> Committed:
        """Store a turn (or open or touch a session) and free the lease.

        A repeated commit of a turn that is stored already answers ``stored`` and changes nothing.
        """

    @abstractmethod
    def release(self, key: Key, fence: int, counted: Counted | None = None) -> bool:
        """Free the lease and leave nothing else behind. False when it was no longer held."""

    @abstractmethod
    def stop(self, key: Key) -> bool:
        """Ask whoever holds the lease to end the turn (told at the next renewal). False when no turn is running."""

    @abstractmethod
    def read(self, key: Key, turns: int) -> Snapshot:
        """The session with its newest ``turns`` (0: none). Changes nothing."""

    @abstractmethod
    def peek(self, keys: Sequence[Key]) -> list[Snapshot]:
        """Many sessions without their turns, in one round trip a node."""

    @abstractmethod
    def close(
        self, session: Session, closing: Closing, counted: Counted, *, fence: int | None = None, force: bool = False
    ) -> Closed:
        """End the session, if it is still as given: write its record, delete its data, count it.

        With a ``fence`` the caller holds the lease and keeps it. Without one a running turn keeps the session alive,
        unless ``force``: then that turn can no longer be stored.
        """

    @abstractmethod
    def put_attributes(self, key: Key, started: int, revision: int, attributes: Mapping[str, Any]) -> bool:
        """Replace the document if the session is still that one and its revision is ``revision``."""

    @abstractmethod
    def forget(self, key: Key) -> bool:
        """Erase all of a subject: session, turns, attributes, ended records, lease. True if anything was there."""

    @abstractmethod
    def ended(self, key: Key) -> list[EndedSession]:
        """The ended sessions of the last 24 hours, newest first, at most 20."""

    @abstractmethod
    def due(self, namespace: str, now: int, limit: int, skip: int = 0) -> list[str]:
        """Subjects whose deadline has come, earliest first. Costs what it returns, not what lives."""

    @abstractmethod
    def postpone(self, key: Key, deadline: int | None) -> bool:
        """Move a deadline in the index. False where it was not in the index.

        None takes it out, if its session is gone; False also where one is there.
        """

    @abstractmethod
    def live(self, namespace: str, limit: int, offset: int = 0) -> list[Key]:
        """A page of the live sessions, those that end last first."""

    @abstractmethod
    def totals(self, namespace: str) -> Totals:
        """Counts from indexes, never by walking sessions."""

    @abstractmethod
    def recount(self, namespace: str) -> None:
        """Count the turns of live sessions anew, where one was lost that nobody ended. Costs what lives."""

    @abstractmethod
    def trim(self, namespace: str, now: int) -> None:
        """Drop what is out of date from the indexes of ended records and histories. Costs what it drops."""

    @abstractmethod
    def count(self, counted: Counted) -> None:
        """Count something that goes with no turn."""

    @abstractmethod
    def series(self, minutes: Iterable[int]) -> dict[int, dict[str, int]]:
        """The counts of each minute (since 1970) that has any."""

    @abstractmethod
    def counters(self) -> dict[str, int]:
        """The counts since the store was empty."""

    @abstractmethod
    def listen(self) -> Listener:
        """The events of all instances from now on; close the listener when done."""

    @property
    def degraded(self) -> bool:
        """Whether this process serves alone, for a store that is away. Asked at every turn."""
        return False

    @abstractmethod
    def status(self) -> StoreStatus:
        """Told from memory, without asking the store."""

    @abstractmethod
    def durability(self, namespace: str) -> Durability:
        """Where a turn of this namespace is safe that is stored now."""

    @abstractmethod
    def usage(self) -> Mapping[str, Any]:
        """Memory of the store: ``used_bytes`` and ``max_bytes`` (0: no limit)."""

    @abstractmethod
    def bytes_of(self, keys: Sequence[Key]) -> int:
        """What these sessions take in the store, in bytes."""

    @abstractmethod
    def close_store(self) -> None:
        """Give back connections and threads. The sessions stay, where the store outlives the process."""
