"""Keeps the leases of running turns alive, and hears when one is lost or its turn is asked to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from memory.errors import StoreUnavailable
from memory.session import Key
from memory.stores.base import Renewed, SessionStore

log = logging.getLogger(__name__)

Signal = Callable[[Renewed], None]
"""Called with ``STOP`` or ``LOST``, at most once: from the keeper's thread, or the one that asks the turn to stop."""


@dataclass(slots=True)
class _Held:
    key: Key
    fence: int
    signal: Signal
    taken: float
    renewed: float = field(default=0.0)
    told: bool = False


class LeaseKeeper:
    """One thread for all running turns of a process; it begins with the first of them.

    ``lease`` is how long a lease lasts unrenewed (s), ``every`` how often it is renewed, ``limit`` how long a turn may
    run at all: a turn that nobody finished must not hold its session for ever.
    """

    def __init__(self, store: SessionStore, *, lease: float = 6.0, every: float = 2.0, limit: float = 300.0) -> None:
        self.lease_ms = round(lease * 1000)
        self._store = store
        self._every = every
        self._limit = limit
        self._held: dict[tuple[Key, int], _Held] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def hold(self, key: Key, fence: int, signal: Signal) -> None:
        now = time.monotonic()
        with self._lock:
            self._held[key, fence] = _Held(key, fence, signal, now, now)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="parley-leases", daemon=True)
                self._thread.start()

    def drop(self, key: Key, fence: int) -> None:
        with self._lock:
            self._held.pop((key, fence), None)

    def ask_to_stop(self, key: Key) -> bool:
        """Signal ``STOP`` to the turn of this process that runs for ``key``; False where there is none."""
        with self._lock:
            held = next((each for each in self._held.values() if each.key == key), None)
        if held is None:
            return False
        self._tell(held, Renewed.STOP)
        return True

    def holds(self, key: Key) -> bool:
        """Whether a turn of this process runs for ``key``."""
        with self._lock:
            return any(held.key == key for held in self._held.values())

    def running(self) -> int:
        """How many turns are running in this process."""
        with self._lock:
            return len(self._held)

    def close(self) -> None:
        self._closed = True
        self._wake.set()
        if self._thread:
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._wake.wait(self._every / 4):
            try:
                self.renew(time.monotonic())
            except Exception:  # the thread must outlive whatever a signal does, or every running turn loses its lease
                log.exception("leases could not be renewed")

    def renew(self, now: float) -> None:
        """One pass: renew what is due at ``now`` (monotonic seconds)."""
        with self._lock:
            due = [held for held in self._held.values() if now - held.renewed >= self._every]
        overdue = [held for held in due if now - held.taken > self._limit]
        for held in overdue:
            log.error("a turn ran longer than %.0f s and lost its lease", self._limit)
            self._tell(held, Renewed.LOST)
        due = [held for held in due if held not in overdue]
        try:
            answers = self._store.renew([(held.key, held.fence) for held in due], self.lease_ms) if due else []
        except StoreUnavailable as error:
            log.warning("leases could not be renewed: %s", error)
            return
        for held, answer in zip(due, answers, strict=True):
            held.renewed = now
            if answer is not Renewed.HELD:
                self._tell(held, answer)

    def _tell(self, held: _Held, answer: Renewed) -> None:
        if answer is Renewed.LOST:
            self.drop(held.key, held.fence)
        with self._lock:
            told, held.told = held.told, True
        if not told:
            held.signal(answer)
