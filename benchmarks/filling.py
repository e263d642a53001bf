"""A million sessions in a minute or two: real turns of the real engine, whose scripts are sent to Redis in batches."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Final, cast

import redis

from memory import SessionEngine, SessionPolicy
from memory.stores.redis import RedisStore
from memory.stores.scripts import CLAIM, COMMIT

LONG: Final = SessionPolicy(inactivity=86_400, durability="memory")
PROCESSES: Final = 2
ALONE: Final = 5_000
"""Fewer sessions than that are not worth another process."""

BATCH: Final = 500
_FENCE: Final = 1
"""The place of the fence among the arguments of the commit, behind the shift of the clock."""


class LateClient:
    """Answers a claim at once, as Redis would for a subject that it does not know, and asks Redis later.

    What it hands out as fences are numbers of claims; the true ones are put in when the batch is sent.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._claims: list[list[Any]] = []
        self._commits: list[list[Any]] = []
        self._now = 0

    def execute_command(self, command: str, digest: str, keys: int, *rest: Any) -> Any:
        if digest == CLAIM.digest:
            if not self._claims:
                seconds, micros = self._client.time()
                self._now = seconds * 1_000 + micros // 1_000
            self._claims.append([command, digest, keys, *rest])
            return [b"claimed", self._now, len(self._claims), [], None, []]
        if digest != COMMIT.digest or rest[keys + _FENCE] != len(self._claims):
            raise NotImplementedError("only a new session's first turn can be batched")
        self._commits.append([command, digest, keys, *rest])
        return b"stored"

    def send(self) -> None:
        """All claims, then all commits, each in one round trip."""
        claimed = self._pipelined(self._claims)
        for reply, commit in zip(claimed, self._commits, strict=True):
            if reply[0] != b"claimed" or reply[3]:
                raise RuntimeError("a session was there before")
            commit[3 + commit[2] + _FENCE] = reply[2]
        if set(self._pipelined(self._commits)) - {b"stored"}:
            raise RuntimeError("a turn was not stored")
        self._claims, self._commits = [], []

    def _pipelined(self, commands: list[list[Any]]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)  # type: ignore[no-untyped-call]
            return list(pipe.execute())


def fill(url: str, namespace: str, first: int, last: int) -> None:
    """A turn each of ``user<first>`` up to, but not with, ``user<last>``, none of whom has a session."""
    with redis.Redis.from_url(url) as client:
        for script in (CLAIM, COMMIT):
            client.script_load(script.source)
    if last - first < ALONE:
        work(url, namespace, first, last)
        return
    share = -(-(last - first) // PROCESSES)
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.filling", url, namespace, str(at), str(min(at + share, last))]
        )
        for at in range(first, last, share)
    ]
    codes = [each.wait() for each in running]
    if any(codes):
        raise RuntimeError("a process that fills failed")


def work(url: str, namespace: str, first: int, last: int) -> None:
    """The same, in this process, without loading the scripts."""
    with redis.Redis.from_url(url) as client:
        late = LateClient(client)
        engine = SessionEngine(RedisStore(lambda: cast("redis.Redis", late)), LONG, namespace=namespace)
        for number in range(first, last):
            engine.finish_turn(engine.begin_turn(f"user{number}", "Weather in London?"), "Cloudy, 9 °C.")
            if (number - first) % BATCH == BATCH - 1:
                late.send()
        late.send()
        engine.leases.close()


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
