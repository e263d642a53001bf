"""A store that outlasts Redis: what an outage of each kind is to whoever talks, and what Redis holds afterwards."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from memory import (
    FinishedTurn,
    Key,
    SessionEngine,
    SessionPolicy,
    SessionStore,
    StaleTurn,
    StoreFull,
    open_failover_store,
    open_store,
)
from memory.clock import now_ms
from memory.leases import LeaseKeeper
from memory.stores import keys as names
from memory.stores.base import Busy, Claimed, Counted, Durability, Renewed
from memory.stores.failover import FailoverStore
from memory.stores.watch import GOOD_PROBES, HEAR_EVERY, PROBE_EVERY
from tests.memory.harness import ON_DISK, Shift, noise
from tests.processes import free_port, wait_until
from tests.proxy import Mode, Proxy
from tests.remains import in_files, in_journals, in_redis, packed_in_redis
from tests.servers import RedisCluster, RedisSentinels, RedisServer

POLICY = SessionPolicy(duration=3_600, inactivity=1_800, max_turns=50, shown_turns=20)
SOON = 5.0
"""Seconds within which Redis must have been told everything."""


class Site:
    """Instances, each with its journal, and observers that look at Redis alone."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack

    def instance(
        self, url: str, name: str = "a", policy: SessionPolicy = POLICY, *, durability: Any = ON_DISK, **options: Any
    ) -> SessionEngine:
        store = open_failover_store(url, durability_of=durability, journal_dir=self.folder / name, **options)
        self._stack.callback(store.close_store)
        keeper = LeaseKeeper(store)
        self._stack.callback(keeper.close)
        return SessionEngine(store, policy, namespace="test", turn_wait=1.0, leases=keeper)

    def observer(self, url: str, policy: SessionPolicy = POLICY) -> SessionEngine:
        store = open_store(url)
        self._stack.callback(store.close_store)
        return SessionEngine(store, policy, namespace="test", turn_wait=1.0)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path / "journals", stack)


def say(engine: SessionEngine, message: str, user: str = "ada", **options: Any) -> FinishedTurn:
    changes = options.pop("changes", ())
    turn = engine.begin_turn(user, message, **options)
    return engine.finish_turn(turn, message.upper(), changes=changes)


def texts(engine: SessionEngine, user: str = "ada") -> list[str]:
    return [turn.message for turn in engine.history(user, 1_000)]


def state(engine: SessionEngine) -> str:
    return engine.store.status().state


def tripped(*engines: SessionEngine) -> None:
    for engine in engines:
        wait_until(lambda engine=engine: state(engine) == "open", "the trip", SOON)  # type: ignore[misc]


def recovered(*engines: SessionEngine) -> None:
    for engine in engines:
        wait_until(lambda engine=engine: state(engine) == "closed", "the recovery", SOON)  # type: ignore[misc]


def failover(engine: SessionEngine) -> FailoverStore:
    assert isinstance(engine.store, FailoverStore)
    return engine.store


# --- Redis goes ----------------------------------------------------------------------------------------------------


def test_while_redis_serves_nothing_is_different(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())

    done = say(engine, "hello")

    assert (done.durability, done.degraded, done.partial) == (Durability.REDIS, False, False)
    assert texts(site.observer(own_redis.url())) == ["hello"]


