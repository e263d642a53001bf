"""Child processes that tests start: on free loopback ports, and gone when the tests are, however these ended."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

LOOPBACK = "127.0.0.1"
# Below the ports that the kernel hands out, so that no outgoing connection takes one between choice and use. A Redis
# cluster's bus listens 10,000 higher.
PORTS = range(15_000, 30_000)
BUS_OFFSET = 10_000


def free_port(*, bus: bool = False) -> int:
    """A loopback port on which nothing listens; with ``bus``, the one 10,000 above it is free too."""
    for _ in range(1_000):
        port = secrets.choice(PORTS)
        if _is_free(port) and (not bus or _is_free(port + BUS_OFFSET)):
            return port
    raise RuntimeError(f"no free port found between {PORTS.start} and {PORTS.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def program(name: str, *folders: str) -> str:
    """The path of an installed program. A missing one skips the test on a laptop, and fails it where CI is true."""
    path = shutil.which(name) or next((str(Path(f, name)) for f in folders if Path(f, name).is_file()), None)
    if path is None:
        sentence = f"{name} is not installed"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    """Returns as soon as ``condition`` holds; ``TimeoutError`` naming ``what`` when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.01)


class Service(ABC):
    """Something with a start and a stop, used as ``with RedisServer() as server``; a failed start is cleaned up too."""

    @abstractmethod
    def start(self) -> Self:
        """Return once it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Return once it is gone; repeating it does nothing."""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class ChildProcess:
    """A child in a session of its own (Ctrl-C does not reach it), killed also when the tests themselves are killed."""

    def __init__(self, command: Sequence[str], *, log: Path, cwd: Path | None = None) -> None:
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd, start_new_session=True
            )
        # Its input ends when this process does, in whatever way; then it kills the child.
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r _; kill -KILL "$0"', str(self._child.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.log = log

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a child that is gone already is left in peace."""
        if self.running:
            self._child.send_signal(number)

    def stop(self, seconds: float = 10.0) -> int:
        """SIGTERM, then SIGKILL after ``seconds``; returns the exit code. Repeating it does nothing."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
        return self._over()

    def kill(self) -> int:
        """SIGKILL: what a crash or a power cut looks like to the others."""
        with suppress(ProcessLookupError):
            self._child.kill()
        return self._over()

    def _over(self) -> int:
        code = self._child.wait()
        # The guard goes before anybody else can be given the child's pid.
        self._guard.kill()
        self._guard.communicate()
        return code

    def last_words(self, lines: int = 20) -> str:
        """The end of what it wrote, for the message of a failed start."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
