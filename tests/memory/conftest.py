"""Every store that answers the contract, and engines whose threads end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from memory import SessionEngine, SessionPolicy, SessionStore
from memory.leases import LeaseKeeper
from tests.memory.harness import World, failover_world, local_world, redis_world
from tests.processes import free_port
from tests.servers import RedisCluster, RedisServer

STORES = ("local", "redis", "cluster", "failover", "outage")
REMOTE = ("redis", "cluster")


def make_world(name: str, request: pytest.FixtureRequest, stack: ExitStack) -> World:
    if name == "local":
        return local_world()
    if name == "outage":
        return failover_world(f"redis://127.0.0.1:{free_port()}", [], request.getfixturevalue("tmp_path"), stack, name)
    if name in ("redis", "failover"):
        server: RedisServer = request.getfixturevalue("redis_server")
        url: str = request.getfixturevalue("redis_url")
        if name == "failover":
            return failover_world(url, [server], request.getfixturevalue("tmp_path"), stack)
        return redis_world(url, [server], stack)
    cluster: RedisCluster = request.getfixturevalue("redis_cluster")
    return redis_world(cluster.url(), cluster.nodes, stack, "cluster")


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each store in turn, empty."""
    with ExitStack() as stack:
        yield make_world(request.param, request, stack)


@pytest.fixture(params=STORES[:2])
def simple_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """In process and on one Redis: enough for what stands above the stores."""
    with ExitStack() as stack:
        yield make_world(request.param, request, stack)


@pytest.fixture(params=REMOTE)
def remote_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The stores in Redis: alone, and a cluster."""
    with ExitStack() as stack:
        yield make_world(request.param, request, stack)


@pytest.fixture
def one_redis(request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as stack:
        yield make_world("redis", request, stack)


@pytest.fixture
def store(world: World) -> SessionStore:
    return world.store


MakeEngine = Callable[..., SessionEngine]


@pytest.fixture
def make_engine() -> Iterator[MakeEngine]:
    """Makes engines whose leases are renewed only as long as the test runs."""
    with ExitStack() as stack:

        def make(store: SessionStore, policy: SessionPolicy, *, namespace: str = "test", **more: Any) -> SessionEngine:
            keeper = LeaseKeeper(store)
            stack.callback(keeper.close)
            return SessionEngine(store, policy, namespace=namespace, **{"leases": keeper, **more})

        yield make
