"""Every way in which a real Redis takes no writes or gives no answer: told as ``StoreUnavailable``, nothing written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import redis

from memory import Key, SessionEngine, SessionPolicy, SessionStore, StoreUnavailable, open_store, sweep
from memory.stores.base import Closed, Counted
from memory.stores.refusals import answering
from tests.memory.conftest import MakeEngine
from tests.memory.harness import Shift, begun, claim, commit_of, end, live_session, noise, say, texts, turn_of
from tests.processes import LOOPBACK, wait_until
from tests.servers import RedisServer

KEY = Key("test", "user123")

StartRedis = Callable[..., RedisServer]


@pytest.fixture
def opened() -> Iterator[Callable[..., SessionStore]]:
    with ExitStack() as stack:

        def open_it(server: RedisServer, shift: Shift | None = None) -> SessionStore:
            store = open_store(server.url(), shift=shift)
            stack.callback(store.close_store)
            return store

        yield open_it


@contextmanager
def refused(why: str = "") -> Iterator[None]:
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable) as told:
        yield
    assert why in str(told.value)
    assert LOOPBACK not in str(told.value)
    assert told.value.__cause__ is not None
    assert time.monotonic() - begun < 2.0


def assert_writes_are_refused_whole(store: SessionStore, provoke: Callable[[], None], mend: Callable[[], None]) -> None:
    """A session before, every kind of write in between, the same session afterwards."""
    say(store, KEY, "t1", attributes={"a": 1})
    claimed = claim(store, KEY)
    session = live_session(store, KEY)
    before = store.read(KEY, 10)

    provoke()
    with refused("refuses writes"):
        store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "t2")))
    with refused("refuses writes"):
        claim(store, Key("test", "another"))
    with refused("refuses writes"):
        store.put_attributes(KEY, session.started, session.revision, {"b": 2})
    mend()

    found = store.read(KEY, 10)
    assert found.session == before.session
    assert found.turns == before.turns
    assert store.read(Key("test", "another"), 0).leased is False
    stored = store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "t2", "after")))
    assert stored.value == "stored"
    assert texts(store.read(KEY, 10).turns) == ["hello", "after"]


# --- refused writes -------------------------------------------------------------------------------------------------


def configure(server: RedisServer, **options: str) -> Callable[[], None]:
    def set_them() -> None:
        with server.client() as client:
            for name, value in options.items():
                client.config_set(name.replace("_", "-"), value)

    return set_them


def test_a_full_server_refuses_whole_turns(own_redis: RedisServer, opened: Callable[..., SessionStore]) -> None:
    assert_writes_are_refused_whole(
        opened(own_redis),
        configure(own_redis, maxmemory_policy="noeviction", maxmemory="1"),
        configure(own_redis, maxmemory="0"),
    )


def test_a_replica_refuses_whole_turns(start_redis: StartRedis, opened: Callable[..., SessionStore]) -> None:
    server, master = start_redis(), start_redis()

    def demote() -> None:
        with server.client() as client:
            client.replicaof(LOOPBACK, 1)  # nobody there: it keeps its data, and is read-only

    def promote() -> None:
        with server.client() as client:
            client.replicaof("NO", "ONE")

    assert_writes_are_refused_whole(opened(server), demote, promote)
    assert master.pid


def test_a_server_that_lacks_replicas_refuses_whole_turns(
    own_redis: RedisServer, opened: Callable[..., SessionStore]
) -> None:
    assert_writes_are_refused_whole(
        opened(own_redis),
        configure(own_redis, min_replicas_to_write="1"),
        configure(own_redis, min_replicas_to_write="0"),
    )


def test_a_server_that_can_not_save_refuses_whole_turns(
    own_redis: RedisServer, opened: Callable[..., SessionStore]
) -> None:
    def break_the_disk() -> None:
        with own_redis.client() as client:
            client.config_set("save", "3600 1")
            (own_redis.folder / "dump.rdb").mkdir()  # a snapshot can't take the place of a folder
            client.bgsave()
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "the failing snapshot")

    def mend_it() -> None:
        with own_redis.client() as client:
            client.config_set("save", "")
            (own_redis.folder / "dump.rdb").rmdir()
            client.bgsave()
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", "the next snapshot")

    assert_writes_are_refused_whole(opened(own_redis), break_the_disk, mend_it)


@pytest.mark.parametrize("command", ["evalsha", "hset", "hgetall"])
def test_a_user_without_permission_is_refused(
    own_redis: RedisServer, opened: Callable[..., SessionStore], command: str
) -> None:
    store = opened(own_redis)
    say(store, KEY, "t1")
    with own_redis.client() as client:
        client.execute_command("ACL", "SETUSER", "default", f"-{command}")
        with refused("refuses writes"):
            claim(store, KEY)
        client.execute_command("ACL", "SETUSER", "default", "+@all")
    assert texts(claim(store, KEY).found.turns) == ["hello"]


def test_a_full_server_lets_sessions_end_and_has_room_again(
    own_redis: RedisServer, opened: Callable[..., SessionStore], make_engine: MakeEngine
) -> None:
    """Else it would stay full until the keys expire by themselves."""
    shift = Shift()
    store = opened(own_redis, shift)
    engine = make_engine(store, SessionPolicy(inactivity=900))
    for n in range(20):
        talk(engine, f"user{n}", noise(30_000, n))
    with own_redis.client() as client:
        used = int(client.info("memory")["used_memory"])
    configure(own_redis, maxmemory_policy="noeviction", maxmemory=str(used - 50_000))()
    with refused("refuses writes"):
        talk(engine, "somebody", "hello")

    assert store.forget(Key("test", "user0"))
    assert end(store, live_session(store, Key("test", "user1"))) is Closed.CLOSED
    assert engine.end("user2") is not None
    shift.ms += 900_000 + 5_000
    assert sweep(engine) == {"inactivity": 17}
    assert engine.list("user3")[1][0].reason == "inactivity"

    configure(own_redis, maxmemory=str(used))()
    assert talk(engine, "somebody", "hello") == 1


def talk(engine: SessionEngine, subject: str, message: str) -> int:
    return engine.finish_turn(engine.begin_turn(subject, message), "y" * 1_000).session.turns


# --- no answers -----------------------------------------------------------------------------------------------------


def test_a_server_that_hangs_is_given_up_in_a_fifth_of_a_second(
    own_redis: RedisServer, opened: Callable[..., SessionStore]
) -> None:
    store = opened(own_redis)
    say(store, KEY, "t1")
    own_redis.pause()
    try:
        begun = time.monotonic()
        with refused("did not answer"):
            store.read(KEY, 1)
        assert 0.15 < time.monotonic() - begun < 1.0
    finally:
        own_redis.resume()
    assert texts(store.read(KEY, 1).turns) == ["hello"]


def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    own_redis: RedisServer, opened: Callable[..., SessionStore]
) -> None:
    """The command reaches a hung server, which runs it when it comes to."""
    store = opened(own_redis)
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    commit = commit_of(session, turn_of(session, "t1"))
    own_redis.pause()
    try:
        with refused("did not answer"):
            store.commit(KEY, claimed.fence, commit)
    finally:
        own_redis.resume()
    assert store.commit(KEY, claimed.fence, commit).value == "stored"
    assert texts(store.read(KEY, 10).turns) == ["hello"]
    assert store.totals("test").turns == 1


def test_a_killed_server_is_told_and_used_again_when_it_is_back(
    own_redis: RedisServer, opened: Callable[..., SessionStore]
) -> None:
    store = opened(own_redis)
    say(store, KEY, "t1")
    own_redis.kill()
    for _ in range(3):
        with refused("did not answer"):
            store.read(KEY, 1)
    own_redis.restart()
    assert texts(store.read(KEY, 1).turns) == ["hello"]


def test_a_server_that_lost_its_data_knows_nothing(own_redis: RedisServer, opened: Callable[..., SessionStore]) -> None:
    store = opened(own_redis)
    say(store, KEY, "t1")
    own_redis.restart(keep_data=False)
    wait_until(lambda: answers(store), "the new server")
    assert store.read(KEY, 1).session is None
    say(store, KEY, "t2", "a new start")
    assert texts(store.read(KEY, 1).turns) == ["a new start"]


def answers(store: SessionStore) -> bool:
    try:
        store.now()
    except StoreUnavailable:
        return False
    return True


def test_a_server_that_loads_its_data_is_told(start_redis: StartRedis, opened: Callable[..., SessionStore]) -> None:
    server = start_redis("--key-load-delay", "100")  # as slow as a large data set would be (µs a key)
    store = opened(server)
    say(store, KEY, "t1")
    with server.client() as client:
        pipe = client.pipeline(transaction=False)
        for n in range(6_000):
            pipe.set(f"ballast{n}", "x")
        pipe.execute()
    restarting = threading.Thread(target=server.restart)
    restarting.start()

    causes: list[BaseException | None] = []
    while not any(isinstance(cause, redis.exceptions.BusyLoadingError) for cause in causes):
        with pytest.raises(StoreUnavailable) as told:
            store.read(KEY, 1)
        causes.append(told.value.__cause__)

    restarting.join()
    assert texts(store.read(KEY, 1).turns) == ["hello"]


def test_a_server_with_a_new_password_is_told(own_redis: RedisServer, opened: Callable[..., SessionStore]) -> None:
    configure(own_redis, requirepass="new")()
    with refused("user or password"):
        opened(own_redis).read(KEY, 1)
    wrong = open_store(f"redis://:wrong@{LOOPBACK}:{own_redis.port}")
    with refused("user or password"):
        wrong.read(KEY, 1)
    wrong.close_store()
    right = open_store(f"redis://:new@{LOOPBACK}:{own_redis.port}")
    assert right.read(KEY, 1).session is None
    right.close_store()


def test_events_come_again_when_the_server_is_back(own_redis: RedisServer, opened: Callable[..., SessionStore]) -> None:
    store = opened(own_redis)
    listener = store.listen()
    own_redis.restart()

    def heard() -> bool:
        store.count(Counted(0, {}, [{"type": "back"}]))
        return listener.get(0.05) == {"type": "back"}

    wait_until(lambda: answers(store), "the server")
    wait_until(heard, "an event")
    listener.close()


# --- what can't be provoked here ------------------------------------------------------------------------------------

REPLIES = [
    redis.exceptions.ReadOnlyError("You can't write against a read only replica."),
    redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
    redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
    redis.exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."),
    redis.exceptions.ClusterDownError("CLUSTERDOWN The cluster is down"),
    redis.exceptions.MasterDownError("MASTERDOWN Link with MASTER is down"),
    redis.exceptions.ResponseError("BUSY Redis is busy running a script."),
    redis.exceptions.TryAgainError("TRYAGAIN Multiple keys request during rehashing of slot"),
    redis.exceptions.AskError("1 127.0.0.1:7000"),
    redis.exceptions.MovedError("1 127.0.0.1:7000"),
    redis.exceptions.ResponseError(
        "Error running script (call to f_abc): @user_script:9: @user_script: 9: -OOM command not allowed when used"
    ),
    redis.exceptions.ResponseError(
        "Error running script (call to f_abc): @user_script:9: @user_script: 9: -READONLY You can't write against a"
    ),
    redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"),
    redis.exceptions.AuthenticationError("WRONGPASS invalid username-password pair or user is disabled."),
    redis.exceptions.MaxConnectionsError("Too many connections"),
    redis.exceptions.RedisClusterException("Redis Cluster cannot be connected."),
    redis.exceptions.SlotNotCoveredError("Command # 1 (GET) of pipeline caused error: Slot is not covered."),
    redis.exceptions.ClusterError("TTL exhausted."),
    redis.exceptions.InvalidResponse("Protocol Error: b'HTTP/1.1 400'"),
    redis.exceptions.TimeoutError("Timeout reading from socket"),
    ConnectionResetError(104, "Connection reset by peer"),
]


@pytest.mark.parametrize("error", REPLIES, ids=lambda error: f"{type(error).__name__} {str(error)[:20]}")
def test_what_means_that_redis_is_away_or_takes_no_writes_is_told_so(error: Exception) -> None:
    with pytest.raises(StoreUnavailable) as told, answering():
        raise error
    assert told.value.__cause__ is error
    assert "127.0.0.1" not in str(told.value)


MISTAKES = [
    redis.exceptions.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
    redis.exceptions.ResponseError("value is not an integer or out of range"),
    redis.exceptions.ResponseError(
        "Error running script (call to f_abc): @user_script:9: attempt to index a nil value"
    ),
    redis.exceptions.DataError("Invalid input of type: 'NoneType'."),
    ValueError("no"),
]


@pytest.mark.parametrize("error", MISTAKES, ids=str)
def test_a_mistake_of_ours_is_not_told_as_an_outage(error: Exception) -> None:
    with pytest.raises(type(error)), answering():
        raise error
