"""From a URL to a store.

memory://                                          in this process (?max_bytes=268435456)
redis://[user:password@]host[:6379][/0]            one server; rediss:// with TLS
redis+cluster://[user:password@]host:port,host:port    a cluster, found from any of its nodes (rediss+cluster://)
redis+sentinel://[user:password@]host:port,host:port/service[/0]   the master that Sentinel names (rediss+sentinel://)

``?socket_timeout=0.2&socket_connect_timeout=0.1`` (seconds, the defaults) sets how long a server is waited for.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from memory.clock import Clock, now_ms
from memory.stores.base import OnEnd, SessionStore
from memory.stores.bounded import bind, greet
from memory.stores.dataset import Prober
from memory.stores.failover import FailoverStore
from memory.stores.journal import Journal
from memory.stores.local import LocalStore
from memory.stores.redis import Client, RedisStore
from memory.stores.remote_clock import RemoteClock
from memory.stores.seal import seal_of

CONNECT_TIMEOUT = 0.1
SOCKET_TIMEOUT = 0.2
POOL_TIMEOUT = 0.05
"""Seconds. With redis-py's own defaults a hung server costs 59.6 s for one GET; with these and no retries, 0.2 s."""


def open_store(
    url: str, *, max_connections: int = 64, clock: Clock = now_ms, shift: Callable[[], int] | None = None
) -> SessionStore:
    """The store behind ``url``. Connects when it is first used, so a server that is away is no error here.

    ``max_connections`` bounds the pool: as many as threads that use it. ``clock`` is the clock of an in-process store,
    ``shift`` (ms) is added to Redis' time; both are for tests. ``ValueError`` with a sentence for a URL that is none.
    """
    parts = urlsplit(url)
    if parts.scheme == "memory":
        options = parse_qs(parts.query)
        limit = options.get("max_bytes", ["268435456"])[0]
        if not limit.isdecimal() or int(limit) < 1:
            raise ValueError(f"max_bytes of a memory:// store must be a whole number above 0, got {limit!r}")
        return LocalStore(max_bytes=int(limit), clock=clock)
    make_client = client_factory(url, max_connections=max_connections)
    return RedisStore(make_client, shift=shift) if shift else RedisStore(make_client)


def open_failover_store(
    url: str,
    *,
    durability_of: Mapping[str, Literal["disk", "memory"]] | None = None,
    journal_dir: Path | None = None,
    journal_key: str = "",
    journal_max_bytes: int = 1 << 30,
    max_bytes: int = 268_435_456,
    max_connections: int = 64,
    secret: bytes = b"",
    clock: Clock = now_ms,
    shift: Callable[[], int] = lambda: 0,
    on_end: OnEnd | None = None,
) -> SessionStore:
    """The store behind ``url``, and this process for the time when Redis is away. ``memory://`` is as ``open_store``'s.

    durability_of    for each namespace: ``disk`` writes its acknowledged turns to a journal in ``journal_dir``, too
    journal_key      encrypts the journal at rest; any text
    max_bytes        what this process keeps of sessions at most, so as to serve them alone
    max_connections  as many as threads that use the store, and four: whoever finds no connection takes Redis for gone
    secret           keys the hashes that stay of erased subjects; the same in all instances
    on_end           told of the ends that earlier processes left in the journal; the engines tell of their own

    Nothing is made, connected to or started before the store is first used, which must be after a fork.
    """
    if urlsplit(url).scheme == "memory":
        return LocalStore(max_bytes=max_bytes, clock=clock) if "max_bytes" not in url else open_store(url, clock=clock)
    instance = secrets.token_hex(6)
    journal = None
    if journal_dir is not None and "disk" in (durability_of or {}).values():
        journal = Journal(journal_dir, seal_of(journal_key), name=instance, max_bytes=journal_max_bytes)
    return FailoverStore(
        RedisStore(client_factory(url, max_connections=max_connections), secret=secret, shift=shift),
        Prober(client_factory(url, max_connections=2)),
        instance=instance,
        clock=RemoteClock(shift, clock),
        max_bytes=max_bytes,
        journal=journal,
        durability_of=durability_of,
        on_end=on_end,
    )


def client_factory(url: str, *, max_connections: int = 64) -> Callable[[], Client]:
    """Makes redis-py clients that fail fast and never retry by themselves (a retried write could happen twice).

    The URL is checked now, the connection made when the client is called for: a cluster is asked for its nodes then.
    """
    parts = urlsplit(url)
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,
        "redis_connect_func": greet,
    }
    options |= _timeouts(parts.query)
    scheme, _, kind = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss") or kind not in ("", "cluster", "sentinel"):
        raise ValueError(
            f"a store URL begins with redis://, rediss://, redis+cluster://, redis+sentinel:// or memory://, "
            f"got {parts.scheme or url[:20]!r}"
        )
    if not kind:
        redis.connection.parse_url(url)  # type: ignore[no-untyped-call]

        def single() -> redis.Redis:
            pool = redis.BlockingConnectionPool.from_url(
                url, max_connections=max_connections, timeout=POOL_TIMEOUT, **options
            )
            return redis.Redis.from_pool(pool)

        return single
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    options |= {"username": unquote(user) or None, "password": unquote(password) or None, "ssl": scheme == "rediss"}
    nodes = [_address(host, 26_379 if kind == "sentinel" else 6_379) for host in hosts.split(",") if host]
    if not nodes:
        raise ValueError(f"a redis+{kind}:// URL names at least one host")
    if kind == "cluster":
        return lambda: RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in nodes],  # type: ignore[no-untyped-call]
            max_connections=max_connections,
            **options | {"redis_connect_func": bind},
        )
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError(
            "a redis+sentinel:// URL names the service after the hosts, as in redis+sentinel://host/mymaster"
        )
    if not (database or "0").isdecimal():
        raise ValueError(f"the database of a redis+sentinel:// URL is a whole number, got {database!r}")
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        nodes,
        # Sentinels have their own password or none, and redis-py would try each of them again and again.
        sentinel_kwargs={
            name: options[name] for name in ("socket_connect_timeout", "socket_timeout", "retry", "protocol")
        },
        db=int(database or 0),
        max_connections=max_connections,
        **options,
    )
    return lambda: sentinel.master_for(service)  # type: ignore[no-untyped-call]


def _timeouts(query: str) -> dict[str, float]:
    """The time-outs (s) that a URL sets."""
    found = {}
    for name, values in parse_qs(query).items():
        if name in ("socket_timeout", "socket_connect_timeout"):
            try:
                found[name] = float(values[0])
            except ValueError:
                found[name] = 0.0
            if not 0 < found[name] < math.inf:
                raise ValueError(f"{name} of a store URL is a number of seconds above 0, got {values[0]!r}")
    return found


def _address(host: str, default_port: int) -> tuple[str, int]:
    name, _, port = host.rpartition(":")
    if not name or host.endswith("]"):
        return host.strip("[]"), default_port
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ValueError(f"{host!r} is no host:port")
    return name.strip("[]"), int(port)
