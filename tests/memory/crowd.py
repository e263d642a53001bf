"""Many users who talk at once, and an observer who keeps what they were told and checks every history afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from memory import ParleyError, SessionEngine, StoreFull

Route = Callable[[str, int], SessionEngine]
"""Which instance a user's turn (its number) goes to."""


@dataclass(slots=True)
class Crowd:
    """``turns`` of each of ``users``, with ``think`` seconds of model in each and as many between them."""

    users: int
    turns: int
    think: float = 0.01
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def talk(self, route: Route) -> None:
        """Begin; ``finish`` waits for the end."""
        for number in range(self.users):
            thread = threading.Thread(target=self._talk, args=(f"user{number}", route), daemon=True)
            self._threads.append(thread)
            thread.start()

    def finish(self, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.1, until - time.monotonic()))
            assert not thread.is_alive(), "a user still waits for an answer"

    @property
    def told(self) -> int:
        with self._lock:
            return sum(map(len, self.acknowledged.values()))

    def _talk(self, user: str, route: Route) -> None:
        for number in range(self.turns):
            message = f"{user} says {number}"
            engine = route(user, number)
            spent = 0.0
            try:
                begun = time.perf_counter()
                turn = engine.begin_turn(user, message)
                spent += time.perf_counter() - begun
                self._pause()
                begun = time.perf_counter()
                engine.finish_turn(turn, message.upper())
                spent += time.perf_counter() - begun
            except ParleyError as error:
                with self._lock:
                    self.errors.append(error)
                continue
            with self._lock:
                self.acknowledged.setdefault(user, []).append(message)
                self.waits.append(spent)
            self._pause()

    def _pause(self) -> None:
        """At least as long as the clocks of two instances may differ while one of them is cut off from Redis."""
        time.sleep(random.uniform(0.002, 2 * self.think))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of what users were told."""

    acknowledged: int
    lost: int
    doubled: int
    out_of_order: int
    torn: int
    refused: int

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.torn or self.refused)


def judge(crowd: Crowd, observer: SessionEngine) -> Verdict:
    """Every acknowledged turn must be in its user's history once, in order, and whole."""
    lost = doubled = out_of_order = torn = 0
    for user, messages in crowd.acknowledged.items():
        history = observer.history(user, 10_000)
        found = [turn.message for turn in history]
        torn += sum(turn.response != turn.message.upper() for turn in history)
        times = Counter(found)
        lost += sum(times[message] == 0 for message in messages)
        doubled += sum(number - 1 for number in times.values())
        there = [message for message in found if message in set(messages)]
        out_of_order += _moves(there, [message for message in messages if times[message]])
    refused = sum(not isinstance(error, StoreFull) for error in crowd.errors)
    return Verdict(crowd.told, lost, doubled, out_of_order, torn, refused)


def _moves(found: Sequence[str], wanted: Sequence[str]) -> int:
    """How many stand elsewhere than they should."""
    return sum(one != other for one, other in zip(dict.fromkeys(found), wanted, strict=True))
