"""Two instances of the real server, a real Redis, and a model that thinks: the stage that faults happen on."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from tests.app import ParleyServer
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.faults.observer import Storm, Verdict, judge
from tests.processes import Service, wait_until
from tests.proxy import Proxy
from tests.servers import RedisServer

THINK = 0.1
"""Seconds that the model takes."""

SETTINGS = {
    "ASSISTANTS": "weather",
    "MODEL": "openai:fake",
    "OPENAI_API_KEY": "none",
    "MAX_CONVERSATIONS_PER_SESSION": "100",
    "SECRET_KEY": "of the faults",
    "THREADS": "64",
    "CLEANUP_INTERVAL": "1000",
}


class Stage(Service):
    """``redis_urls`` are those of the instances A and B; None: one Redis for both, behind a proxy for each, which is
    away ``redis_at_start`` if that is false."""

    def __init__(
        self, *, redis_urls: Sequence[str] | None = None, redis_at_start: bool = True, **settings: str
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="faults-"))
        self.model = OpenAIServer(lambda call: Reply(f"You said: {call.said[-1][1]}", think=THINK), record=False)
        self.redis = RedisServer(self.folder / "redis")  # not started where ``redis_urls`` are given
        self.proxies: list[Proxy] = []
        self._urls = redis_urls
        self._redis_at_start = redis_at_start
        self._settings = settings
        self.instances: list[ParleyServer] = []

    def start(self) -> Self:
        self.model.start()
        if self._urls is None:
            self.redis.start()
            self.proxies = [Proxy(self.redis.port).start() for _ in range(2)]
            self._urls = [proxy.url() for proxy in self.proxies]
            if not self._redis_at_start:
                self.redis.kill()
        for name, url in zip("ab", self._urls or (), strict=True):
            env = {**SETTINGS, "OPENAI_BASE_URL": self.model.url, "REDIS_URL": url, **self._settings}
            self.instances.append(ParleyServer(env, folder=self.folder / name).start())
        self.storm(2, 1).start().join()  # warm: the first turn of a process imports the model's client
        return self

    def stop(self) -> None:
        for instance in self.instances:
            instance.stop()
        for proxy in self.proxies:
            proxy.stop()
        self.redis.stop()
        self.model.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def urls(self) -> list[str]:
        return [instance.url for instance in self.instances]

    def storm(self, users: int, turns: int, **options: Any) -> Storm:
        return Storm(self.urls, users, turns, **options)

    def recovered(self, since: float, seconds: float = 30.0) -> float:
        """Wait until both instances have nothing left to tell Redis; seconds from ``since`` (monotonic) until then."""
        wait_until(lambda: all(map(_settled, self.urls)), "both instances' reconciliation", seconds)
        return time.monotonic() - since

    def judge(self, storm: Storm) -> list[Verdict]:
        """The verdict on the history as each of the instances tells it while it is on Redis.

        A machine that stalls for 200 ms makes an instance serve alone for a moment, and then it knows only its own
        users: what is read in such a moment says nothing of what is kept.
        """
        verdicts = []
        for url in self.urls:
            for _ in range(5):
                verdict = judge(storm, lambda user, url=url: _history(url, user))  # type: ignore[misc]
                if not verdict.lost:
                    break
                wait_until(lambda url=url: _settled(url), f"{url} to be on Redis", 30)  # type: ignore[misc]
            verdicts.append(verdict)
        return verdicts


def _settled(url: str) -> bool:
    try:
        store = httpx.get(f"{url}/system/status", timeout=10, trust_env=False).json()["store"]
    except httpx.TransportError:
        return False
    return bool(store["state"] == "closed" and not store.get("unsynced"))


def _history(url: str, user: str) -> list[dict[str, str]]:
    answer = httpx.get(f"{url}/sessions/{user}/history?limit=100", timeout=10, trust_env=False)
    return list(answer.raise_for_status().json()["history"])
