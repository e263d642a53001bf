"""The simulated rules are the policy's, and a simulated day is what the engine makes of the same turns."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import Extension, Key, Session, SessionEngine, SessionNotFound, SessionPolicy, sweep, verdict
from memory.capacity.simulation import DAY_MS, MINUTES, Arrivals, Day, arrivals, deadlines, run, simulate
from memory.capacity.workload import FLAT, Mix, Workload
from tests.memory.conftest import MakeEngine
from tests.memory.harness import World, local_world

seconds = st.integers(1, 10**6)
policies = st.builds(
    lambda duration, inactivity, extension: SessionPolicy(
        duration=duration or (None if inactivity else 60.0),
        inactivity=inactivity,
        extension=extension if inactivity else None,
    ),
    st.none() | seconds,
    st.none() | seconds | st.floats(0.1, 1000),
    st.none() | st.builds(Extension, st.integers(1, 8), seconds),
)
sessions = st.builds(
    lambda started, lasted, turns: Session(Key("test", "ada"), started, started + lasted, turns),
    st.integers(0, 10**12),
    st.integers(0, 10**9),
    st.integers(0, 10),
)


@given(policies, st.lists(sessions, min_size=1))
def test_deadlines_are_those_of_the_policy(policy: SessionPolicy, these: list[Session]) -> None:
    columns = [np.array([(s.started, s.last_activity, s.turns) for s in these])[:, column] for column in range(3)]
    assert deadlines(policy, *columns).tolist() == [verdict(policy, session, 0).at for session in these]


MIXES = (
    Mix("test", SessionPolicy(duration=1800, inactivity=900, max_turns=4, keep_turns=3)),
    Mix("test", SessionPolicy(inactivity=300, extension=Extension(3, 120), keep_turns=5, history_ttl=600)),
    Mix("test", SessionPolicy(inactivity=86_400, keep_turns=6, history_ttl=7_200)),
    Mix("test", SessionPolicy(duration=4000, max_turns=5, history_ttl=100_000)),
    Mix("test", SessionPolicy(inactivity=3600, keep_turns=10), subject="session"),
    Mix("test", SessionPolicy(inactivity=86_400, max_turns=6, history_ttl=20_000), subject="session"),
    Mix("test", SessionPolicy(inactivity=86_400), subject="session"),
)


@dataclass
class Replay:
    """The same turns, said to an engine on a clock that is moved from turn to turn, swept every five minutes.

    What the store says is noted, by the minute of the last day, at some sweeps and two minutes before others.
    """

    world: World
    engine: SessionEngine
    mix: Mix
    days: int
    subjects: dict[int, str] = field(default_factory=dict)
    seen: dict[int, dict[str, object]] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)

    def run(self, turns: Arrivals) -> None:
        events = deque(sorted(zip(turns.at.tolist(), turns.user.tolist(), strict=True)))
        zero = -(-self.world.now // DAY_MS) * DAY_MS
        for number in range(1, self.days * 288):
            at = number * 300_000
            for then in (at - 120_000, at):
                while events and events[0][0] < then:
                    said, user = events.popleft()
                    self.world.advance(zero + said - self.world.now)
                    self.say(user)
                self.world.advance(zero + then - self.world.now)
                if then == at:
                    sweep(self.engine)
                    self.engine.owners.sweep()
                if then >= (self.days - 1) * DAY_MS and number % 8 == (then == at):
                    self.seen[(then - (self.days - 1) * DAY_MS) // 60_000] = self.look()

    def say(self, user: int) -> None:
        name = f"user{user}"
        if self.mix.subject == "user":
            turn = self.engine.begin_turn(name, "Hello")
        else:
            try:
                turn = self.engine.begin_turn(self.subjects.get(user, "nobody"), "Hello", create=False, owner=name)
            except SessionNotFound:
                self.subjects[user] = f"{name}-{len(self.keys)}"
                turn = self.engine.begin_turn(self.subjects[user], "Hello", owner=name)
        if turn.new:
            self.keys.append(turn.key)
        self.engine.finish_turn(turn, "Hello!")

    def look(self) -> dict[str, object]:
        store = self.engine.store
        totals, keys = store.totals("test"), list(dict.fromkeys(self.keys))
        owners = [found.session for found in store.peek(store.live("owners", 1000)) if found.session]
        return {
            "live": totals.live,
            "sessions": sum(found.session is not None for found in store.peek(keys)),
            "histories": totals.histories,
            "recorded": totals.ended,
            "lists": Counter(len(turns) for key in keys if (turns := store.read(key, 1000).turns)),
            "ended": Counter(len(records) for key in keys if (records := store.ended(key))),
            "owners": len(owners),
            "owned": sum(len(session.attributes["sessions"]["test"]) for session in owners),
        }


def simulated(day: Day, minute: int) -> dict[str, object]:
    def lengths(name: str) -> Counter[int]:
        return Counter({size: int(some) for size, some in enumerate(getattr(day, name)[:, minute]) if some})

    names = ("live", "sessions", "histories", "recorded", "owners", "owned")
    counts: dict[str, object] = {name: int(getattr(day, name)[minute]) for name in names}
    return counts | {"lists": lengths("lists"), "ended": lengths("ended")}


@pytest.mark.parametrize("mix", MIXES, ids=range(len(MIXES)))
@pytest.mark.parametrize("days", [1, 4])
def test_a_simulated_day_is_the_day_that_an_engine_has(mix: Mix, days: int, make_engine: MakeEngine) -> None:
    workload = Workload((mix,), users=12, turns_a_day=24 / days, turns_a_visit=6, gap=250, days=days, curve=FLAT)
    turns = arrivals(workload, 12, np.random.default_rng(days))
    turns.took[:] = 0  # as in the replay, whose clock stands still meanwhile
    day = run(mix, workload, turns, keep=mix.policy.keep_turns)

    world = local_world()
    replay = Replay(world, make_engine(world.store, mix.policy), mix, days)
    replay.run(turns)

    for minute, seen in replay.seen.items():
        told = simulated(day, minute)
        if days > 1:  # a list of records lasts as long as its newest, and the store does not show the old ones
            told["ended"] = seen["ended"]
        if mix.policy.history_ttl:  # Redis has them a minute longer than they are shown
            told["lists"] = seen["lists"]
        if days > 1:  # what a look leaves of an owner's document is estimated
            assert told.pop("owned") == pytest.approx(seen.pop("owned"), rel=0.35, abs=4), f"minute {minute}"
        if minute % 5:  # what is over is in the indexes until the next sweep, but no longer counted
            told |= {name: seen[name] for name in ("histories", "recorded")}
        assert told == seen, f"minute {minute}"
    assert day.turns.sum() > 20


def test_turns_wait_for_the_one_before() -> None:
    mix = Mix("test", SessionPolicy(inactivity=60))
    found = Arrivals(np.array([0, 0, 0]), np.array([0, 1_000, 2_000]), np.array([90_000, 90_000, 90_000]))
    day = run(mix, Workload((mix,), days=1, cleanup=60), found, keep=10)
    assert day.turns[:4].tolist() == [1, 1, 0, 1]
    assert day.started.sum() == 1, "each began within the minute after the one before"


def test_turns_that_outlive_their_session_lie_a_minute_longer_in_redis() -> None:
    mix = Mix("test", SessionPolicy(inactivity=60, history_ttl=600))
    found = Arrivals(np.array([0]), np.array([30_000]), np.array([0]))
    day = run(mix, Workload((mix,), days=1, cleanup=300), found, keep=10)
    assert np.flatnonzero(day.lists[1]).tolist() == list(range(1, 12)), "until 11:30"
    assert np.flatnonzero(day.sessions).tolist() == list(range(1, 5)), "until the sweep at 05:00"
    assert np.flatnonzero(day.histories).tolist() == list(range(1, 15)), "until the sweep at 15:00"


def test_as_many_turns_as_asked_for_by_the_hours_of_the_day() -> None:
    mix = Mix("test", SessionPolicy(inactivity=900))
    workload = Workload((mix,), turns_a_day=6, turns_a_visit=4, days=3, curve=(1, 3))
    day = simulate(mix, workload, 20_000, keep=10)
    assert day.turns.sum() == pytest.approx(120_000, rel=0.03)
    assert day.turns[MINUTES // 2 :].sum() == pytest.approx(90_000, rel=0.03)
    assert day.started.sum() == pytest.approx(30_000, rel=0.03), "one a visit"


def test_a_part_counts_for_all() -> None:
    mix = Mix("test", SessionPolicy(inactivity=900))
    day = simulate(mix, Workload((mix,), days=1), 500, keep=10)
    assert np.allclose(day.scaled(3).lists, 3 * day.lists)
    assert day.scaled(3).turns.sum() == 3 * day.turns.sum()
