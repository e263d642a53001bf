"""From a URL to a store: what is understood, what is refused with which sentence, and what an absent server costs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from redis.cluster import RedisCluster

from memory import Key, SessionStore, StoreUnavailable, open_store
from memory.stores.local import LocalStore
from memory.stores.open import CONNECT_TIMEOUT, SOCKET_TIMEOUT, client_factory
from memory.stores.redis import RedisStore
from tests.memory.harness import claim, say
from tests.processes import LOOPBACK, free_port
from tests.servers import RedisCluster as Cluster
from tests.servers import RedisSentinels, RedisServer

KEY = Key("test", "user123")

GOOD = [
    ("memory://", LocalStore),
    ("memory://?max_bytes=1000", LocalStore),
    ("redis://localhost", RedisStore),
    ("redis://localhost:6379/0", RedisStore),
    ("redis://user:p%40ss@localhost:6379/3", RedisStore),
    ("rediss://localhost:6380", RedisStore),
    ("redis+cluster://one:7000,two:7001,three", RedisStore),
    ("rediss+cluster://user:password@one:7000", RedisStore),
    ("redis+sentinel://one:26379,two/mymaster", RedisStore),
    ("redis+sentinel://:password@one/mymaster/2", RedisStore),
]

BAD = [
    ("", "begins with redis://"),
    ("localhost:6379", "begins with redis://"),
    ("http://localhost", "'http'"),
    ("redis+nonsense://localhost", "'redis+nonsense'"),
    ("memcached://localhost", "'memcached'"),
    ("memory://?max_bytes=0", "max_bytes"),
    ("memory://?max_bytes=-1", "max_bytes"),
    ("memory://?max_bytes=lots", "'lots'"),
    ("redis://localhost:port", "port"),
    ("redis://localhost:99999", "Port"),
    ("redis+cluster://", "at least one host"),
    ("redis+cluster://user:password@", "at least one host"),
    ("redis+cluster://one:7000,two:port", "'two:port'"),
    ("redis+cluster://one:70000", "'one:70000'"),
    ("redis+sentinel:///mymaster", "at least one host"),
    ("redis://one?socket_timeout=soon", "'soon'"),
    ("redis+cluster://one?socket_timeout=0", "above 0"),
    ("redis+sentinel://one/mymaster?socket_connect_timeout=inf", "'inf'"),
    ("redis+sentinel://one:26379", "names the service"),
    ("redis+sentinel://one:26379/", "names the service"),
    ("redis+sentinel://one/mymaster/db", "'db'"),
]


@pytest.mark.parametrize(("url", "kind"), GOOD)
def test_a_store_is_opened_without_asking_its_server(url: str, kind: type) -> None:
    store = open_store(url)
    assert isinstance(store, kind)
    store.close_store()


@pytest.mark.parametrize(("url", "sentence"), BAD)
def test_a_url_that_is_none_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refused:
        open_store(url)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "url", ["redis://user:hunter2@host:port", "redis+cluster://user:hunter2@one:port", "redis+sentinel://u:hunter2@one"]
)
def test_a_refusal_does_not_repeat_the_password(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        open_store(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        ("one", [("one", 6379)]),
        ("one:7000,two:7001", [("one", 7000), ("two", 7001)]),
        ("[::1]:7000,[::2]", [("::1", 7000), ("::2", 6379)]),
        ("one,,two:7001,", [("one", 6379), ("two", 7001)]),
    ],
)
def test_a_cluster_is_found_from_any_of_its_nodes(
    hosts: str, addresses: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(RedisCluster, "__init__", lambda self, **options: asked.update(options))
    monkeypatch.setattr(RedisCluster, "__del__", lambda self: None)
    client_factory(f"rediss+cluster://us%2Fer:p%40ss@{hosts}")()
    nodes = asked["startup_nodes"]
    assert isinstance(nodes, list)
    assert [(node.host, node.port) for node in nodes] == addresses
    assert (asked["username"], asked["password"], asked["ssl"]) == ("us/er", "p@ss", True)


def test_the_bytes_of_an_in_process_store_are_bounded_by_its_url() -> None:
    store = open_store("memory://?max_bytes=123456")
    assert store.usage()["max_bytes"] == 123_456


# --- real servers ---------------------------------------------------------------------------------------------------


def test_a_database_of_its_own_is_used(redis_server: RedisServer, redis_url: str) -> None:
    with closing_store(f"redis://{LOOPBACK}:{redis_server.port}/7") as store:
        say(store, KEY, "t1")
    with redis_server.client(db=7) as client:
        assert client.dbsize() > 0
        client.flushdb()
    with redis_server.client() as client:
        assert client.dbsize() == 0


def test_a_user_and_password_are_given(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis("--requirepass", "s e:c/r@t")
    with closing_store(f"redis://default:s%20e%3Ac%2Fr%40t@{LOOPBACK}:{server.port}") as store:
        say(store, KEY, "t1")
        assert store.read(KEY, 1).turns


def test_a_cluster_is_used(redis_cluster: Cluster) -> None:
    one_node = redis_cluster.url().split(",")[0]
    with closing_store(one_node) as store:
        for n in range(30):
            say(store, Key("test", f"user{n}"), "t1")
        assert len(store.live("test", 100)) == 30


def test_the_master_is_found_and_found_again_after_a_failover(redis_sentinels: RedisSentinels) -> None:
    with closing_store(redis_sentinels.url()) as store:
        say(store, KEY, "t1")
        redis_sentinels.failover()
        # The first command over an old connection may still fail; the sentinels are asked at the next one.
        for _ in range(100):
            try:
                claim(store, KEY)
                break
            except StoreUnavailable:
                threading.Event().wait(0.05)
        assert store.read(KEY, 0).leased


@contextmanager
def closing_store(url: str) -> Iterator[SessionStore]:
    store = open_store(url)
    try:
        yield store
    finally:
        store.close_store()


def test_a_closed_store_gives_its_connections_back(redis_server: RedisServer, redis_url: str) -> None:
    with redis_server.client() as client:
        before = int(client.info("clients")["connected_clients"])
        store = open_store(redis_url)
        threads = [threading.Thread(target=store.totals, args=("test",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        listener = store.listen()
        assert int(client.info("clients")["connected_clients"]) >= before + 2
        store.close_store()
        for _ in range(500):
            if int(client.info("clients")["connected_clients"]) == before:
                break
            threading.Event().wait(0.01)
        assert int(client.info("clients")["connected_clients"]) == before
        listener.close()


def test_two_clients_of_a_factory_do_not_share_connections(redis_server: RedisServer, redis_url: str) -> None:
    """Closing the prober's must not cut off the requests'."""
    make = client_factory(redis_url)
    one, other = make(), make()
    assert one.ping()
    assert other.ping()
    one.close()
    assert other.client_id() == other.client_id()
    other.close()


# --- servers that are not there -------------------------------------------------------------------------------------


def deaf_server() -> socket.socket:
    """Accepts connections and never says a word."""
    server = socket.socket()
    server.bind((LOOPBACK, 0))
    server.listen(64)
    return server


@pytest.mark.parametrize("scheme", ["redis://{}", "redis+cluster://{}", "redis+sentinel://{}/mymaster"])
def test_a_server_that_is_not_there_is_told_at_once(scheme: str) -> None:
    with closing_store(scheme.format(f"{LOOPBACK}:{free_port()}")) as store:
        for _ in range(2):
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable) as told:
                store.read(KEY, 1)
            assert time.monotonic() - begun < 1.0
            assert LOOPBACK not in str(told.value)


@pytest.mark.parametrize("scheme", ["redis://{}", "redis+cluster://{}", "redis+sentinel://{}/mymaster"])
def test_a_server_that_says_nothing_is_given_up_soon(scheme: str) -> None:
    with closing(deaf_server()) as server:
        host, port = server.getsockname()
        with closing_store(scheme.format(f"{host}:{port}")) as store:
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable):
                store.read(KEY, 1)
            # Two waits at most: a new connection says hello first.
            assert time.monotonic() - begun < 2 * (CONNECT_TIMEOUT + SOCKET_TIMEOUT) + 0.7


@pytest.mark.parametrize("scheme", ["redis://{}", "redis+cluster://{}", "redis+sentinel://{}/mymaster"])
def test_how_long_a_server_is_waited_for_can_be_set(scheme: str) -> None:
    with closing(deaf_server()) as server:
        host, port = server.getsockname()
        with closing_store(scheme.format(f"{host}:{port}") + "?socket_timeout=0.9") as store:
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable):
                store.read(KEY, 1)
            assert time.monotonic() - begun > 0.8


def test_a_server_that_is_no_redis_is_told(redis_server: RedisServer) -> None:
    with closing(deaf_server()) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        host, port = server.getsockname()
        with closing_store(f"redis://{host}:{port}") as store, pytest.raises(StoreUnavailable):
            store.read(KEY, 1)
        thread.join()


def test_when_all_connections_are_in_use_it_says_so_soon(redis_url: str) -> None:
    store = open_store(redis_url, max_connections=1)
    assert isinstance(store, RedisStore)
    claim(store, KEY)
    held = store.client.connection_pool.get_connection()  # type: ignore[union-attr]
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable):
        store.read(KEY, 1)
    assert time.monotonic() - begun < 1.0
    store.client.connection_pool.release(held)  # type: ignore[union-attr]
    assert store.read(KEY, 0).leased
    store.close_store()
