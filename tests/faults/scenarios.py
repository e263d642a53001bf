"""What breaks, and when. Each scenario breaks something while users talk, mends it, and waits for the recovery."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.faults.observer import Storm
from tests.faults.stage import THINK, Stage
from tests.processes import program
from tests.proxy import Mode
from tests.servers import RedisCluster, RedisSentinels

Scenario = Callable[[int, int], "Outcome"]
SCENARIOS: dict[str, Scenario] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the table. ``refused`` are answers 503 with ``Retry-After``, ``failed`` all other 5xx."""

    acknowledged: int
    lost: int
    doubled: int
    disordered: int
    failed: int
    refused: int
    unanswered: int
    p95_added_ms: float
    recovery_s: float

    def line(self, name: str) -> str:
        return (
            f"{name:<58} {self.acknowledged:>5} {self.lost:>5} {self.doubled:>5} {self.disordered:>5} "
            f"{self.failed:>5} {self.refused:>5} {self.p95_added_ms:>8.0f} {self.recovery_s:>7.1f}"
        )


HEAD = f"{'scenario':<58} acked  lost  dbld order   5xx   503  p95 +ms  rec. s"


def scenario(name: str) -> Callable[[Scenario], Scenario]:
    def add(function: Scenario) -> Scenario:
        SCENARIOS[name] = function
        return function

    return add


def settle(stage: Stage, storm: Storm, mended: float) -> Outcome:
    """Wait for the recovery (from ``mended``, monotonic s), let everybody finish, and judge."""
    recovery = stage.recovered(mended)
    storm.join()
    stage.recovered(mended)  # a turn that ended here just after Redis was back
    verdicts = stage.judge(storm)
    added = sorted(1000 * (seconds - THINK) for seconds in storm.seconds)
    return Outcome(
        acknowledged=storm.acknowledged,
        lost=max(verdict.lost for verdict in verdicts),
        doubled=max(verdict.doubled for verdict in verdicts),
        disordered=max(verdict.disordered for verdict in verdicts),
        failed=sum(count for status, count in storm.errors.items() if status >= 500),
        refused=sum(count for status, count in storm.errors.items() if status < 0),
        unanswered=len(storm.unanswered),
        p95_added_ms=added[int(0.95 * (len(added) - 1))] if added else 0.0,
        recovery_s=recovery,
    )


