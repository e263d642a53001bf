"""Sweeps close what ended and only that, at the cost of what ended, and each end is reported once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from memory import Cleaner, Key, SessionEngine, SessionPolicy, StoreUnavailable, sweep
from memory.leases import LeaseKeeper
from memory.stores import keys as names
from memory.stores.base import Renewed, SessionStore
from memory.stores.redis import RedisStore
from tests.memory.conftest import MakeEngine
from tests.memory.harness import DAY_MS, World, claim, local_world
from tests.memory.spy import watching
from tests.processes import wait_until

POLICY = SessionPolicy(duration=1_800, inactivity=900, max_turns=20)
LATER = 900_000 + 5_000
"""After the inactivity of the policy (ms), and after whatever the turns took."""


@pytest.fixture
def engine(simple_world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(simple_world.store, POLICY)


def talk(engine: SessionEngine, *subjects: str) -> None:
    for subject in subjects:
        engine.finish_turn(engine.begin_turn(subject, "hello"), "Hello!")


def live(engine: SessionEngine) -> set[str]:
    return {view.session.key.subject for view in engine.live(1_000)}


# --- what ended, and only that --------------------------------------------------------------------------------------


def test_a_sweep_closes_what_ended_and_only_that(simple_world: World, engine: SessionEngine) -> None:
    talk(engine, "old", "older")
    simple_world.advance(600_000)
    talk(engine, "new")
    simple_world.advance(305_000)

    assert sweep(engine) == {"inactivity": 2}
    assert sweep(engine) == {}

    assert live(engine) == {"new"}
    assert engine.store.totals("test").live == 1
    assert engine.store.totals("test").turns == 1
    assert engine.store.read(engine.key("old"), 10).session is None
    assert engine.store.read(engine.key("old"), 10).turns == ()
    assert engine.store.counters()["test.ended.inactivity"] == 2
    simple_world.advance(600_000)
    assert sweep(engine) == {"inactivity": 1}


def test_each_end_is_told_with_its_reason_and_its_time(simple_world: World, engine: SessionEngine) -> None:
    talk(engine, "quiet", "busy")
    started = {view.session.key.subject: view.session for view in engine.live()}
    for _ in range(3):
        simple_world.advance(590_000)
        engine.touch("busy")
    simple_world.advance(60_000)
    assert sweep(engine) == {"inactivity": 1, "duration": 1}
    quiet, busy = engine.list("quiet")[1][0], engine.list("busy")[1][0]
    assert (quiet.reason, quiet.ended) == ("inactivity", started["quiet"].last_activity + 900_000)
    assert (busy.reason, busy.ended) == ("duration", started["busy"].started + 1_800_000)


def test_a_sweep_sees_the_sessions_of_its_namespace(simple_world: World, make_engine: MakeEngine) -> None:
    one, other = (make_engine(simple_world.store, POLICY, namespace=name) for name in ("one", "other"))
    talk(one, "user123")
    talk(other, "user123")
    simple_world.advance(LATER)
    assert sweep(one) == {"inactivity": 1}
    assert other.store.read(other.key("user123"), 0).session is not None
    assert sweep(other) == {"inactivity": 1}


def test_a_sweep_of_many_goes_in_pieces(simple_world: World, engine: SessionEngine) -> None:
    talk(engine, *(f"user{n}" for n in range(45)))
    simple_world.advance(LATER)
    assert sweep(engine, batch=10) == {"inactivity": 45}
    assert engine.store.totals("test").live == 0
    assert engine.store.totals("test").ended == 45


def test_a_sweep_can_be_stopped_between_two_pieces(simple_world: World, engine: SessionEngine) -> None:
    talk(engine, *(f"user{n}" for n in range(25)))
    simple_world.advance(LATER)
    asked = iter([False, False, True])
    assert sweep(engine, batch=10, stopped=lambda: next(asked)) == {"inactivity": 20}
    assert sweep(engine) == {"inactivity": 5}


def test_the_moment_of_a_sweep_can_be_given(simple_world: World, engine: SessionEngine) -> None:
    """What is due by then is looked at; it ends only if its time is up by the store's clock."""
    talk(engine, "user123")
    assert sweep(engine, now=simple_world.now - 1) == {}
    assert sweep(engine, now=simple_world.now + DAY_MS) == {}
    assert live(engine) == {"user123"}
    simple_world.advance(LATER)
    assert sweep(engine, now=simple_world.now - LATER) == {}
    assert sweep(engine, now=simple_world.now) == {"inactivity": 1}


# --- running turns, moved policies, lost data -----------------------------------------------------------------------


