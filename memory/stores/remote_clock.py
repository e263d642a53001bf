"""Redis' time, as this process knows it: for as long as Redis is away, whatever the clock of this machine says."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from memory.clock import Clock, now_ms

WINDOW_MS: Final = 30_000
JUMP_MS: Final = 1_000


def _passed() -> int:
    """Milliseconds of a clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000


class RemoteClock:
    """``shift`` (ms) is added, as it is to Redis' own time in tests; ``wall`` is this machine's clock.

    What Redis says is old by the time it is heard, by as long as its answer took. So of what was heard lately, whatever
    puts Redis' time furthest ahead is nearest to the truth.
    """

    def __init__(self, shift: Callable[[], int] = lambda: 0, wall: Clock = now_ms) -> None:
        self._shift = shift
        self._wall = wall
        self._offset = wall() - _passed()
        self._lately = -math.inf
        self._before = -math.inf
        self._turned = 0
        self.learned = False
        """Whether Redis was ever heard of; before that, the time is this machine's."""

    def __call__(self) -> int:
        return _passed() + self._offset + self._shift()

    def learn(self, now: int) -> None:
        """Redis just said that it is ``now`` (ms)."""
        passed = _passed()
        heard = now - self._shift() - passed
        if heard < self._offset - JUMP_MS:  # its clock was set back
            self._lately = self._before = -math.inf
        if passed - self._turned > WINDOW_MS:
            self._before, self._lately, self._turned = self._lately, -math.inf, passed
        self._lately = max(self._lately, heard)
        self._offset = int(max(self._lately, self._before))
        self.learned = True

    @property
    def error(self) -> int:
        """How far Redis' time is ahead of this machine's (ms)."""
        return _passed() + self._offset - self._wall()

    def assume(self, error: int) -> None:
        """Redis' time was that far ahead of this machine's when it was last heard of, perhaps by an earlier process."""
        self._offset = self._wall() + error - _passed()