@scenario("kill -9 of Redis, back with its data")
def back_with_data(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        stage.redis.kill()
        storm.until(0.6)
        stage.redis.restart()
        return settle(stage, storm, time.monotonic())


@scenario("kill -9 of Redis, back empty")
def back_empty(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        stage.redis.kill()
        storm.until(0.6)
        stage.redis.restart(keep_data=False)
        return settle(stage, storm, time.monotonic())


@scenario("back empty, an instance killed -9 before it reconciled")
def back_empty_and_killed(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        stage.redis.kill()
        storm.until(0.6)
        stage.instances[0].kill()
        stage.redis.restart(keep_data=False)
        stage.instances[0].restart()
        return settle(stage, storm, time.monotonic())


@scenario("Redis stopped (SIGSTOP) for 3 s")
def hung(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        stage.redis.pause()
        time.sleep(3)
        stage.redis.resume()
        return settle(stage, storm, time.monotonic())


@scenario("only A is cut off, users move between A and B")
def cut_off(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns, moving=True).start()
        storm.until(0.3)
        stage.proxies[0].set(Mode.CUT)
        storm.until(0.6)
        stage.proxies[0].set(Mode.THROUGH)
        return settle(stage, storm, time.monotonic())


@scenario("slow Redis: replies drip for 3 s")
def dripping(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        for proxy in stage.proxies:
            proxy.set(Mode.DRIP)
        time.sleep(3)
        for proxy in stage.proxies:
            proxy.set(Mode.THROUGH)
        return settle(stage, storm, time.monotonic())


@scenario("Redis full (maxmemory, noeviction), then freed")
def full(users: int, turns: int) -> Outcome:
    with Stage() as stage, stage.redis.client() as client:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        client.config_set("maxmemory", "1mb")
        storm.until(0.6)
        client.config_set("maxmemory", "0")
        return settle(stage, storm, time.monotonic())


@scenario("Sentinel promotes a replica, the tail of writes lost")
def promoted(users: int, turns: int) -> Outcome:
    with (
        tempfile_folder() as folder,
        RedisSentinels(folder) as sentinels,
        Stage(redis_urls=[sentinels.url(), sentinels.url()]) as stage,
    ):
        storm = stage.storm(users, turns).start()
        storm.until(0.25)
        replica = sentinels.replica
        with replica.client() as client:
            client.execute_command("CLIENT", "PAUSE", "60000", "WRITE")  # what the master says now is not heard
            storm.until(0.4)
            fallen = sentinels.master
            fallen.kill()
            client.execute_command("CLIENT", "UNPAUSE")
        begun = time.monotonic()
        return settle(stage, storm, begun)


@scenario("a cluster's master killed, back with its data")
def cluster_master(users: int, turns: int) -> Outcome:
    with (
        tempfile_folder() as folder,
        RedisCluster(folder) as cluster,
        Stage(redis_urls=[cluster.url(), cluster.url()]) as stage,
    ):
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        cluster.nodes[0].kill()
        storm.until(0.6)
        cluster.nodes[0].restart()
        return settle(stage, storm, time.monotonic())


@scenario("READONLY replica behind a stale address")
def read_only(users: int, turns: int) -> Outcome:
    with Stage() as stage, stage.redis.client() as client:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        client.replicaof("127.0.0.1", "1")
        storm.until(0.6)
        client.replicaof("NO", "ONE")
        return settle(stage, storm, time.monotonic())


@scenario("SCRIPT FLUSH")
def script_flush(users: int, turns: int) -> Outcome:
    with Stage() as stage, stage.redis.client() as client:
        storm = stage.storm(users, turns).start()
        for share in (0.3, 0.5, 0.7):
            storm.until(share)
            client.script_flush()
        return settle(stage, storm, time.monotonic())


@scenario("FLUSHALL in mid-conversation")
def flushed(users: int, turns: int) -> Outcome:
    with Stage() as stage, stage.redis.client() as client:
        storm = stage.storm(users, turns).start()
        storm.until(0.4)
        client.flushall()
        return settle(stage, storm, time.monotonic())


@scenario("wrong password after a rotation, then put right")
def password(users: int, turns: int) -> Outcome:
    with Stage() as stage, stage.redis.client() as client:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        client.config_set("requirepass", "another")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        storm.until(0.6)
        client.config_set("requirepass", "")
        return settle(stage, storm, time.monotonic())


@scenario("a server killed -9 in mid-turn, back on its disk")
def server_killed(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.4)
        stage.instances[0].kill()
        storm.until(0.6)
        stage.instances[0].restart()
        return settle(stage, storm, time.monotonic())


@scenario("a server killed -9 in mid-stream, back on its disk")
def server_killed_streaming(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns, stream=True).start()
        storm.until(0.4)
        stage.instances[0].kill()
        storm.until(0.6)
        stage.instances[0].restart()
        return settle(stage, storm, time.monotonic())


@scenario("disk full for the journal, then freed")
def disk_full(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        limit_files(stage, 1)
        storm.until(0.6)
        limit_files(stage, None)
        return settle(stage, storm, time.monotonic())


@scenario("disk full for the journal while Redis is away")
def disk_full_without_redis(users: int, turns: int) -> Outcome:
    with Stage() as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.3)
        stage.redis.kill()
        limit_files(stage, 1)
        time.sleep(2)
        limit_files(stage, None)
        stage.redis.restart()
        return settle(stage, storm, time.monotonic())


@scenario("started without Redis, which appears later")
def late_redis(users: int, turns: int) -> Outcome:
    with Stage(redis_at_start=False) as stage:
        storm = stage.storm(users, turns).start()
        storm.until(0.4)
        stage.redis.restart()
        return settle(stage, storm, time.monotonic())


@scenario("the clock of one instance an hour off, Redis away for a while")
def clock_off(users: int, turns: int) -> Outcome:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        program("faketime")
    with Stage() as stage:
        stage.instances[0].restart(LD_PRELOAD=str(library), FAKETIME="+3600", FAKETIME_DONT_FAKE_MONOTONIC="1")
        storm = stage.storm(users, turns, moving=True).start()
        storm.until(0.3)
        stage.redis.kill()
        storm.until(0.6)
        stage.redis.restart()
        return settle(stage, storm, time.monotonic())


def limit_files(stage: Stage, most: int | None) -> None:
    """Let no process of the instances make a file longer than ``most`` bytes: writing fails as on a full disk."""
    limit = "unlimited" if most is None else str(most)
    for instance in stage.instances:
        main = psutil.Process(instance.pid)
        for process in (main, *main.children(recursive=True)):
            subprocess.run(["prlimit", f"--fsize={limit}:", "--pid", str(process.pid)], check=True)


@contextmanager
def tempfile_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="faults-") as name:
        yield Path(name)
