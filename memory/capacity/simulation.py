"""A day of sessions, simulated turn by turn: what begins, extends and ends, and what of it is in Redis each minute.

The rules are those of ``memory.policy``, for many users at once (a test compares them with ``policy.verdict``, and a
simulated day with the engine's). The n-th turns of all users are one step, so the time it takes grows with the turns,
and Python's part of it only with the busiest user.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memory.capacity.texts import SPREAD
from memory.capacity.workload import Mix, Workload
from memory.owners import LOOKED_AT_AGAIN_MS, MOST
from memory.policy import SessionPolicy, ms
from memory.stores.base import ENDED_KEPT, ENDED_KEPT_MS, LAST_KEPT_MS
from memory.stores.redis import FORGET_MARGIN_MS

MINUTES: Final = 1_440
DAY_MS: Final = 86_400_000
NEVER: Final = 1 << 60

Times = NDArray[np.int64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.float64]

_TURNS_AT_ONCE: Final = 2_000_000
"""Bounds the memory of a simulation, about 300 MB."""


def deadlines(policy: SessionPolicy, started: Times, last: Times, turns: Times) -> Times:
    """When sessions end by time alone (ms): ``policy.verdict(...).at`` of sessions that have turns left."""
    at = np.full(len(started), NEVER)
    if policy.duration is not None:
        at = np.minimum(at, started + ms(policy.duration))
    if policy.inactivity is not None:
        allowed = np.full(len(started), ms(policy.inactivity))
        if policy.extension:
            more = ms(policy.inactivity + policy.extension.seconds)
            allowed = np.where(turns >= policy.extension.after_turns, more, allowed)
        at = np.minimum(at, last + allowed)
    return at


@dataclass(slots=True)
class Day:
    """What is there at each minute of the last simulated day, and what happens in it. All arrays end in 1,440 minutes.

    live       sessions that have not ended
    sessions   hashes of sessions: live ones, and those that no sweep came to yet
    lists      [rows] lists of turns by how many rows they have, ``sessions`` or outliving them
    histories  entries in the index of turns that outlive their session
    ended      [records] lists of records by their length
    recorded   entries in the index of those
    lasts      turns that used up a session, for ten minutes
    owners, owned   documents of owners, and the sessions that they list
    turns, started, swept, rolled   in that minute: turns and sessions begun, sessions ended by a sweep or by a turn
    """

    keep: int
    live: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    sessions: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    lists: Counts = field(init=False)
    histories: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    ended: Counts = field(default_factory=lambda: np.zeros((ENDED_KEPT + 1, MINUTES)))
    recorded: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    lasts: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    owners: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    owned: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    turns: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    started: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    swept: Counts = field(default_factory=lambda: np.zeros(MINUTES))
    rolled: Counts = field(default_factory=lambda: np.zeros(MINUTES))

    def __post_init__(self) -> None:
        self.lists = np.zeros((self.keep + 1, MINUTES))

    def scaled(self, by: float) -> Day:
        """The same of ``by`` times as many users."""
        other = Day(self.keep)
        for name in self.names():
            setattr(other, name, getattr(self, name) * by)
        return other

    def add(self, other: Day) -> None:
        for name in self.names():
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @staticmethod
    def names() -> list[str]:
        return [each.name for each in fields(Day) if each.name != "keep"]


def simulate(mix: Mix, workload: Workload, users: int, *, keep: int, seed: int = 1) -> Day:
    """A day of so many users, after ``workload.days`` in all. ``keep`` is how many turns a list keeps."""
    chance = np.random.default_rng(seed)
    day = Day(keep)
    at_once = max(1, round(_TURNS_AT_ONCE / (workload.turns_a_day * workload.days)))
    for begin in range(0, users, at_once):
        day.add(run(mix, workload, arrivals(workload, min(at_once, users - begin), chance), keep))
    return day


@dataclass(slots=True)
class Arrivals:
    """Turns sorted by user, then time: ``at`` (ms since the first midnight) and how long the reply took (ms)."""

    user: Times
    at: Times
    took: Times


def arrivals(workload: Workload, users: int, chance: np.random.Generator) -> Arrivals:
    """Visits at random by the hours of the day, their turns at random distances."""
    visits = int(chance.poisson(workload.visits_a_day * workload.days * users))
    curve = np.asarray(workload.curve, float)
    hour = chance.choice(len(curve), visits, p=curve / curve.sum())
    begins = chance.integers(workload.days, size=visits) * DAY_MS
    begins += ((hour + chance.random(visits)) * (DAY_MS / len(curve))).astype(np.int64)
    turns = chance.geometric(1 / workload.turns_a_visit, visits)
    took = _spread(chance, workload.model_seconds, int(turns.sum()))
    step = took + (chance.exponential(workload.gap * 1000, len(took))).astype(np.int64)
    passed = np.cumsum(step) - step
    at = passed + np.repeat(begins - passed[np.cumsum(turns) - turns], turns)
    user = np.repeat(chance.integers(users, size=visits), turns)
    order = np.lexsort((at, user))
    return Arrivals(user[order], at[order], took[order])


def _spread(chance: np.random.Generator, mean: float, size: int) -> Times:
    """Milliseconds around a mean (s), spread as the texts' lengths are."""
    return (1000 * mean * chance.lognormal(-SPREAD * SPREAD / 2, SPREAD, size)).astype(np.int64)


