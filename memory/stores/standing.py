"""Which store serves: Redis (``closed``), this process (``open``), or Redis while it is told what it missed
(``reconcile``). Each change is one line in the log and one event."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import StrEnum

from memory.clock import Clock

log = logging.getLogger(__name__)


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    RECONCILE = "reconcile"


class Standing:
    """Safe for threads. ``changed`` is called with each new state, by the thread that brought it about."""

    def __init__(self, clock: Clock, changed: Callable[[State], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self.state = State.CLOSED
        self.since = clock()
        self.wake = threading.Event()
        """Set when whoever watches over the state has something to do."""

    @property
    def away(self) -> bool:
        """Whether Redis must not be asked."""
        return self.state is State.OPEN

    def trip(self, why: str) -> None:
        """Redis failed a request: from now on nobody asks it."""
        if self._move(State.OPEN, State.CLOSED, State.RECONCILE):
            log.warning("%s: this process serves sessions itself until it is back", why)

    def reconcile(self, why: str) -> None:
        """Redis is to be told something."""
        if self._move(State.RECONCILE, State.CLOSED, State.OPEN):
            log.info("%s", why)

    def reopen(self) -> None:
        """Something was done here, of which Redis, which serves, has to be told."""
        if self._move(State.RECONCILE, State.CLOSED):
            log.info("a turn ended here after Redis was back: it is told now")
        self.wake.set()

    def close(self, settled: Callable[[], bool], told: str) -> bool:
        """Redis has everything, if ``settled`` still says so."""
        with self._lock:
            if self.state is not State.RECONCILE or not settled():
                return False
            self._set(State.CLOSED)
        log.info("Redis serves again: %s", told)
        self._changed(State.CLOSED)
        return True

    def _move(self, to: State, *befores: State) -> bool:
        if self.state not in befores:  # without the lock, as this is asked for every turn of an outage
            return False
        with self._lock:
            if self.state not in befores:
                return False
            self._set(to)
        self._changed(to)
        self.wake.set()
        return True

    def _set(self, state: State) -> None:
        self.state, self.since = state, self._clock()