def test_a_turn_that_finds_redis_gone_is_served_here_with_the_same_history(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.kill()

    turn = engine.begin_turn("ada", "two")
    done = engine.finish_turn(turn, "TWO")

    assert [message.text for message in turn.history] == ["one", "ONE"]
    assert (done.durability, done.degraded, done.partial) == (Durability.DISK, True, False)
    assert done.session.turns == 2


def test_what_is_not_to_be_on_disk_is_safe_in_memory_only(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url(), durability={"test": "memory"})
    say(engine, "one")
    own_redis.kill()

    done = say(engine, "two")

    assert done.durability is Durability.MEMORY
    assert not site.folder.exists()


def test_a_session_that_is_not_known_here_begins_anew_and_says_so_as_long_as_redis_is_away(
    own_redis: RedisServer, site: Site
) -> None:
    first, second = site.instance(own_redis.url(), "a"), site.instance(own_redis.url(), "b")
    say(first, "one")
    say(second, "hello", user="bob")
    own_redis.kill()
    tripped(second)

    done = [say(second, "two"), say(second, "three")]
    assert [each.partial for each in done] == [True, True]
    assert not say(second, "hello again", user="bob").partial

    own_redis.restart()
    recovered(first, second)
    assert not say(second, "four").partial
    assert texts(second) == ["one", "two", "three", "four"]
    assert say(second, "five").session.turns == 5


def test_a_hung_redis_costs_the_request_in_flight_a_quarter_of_a_second_and_the_next_nothing(
    own_redis: RedisServer, site: Site
) -> None:
    engine = site.instance(own_redis.url(), durability={})
    say(engine, "one")
    own_redis.pause()

    begun = time.perf_counter()
    say(engine, "two")
    in_flight = time.perf_counter() - begun
    begun = time.perf_counter()
    for number in range(10):
        say(engine, str(number))
    after = (time.perf_counter() - begun) / 10

    assert in_flight < 0.35
    assert after < 0.02


def test_replies_that_drip_cost_no_more_than_a_hung_redis(own_redis: RedisServer, site: Site) -> None:
    with Proxy(own_redis.port) as proxy:
        engine = site.instance(proxy.url(), durability={})
        say(engine, "one")
        proxy.set(Mode.DRIP)

        begun = time.perf_counter()
        say(engine, "two")

        assert time.perf_counter() - begun < 0.35
        assert state(engine) == "open"


def refuses_writes_as_a_replica(client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", str(free_port()))


def is_full(client: redis.Redis) -> None:
    client.config_set("maxmemory", "1")


def has_too_few_replicas(client: redis.Redis) -> None:
    client.config_set("min-replicas-to-write", "1")


def can_not_save(client: redis.Redis) -> None:
    client.config_set("save", "1 1")
    client.config_set("dir", "/proc")
    client.bgsave()
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "a failed save")


def wants_another_password(client: redis.Redis) -> None:
    client.config_set("requirepass", "another")
    client.auth("another")
    client.client_kill_filter(_type="normal", skipme=True)


def allows_no_writes(client: redis.Redis) -> None:
    client.acl_setuser("default", enabled=True, nopass=True, keys=["*"], categories=["+@all", "-@write", "-@scripting"])


REFUSALS = (
    refuses_writes_as_a_replica,
    is_full,
    has_too_few_replicas,
    can_not_save,
    wants_another_password,
    allows_no_writes,
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: str(each.__name__))
def test_a_redis_that_takes_no_writes_is_away(
    start_redis: Callable[..., RedisServer], site: Site, refusal: Callable[[redis.Redis], None]
) -> None:
    server = start_redis("--enable-protected-configs", "yes")
    engine = site.instance(server.url())
    say(engine, "one")
    with server.client() as client:
        refusal(client)

    done = say(engine, "two")

    assert done.degraded
    time.sleep(PROBE_EVERY * (GOOD_PROBES + 1))
    assert state(engine) == "open", "a probe that only reads would call it back"
    assert texts(engine) == ["one", "two"]


def test_a_script_that_runs_on_and_on_is_an_outage(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    with own_redis.client() as client:
        client.config_set("busy-reply-threshold", "50")
        client.config_set("maxmemory", "0")
    spin = threading.Thread(target=_spin, args=(own_redis,))
    spin.start()
    tripped(engine)

    say(engine, "two")
    with own_redis.client() as client:
        client.script_kill()
    spin.join()
    recovered(engine)

    assert texts(site.observer(own_redis.url())) == ["one", "two"]


def _spin(server: RedisServer) -> None:
    with server.client(socket_timeout=30) as client, pytest.raises(redis.ResponseError):
        client.eval("while true do end", 0)


def test_a_mistake_of_ours_is_no_outage(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    with own_redis.client() as client:
        key = names.subject_keys(Key("test", "bob")).session
        client.rpush(key, "no hash")

    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        say(engine, "two", user="bob")

    assert state(engine) == "closed"


def test_it_starts_without_redis(site: Site, start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis()
    server.kill()
    engine = site.instance(server.url())

    assert say(engine, "one").degraded
    server.restart()
    recovered(engine)

    assert texts(site.observer(server.url())) == ["one"]


# --- Redis comes back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep_data", [True, False], ids=["as it was", "empty"])
def test_redis_is_told_what_it_missed(own_redis: RedisServer, site: Site, keep_data: bool) -> None:
    engine = site.instance(own_redis.url())
    for number in range(3):
        say(engine, f"before {number}")
    own_redis.kill()
    for number in range(3):
        say(engine, f"after {number}")

    own_redis.restart(keep_data=keep_data)
    recovered(engine)

    observer = site.observer(own_redis.url())
    assert texts(observer) == [f"{when} {number}" for when in ("before", "after") for number in range(3)]
    view = observer.session("ada")
    assert view
    assert view.session.turns == 6
    assert observer.store.totals("test").turns == 6
    assert say(engine, "last").session.turns == 7


def test_counts_of_an_outage_are_added_once(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.kill()
    say(engine, "two")
    say(engine, "three", user="bob")
    engine.end("bob")
    own_redis.restart()
    recovered(engine)

    counters = site.observer(own_redis.url()).store.counters()

    assert counters["test.turns"] == 3
    assert counters["test.started"] == 2
    assert counters["test.ended.manual"] == 1
    assert counters["test.live_turns"] == 2


def test_a_commit_whose_answer_was_lost_is_stored_once(own_redis: RedisServer, site: Site) -> None:
    with Proxy(own_redis.port) as proxy:
        engine = site.instance(proxy.url())
        say(engine, "one")
        turn = engine.begin_turn("ada", "two", key="k")
        proxy.set(Mode.DRIP)  # it gets there, and its answer does not come back

        assert engine.finish_turn(turn, "TWO").degraded
        assert texts(site.observer(own_redis.url())) == ["one", "two"]
        proxy.set(Mode.THROUGH)
        recovered(engine)

    observer = site.observer(own_redis.url())
    assert texts(observer) == ["one", "two"]
    view = observer.session("ada")
    assert view
    assert view.session.turns == 2
    assert observer.store.counters()["test.turns"] == 2


def test_a_retry_is_answered_with_the_stored_turn_before_in_and_after_an_outage(
    own_redis: RedisServer, site: Site
) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one", key="first")
    own_redis.kill()
    say(engine, "two", key="second")

    assert say(engine, "one", key="first").replayed
    assert say(engine, "two", key="second").replayed
    own_redis.restart(keep_data=False)
    recovered(engine)

    assert say(engine, "one", key="first").replayed
    assert say(engine, "two", key="second").replayed
    assert texts(site.observer(own_redis.url())) == ["one", "two"]


def test_everything_is_told_again_after_flushall_which_breaks_no_connection(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    for number in range(3):
        say(engine, str(number))
        say(engine, str(number), user="bob")
    with own_redis.client() as client:
        client.flushall()

    assert say(engine, "3").session.turns == 4
    recovered(engine)

    observer = site.observer(own_redis.url())
    assert texts(observer) == ["0", "1", "2", "3"]
    assert texts(observer, "bob") == ["0", "1", "2"]


def test_a_turn_that_runs_while_redis_loses_everything_is_stored_with_its_history(
    own_redis: RedisServer, site: Site
) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    turn = engine.begin_turn("ada", "two")
    with own_redis.client() as client:
        client.flushall()

    assert engine.store.renew([(turn.key, turn.fence)], 6_000) == [Renewed.HELD]
    engine.finish_turn(turn, "TWO")
    recovered(engine)

    assert texts(site.observer(own_redis.url())) == ["one", "two"]


@pytest.mark.parametrize("keep_data", [True, False], ids=["as it was", "empty"])
def test_a_turn_that_runs_over_a_whole_outage_is_stored(own_redis: RedisServer, site: Site, keep_data: bool) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    turn = engine.begin_turn("ada", "two")
    own_redis.kill()
    tripped(engine)
    own_redis.restart(keep_data=keep_data)
    recovered(engine)

    assert engine.finish_turn(turn, "TWO").session.turns == 2
    recovered(engine)

    assert texts(site.observer(own_redis.url())) == ["one", "two"]


def test_a_turn_that_began_here_and_ends_after_redis_is_back_is_told_then(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.kill()
    tripped(engine)
    turn = engine.begin_turn("ada", "two")
    own_redis.restart()
    recovered(engine)
    busy = engine.store.claim(turn.key, holder="x", lease_ms=6_000, turns=1)
    assert isinstance(busy, Busy)

    engine.finish_turn(turn, "TWO")
    recovered(engine)

    assert texts(site.observer(own_redis.url())) == ["one", "two"]


def test_a_lease_that_an_outage_left_in_redis_keeps_nobody_waiting(own_redis: RedisServer, site: Site) -> None:
    first, second = site.instance(own_redis.url(), "a"), site.instance(own_redis.url(), "b")
    say(first, "one")
    turn = first.begin_turn("ada", "two")
    own_redis.kill()
    first.finish_turn(turn, "TWO")
    own_redis.restart()
    recovered(first, second)

    begun = time.monotonic()
    say(second, "three")

    assert time.monotonic() - begun < 1.0
    assert texts(second) == ["one", "two", "three"]


def test_a_claim_whose_answer_was_lost_keeps_nobody_waiting(own_redis: RedisServer, site: Site) -> None:
    with Proxy(own_redis.port) as proxy:
        engine = site.instance(proxy.url())
        say(engine, "one")
        proxy.set(Mode.DRIP)
        turn = engine.begin_turn("ada", "two")
        engine.abandon_turn(turn)
        proxy.set(Mode.THROUGH)
        recovered(engine)

        say(site.observer(own_redis.url()), "three")
        assert say(engine, "four").session.turns == 3


def test_an_abandoned_turn_leaves_no_trace_in_an_outage_either(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    turn = engine.begin_turn("ada", "two")
    own_redis.kill()
    engine.abandon_turn(turn, failed=True)
    own_redis.restart()
    recovered(engine)

    observer = site.observer(own_redis.url())
    assert texts(observer) == ["one"]
    assert observer.store.counters()["test.errors"] == 1
    say(observer, "three")


# --- ends and erasures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep_data", [True, False], ids=["as it was", "empty"])
def test_a_session_that_was_ended_in_an_outage_does_not_come_back(
    own_redis: RedisServer, site: Site, keep_data: bool
) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.kill()
    assert engine.end("ada")
    say(engine, "two")
    own_redis.restart(keep_data=keep_data)
    recovered(engine)

    observer = site.observer(own_redis.url())
    assert texts(observer) == ["two"]
    assert [record.reason for record in observer.list("ada")[1]] == ["manual"]


def test_a_session_that_used_up_its_turns_in_an_outage_is_over_exactly_then(own_redis: RedisServer, site: Site) -> None:
    policy = replace(POLICY, max_turns=4)
    engine = site.instance(own_redis.url(), policy=policy)
    for number in range(2):
        say(engine, str(number))
    own_redis.kill()
    ended = [say(engine, str(number)).verdict.ended for number in range(2, 6)]
    own_redis.restart()
    recovered(engine)

    observer = site.observer(own_redis.url(), policy)
    assert ended == [None, "conversation_limit", None, None]
    assert texts(observer) == ["4", "5"]
    assert [(record.turns, record.reason) for record in observer.list("ada")[1]] == [(4, "conversation_limit")]


def test_what_ended_in_redis_while_one_instance_was_cut_off_stays_ended(own_redis: RedisServer, site: Site) -> None:
    with Proxy(own_redis.port) as proxy:
        cut, other = site.instance(proxy.url(), "a"), site.instance(own_redis.url(), "b")
        say(cut, "one")
        proxy.set(Mode.CUT)
        tripped(cut)
        assert other.end("ada")
        say(cut, "two")
        proxy.set(Mode.THROUGH)
        recovered(cut)

        assert texts(other) == ["two"]
        assert texts(cut) == ["two"]


def test_an_erasure_in_an_outage_reaches_redis_the_other_instances_and_every_disk(
    own_redis: RedisServer, site: Site
) -> None:
    with Proxy(own_redis.port) as proxy:
        cut, other = site.instance(proxy.url(), "a"), site.instance(own_redis.url(), "b")
        say(cut, "my secret is one", user="ada-lovelace")
        say(other, "my secret is two", user="ada-lovelace")
        proxy.set(Mode.CUT)
        tripped(cut)
        assert cut.forget("ada-lovelace")
        proxy.set(Mode.THROUGH)
        recovered(cut)

        assert texts(other, "ada-lovelace") == []
        wait_until(lambda: not in_files(site.folder, ["ada-lovelace"]), "the erasure of every journal")
        assert "secret" not in in_journals(site.folder)
        with own_redis.client() as client:
            assert not any("ada-lovelace" in key for key in client.scan_iter())


def test_an_erasure_in_redis_is_not_undone_by_an_instance_that_was_cut_off(own_redis: RedisServer, site: Site) -> None:
    with Proxy(own_redis.port) as proxy:
        cut, other = site.instance(proxy.url(), "a"), site.instance(own_redis.url(), "b")
        say(cut, "one")
        proxy.set(Mode.CUT)
        tripped(cut)
        say(cut, "two")
        assert other.forget("ada")
        time.sleep(0.01)
        say(cut, "three")
        proxy.set(Mode.THROUGH)
        recovered(cut)

        assert texts(other) == ["three"]
        assert texts(cut) == ["three"]


def test_an_erasure_reaches_every_other_instance_at_once(own_redis: RedisServer, site: Site) -> None:
    """By what is published, not by the hashes that are kept: here each instance has another key for these."""
    asked, other = (site.instance(own_redis.url(), name, secret=name.encode()) for name in ("a", "b"))
    for engine in (asked, other):
        say(engine, "my secret", user="ada-lovelace")
        say(engine, "hello", user="bob")
    packed = packed_in_redis(own_redis, "ada-lovelace")
    assert "secret" in in_journals(site.folder / "b")
    assert in_files(site.folder / "b", packed) != []
    took = failover(other)._shadow.usage()["used_bytes"]

    assert asked.forget("ada-lovelace")

    key = Key("test", "ada-lovelace")
    wait_until(lambda: not failover(other)._shadow.knows(key), "the other instance to forget", SOON)
    wait_until(lambda: not in_files(site.folder, ["ada-lovelace", *packed]), "the erasure of every journal", SOON)
    assert "secret" not in in_journals(site.folder)
    assert "hello" in in_journals(site.folder / "b")
    assert 0 < failover(other)._shadow.usage()["used_bytes"] < took
    own_redis.kill()
    assert say(other, "who am I?", user="ada-lovelace").session.turns == 1
    assert say(other, "hello again", user="bob").session.turns == 3


def test_a_turn_that_was_running_elsewhere_when_its_user_was_erased_is_not_stored(
    own_redis: RedisServer, site: Site
) -> None:
    asked, other = site.instance(own_redis.url(), "a"), site.instance(own_redis.url(), "b")
    say(other, "one")
    running = other.begin_turn("ada", "two")
    assert asked.forget("ada")
    wait_until(lambda: not failover(other)._shadow.knows(running.key), "the other instance to forget")
    own_redis.kill()  # nobody can be asked whether the lease is lost
    tripped(other)

    with pytest.raises(StaleTurn):
        other.finish_turn(running, "TWO")

    assert failover(other)._shadow.read(running.key, 10).turns == ()


def test_whoever_comes_back_after_the_erasure_keeps_the_new_session(own_redis: RedisServer, site: Site) -> None:
    asked, other = site.instance(own_redis.url(), "a"), site.instance(own_redis.url(), "b")
    say(other, "one")
    for number in range(5):
        assert asked.forget("ada")
        running = other.begin_turn("ada", str(number))
        time.sleep(2 * HEAR_EVERY)  # by then the erasure was heard
        other.finish_turn(running, "")
        assert texts(other) == [str(number)]
    own_redis.kill()
    assert say(other, "two").session.turns == 2


def test_an_erasure_that_was_told_late_is_found_by_whoever_was_cut_off_as_well(
    own_redis: RedisServer, site: Site
) -> None:
    """Others were erased in between, so that it is not among the newest when it comes."""
    shift = Shift()
    with Proxy(own_redis.port) as one, Proxy(own_redis.port) as two:
        asked, cut, there = (
            site.instance(url, name, shift=shift)
            for url, name in ((one.url(), "a"), (two.url(), "b"), (own_redis.url(), "c"))
        )
        for engine in (asked, cut, there):
            say(engine, "my secret", user="ada-lovelace")
            say(engine, "hello", user="bob")
        for proxy in (one, two):
            proxy.set(Mode.CUT)
        tripped(asked, cut)
        assert asked.forget("ada-lovelace")
        shift.ms += 60_000
        assert there.forget("bob")

        for proxy, engine in ((one, asked), (two, cut)):
            proxy.set(Mode.THROUGH)
            recovered(engine)

        for engine in (asked, cut, there):
            for user in ("ada-lovelace", "bob"):
                key = Key("test", user)
                wait_until(lambda e=engine, k=key: not failover(e)._shadow.knows(k), "it to forget")  # type: ignore[misc]
        wait_until(lambda: not in_files(site.folder, ["ada-lovelace"]), "the erasure of every journal")
        assert in_journals(site.folder) == ""


def test_what_a_session_leaves_for_the_next_one_is_erased_with_it(own_redis: RedisServer, site: Site) -> None:
    """Also where the session ended after the erasure, in an instance that did not know of it."""
    policy = replace(POLICY, carry_over=True, max_turns=2)
    with Proxy(own_redis.port) as proxy:
        cut, other = (site.instance(url, name, policy) for url, name in ((proxy.url(), "a"), (own_redis.url(), "b")))
        say(cut, "my secret is one")
        proxy.set(Mode.CUT)
        tripped(cut)
        assert other.forget("ada")
        time.sleep(0.01)
        assert say(cut, "and two").verdict.ended == "conversation_limit"
        assert "secret" in cut.list("ada")[1][0].carry_over
        proxy.set(Mode.THROUGH)
        recovered(cut)

        assert [(record.turns, record.carry_over) for record in other.list("ada")[1]] == [(2, "")]
        assert not any("secret" in value for _, value in in_redis(own_redis))
        wait_until(lambda: "secret" not in in_journals(site.folder), "the erasure of every journal")


@pytest.mark.parametrize("keep_data", [True, False], ids=["as it was", "empty"])
@pytest.mark.parametrize("away", [True, False], ids=["it starts without Redis", "it starts with Redis"])
def test_an_instance_that_was_gone_when_a_user_was_erased_brings_nothing_back(
    own_redis: RedisServer, site: Site, away: bool, keep_data: bool
) -> None:
    with Proxy(own_redis.port) as proxy:
        gone, other = site.instance(proxy.url(), "a"), site.instance(own_redis.url(), "b")
        say(gone, "my secret is one", user="ada-lovelace")
        proxy.set(Mode.CUT)
        tripped(gone)
        say(gone, "my secret is two", user="ada-lovelace")
        failover(gone).vanish()
        assert other.forget("ada-lovelace")
        if not keep_data:
            own_redis.kill()
            own_redis.restart(keep_data=False)
            recovered(other)
        proxy.set(Mode.CUT if away else Mode.THROUGH)
        restarted = site.instance(proxy.url(), "a")
        say(restarted, "hello", user="bob")
        assert state(restarted) == "open" or not away
        proxy.set(Mode.THROUGH)
        recovered(restarted)

        # An empty Redis hears within a second or two from the other what was erased; one with its data knows.
        for engine in (restarted, other):
            wait_until(lambda e=engine: keep_data or not texts(e, "ada-lovelace"), "the erasure to be told")  # type: ignore[misc]
            assert texts(engine, "ada-lovelace") == []
        wait_until(lambda: not in_files(site.folder, ["ada-lovelace"]), "the erasure of every journal")
        assert "secret" not in in_journals(site.folder)
        assert not any("ada-lovelace" in key + value for key, value in in_redis(own_redis))
        assert texts(other, "bob") == ["hello"]


# --- several instances ----------------------------------------------------------------------------------------------


def test_preferences_and_cart_of_two_sides_become_one(own_redis: RedisServer, site: Site) -> None:
    with Proxy(own_redis.port) as proxy:
        cut, other = site.instance(proxy.url(), "a"), site.instance(own_redis.url(), "b")
        cut.update("ada", lambda doc: doc.update(colour="red", size=1, cart={"sku1": 1, "sku2": 1}), create=True)
        proxy.set(Mode.CUT)
        tripped(cut)
        cut.update("ada", lambda doc: doc.update(colour="blue", cart={**doc["cart"], "sku1": 5}))
        cut.update("ada", lambda doc: doc["cart"].pop("sku2") and None)
        other.update("ada", lambda doc: doc.update(size=2, cart={**doc["cart"], "sku3": 1}))
        proxy.set(Mode.THROUGH)
        recovered(cut)

        view = other.session("ada")

    assert view
    assert view.session.attributes == {"colour": "blue", "size": 2, "cart": {"sku1": 5, "sku3": 1}}


def test_of_two_changes_of_one_field_the_later_one_holds(own_redis: RedisServer, site: Site) -> None:
    with Proxy(own_redis.port) as proxy:
        cut, other = site.instance(proxy.url(), "a"), site.instance(own_redis.url(), "b")
        cut.update("ada", lambda doc: doc.update(early=0, late=0), create=True)
        proxy.set(Mode.CUT)
        tripped(cut)
        cut.update("ada", lambda doc: doc.update(early=1))
        time.sleep(0.02)
        other.update("ada", lambda doc: doc.update(early=2, late=2))
        time.sleep(0.02)
        cut.update("ada", lambda doc: doc.update(late=1))
        proxy.set(Mode.THROUGH)
        recovered(cut)

        view = other.session("ada")

    assert view
    assert view.session.attributes == {"early": 2, "late": 1}


def test_a_subject_of_which_redis_was_not_told_yet_is_told_by_the_request_for_it(
    own_redis: RedisServer, site: Site
) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.kill()
    say(engine, "two")
    own_redis.restart()
    wait_until(lambda: state(engine) != "open", "Redis' return", SOON)

    assert say(engine, "three").session.turns == 3
    assert texts(site.observer(own_redis.url())) == ["one", "two", "three"]


def test_the_clock_of_a_machine_may_be_wrong(own_redis: RedisServer, site: Site) -> None:
    hour_ahead = site.instance(own_redis.url(), clock=lambda: now_ms() + 3_600_000)
    say(hour_ahead, "one")
    own_redis.kill()
    done = say(hour_ahead, "two")
    own_redis.restart()
    recovered(hour_ahead)

    assert abs(done.turn.began - now_ms()) < 5_000
    assert texts(site.observer(own_redis.url())) == ["one", "two"]


@pytest.mark.parametrize("error", [3_600_000, -3_600_000], ids=["ahead", "behind"])
def test_a_wrong_clock_is_put_right_when_redis_appears_for_the_first_time(
    start_redis: Callable[..., RedisServer], site: Site, error: int
) -> None:
    server = start_redis()
    server.kill()
    engine = site.instance(server.url(), clock=lambda: now_ms() + error)
    say(engine, "one")
    turn = engine.begin_turn("ada", "two")
    server.restart()
    recovered(engine)
    engine.finish_turn(turn, "TWO")
    recovered(engine)
    say(engine, "three")

    observer = site.observer(server.url())
    assert texts(observer) == ["one", "two", "three"]
    view = observer.session("ada")
    assert view
    assert abs(view.session.started - now_ms()) < 60_000


# --- bounds ---------------------------------------------------------------------------------------------------------


def test_what_redis_was_not_told_is_never_dropped_for_want_of_room(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url(), max_bytes=60_000)
    for number in range(50):
        say(engine, noise(1_000), user=f"user{number}")
    own_redis.kill()

    told: list[int] = []
    with pytest.raises(StoreFull):
        _say_until_it_is_full(engine, told)
    own_redis.restart()
    recovered(engine)

    observer = site.observer(own_redis.url())
    assert len(told) > 3
    assert all(texts(observer, f"late{number}") == [noise(1_000, number)] for number in told)
    say(engine, "hello", user="last")


def _say_until_it_is_full(engine: SessionEngine, told: list[int]) -> None:
    for number in range(50):
        say(engine, noise(1_000, number), user=f"late{number}")
        told.append(number)


def test_the_journal_serves_what_the_memory_had_no_room_for(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url(), max_bytes=60_000)
    for number in range(50):
        say(engine, f"hello from {number}", user=f"user{number}")
    own_redis.kill()

    done = say(engine, "and again", user="user0")

    assert not done.partial
    assert texts(engine, "user0") == ["hello from 0", "and again"]


def test_a_full_disk_refuses_a_turn_that_only_the_disk_could_keep(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url(), journal_max_bytes=64 * 4_096)
    users = 0
    while not engine.store.status().detail["journalError"]:
        assert say(engine, noise(20_000, users), user=f"user{users}").durability is Durability.REDIS
        users += 1
    say(engine, "one")
    before = texts(engine)
    own_redis.kill()
    tripped(engine)

    turn = engine.begin_turn("ada", noise(60_000))
    with pytest.raises(StoreFull, match="journal"):
        engine.finish_turn(turn, "Y")
    engine.abandon_turn(turn)

    assert texts(engine) == before
    assert engine.store.durability("test") is Durability.MEMORY
    own_redis.restart()
    recovered(engine)
    assert texts(site.observer(own_redis.url())) == before


# --- what is told of it ---------------------------------------------------------------------------------------------


def test_each_change_is_one_line_in_the_log_and_one_event(
    own_redis: RedisServer, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "memory")
    engine = site.instance(own_redis.url())
    say(engine, "one")
    listener = engine.store.listen()
    own_redis.kill()
    for number in range(5):
        say(engine, str(number))
    own_redis.restart()
    recovered(engine)

    events = []
    while event := listener.get(0.2):
        events.append(event)
    listener.close()
    assert [event["state"] for event in events if event["type"] == "store_state"] == ["open", "reconcile", "closed"]
    assert sum(event["type"] == "turn_completed" for event in events) == 5
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("memory.stores.standing")]
    assert len(lines) == 3
    assert "ada" not in caplog.text


def test_the_status_tells_what_is_open(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    status = engine.store.status()
    assert (status.backend, status.state, status.degraded) == ("redis", "closed", False)
    own_redis.kill()
    done = say(engine, "two")

    status = engine.store.status()
    assert (status.state, status.degraded) == ("open", True)
    assert status.detail["unsynced"] == 1
    assert status.detail["oldestUnsynced"] == done.turn.began
    assert status.detail["journalTurns"] == 2
    assert status.detail["journalBytes"] > 0
    assert abs(status.since - now_ms()) < 10_000

    own_redis.restart()
    recovered(engine)
    detail = engine.store.status().detail
    assert detail["unsynced"] == 0
    assert detail["lastReconcile"]["turnsReplayed"] == 1
    assert detail["lastReconcile"]["conflicts"] == 0


def test_it_stops_at_once_whatever_redis_does(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.pause()
    say(engine, "two")

    begun = time.monotonic()
    engine.store.close_store()

    assert time.monotonic() - begun < 2.5
    assert not [thread for thread in threading.enumerate() if thread.name == "parley-watch"]


def test_nothing_is_made_before_it_is_used(tmp_path: Path) -> None:
    store = open_failover_store(
        f"redis://127.0.0.1:{free_port()}", durability_of=ON_DISK, journal_dir=tmp_path / "journal"
    )

    assert store.status().state == "closed"
    store.close_store()
    assert list(tmp_path.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "parley-watch"]


def test_a_memory_url_is_a_store_without_redis() -> None:
    store: SessionStore = open_failover_store("memory://", durability_of=ON_DISK)

    assert store.kind == "memory"
    assert not store.status().degraded


def test_no_session_is_swept_right_after_an_outage(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.restart()
    say(engine, "two")
    recovered(engine)

    due = engine.store.due("test", now_ms() + 10_000_000, 10)

    assert due == [] or state(engine) == "closed"
    assert site.observer(own_redis.url()).store.due("test", now_ms() + 10_000_000, 10) == ["ada"]


def test_a_session_that_was_ended_by_force_while_its_turn_ran_takes_the_turn_with_it(
    own_redis: RedisServer, site: Site
) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.kill()
    turn = engine.begin_turn("ada", "two")
    assert engine.end("ada")

    with pytest.raises(StaleTurn):
        engine.finish_turn(turn, "TWO")


def test_counts_without_a_subject_are_told_too(own_redis: RedisServer, site: Site) -> None:
    engine = site.instance(own_redis.url())
    say(engine, "one")
    own_redis.kill()
    tripped(engine)
    engine.store.count(Counted(now_ms(), {"test.errors": 2}))
    own_redis.restart()
    recovered(engine)

    assert site.observer(own_redis.url()).store.counters()["test.errors"] == 2


# --- Sentinel and cluster -------------------------------------------------------------------------------------------


def test_a_promoted_replica_is_told_the_writes_that_it_missed(redis_sentinels: RedisSentinels, site: Site) -> None:
    engine = site.instance(redis_sentinels.url())
    say(engine, "one")
    replica = redis_sentinels.replica
    wait_until(lambda: _replicated(replica), "the first turn on the replica")
    replica.pause()
    say(engine, "two")
    with redis_sentinels.master.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    fallen = redis_sentinels.master
    fallen.kill()
    replica.resume()
    say(engine, "three")
    wait_until(lambda: state(engine) == "closed", "the promotion", 30)

    assert redis_sentinels.master is replica
    assert texts(site.observer(redis_sentinels.url())) == ["one", "two", "three"]


def _replicated(server: RedisServer) -> bool:
    with server.client() as client:
        return bool(client.llen(names.subject_keys(Key("test", "ada")).turns))


@pytest.mark.parametrize("keep_data", [True, False], ids=["as it was", "empty"])
def test_a_node_of_a_cluster_may_fail(tmp_path: Path, site: Site, keep_data: bool) -> None:
    users = [f"user{number}" for number in range(20)]
    with RedisCluster(tmp_path / "cluster") as cluster:
        engine = site.instance(cluster.url())
        for user in users:
            say(engine, "one", user)
        if keep_data:
            cluster.nodes[1].kill()
        else:
            with cluster.nodes[1].client() as client:
                client.flushall()
        for user in users:
            say(engine, "two", user)
        if keep_data:
            cluster.nodes[1].restart()
        wait_until(lambda: state(engine) == "closed", "the recovery", 15)

        observer = site.observer(cluster.url())
        assert {user: texts(observer, user) for user in users} == {user: ["one", "two"] for user in users}


def test_a_claim_reads_what_another_instance_told(own_redis: RedisServer, site: Site) -> None:
    first, second = site.instance(own_redis.url(), "a"), site.instance(own_redis.url(), "b")
    say(first, "one")
    say(second, "two")
    own_redis.kill()
    say(first, "three")
    own_redis.restart()
    recovered(first, second)

    claimed = second.store.claim(Key("test", "ada"), holder="x", lease_ms=6_000, turns=10)

    assert isinstance(claimed, Claimed)
    assert [turn.message for turn in claimed.found.turns] == ["one", "two", "three"]
