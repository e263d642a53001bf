"""Fixtures for every test: real servers on free loopback ports, started when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fakes.openai_server import OpenAIServer
from tests.servers import RedisCluster, RedisSentinels, RedisServer

settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")  # a machine that stalls for a moment is no failure


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for the whole run. Not to be killed: tests that do so ask for ``own_redis``."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of the shared Redis, emptied for this test."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url()


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts a Redis for this test alone, with redis-server's own options: ``start_redis("--maxmemory", "2mb")``."""
    with ExitStack() as stack:

        def start(*options: str) -> RedisServer:
            folder = tmp_path / f"redis-{len(list(tmp_path.glob('redis-*')))}"
            return stack.enter_context(RedisServer(folder, options=options))

        yield start


@pytest.fixture
def own_redis(start_redis: Callable[..., RedisServer]) -> RedisServer:
    """A Redis for this test alone, to be killed, paused and emptied at will."""
    return start_redis()


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with RedisCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def redis_cluster(running_cluster: RedisCluster) -> RedisCluster:
    """Three masters, emptied for this test; the servers themselves live for the whole run."""
    running_cluster.flush()
    return running_cluster


@pytest.fixture
def redis_sentinels(tmp_path: Path) -> Iterator[RedisSentinels]:
    """A master, a replica and three sentinels, for this test alone."""
    with RedisSentinels(tmp_path / "sentinels") as sentinels:
        yield sentinels


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    """A server that speaks OpenAI's wire format and answers as the test tells it."""
    with OpenAIServer() as server:
        yield server
