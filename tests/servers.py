"""Real servers for tests: Redis alone, as a cluster, and behind sentinels. Each can be killed, paused and emptied."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.processes import LOOPBACK, ChildProcess, Service, free_port, program, wait_until

START_TRIES = 5
# Data survives a SIGKILL without waiting for the disk: what was written is the kernel's by then.
QUICK_BUT_DURABLE = ("--appendonly", "yes", "--appendfsync", "no", "--save", "")


class RedisServer(Service):
    """One redis-server on a free loopback port, its data in a folder of its own.

    ``port`` stays the same through ``restart``, so that a client sees one server that was away. ``options`` are
    redis-server's own, for example ``("--maxmemory", "2mb")``.
    """

    def __init__(self, folder: Path | None = None, *, options: Sequence[str] = (), cluster: bool = False) -> None:
        self._binary = program("redis-server")
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="redis-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.options = tuple(options)
        self._cluster = cluster
        self.port = free_port(bus=cluster)
        self._process: ChildProcess | None = None

    def start(self) -> Self:
        """Start it and return once it answers. Another port is tried while nobody knows the first one yet."""
        for left in reversed(range(START_TRIES)):
            try:
                self._launch()
            except RuntimeError as error:
                if left == 0 or "already in use" not in str(error):
                    raise
                self.port = free_port(bus=self._cluster)
            else:
                break
        return self

    def stop(self) -> None:
        """End it in order (SIGTERM), and forget a temporary folder."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL: connections break at once and new ones are refused."""
        self._running().kill()

    def pause(self) -> None:
        """SIGSTOP: connections are accepted by the kernel, and nothing is answered."""
        self._running().signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after ``pause``."""
        self._running().signal(signal.SIGCONT)

    def restart(self, *, keep_data: bool = True) -> None:
        """Kill it if it still runs and start it on the same port: as it was, or as an empty data set."""
        if self._process is not None:
            self._process.kill()
        if not keep_data:
            shutil.rmtree(self.folder)
            self.folder.mkdir()
        self._launch()

    def url(self, db: int = 0) -> str:
        return f"redis://{LOOPBACK}:{self.port}/{db}"

    def client(self, **options: Any) -> redis.Redis:
        """A client of its own, replying with text; close it after use (``with server.client() as client``)."""
        return redis.Redis(host=LOOPBACK, port=self.port, **{"decode_responses": True, **options})

    @property
    def pid(self) -> int:
        return self._running().pid

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise RuntimeError("this Redis was not started")
        return self._process

    def _launch(self) -> None:
        process = ChildProcess(
            [self._binary, *self._arguments(), "--port", str(self.port), "--bind", LOOPBACK, "--dir", str(self.folder)],
            log=self.folder / "redis.log",
        )
        try:
            wait_until(lambda: not process.running or self._answers(), f"Redis on port {self.port}")
        except TimeoutError:
            process.kill()
            raise
        if not process.running:
            process.kill()
            raise RuntimeError(f"redis-server ended at its start:\n{process.last_words()}")
        self._process = process

    def _arguments(self) -> list[str]:
        cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"] if self._cluster else []
        return [*cluster, *QUICK_BUT_DURABLE, *self.options]

    def _answers(self) -> bool:
        with self.client(socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except redis.AuthenticationError:
                return True
            except (redis.ConnectionError, redis.TimeoutError):  # not there yet, or still loading
                return False


class RedisCluster(Service):
    """Three masters without replicas, all slots covered."""

    def __init__(self, folder: Path) -> None:
        self._binary = program("redis-cli")
        self.nodes = [RedisServer(folder / f"node{number}", cluster=True) for number in range(3)]

    def start(self) -> Self:
        for node in self.nodes:
            node.start()
        addresses = [f"{LOOPBACK}:{node.port}" for node in self.nodes]
        subprocess.run(
            [self._binary, "--cluster", "create", *addresses, "--cluster-replicas", "0", "--cluster-yes"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        wait_until(lambda: all(self._covered(node) for node in self.nodes), "the cluster's slots", 30)
        return self

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def flush(self) -> None:
        """Empty every master."""
        for node in self.nodes:
            with node.client() as client:
                client.flushall()

    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes)

    @staticmethod
    def _covered(node: RedisServer) -> bool:
        with node.client() as client:
            return bool(client.cluster("INFO")["cluster_state"] == "ok")


class Sentinel(RedisServer):
    """One sentinel. What it knows stands in its configuration file, which it rewrites itself."""

    def __init__(self, folder: Path, settings: Sequence[str]) -> None:
        super().__init__(folder)
        self._file = folder / "sentinel.conf"
        self._file.write_text("".join(f"sentinel {line}\n" for line in settings))

    def _arguments(self) -> list[str]:
        return [str(self._file), "--sentinel"]


class RedisSentinels(Service):
    """A master, its replica, and three sentinels of which two must agree; they act on half a second of silence."""

    service = "parley"

    def __init__(self, folder: Path, *, down_after_ms: int = 500) -> None:
        self.folder = folder
        self.down_after_ms = down_after_ms
        # Without the delay a replica waits 5 s for others that might want the same copy.
        self.servers = [RedisServer(folder / "first", options=("--repl-diskless-sync-delay", "0"))]
        self.sentinels: list[Sentinel] = []

    def start(self) -> Self:
        first = self.servers[0].start()
        second = RedisServer(self.folder / "second", options=("--replicaof", LOOPBACK, str(first.port)))
        self.servers.append(second.start())
        wait_until(lambda: _replication(second)["master_link_status"] == "up", "the replica's link")
        settings = (
            f"monitor {self.service} {LOOPBACK} {first.port} 2",
            f"down-after-milliseconds {self.service} {self.down_after_ms}",
            f"failover-timeout {self.service} 3000",
        )
        for number in range(3):
            self.sentinels.append(Sentinel(self.folder / f"sentinel{number}", settings).start())
        wait_until(self._agreed, "the sentinels' knowledge of each other")
        return self

    def stop(self) -> None:
        for server in reversed([*self.servers, *self.sentinels]):
            server.stop()

    @property
    def master(self) -> RedisServer:
        """The server that the sentinels call the master now."""
        with self.sentinels[0].client() as client:
            _, port = client.sentinel_get_master_addr_by_name(self.service)
        return next(server for server in self.servers if server.port == int(port))

    @property
    def replica(self) -> RedisServer:
        master = self.master
        return next(server for server in self.servers if server is not master)

    def failover(self) -> RedisServer:
        """Kill the master and return the server that took over, once it takes writes."""
        fallen = self.master
        fallen.kill()
        wait_until(lambda: self.master is not fallen, "the sentinels' choice of a new master", 30)
        chosen = self.master
        wait_until(lambda: _replication(chosen)["role"] == "master", "the new master's promotion")
        return chosen

    def url(self, db: int = 0) -> str:
        return f"redis+sentinel://{','.join(f'{LOOPBACK}:{s.port}' for s in self.sentinels)}/{self.service}/{db}"

    def _agreed(self) -> bool:
        def knows_all(sentinel: Sentinel) -> bool:
            with sentinel.client() as client:
                known = client.sentinel_master(self.service)
            return bool(known["num-other-sentinels"] == len(self.sentinels) - 1 and known["num-slaves"] == 1)

        return all(knows_all(sentinel) for sentinel in self.sentinels)


def _replication(server: RedisServer) -> dict[str, Any]:
    with server.client() as client:
        return dict(client.info("replication"))
