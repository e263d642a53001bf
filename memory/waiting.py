"""Who is next: within a process, the turns of one session take their places in the order they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from memory.session import Key


class WaitingLine:
    """A line a session. Only its head asks the store for the lease, so a store is polled once a session, not once a
    waiter. Lines exist only while somebody stands in them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: dict[Key, deque[object]] = {}

    @contextmanager
    def place(self, key: Key) -> Iterator[object]:
        """Stand in line; the place is given up on leaving the block."""
        ticket = object()
        with self._changed:
            self._lines.setdefault(key, deque()).append(ticket)
        try:
            yield ticket
        finally:
            with self._changed:
                line = self._lines[key]
                line.remove(ticket)
                if not line:
                    del self._lines[key]
                self._changed.notify_all()

    def length(self, key: Key) -> int:
        """How many stand in line for a session."""
        with self._changed:
            return len(self._lines.get(key, ()))

    def is_head(self, key: Key, ticket: object) -> bool:
        with self._changed:
            return self._lines[key][0] is ticket

    def pause(self, seconds: float) -> None:
        """Wait until something changes here (a turn ended, a place was given up), at most ``seconds``."""
        with self._changed:
            self._changed.wait(seconds)

    def nudge(self) -> None:
        """Something changed: a lease was freed."""
        with self._changed:
            if self._lines:
                self._changed.notify_all()
