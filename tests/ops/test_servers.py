"""The servers that other tests rely on do what these rely on them for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.processes import ChildProcess, free_port, wait_until
from tests.servers import RedisCluster, RedisSentinels, RedisServer


def quick(server: RedisServer) -> redis.Redis:
    """A client that gives up after 0.2 s."""
    return server.client(socket_timeout=0.2, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))


def test_a_killed_redis_comes_back_on_its_port_with_its_data(own_redis: RedisServer) -> None:
    with own_redis.client() as client:
        client.set("city", "London")

    own_redis.kill()
    with quick(own_redis) as client, pytest.raises(redis.ConnectionError):
        client.get("city")

    own_redis.restart()
    with own_redis.client() as client:
        assert client.get("city") == "London"


def test_a_redis_restarted_without_data_is_another_empty_data_set(own_redis: RedisServer) -> None:
    with own_redis.client() as client:
        client.set("city", "London")
        before = client.info("server")["run_id"]

    own_redis.restart(keep_data=False)

    with own_redis.client() as client:
        assert client.get("city") is None
        assert client.info("server")["run_id"] != before


def test_a_paused_redis_hangs_until_it_is_resumed(own_redis: RedisServer) -> None:
    own_redis.pause()
    with quick(own_redis) as client, pytest.raises(redis.TimeoutError):
        client.ping()

    own_redis.resume()
    with own_redis.client() as client:
        assert client.ping()


def test_a_redis_takes_options_of_its_own(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis("--maxmemory", "3mb", "--requirepass", "secret")
    with server.client(password="secret") as client:
        assert client.config_get("maxmemory")["maxmemory"] == str(3 * 1024 * 1024)


def test_an_option_that_redis_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no-such-option"):
        RedisServer(tmp_path, options=["--no-such-option", "1"]).start()


def test_the_shared_redis_is_empty_for_each_test(redis_server: RedisServer, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_the_cluster_serves_every_slot(redis_cluster: RedisCluster) -> None:
    node = redis_cluster.nodes[0]
    with redis.RedisCluster(host="127.0.0.1", port=node.port, decode_responses=True) as client:
        for number in range(50):
            client.set(f"key:{number}", number)
        assert {client.get(f"key:{number}") for number in range(50)} == {str(number) for number in range(50)}
    held = []
    for node in redis_cluster.nodes:
        with node.client() as client:
            held.append(client.dbsize())
    assert sum(held) == 50
    assert all(held)


@pytest.mark.faults
def test_the_sentinels_choose_the_replica_when_the_master_falls(redis_sentinels: RedisSentinels) -> None:
    fallen = redis_sentinels.master
    with fallen.client() as client:
        client.set("city", "London")
        client.wait(1, 2_000)

    chosen = redis_sentinels.failover()

    assert chosen is not fallen
    with chosen.client() as client:
        assert client.get("city") == "London"
        assert client.set("city", "Paris")


def test_children_do_not_outlive_killed_tests(tmp_path: Path) -> None:
    port = free_port()
    program = (
        "import sys, time; from pathlib import Path; from tests.processes import ChildProcess\n"
        f"child = ChildProcess([sys.executable, '-m', 'http.server', '{port}'], log=Path(sys.argv[1]) / 'log')\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    tests = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with tests:
        assert tests.stdout is not None
        child = int(tests.stdout.readline())
        tests.kill()
    wait_until(lambda: not _alive(child), "the end of the child")


def _alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_that_ignores_the_polite_request_is_killed(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    child = ChildProcess([sys.executable, "-c", stubborn], log=tmp_path / "log")
    wait_until(lambda: "up" in child.last_words(), "its start")

    begun = time.monotonic()
    child.stop(seconds=0.2)

    assert not child.running
    assert time.monotonic() - begun < 5
