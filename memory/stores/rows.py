"""The turns of a subject, as a store of this process keeps them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice


class Rows:
    """Encoded turns with their ids, oldest first. ``bytes`` is what they take together: asked for at every turn, so it
    is kept and not counted."""

    def __init__(self) -> None:
        self._rows: deque[tuple[str, bytes]] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return iter(self._rows)

    def newest(self, count: int) -> list[bytes]:
        """At most ``count`` rows, oldest first."""
        return [row for _, row in islice(reversed(self._rows), count)][::-1]

    def append(self, turn_id: str, row: bytes) -> None:
        self._rows.append((turn_id, row))
        self.bytes += len(row)

    def drop_oldest(self) -> str:
        """The id of the turn that is gone now."""
        turn_id, row = self._rows.popleft()
        self.bytes -= len(row)
        return turn_id

    def replace(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep these instead."""
        self._rows = deque(rows)
        self.bytes = sum(len(row) for _, row in self._rows)