def test_sessions_whose_turn_is_running_are_swept_later(simple_world: World, make_engine: MakeEngine) -> None:
    keeper = LeaseKeeper(simple_world.store, every=3_600)
    engine = make_engine(simple_world.store, replace(POLICY, duration=None), leases=keeper)
    talk(engine, "resting", "running")
    simple_world.advance(899_000)
    turn = engine.begin_turn("running", "a long story")
    simple_world.advance(5_900)
    assert sweep(engine) == {"inactivity": 1}
    assert [subject for subject in ("resting", "running") if engine.session(subject)] == ["running"]

    turn.started_at -= 6
    engine.finish_turn(turn, "The end.")
    assert sweep(engine) == {}
    simple_world.advance(LATER)
    assert sweep(engine) == {"inactivity": 1}
    engine.leases.close()


def test_more_running_turns_than_a_piece_hold_no_sweep_up(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, POLICY, leases=LeaseKeeper(simple_world.store, every=3_600))
    running = [f"running{n}" for n in range(12)]
    talk(engine, *running)
    simple_world.advance(1_000)
    talk(engine, *(f"resting{n}" for n in range(12)))
    simple_world.advance(898_500)
    for subject in running:
        claim(engine.store, engine.key(subject))
    simple_world.advance(5_500)
    assert sweep(engine, batch=5) == {"inactivity": 12}
    assert sweep(engine, batch=5) == {}
    simple_world.advance(1_000)  # the leases ran out: their instance is gone
    assert sweep(engine, batch=5) == {"inactivity": 12}
    engine.leases.close()


def test_under_a_prolonged_policy_sessions_stay_and_are_not_looked_at_again(
    simple_world: World, make_engine: MakeEngine
) -> None:
    talk(make_engine(simple_world.store, POLICY), "user123")
    patient = make_engine(simple_world.store, replace(POLICY, inactivity=3_600, duration=7_200))
    simple_world.advance(LATER)
    assert sweep(patient) == {}
    assert patient.store.due("test", simple_world.now, 10) == []
    assert patient.session("user123") is not None
    simple_world.advance(3_600_000)
    assert sweep(patient) == {"inactivity": 1}


def test_a_session_whose_data_is_gone_is_told_as_evicted(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, POLICY)
    talk(engine, "gone", "there")
    with one_redis.servers[0].client() as client:
        client.delete(names.subject_keys(engine.key("gone")).session)
    one_redis.advance(LATER)
    assert sweep(engine) == {"evicted": 1, "inactivity": 1}
    assert sweep(engine) == {}
    assert engine.store.counters()["test.ended.evicted"] == 1
    assert engine.store.totals("test").live == 0


def test_the_turns_of_an_evicted_session_are_not_counted_any_more(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, POLICY)
    talk(engine, "gone", "gone", "gone")
    one_redis.advance(LATER)
    talk(engine, "there", "there", "here")
    with one_redis.servers[0].client() as client:
        client.delete(names.subject_keys(engine.key("gone")).session)
    assert engine.store.totals("test").turns == 6

    assert sweep(engine) == {"evicted": 1}

    assert engine.store.totals("test").turns == 3
    talk(engine, "there")
    assert engine.store.totals("test").turns == 4


def test_whoever_comes_back_while_a_sweep_is_looking_keeps_the_new_session(
    one_redis: World, make_engine: MakeEngine
) -> None:
    """The sweep saw the old session gone, and then met the entry of the new one."""

    class Meanwhile(RedisStore):
        """Looks, and then another instance closes the session and its user comes back."""

        def peek(self, keys: object) -> object:  # type: ignore[override]
            one_redis.store.forget(Key("test", "user123"))
            found = super().peek(keys)  # type: ignore[arg-type]
            talk(other, "user123")
            return found

    engine, other = (make_engine(one_redis.again(), POLICY) for _ in range(2))
    talk(other, "user123")
    one_redis.advance(LATER)
    assert isinstance(engine.store, RedisStore)
    engine.store.__class__ = Meanwhile

    assert sweep(engine) == {}

    assert live(other) == {"user123"}
    one_redis.advance(LATER)
    assert sweep(other) == {"inactivity": 1}


# --- several sweepers -----------------------------------------------------------------------------------------------


def test_several_sweepers_at_once_report_each_end_once(simple_world: World, make_engine: MakeEngine) -> None:
    engines = [make_engine(simple_world.again(), POLICY) for _ in range(8)]
    subjects = [f"user{n}" for n in range(60)]
    talk(engines[0], *subjects)
    simple_world.advance(LATER)
    start = threading.Barrier(8)

    def one(engine: SessionEngine) -> Counter[str]:
        start.wait()
        return sweep(engine, batch=7)

    with ThreadPoolExecutor(8) as pool:
        told = sum(pool.map(one, engines), Counter[str]())

    assert told == {"inactivity": 60}
    counters = engines[0].store.counters()
    assert (counters["test.ended.inactivity"], counters["test.live_turns"]) == (60, 0)
    assert all(len(engines[0].store.ended(engines[0].key(subject))) == 1 for subject in subjects)


