"""From a simulated day to bytes, round trips and workers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from memory.capacity import footprint
from memory.capacity.simulation import MINUTES, Counts, Day, simulate
from memory.capacity.texts import SPREAD, rows, sample
from memory.capacity.workload import Mix, Workload
from memory.codec import encode_ended
from memory.owners import NAMESPACE as OWNERS
from memory.session import EndedSession, Key
from memory.stores.base import SERIES_KEPT_MINUTES
from memory.stores.keys import SHARDS, minute_key, subject_keys
from memory.summary import CARRY_OVER_BYTES

PARTS: Final = ("sessions", "turns", "ids", "records", "owners")
"""Hashes of sessions with what they remember, their turns, the ids that a retry may ask for, records of ended sessions,
and owners' documents; each with its entries in the indexes."""

BASE: Final = 2_000_000
"""``used_memory`` of an empty Redis 7.0: 0.9 MB at its start, 1.6 MB once it holds the scripts and has a histogram of
times for each of their commands; the rest for commands of the monitors."""

CONNECTION: Final = 40_000
"""Bytes of a connection that is in use: 38 kB, by INFO memory with 200 of them. One at rest takes 2.4 kB."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured, as opposed to counted; the figures here on the machine of docs/performance.md, Redis 7.0.15.

    ratio      of what a Redis takes to what the footprint says (``measure``)
    turn_us    Redis' own CPU for a turn, both its scripts: ``used_cpu_*`` of INFO around 4,000 turns of a
               SessionEngine, one after the other, 144 to 165 in three runs
    ended_us   the same for a session that a sweep ends (``benchmarks.scale``), or the next turn
    renewal_us   the same for a lease that is prolonged (every 2 s of a turn), around 4,000 of them
    chat_ms    a worker's CPU for a chat (``benchmarks.serve``)
    threads    turns that one worker runs at once (THREADS)
    busy       how much of its threads and of its CPU a worker is to use in the busiest quarter of an hour
    """

    ratio: float = 1.0
    turn_us: float = 160.0
    ended_us: float = 93.0
    renewal_us: float = 35.0
    chat_ms: float = 9.1
    threads: int = 64
    busy: float = 0.8


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of each thing that a policy keeps. ``lists`` and ``ids`` by rows, ``ended`` by records; [0] is nothing."""

    session: float
    lists: Counts
    ids: Counts
    ended: Counts
    last: float
    subject: int
    owner: int
    listed: int
    """Characters that a session adds to its owner's document."""


def kept_turns(mix: Mix, sizes: list[int]) -> int:
    """How many turns a list keeps: as many as the policy says, or as fit into its bytes."""
    return max(1, min(mix.policy.keep_turns, int(mix.policy.max_bytes / (sum(sizes) / len(sizes)))))