def run(mix: Mix, workload: Workload, found: Arrivals, keep: int) -> Day:
    """The last day of these turns. A turn that comes while the one before is answered waits for it."""
    day = Day(keep)
    _, first, counts = np.unique(found.user, return_index=True, return_counts=True)
    busiest = np.argsort(-counts, kind="stable")
    first, counts = first[busiest], counts[busiest]
    walk = _Walk(mix, workload, len(counts), day)
    for number in range(int(counts[0]) if len(counts) else 0):
        users = int(np.searchsorted(-counts, -number))  # those with more turns than that stand in front
        turn = first[:users] + number
        walk.turn(found.at[turn], found.took[turn])
    walk.finish()
    return day


class _Walk:
    """The state of every user between two turns. Times are ms; ``since`` is when something got its present size."""

    def __init__(self, mix: Mix, workload: Workload, users: int, day: Day) -> None:
        self.policy, self.day = mix.policy, day
        self.own_ids = mix.subject == "session"
        self.noted = self.own_ids and workload.owners
        self.sweep = ms(workload.cleanup)
        self.outlive = None if mix.policy.history_ttl is None else ms(mix.policy.history_ttl)
        self.spans = _Spans((workload.days - 1) * DAY_MS, day)

        def zeros() -> Times:
            return np.zeros(users, np.int64)

        self.alive = np.zeros(users, bool)
        self.began, self.last, self.turns, self.held_since = zeros(), zeros(), zeros(), zeros()
        self.rows, self.rows_since = zeros(), zeros()
        self.records, self.records_since, self.records_until = zeros(), zeros(), zeros()
        self.owned, self.owned_since, self.look, self.wanted = zeros(), zeros(), zeros(), zeros()

    def turn(self, at: Times, took: Times) -> None:
        """The next turn of the first ``len(at)`` users."""
        some, policy = slice(len(at)), self.policy
        at = np.maximum(at, self.last[some])
        end = at + took
        dead = deadlines(policy, self.began[some], self.last[some], self.turns[some])
        over = np.flatnonzero(self.alive[some] & (at >= dead))
        swept = self._tick(dead[over])
        if not self.own_ids:  # whoever comes first, the sweep or the next turn
            rolled = swept > at[over]
            self.spans.happens("rolled", at[over][rolled])
            self.spans.happens("swept", swept[~rolled])
            swept = np.minimum(swept, at[over])
        else:
            self.spans.happens("swept", swept)
        self._close(over, dead[over], swept)

        new = np.flatnonzero(~self.alive[some])
        self._begin(new, at[new], end[new])
        self.spans.happens("turns", at)
        self._add_row(some, at, end)
        self.last[some] = end
        self.turns[some] += 1
        if policy.max_turns is not None:
            full = np.flatnonzero(self.turns[some] >= policy.max_turns)
            self._close(full, end[full], end[full])
            self.spans.lasts("lasts", end[full], end[full] + LAST_KEPT_MS)

    def finish(self) -> None:
        """Nobody says anything any more."""
        dead = deadlines(self.policy, self.began, self.last, self.turns)
        over = np.flatnonzero(self.alive)
        swept = self._tick(dead[over])
        self.spans.happens("swept", swept)
        self._close(over, dead[over], swept)
        everybody = np.arange(len(self.alive))
        self._drop_rows(everybody, np.full(len(everybody), NEVER))
        self._drop_records(everybody, np.full(len(everybody), NEVER))
        if self.noted:
            self._look_at_owners(everybody, np.full(len(everybody), NEVER))
        self.spans.finish()

    def _tick(self, at: Times) -> Times:
        """The first sweep that finds what is over at ``at``."""
        return -(-at // self.sweep) * self.sweep

    def _begin(self, new: Times, at: Times, end: Times) -> None:
        """Sessions begin with a turn that is over at ``end``."""
        self.alive[new], self.began[new], self.turns[new], self.held_since[new] = True, at, 0, end
        self.spans.happens("started", at)
        if self.own_ids:  # what the last one left stays under its own id
            self._drop_rows(new, np.full(len(new), NEVER))
            self._drop_records(new, np.full(len(new), NEVER))
        if self.noted:
            self._note(new, at)

    def _close(self, users: Times, ended: Times, at: Times) -> None:
        """Sessions that ended at ``ended`` are closed at ``at``: a record more, and turns go that go with them."""
        self.alive[users] = False
        self.spans.lasts("live", self.held_since[users], ended)
        self.spans.lasts("sessions", self.held_since[users], at)
        if self.outlive is None or self.noted:  # what is somebody's goes with its session
            self._drop_rows(users, at)
        self._drop_records(users, at)
        self.records[users] = np.minimum(self.records[users] + 1, ENDED_KEPT)
        self.records_since[users], self.records_until[users] = at, at + ENDED_KEPT_MS
        self.wanted[users] = at + ENDED_KEPT_MS

    def _add_row(self, some: slice, at: Times, end: Times) -> None:
        """A row more for these users, at ``end``; those that are past their time at ``at`` go."""
        users = np.arange(some.stop)
        forgotten = self.outlive is not None and at >= self.last[some] + self.outlive
        rows = np.where(forgotten, 0, self.rows[some])
        self._drop_rows(users, end)
        self.rows[some] = np.minimum(rows + 1, self.day.keep)
        self.rows_since[some] = end

    def _drop_rows(self, users: Times, at: Times) -> None:
        """Lists change or go at ``at``, or when they are past their time."""
        rows, since = self.rows[users], self.rows_since[users]
        if self.outlive is not None:
            until = self.last[users] + self.outlive
            there = rows > 0
            self.spans.lasts("histories", since[there], np.minimum(at, self._tick(until))[there])
            at = np.minimum(at, until + FORGET_MARGIN_MS)
        self.spans.lasts("lists", since, at, level=rows)
        self.rows[users] = 0

    def _drop_records(self, users: Times, at: Times) -> None:
        """Lists of records change at ``at``, or go a day after the last of them."""
        count, since, until = self.records[users], self.records_since[users], self.records_until[users]
        there = count > 0
        self.spans.lasts("ended", since, np.minimum(at, until), level=count)
        self.spans.lasts("recorded", since[there], np.minimum(at, self._tick(until))[there])
        self.records[users] = np.where(at < until, count, 0)

    def _note(self, new: Times, at: Times) -> None:
        """Owners' documents list a session more (memory/owners.py)."""
        self._look_at_owners(new, at)
        # At the most, what is over is dropped; a user has hardly more than one that is not.
        self.owned[new] = np.where(self.owned[new] >= MOST, 1, self.owned[new] + 1)
        self.owned_since[new] = at
        there, look = self.owned[new] > 1, self.look[new]
        looks = np.where(there, np.maximum(0, -((look - at) // LOOKED_AT_AGAIN_MS)), 0)
        self.look[new] = self._tick(np.where(there, look + looks * LOOKED_AT_AGAIN_MS, at + LOOKED_AT_AGAIN_MS))
        self.wanted[new] = NEVER

    def _look_at_owners(self, users: Times, at: Times) -> None:
        """What became of documents until ``at``: a sweep that looks at one drops what is over, or all of it.

        What it leaves of a document are the sessions whose records are there: as many as their share of the time
        since the last look, nearly.
        """
        since, look, owned = self.owned_since[users], self.look[users], self.owned[users]
        there = owned > 0
        # Nothing is left at the first look after the records of the last session are gone.
        looks = np.where(there, np.maximum(0, -((look - self.wanted[users]) // LOOKED_AT_AGAIN_MS)), 0)
        gone = self._tick(look + looks * LOOKED_AT_AGAIN_MS)
        self.spans.lasts("owners", since[there], np.minimum(at, gone)[there])
        left = np.maximum(1, owned * ENDED_KEPT_MS // LOOKED_AT_AGAIN_MS)
        self.spans.lasts("owned", since[there], np.minimum(at, look)[there], weight=owned[there])
        self.spans.lasts("owned", look[there], np.minimum(at, gone)[there], weight=left[there])
        self.owned[users] = np.where(at < look, owned, np.where(there & (at < gone), left, 0))


class _Spans:
    """Adds what lasts from one time to another to the minutes of the day that begins at ``zero`` (ms)."""

    def __init__(self, zero: int, day: Day) -> None:
        self.zero = zero
        self.day = day
        self.changes: dict[str, Counts] = {}

    def lasts(self, name: str, since: Times, until: Times, *, level: Times | None = None, weight: Any = None) -> None:
        """From ``since`` on, before ``until``; a ``level`` of 0 is nothing."""
        begin, end = self._minute(since), self._minute(until)
        seen = begin < end
        if level is not None:
            seen &= level > 0
        width = MINUTES + 1
        levels = len(getattr(self.day, name)) if level is not None else 1
        offset = level[seen] * width if level is not None else 0
        weights = None if weight is None else weight[seen].astype(float)
        total = self.changes.setdefault(name, np.zeros(levels * width))
        total += np.bincount(begin[seen] + offset, weights, levels * width)
        total -= np.bincount(end[seen] + offset, weights, levels * width)

    def happens(self, name: str, at: Times) -> None:
        seen = at[(at >= self.zero) & (at < self.zero + DAY_MS)]
        counts: Counts = getattr(self.day, name)
        counts += np.bincount((seen - self.zero) // 60_000, minlength=MINUTES)

    def _minute(self, at: Times) -> Times:
        """The first minute that begins at ``at`` or later, within the day."""
        return np.clip(-((self.zero - at) // 60_000), 0, MINUTES)

    def finish(self) -> None:
        for name, changes in self.changes.items():
            there: Counts = getattr(self.day, name)
            there += np.cumsum(changes.reshape(-1, MINUTES + 1), axis=1)[:, :MINUTES].reshape(there.shape)
