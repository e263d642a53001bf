"""Counters and per-minute series, kept beside the sessions: written with the fence, in the same step as the turn.

Names are ``<namespace>.<what>``: ``turns``, ``started``, ``errors``, ``interrupted``, ``ended.<reason>``,
``live_turns`` and ``ms.<cell>``, a histogram of turn times. A cell is a quarter of an octave wide, so a percentile is
told to within 19 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from memory import policy as rules
from memory.session import EndedSession, Session, Turn
from memory.stores.base import LIVE_TURNS, Counted, SessionStore

REASONS: Final = frozenset(
    {rules.DURATION, rules.INACTIVITY, rules.CONVERSATION_LIMIT, rules.MANUAL, rules.SHUTDOWN, rules.EVICTED}
)
_CELLS_PER_OCTAVE: Final = 4


def counted_reason(reason: str) -> str:
    """Callers' own reasons are counted as ``manual``: there are as many of them as callers can think of."""
    return reason if reason in REASONS else rules.MANUAL


def of_turn(session: Session, turn: Turn | None, ended: str | None, *, new: bool, at: int) -> Counted:
    """What a finished turn (or, without one, an opened session) counts; ``session`` is as it is afterwards."""
    space = session.key.namespace
    deltas: dict[str, int] = {}
    events: list[dict[str, Any]] = []
    about = {"assistant": space, "sessionId": session.id, "at": at}
    live = 0
    if new:
        deltas[f"{space}.started"] = 1
        events.append({"type": "session_started", **about})
    if turn:
        live += 1
        deltas[f"{space}.turns"] = 1
        deltas[f"{space}.ms.{_cell(turn.took)}"] = 1
        if turn.interrupted:
            deltas[f"{space}.interrupted"] = 1
        events.append({"type": "turn_completed", **about, "turns": session.turns, "ms": turn.took})
    if ended:
        live -= session.turns
        deltas[f"{space}.ended.{counted_reason(ended)}"] = 1
        events.append({"type": "session_ended", **about, "turns": session.turns, "reason": ended})
    if live:
        deltas[f"{space}.{LIVE_TURNS}"] = live
    return Counted(at, deltas, events)


def of_end(session: Session, record: EndedSession, at: int) -> Counted:
    """What the end of a session counts, in the minute of its end."""
    space = session.key.namespace
    deltas = {f"{space}.ended.{counted_reason(record.reason)}": 1}
    if session.turns:
        deltas[f"{space}.{LIVE_TURNS}"] = -session.turns
    event = {"type": "session_ended", "assistant": space, "sessionId": session.id, "at": at}
    return Counted(at, deltas, [{**event, "turns": session.turns, "reason": record.reason}])


def of_failure(namespace: str, at: int) -> Counted:
    return Counted(at, {f"{namespace}.errors": 1})


def _cell(took: int) -> int:
    return int(_CELLS_PER_OCTAVE * math.log2(max(1, took)))


def _upper(cell: int) -> int:
    """The longest turn (ms) of a cell."""
    return math.ceil(2 ** ((cell + 1) / _CELLS_PER_OCTAVE))


@dataclass(slots=True)
class Minute:
    """One minute's counts. ``p50`` and ``p95`` are turn times in ms, None without turns."""

    minute: int
    turns: int = 0
    started: int = 0
    errors: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    cells: dict[int, int] = field(default_factory=dict)

    @property
    def p50(self) -> int | None:
        return self.percentile(0.50)

    @property
    def p95(self) -> int | None:
        return self.percentile(0.95)

    def percentile(self, share: float) -> int | None:
        """The time (ms) within which this share of the turns was done, rounded up to its cell."""
        total = sum(self.cells.values())
        seen = 0
        for cell in sorted(self.cells):
            seen += self.cells[cell]
            if seen >= share * total:
                return _upper(cell)
        return None


def minute_of(minute: int, counts: Mapping[str, int], namespaces: Iterable[str]) -> Minute:
    """The counts of the given namespaces, added up."""
    summed = Minute(minute)
    wanted = frozenset(namespaces)
    for name, number in counts.items():
        space, _, what = name.partition(".")
        if space not in wanted:
            continue
        kind, _, detail = what.partition(".")
        if kind == "turns":
            summed.turns += number
        elif kind == "started":
            summed.started += number
        elif kind == "errors":
            summed.errors += number
        elif kind == "ended":
            summed.ended[detail] = summed.ended.get(detail, 0) + number
        elif kind == "ms":
            summed.cells[int(detail)] = summed.cells.get(int(detail), 0) + number
    return summed


def series(store: SessionStore, namespaces: Iterable[str], minutes: int, now: int) -> list[Minute]:
    """The last ``minutes`` minutes, oldest first, the running one included; empty minutes are zeros."""
    last = now // 60_000
    wanted = range(last - minutes + 1, last + 1)
    found = store.series(wanted)
    spaces = list(namespaces)
    return [minute_of(minute, found.get(minute, {}), spaces) for minute in wanted]


def ended_by_reason(counters: Mapping[str, int], namespace: str) -> dict[str, int]:
    """All ends since the store was empty, by reason."""
    prefix = f"{namespace}.ended."
    return {name.removeprefix(prefix): number for name, number in counters.items() if name.startswith(prefix)}
