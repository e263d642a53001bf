"""Sweeps: sessions whose time is up are found through the index of deadlines and closed, in bounded pieces.

A sweep costs what has ended, not what lives. Several instances may sweep at once: the store lets one of them close a
session, so each end is counted and reported once.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from memory import policy as rules
from memory.clock import Clock, now_ms
from memory.engine import SessionEngine
from memory.errors import ParleyError
from memory.stores.base import Counted

log = logging.getLogger(__name__)

BATCH = 200
"""Sessions looked at in one piece: each piece is a few round trips, and other work gets its turn between them."""


def _never() -> bool:
    return False


def sweep(
    engine: SessionEngine, *, now: int | None = None, batch: int = BATCH, stopped: Callable[[], bool] = _never
) -> Counter[str]:
    """Close every session of the engine that has ended; how many, by reason. ``now`` (ms) is the store's by default.

    ``stopped`` is asked before each piece of ``batch`` sessions: the rest is then left to the next sweep.
    """
    at = engine.store.now() if now is None else now
    ended: Counter[str] = Counter()
    kept = 0
    while not stopped() and (subjects := engine.store.due(engine.namespace, at, batch, skip=kept)):
        for found, subject in zip(engine.store.peek([engine.key(s) for s in subjects]), subjects, strict=True):
            if found.session is None:
                # Gone before its time: only its index entry is left, and whoever takes that out reports it.
                if engine.store.postpone(engine.key(subject), None):
                    engine.store.count(Counted(at, {f"{engine.namespace}.ended.{rules.EVICTED}": 1}))
                    ended[rules.EVICTED] += 1
                continue
            if reason := engine.close_if_ended(found):
                ended[reason] += 1
            elif not _moved(engine, found.session.key.subject, at):
                kept += 1
    if ended[rules.EVICTED]:  # how many turns they had is gone with them
        engine.store.recount(engine.namespace)
    engine.store.trim(engine.namespace, at)
    return ended


def _moved(engine: SessionEngine, subject: str, at: int) -> bool:
    """A session in the index that is not over: its policy was prolonged, so its entry moves; or a turn is running."""
    found = engine.store.read(engine.key(subject), 0)
    if found.session is None:
        return True
    until = rules.verdict(engine.policy, found.session, found.now).at
    return until > at and engine.store.postpone(found.session.key, until)


@dataclass(slots=True)
class CleanupReport:
    """What the cleaner of this process did: times in ms (None: not yet), ends by reason since it started."""

    interval_ms: int
    last_run: int | None = None
    next_run: int | None = None
    last_ms: int = 0
    runs: int = 0
    failures: int = 0
    ended: Counter[str] = field(default_factory=Counter)


class Cleaner:
    """A thread that sweeps every ``interval`` seconds. Start it in the process that is to run it (after a fork).

    ``also`` is done after each sweep (a log line, say). A failing sweep is told in the log and tried again after 1 s,
    2 s, 4 s … up to the interval.
    """

    def __init__(
        self,
        engines: Sequence[SessionEngine],
        interval: float,
        *,
        clock: Clock = now_ms,
        also: Callable[[Counter[str]], None] | None = None,
    ) -> None:
        self.report = CleanupReport(interval_ms=round(interval * 1000))
        self._engines = engines
        self._interval = interval
        self._clock = clock
        self._also = also
        self._one_at_a_time = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        # The first sweep comes at a random moment, so that instances started together do not sweep together.
        first = random.uniform(0.1, 1.0) * self._interval
        self.report.next_run = self._clock() + round(first * 1000)
        self._thread = threading.Thread(target=self._run, args=(first,), name="parley-cleanup", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops within the piece that is running."""
        self._stopped.set()
        if self._thread:
            self._thread.join(timeout=5.0)

    def run_once(self) -> Counter[str]:
        """Sweep now; ends by reason. Raises what the store raises."""
        with self._one_at_a_time:
            begun = self._clock()
            ended: Counter[str] = Counter()
            for engine in self._engines:
                if self._stopped.is_set():
                    break
                ended += sweep(engine, stopped=self._stopped.is_set)
            if self._engines and not self._stopped.is_set():
                self._engines[0].owners.sweep(stopped=self._stopped.is_set)
            self.report.last_run = self._clock()
            self.report.last_ms = self.report.last_run - begun
            self.report.runs += 1
            self.report.ended += ended
        if ended:
            log.info("cleanup ended %d sessions: %s", ended.total(), dict(ended))
        if self._also:
            self._also(ended)
        return ended

    @staticmethod
    def pause_after(failures: int, interval: float) -> float:
        """Seconds until the next sweep, after so many failed ones in a row."""
        return min(2.0 ** min(failures - 1, 30), interval) if failures else interval

    def _run(self, wait: float) -> None:
        failures = 0
        while not self._stopped.wait(wait):
            try:
                self.run_once()
                failures = 0
            except ParleyError as error:
                failures += 1
                self.report.failures += 1
                log.warning("cleanup failed: %s", error)
            except Exception:  # the thread must outlive whatever a sweep meets
                failures += 1
                self.report.failures += 1
                log.exception("cleanup failed")
            wait = self.pause_after(failures, self._interval)
            self.report.next_run = self._clock() + round(wait * 1000)