def footprint_of(mix: Mix, workload: Workload, sizes: list[int]) -> Footprint:
    """Of this policy, where rows have such ``sizes``."""
    subject = 36 if mix.subject == "session" else workload.user_id
    owned = mix.subject == "session" and workload.owners
    names = subject_keys(Key(mix.name, "x" * subject))
    owner = workload.user_id if owned else 0
    session = footprint.key(len(names.session)) + footprint.session(owner, revised=mix.document > 0)
    if mix.document:
        session += footprint.key(len(names.attributes)) + footprint.value(mix.document)
    keep = kept_turns(mix, sizes)
    tries = min(100, max(8, 40_000 // (keep * keep)))
    again = [sizes[at % len(sizes)] for at in range(len(sizes) + keep)]
    begins = range(0, len(sizes), -(-len(sizes) // tries))

    def of_rows(count: int) -> float:
        lists = [footprint.rows(again[begin : begin + count]) for begin in begins]
        return footprint.key(len(names.turns)) + sum(lists) / len(lists)

    newest = record_of(mix, "x" * owner, 1_790_000_000_000)
    lengths = [len(encode_ended(each)) for each in (replace(newest, carry_over=""), newest)]
    of_ids = [0.0, *(footprint.key(len(names.ids)) + footprint.ids(count, 16) for count in range(1, keep + 1))]
    of_records = [footprint.key(len(names.ended)) + footprint.records(count, *lengths) for count in range(1, 21)]
    return Footprint(
        session=session,
        lists=np.array([0.0, *map(of_rows, range(1, keep + 1))]),
        ids=workload.keyed * np.array(of_ids),
        ended=np.array([0.0, *of_records]),
        last=footprint.key(len(names.last)) + sum(map(footprint.value, sizes)) / len(sizes),
        subject=subject,
        owner=workload.user_id,
        listed=len(f'"{"x" * subject}":1790000000000,'),
    )


def record_of(mix: Mix, owner: str, at: int) -> EndedSession:
    """What stays of a session of this policy; what it leaves to the next one, if anything, is as long as it may be."""
    reason = "inactivity" if mix.policy.inactivity is not None else "duration"
    left = ("x" * CARRY_OVER_BYTES, owner) if mix.policy.carry_over else ("", "")
    return EndedSession("", at, at, 10, reason, *left)


def bytes_of(each: Footprint, day: Day) -> dict[str, Counts]:
    """Of each part, at each minute. Hash tables are ``tables``' matter."""
    # Rounding up to a whole number of documents of the mean size is well within what a forecast can tell.
    listed = np.divide(day.owned, day.owners, out=np.zeros(MINUTES), where=day.owners > 0)
    names = subject_keys(Key(OWNERS, "x" * each.owner))
    fixed = footprint.key(len(names.session)) + footprint.session(revised=True) + footprint.key(len(names.attributes))
    documents = np.array([footprint.value(round(26 + each.listed * number)) for number in listed])
    return {
        "sessions": day.sessions * each.session + _index(day.sessions, each.subject),
        "turns": each.lists @ day.lists + day.lasts * each.last + _index(day.histories, each.subject),
        "ids": each.ids @ day.lists,
        "records": each.ended @ day.ended + _index(day.recorded, each.subject),
        "owners": day.owners * (fixed + documents + footprint.member(each.owner)),  # one index for all assistants
    }


def _index(members: Counts, length: int) -> Counts:
    return np.array([SHARDS * footprint.index(each / SHARDS, length) for each in members])


def keys_of(mix: Mix, workload: Workload, day: Day) -> Counts:
    """How many keys there are at each minute."""
    lists: Counts = day.lists.sum(axis=0)
    ended: Counts = day.ended.sum(axis=0)
    hashes = day.sessions * (2 if mix.document else 1) + 2 * day.owners
    return hashes + lists * (1 + workload.keyed) + ended + day.lasts


def key_tables(keys: float) -> int:
    """Bytes of the hash tables of that many keys, all of which expire."""
    return 2 * footprint.slots(math.ceil(keys)) * footprint.SLOT


def index_tables(day: Day) -> int:
    """Bytes of the hash tables of the indexes, which keep the size they grew to."""
    indexes = (day.sessions, day.histories, day.recorded, day.owners)
    return sum(SHARDS * footprint.index_slots(float(each.max()) / SHARDS) for each in indexes)


def series_bytes(days: Mapping[str, Day], workload: Workload) -> float:
    """The counts of the last 25 hours, a hash a minute and shard, and the totals."""
    taken = np.random.default_rng(1).lognormal(math.log(workload.model_seconds * 1000), SPREAD, 10_000)
    _, times = np.unique((4 * np.log2(np.maximum(taken, 1))).astype(int), return_counts=True)
    fields, every = np.zeros(MINUTES), 0
    turns = np.zeros(MINUTES)
    for name, day in days.items():
        ends = day.swept + day.rolled
        turns = turns + day.turns
        for what, counts in (("turns", day.turns), ("live_turns", day.turns), ("started", day.started)):
            fields, every = _field(fields, every, f"{name}.{what}", counts)
        fields, every = _field(fields, every, f"{name}.ended.inactivity", ends)
        for share in times / times.sum():
            fields, every = _field(fields, every, f"{name}.ms.40", day.turns * share)
    there = 1 - np.exp(-turns / SHARDS)
    one = footprint.key(len(minute_key("03", 29_000_000))) + footprint.allocated(footprint.OBJECT)
    minutes: float = sum(
        SHARDS * chance * (one + footprint.listpack(round(size / chance)))
        for chance, size in zip(there.tolist(), fields.tolist(), strict=True)
        if chance > 0.001
    )
    totals = SHARDS * (one + footprint.listpack(every + 6 * len(days)))
    return minutes * SERIES_KEPT_MINUTES / MINUTES + totals


def _field(fields: Counts, every: int, name: str, counts: Counts) -> tuple[Counts, int]:
    """A field is there where something was counted in a shard's minute."""
    size = footprint.packed(len(name)) + (2 if counts.mean() / SHARDS < 64 else 3)  # numbers up to 127 take two bytes
    likely: Counts = 1 - np.exp(-counts / SHARDS)
    return fields + size * likely, every + size


@dataclass(frozen=True, slots=True)
class Assistant:
    """What one policy makes of the day: ``parts`` are bytes at each minute, ``users`` how many talk to it."""

    mix: Mix
    users: int
    day: Day
    parts: dict[str, Counts]

    @property
    def bytes(self) -> Counts:
        summed: Counts = np.sum(list(self.parts.values()), axis=0)
        return summed


@dataclass(frozen=True, slots=True)
class Load:
    """In the busiest quarter of an hour: turns a second, turns running at once, round trips to Redis a second, the
    share of one core that Redis needs for them, workers, and what they were counted by (``threads`` or ``CPU``)."""

    turns: float
    running: float
    round_trips: float
    redis_cpu: float
    workers: int
    bound: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes of Redis' ``used_memory`` at each minute of a day, and the load at the busiest. ``shared`` are those that
    belong to no assistant, and stay: tables, series, connections, Redis itself."""

    workload: Workload
    costs: Costs
    assistants: tuple[Assistant, ...]
    shared: dict[str, float]
    load: Load

    @property
    def bytes(self) -> Counts:
        own: Counts = np.sum([each.bytes for each in self.assistants], axis=0)
        return own + sum(self.shared.values())

    @property
    def peak(self) -> int:
        """The minute of the day when most memory is taken."""
        return int(np.argmax(self.bytes))


def forecast(workload: Workload, costs: Costs | None = None, *, most: int = 1_000_000, seed: int = 1) -> Forecast:
    """``most`` bounds how many sessions are simulated; of more, a part is, and counted for all."""
    costs = costs or Costs()
    sizes = rows(sample(workload))
    parts_of: list[Assistant] = []
    keys, tables = np.zeros(MINUTES), 0
    visits = workload.users * workload.visits_a_day * workload.days
    part = min(1.0, most / visits)
    for number, mix in enumerate(workload.mixes):
        users = workload.users_of(mix)
        some = max(1, round(users * part))
        day = simulate(mix, workload, some, keep=kept_turns(mix, sizes), seed=seed + number).scaled(users / some)
        bytes_each = bytes_of(footprint_of(mix, workload, sizes), day)
        parts_of.append(Assistant(mix, users, day, {name: costs.ratio * each for name, each in bytes_each.items()}))
        keys = keys + keys_of(mix, workload, day)
        tables += index_tables(day)
    days = {each.mix.name: each.day for each in parts_of}
    load = load_of(workload, costs, list(days.values()))
    shared = {
        "tables": costs.ratio * (key_tables(float(keys.max())) + tables),
        "series": costs.ratio * series_bytes(days, workload),
        "connections": float(load.workers * (costs.threads + 4) * CONNECTION),
        "Redis": float(BASE),
    }
    return Forecast(workload, costs, tuple(parts_of), shared, load)


def load_of(workload: Workload, costs: Costs, days: list[Day]) -> Load:
    """The most that any quarter of an hour asks for. A turn is two round trips; a session that rolls over or is swept,
    one more; one that notes its owner, two or three; a turn's lease is prolonged every 2 s."""

    def a_second(counts: list[Counts]) -> Counts:
        """Of the quarter of an hour around each minute: single minutes of a part of the users tell too much."""
        quarters = np.lib.stride_tricks.sliding_window_view(np.sum(counts, axis=0), 15)
        mean: Counts = quarters.mean(axis=1) / 60
        return mean

    turns = a_second([day.turns for day in days])
    swept = sum(float(day.swept.sum()) for day in days) / 86_400  # in bursts, which can wait for turns
    rolled = a_second([day.rolled for day in days])
    noted = a_second([day.started if day.owners.any() else np.zeros(MINUTES) for day in days])
    busiest = float(turns.max())
    running = busiest * workload.model_seconds
    by_threads, by_cpu = running / costs.threads, busiest * costs.chat_ms / 1000
    workers = max(1, math.ceil(max(by_threads, by_cpu) / costs.busy))
    renewals = turns * max(0.0, workload.model_seconds / 2 - 0.5)
    idle = workers * (1 + 3 * (len(days) + 1) / workload.cleanup)  # a probe a second, and sweeps that find nothing
    trips = 2 * turns + rolled + 2.5 * noted + swept + renewals + idle
    cpu = turns * costs.turn_us + (rolled + swept + 2.5 * noted) * costs.ended_us + renewals * costs.renewal_us
    return Load(
        turns=busiest,
        running=running,
        round_trips=float(trips.max()),
        redis_cpu=float(cpu.max()) / 1e6,
        workers=workers,
        bound="threads" if by_threads >= by_cpu else "CPU",
    )
