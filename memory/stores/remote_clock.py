"""Redis' time, as this process knows it: for as long as Redis is away, whatever the clock of this machine says."""

from __future__ import annotations

import time
from collections.abc import Callable

from memory.clock import now_ms


def _passed() -> int:
    """Milliseconds of a clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000


class RemoteClock:
    """``shift`` (ms) is added, as it is to Redis' own time in tests."""

    def __init__(self, shift: Callable[[], int] = lambda: 0) -> None:
        self._shift = shift
        self._offset = now_ms() - _passed()
        self.learned = False
        """Whether Redis was ever heard of; before that, the time is this machine's."""

    def __call__(self) -> int:
        return _passed() + self._offset + self._shift()

    def learn(self, now: int) -> None:
        """Redis just said that it is ``now`` (ms)."""
        self._offset = now - self._shift() - _passed()
        self.learned = True

    @property
    def error(self) -> int:
        """How far Redis' time is ahead of this machine's (ms)."""
        return _passed() + self._offset - now_ms()

    def assume(self, error: int) -> None:
        """Redis' time was that far ahead of this machine's when it was last heard of, perhaps by an earlier process."""
        self._offset = now_ms() + error - _passed()
