"""A lock that is given to threads in the order in which they asked for it. Python's own may be taken again and again by
the thread that just had it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turnstile:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def passing(self, seconds: float) -> Iterator[bool]:
        """Wait at most so long. Gives whether it is ours until the block ends."""
        ours = self._take(seconds)
        try:
            yield ours
        finally:
            if ours:
                self._give()

    def _take(self, seconds: float) -> bool:
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            ticket = threading.Event()
            self._waiting.append(ticket)
        if ticket.wait(seconds):
            return True
        with self._lock:
            # It may have been given to us just when time was up.
            if ticket.is_set():
                return True
            self._waiting.remove(ticket)
            return False

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False