SWEEPER = """
import sys
from memory import SessionEngine, SessionPolicy, open_store, sweep
store = open_store(sys.argv[1])
engine = SessionEngine(store, SessionPolicy(inactivity=0.001), namespace="test")
store.now()
print("ready", flush=True)
sys.stdin.readline()
print(sweep(engine, batch=10).total())
"""


def test_two_processes_that_sweep_report_each_end_once(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, SessionPolicy(inactivity=0.001))
    talk(engine, *(f"user{n}" for n in range(80)))
    children = [
        subprocess.Popen(
            [sys.executable, "-c", SWEEPER, one_redis.servers[0].url()],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    told = [child.communicate("go\n", timeout=30)[0] for child in children]
    assert sum(int(each) for each in told) == 80
    assert engine.store.counters()["test.ended.inactivity"] == 80


def test_turns_and_sweeps_at_once_lose_nothing(simple_world: World, make_engine: MakeEngine) -> None:
    """Sessions that end after a millisecond, while their users go on and sweeps run."""
    engines = [make_engine(simple_world.again(), replace(POLICY, inactivity=0.001, duration=None)) for _ in range(4)]
    told: list[int] = []

    def work(n: int) -> None:
        if n % 4 == 3:
            told.append(sweep(engines[3]).total())
        else:
            talk(engines[n % 3], f"user{n % 5}")
        simple_world.advance(1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(80)))
    simple_world.advance(1_000)
    sweep(engines[0])
    counters = engines[0].store.counters()
    assert counters["test.turns"] == 60
    assert counters["test.started"] == counters["test.ended.inactivity"]
    assert counters["test.live_turns"] == 0
    assert engines[0].store.totals("test").live == 0


# --- what it costs --------------------------------------------------------------------------------------------------


def test_a_sweep_costs_what_ended_and_not_what_lives(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, POLICY)

    def cost(lives: int, ended: int) -> tuple[int, int]:
        talk(engine, *(f"ended{n}" for n in range(ended)))
        one_redis.advance(LATER - 10_000)
        talk(engine, *(f"lives{n}" for n in range(lives)))
        one_redis.advance(10_000)
        with watching(one_redis.servers) as asked:
            assert sweep(engine).total() == ended
        for n in range(lives):
            engine.forget(f"lives{n}")
        return len(asked.commands), len(asked.inner)

    cost(1, 1)  # the scripts are there from now on
    nothing = cost(1, 0)
    few = cost(20, 50)
    many = cost(1_000, 50)
    assert few == many
    # One command a session that ended and what it costs to look at it, beside what any sweep costs.
    assert many[0] - nothing[0] <= 50 * 3 + 40
    assert many[1] - nothing[1] <= 50 * 20


def test_a_sweep_of_nothing_is_a_few_round_trips(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, POLICY)
    talk(engine, *(f"user{n}" for n in range(200)))
    sweep(engine)
    with watching(one_redis.servers) as asked:
        assert sweep(engine) == {}
    assert len(asked.commands) <= 1 + 16 + 2 * 16


# --- the thread -----------------------------------------------------------------------------------------------------


@contextmanager
def cleaning(cleaner: Cleaner) -> Iterator[Cleaner]:
    cleaner.start()
    try:
        yield cleaner
    finally:
        cleaner.stop()


class Failing:
    """Fails the first sweeps, whatever engine they are for."""

    def __init__(self, store: SessionStore, failures: int, error: Exception) -> None:
        self._store = store
        self.left = failures
        self.error = error

    def __getattr__(self, name: str) -> object:
        if name == "now" and self.left > 0:
            self.left -= 1
            raise self.error
        return getattr(self._store, name)


def test_a_cleaner_sweeps_again_and_again(make_engine: MakeEngine) -> None:
    world = local_world()
    engines = [make_engine(world.store, POLICY, namespace=name) for name in ("one", "two")]
    told: list[Counter[str]] = []
    with cleaning(Cleaner(engines, 0.01, also=told.append)) as cleaner:
        for engine in engines:
            talk(engine, "user123")
        world.advance(LATER)
        wait_until(lambda: cleaner.report.ended.total() == 2, "the ends")
        talk(engines[0], "user456")
        world.advance(LATER)
        wait_until(lambda: cleaner.report.ended.total() == 3, "another end")
    report = cleaner.report
    assert report.ended == {"inactivity": 3}
    assert sum(told, Counter[str]()) == report.ended
    assert report.runs == len(told)
    assert report.failures == 0
    assert report.interval_ms == 10
    assert report.last_run is not None
    assert report.next_run is not None
    assert report.last_run <= report.next_run <= report.last_run + 1_000


def test_a_cleaner_is_swept_by_hand(make_engine: MakeEngine) -> None:
    world = local_world()
    engine = make_engine(world.store, POLICY)
    cleaner = Cleaner([engine], 3_600, clock=world.store.now)
    assert (cleaner.report.last_run, cleaner.report.next_run, cleaner.report.runs) == (None, None, 0)
    talk(engine, "user123")
    world.advance(LATER)
    assert cleaner.run_once() == {"inactivity": 1}
    assert cleaner.run_once() == {}
    assert (cleaner.report.runs, cleaner.report.ended, cleaner.report.last_run) == (2, {"inactivity": 1}, world.now)


@pytest.mark.parametrize("error", [StoreUnavailable("redis"), RuntimeError("a mistake")], ids=["outage", "mistake"])
def test_a_cleaner_outlives_sweeps_that_fail(
    make_engine: MakeEngine, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world = local_world()
    engine = make_engine(world.store, POLICY)
    talk(engine, "user123")
    world.advance(LATER)
    engine.store = Failing(world.store, 3, error)  # type: ignore[assignment]
    with cleaning(Cleaner([engine], 0.01)) as cleaner:
        wait_until(lambda: cleaner.report.ended.total() == 1, "the end after the failures")
    assert cleaner.report.failures == 3
    assert caplog.text.count("cleanup failed") == 3
    assert str(error) in caplog.text


def test_a_cleaner_waits_longer_after_each_failure_but_never_longer_than_its_interval() -> None:
    assert [Cleaner.pause_after(failures, 60.0) for failures in (0, 1, 2, 3, 4, 7, 5_000)] == [60, 1, 2, 4, 8, 60, 60]
    assert Cleaner.pause_after(1, 0.25) == 0.25


def test_a_failed_sweep_by_hand_is_told_to_whoever_asked(make_engine: MakeEngine) -> None:
    engine = make_engine(local_world().store, POLICY)
    engine.store = Failing(engine.store, 1, StoreUnavailable("redis"))  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        Cleaner([engine], 3_600).run_once()


def test_a_cleaner_stops_at_once_and_within_a_sweep(make_engine: MakeEngine) -> None:
    world = local_world()
    engine = make_engine(world.store, POLICY)
    idle = Cleaner([engine], 3_600)
    idle.start()
    idle.stop()
    assert idle.report.runs == 0

    talk(engine, *(f"user{n}" for n in range(450)))
    world.advance(LATER)
    busy = Cleaner([engine], 0.01)
    swept: list[str] = []
    close = engine.store.close

    def stop_meanwhile(*arguments: object, **options: object) -> object:
        swept.append("one")
        busy._stopped.set()
        return close(*arguments, **options)  # type: ignore[arg-type]

    engine.store.close = stop_meanwhile  # type: ignore[method-assign,assignment]
    with cleaning(busy):
        wait_until(lambda: busy._thread is not None and not busy._thread.is_alive(), "the end of the thread")
    assert len(swept) == 200, "the piece that was begun is finished"


def test_a_cleaner_that_never_started_can_be_stopped(make_engine: MakeEngine) -> None:
    Cleaner([make_engine(local_world().store, POLICY)], 60).stop()


def test_two_sweeps_by_hand_come_one_after_the_other(make_engine: MakeEngine) -> None:
    world = local_world()
    engine = make_engine(world.store, POLICY)
    talk(engine, *(f"user{n}" for n in range(30)))
    world.advance(LATER)
    cleaner = Cleaner([engine], 3_600)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: cleaner.run_once(), range(4)))
    assert sorted(each.total() for each in told) == [0, 0, 0, 30]
    assert cleaner.report.runs == 4


def test_a_swept_session_tells_its_turn_that_its_lease_is_lost(simple_world: World, make_engine: MakeEngine) -> None:
    """The instance slept longer than its lease; what it says afterwards is not stored."""
    engine = make_engine(simple_world.store, POLICY, leases=LeaseKeeper(simple_world.store, every=3_600))
    talk(engine, "user123")
    turn = engine.begin_turn("user123", "hello?")
    simple_world.advance(LATER)
    assert sweep(engine) == {"inactivity": 1}
    assert engine.store.renew([(turn.key, turn.fence)], 6_000) == [Renewed.LOST]
    engine.leases.close()
