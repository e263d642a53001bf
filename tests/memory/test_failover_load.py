"""Redis fails under load: 20 users talk on, and afterwards an observer finds everything that they were told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from memory import SessionEngine, SessionPolicy, open_failover_store, open_store
from memory.leases import LeaseKeeper
from memory.stores.failover import FailoverStore
from tests.memory.crowd import Crowd, judge
from tests.memory.harness import ON_DISK
from tests.processes import wait_until
from tests.proxy import Mode, Proxy
from tests.servers import RedisServer

pytestmark = pytest.mark.faults

POLICY = SessionPolicy(inactivity=3_600, keep_turns=1_000, max_bytes=10_000_000, shown_turns=20)
RECOVERY = 5.0
"""Seconds from Redis' return until nothing is left to be told."""


class Stage:
    """Instances in front of one Redis, each with a journal folder of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack

    def instance(self, url: str, name: str = "a", *, durability: str = "disk", **options: Any) -> SessionEngine:
        of: Any = ON_DISK if durability == "disk" else {}
        store = open_failover_store(url, durability_of=of, journal_dir=self._folder / name, **options)
        self._stack.callback(store.close_store)
        keeper = LeaseKeeper(store)
        self._stack.callback(keeper.close)
        return SessionEngine(store, POLICY, namespace="test", leases=keeper)

    def observer(self, url: str) -> SessionEngine:
        store = open_store(url)
        self._stack.callback(store.close_store)
        return SessionEngine(store, POLICY, namespace="test")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(tmp_path / "journals", stack)


def is_closed(engine: SessionEngine) -> bool:
    return engine.store.status().state == "closed"


@contextmanager
def crowd_around(*engines: SessionEngine, users: int = 20, turns: int = 25) -> Iterator[Crowd]:
    """A crowd whose users keep to one instance each; on leaving, all have said what they had to say."""
    crowd = Crowd(users, turns)
    crowd.talk(lambda user, _: engines[hash(user) % len(engines)])
    wait_until(lambda: crowd.told >= users * turns // 5, "a fifth of the turns")
    yield crowd
    crowd.finish()


def recovered(*engines: SessionEngine) -> float:
    """Seconds until all of them have told Redis everything."""
    begun = time.monotonic()
    wait_until(lambda: all(is_closed(engine) for engine in engines), "the recovery", RECOVERY)
    return time.monotonic() - begun


Fault = Callable[[RedisServer], None]


def killed_and_back_with_its_data(server: RedisServer) -> None:
    server.kill()
    time.sleep(0.5)
    server.restart()


def killed_and_back_empty(server: RedisServer) -> None:
    server.kill()
    time.sleep(0.5)
    server.restart(keep_data=False)


def hung_for_a_while(server: RedisServer) -> None:
    server.pause()
    time.sleep(1.0)
    server.resume()


def flushed(server: RedisServer) -> None:
    with server.client() as client:
        client.flushall()


def scripts_flushed(server: RedisServer) -> None:
    with server.client() as client:
        client.script_flush()


def full_and_freed_again(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("maxmemory", "1mb")
        time.sleep(0.5)
        client.config_set("maxmemory", "0")


def without_replicas_for_a_while(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("min-replicas-to-write", "1")
        time.sleep(0.5)
        client.config_set("min-replicas-to-write", "0")


def password_rotated_and_back(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("requirepass", "another")
        client.auth("another")
        client.client_kill_filter(_type="normal", skipme=True)
        time.sleep(0.5)
        client.config_set("requirepass", "")


FAULTS = (
    killed_and_back_with_its_data,
    killed_and_back_empty,
    hung_for_a_while,
    flushed,
    scripts_flushed,
    full_and_freed_again,
    without_replicas_for_a_while,
    password_rotated_and_back,
)


@pytest.mark.parametrize("durability", ["disk", "memory"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.__name__))
def test_nothing_that_a_user_was_told_is_lost(
    own_redis: RedisServer, stage: Stage, fault: Fault, durability: str
) -> None:
    engine = stage.instance(own_redis.url(), durability=durability)
    with crowd_around(engine) as crowd:
        fault(own_redis)
    recovered(engine)

    verdict = judge(crowd, stage.observer(own_redis.url()))

    assert verdict.clean, (verdict, crowd.errors[:3])
    assert verdict.acknowledged == 20 * 25


@pytest.mark.parametrize("fault", FAULTS[:3], ids=lambda fault: str(fault.__name__))
def test_users_may_move_between_two_instances(own_redis: RedisServer, stage: Stage, fault: Fault) -> None:
    engines = [stage.instance(own_redis.url(), name) for name in "ab"]
    crowd = Crowd(20, 25)
    crowd.talk(lambda _, number: engines[number % 2])
    wait_until(lambda: crowd.told >= 100, "a fifth of the turns")
    fault(own_redis)
    crowd.finish()
    recovered(*engines)

    verdict = judge(crowd, stage.observer(own_redis.url()))

    assert verdict.clean, (verdict, crowd.errors[:3])


@pytest.mark.parametrize("mode", [Mode.CUT, Mode.HANG, Mode.DRIP], ids=lambda mode: str(mode.value))
def test_one_instance_may_be_cut_off_while_the_other_goes_on(own_redis: RedisServer, stage: Stage, mode: Mode) -> None:
    with Proxy(own_redis.port) as proxy:
        cut, other = stage.instance(proxy.url(), "a"), stage.instance(own_redis.url(), "b")
        crowd = Crowd(20, 25)
        crowd.talk(lambda _, number: (cut, other)[number % 2])
        wait_until(lambda: crowd.told >= 100, "a fifth of the turns")
        proxy.set(mode)
        time.sleep(0.6)
        proxy.set(Mode.THROUGH)
        crowd.finish()
        recovered(cut, other)

        verdict = judge(crowd, stage.observer(own_redis.url()))

    assert verdict.clean, (verdict, crowd.errors[:3])


def test_a_hung_redis_costs_a_request_in_flight_a_quarter_of_a_second_and_the_others_nothing(
    own_redis: RedisServer, stage: Stage
) -> None:
    engine = stage.instance(own_redis.url())
    with crowd_around(engine) as crowd:
        own_redis.pause()
        time.sleep(1.0)
    own_redis.resume()
    recovered(engine)

    assert judge(crowd, stage.observer(own_redis.url())).clean
    assert sum(wait > 0.2 for wait in crowd.waits) <= 20, "at most what was in flight"
    assert max(crowd.waits) < 1.0, "200 ms, and a busy machine's share"


def test_an_instance_that_is_killed_before_it_could_tell_tells_when_it_is_restarted(
    own_redis: RedisServer, stage: Stage
) -> None:
    first, second = stage.instance(own_redis.url(), "a"), stage.instance(own_redis.url(), "b")
    with crowd_around(first, second) as crowd:
        own_redis.kill()
    assert isinstance(first.store, FailoverStore)
    first.store.vanish()

    own_redis.restart(keep_data=False)
    restarted = stage.instance(own_redis.url(), "a")
    restarted.store.now()
    recovered(restarted, second)

    assert judge(crowd, stage.observer(own_redis.url())).clean


def test_redis_may_appear_after_the_start(start_redis: Callable[..., RedisServer], stage: Stage) -> None:
    server = start_redis()
    server.kill()
    engine = stage.instance(server.url())
    with crowd_around(engine) as crowd:
        server.restart()
    recovered(engine)

    assert judge(crowd, stage.observer(server.url())).clean
