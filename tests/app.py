"""The server under test: the real ``server.py`` in a process of its own, or its application in this one.

with ParleyServer({"REDIS_URL": redis.url(), "SESSION_TIMEOUT": "60"}) as server, server.client() as client:
    client.post("/chat", json={"message": "hello", "userId": "ada"})

with application(open_store("memory://", clock=clock), "news") as app:  # where time is moved by hand
    app.test_client().post("/api/session/create")
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from flask import Flask

import server
import settings as environment
from api import Services, create_app
from memory import SessionStore
from tests.processes import LOOPBACK, ChildProcess, Service, free_port, wait_until

ROOT = Path(__file__).resolve().parents[1]
START_TRIES = 5
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
"""What the server sees of the environment of the tests. No keys and no settings of whoever runs them."""


class ParleyServer(Service):
    """``server.py`` on a free loopback port, its settings from ``env``: ``memory://`` and no rate limit unless said.

    ``folder`` is where it runs: its log, and its data in ``data``; a temporary one is forgotten at the end. ``root`` is
    the checkout that it is started from. Port and folder stay through ``restart``.
    """

    def __init__(self, env: Mapping[str, str] | None = None, *, folder: Path | None = None, root: Path = ROOT) -> None:
        self.env = {"REDIS_URL": "memory://", "RATE_LIMIT": "off", **(env or {})}
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="parley-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.port = free_port()
        self._process: ChildProcess | None = None

    def start(self) -> Self:
        """Return once it is ready for a turn. ``RuntimeError`` with its last words where it ended instead."""
        for left in reversed(range(START_TRIES)):
            try:
                self._launch()
            except RuntimeError as error:
                if left == 0 or "address already in use" not in str(error).lower():
                    raise
                self.port = free_port()
            else:
                break
        return self

    def stop(self) -> None:
        """SIGTERM, and return once it is gone."""
        self.terminate()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def terminate(self, seconds: float = 30.0) -> int | None:
        """SIGTERM, as an operator stops it; its exit code, None where it did not run."""
        code = self._process.stop(seconds) if self._process else None
        self._process = None
        return code

    def kill(self) -> None:
        """SIGKILL to the main process: its workers go with it, and nobody gets to say goodbye."""
        self._running().kill()
        self._process = None
        wait_until(lambda: not self._listens(), f"the end of all that listens on port {self.port}")

    def pause(self) -> None:
        """SIGSTOP to all of its processes: connections are accepted by the kernel, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after ``pause``."""
        self._signal(signal.SIGCONT)

    def restart(self, **env: str) -> None:
        """Stop it if it still runs and start it again on its port, with its data, and with these settings changed."""
        self.terminate()
        self.env |= env
        self._launch()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        """Its DATA_DIR."""
        return Path(self.env.get("DATA_DIR", self.folder / "data"))

    @property
    def log(self) -> str:
        """All that it has written since the first start."""
        file = self.folder / "server.log"
        return file.read_text(errors="replace") if file.exists() else ""

    @property
    def pid(self) -> int:
        """The main process; the workers are its children."""
        return self._running().pid

    def client(self, **options: Any) -> httpx.Client:
        """A client of its own, with cookies of its own; close it after use (``with server.client() as client``)."""
        return httpx.Client(**{"base_url": self.url, "timeout": 30.0, "trust_env": False, **options})

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise RuntimeError("this server does not run")
        return self._process

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self.pid, number)  # a child process of the tests leads a group of its own

    def _launch(self) -> None:
        own = {name: os.environ[name] for name in _KEPT if name in os.environ}
        env = {**own, "PORT": str(self.port), "DATA_DIR": str(self.data), **self.env}
        # Not from the checkout: the .env of whoever runs the tests is none of its business.
        pairs = [f"{name}={value}" for name, value in env.items()]
        process = ChildProcess(
            ["/usr/bin/env", "-i", *pairs, sys.executable, str(self.root / "server.py")],
            log=self.folder / "server.log",
            cwd=self.folder,
        )
        try:
            wait_until(lambda: not process.running or self._ready(), f"the server on port {self.port}", 60)
        except TimeoutError:
            process.kill()
            raise
        if not process.running:
            process.kill()
            raise RuntimeError(f"the server ended at its start:\n{process.last_words()}")
        self._process = process

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.port)) == 0

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ready", timeout=5.0, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def services_on(store: SessionStore, *names: str, **env: str) -> Iterator[Services]:
    """The services of these assistants (all that are there where none is named) on a store, settings from ``env``.

    The first one named answers where a request names none. Their threads are not started: what a thread does at its
    time, a test does at its own.
    """
    with tempfile.TemporaryDirectory(prefix="parley-") as folder:
        usual = {"DATA_DIR": folder, "RATE_LIMIT": "off", "TURN_WAIT": "2"}
        if names:
            usual |= {"ASSISTANTS": ",".join(names), "DEFAULT_ASSISTANT": names[0]}
        services: Services = server.build(environment.load({**usual, **env}, dotenv=None), store)
        try:
            if services.archive:
                services.archive.migrate()
            yield services
        finally:
            services.close(drain=10)


@contextmanager
def application(store: SessionStore, *names: str, **env: str) -> Iterator[Flask]:
    """The WSGI application on ``services_on``, which is its ``extensions["parley"]``."""
    with services_on(store, *names, **env) as services:
        yield create_app(services)
