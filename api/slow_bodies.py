"""A body that does not arrive in time is answered 408, and its connection ends.

Granian reads a body while the application waits for it, and sets no time for that: whoever sends half of one would hold
a thread for as long as they like. Nothing can wake that thread but the end of the connection, and Granian does not say
which connection is whose. So the answer is given a length of its own, and the connection that grew by it is the one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from api.errors import ApiError, is_openai, openai_kind

log = logging.getLogger(__name__)

PROTOCOL: Final = "parley.protocol"
"""Where in the WSGI environ Granian's end of the connection is, if it is there at all."""

CODE: Final = "request_timeout"
MESSAGE: Final = "The request's body did not arrive in time"

_LENGTHS: Final = range(4_000, 12_000)
"""Bytes of an answer that ends a connection (spaces fill it): by chance other than those of what else is written at the
moment, and few enough for the kernel to take them from us though the client reads none."""
_HEAD: Final = 500
"""Bytes that an answer's head takes at most."""
_TCP: Final = (socket.AF_INET, socket.AF_INET6)
_ACKED: Final = 120
"""Where in the kernel's ``tcp_info`` the count of bytes stands that the other end has confirmed (Linux 4.1)."""


class Answering(Protocol):
    """What is used of Granian's ``WSGIProtocol``; a second answer is not sent."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class SlowBodies:
    """Gives each body ``seconds`` from when it is first waited for. One thread looks, while anybody waits."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: set[_Body] = set()
        self._started = threading.Lock()

    def watch(self, environ: dict[str, Any]) -> None:
        """Put the time over a request's body where it has one."""
        has_one = environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ
        if has_one and (protocol := environ.get(PROTOCOL)) is not None:
            answer = _OPENAIS if is_openai(environ.get("PATH_INFO", "")) else _OURS
            environ["wsgi.input"] = _Body(environ["wsgi.input"], self, protocol, int(environ["SERVER_PORT"]), answer)

    def wait_for(self, body: _Body, size: int | None) -> bytes:
        """What Granian reads; ``ApiError`` 408 where the time ran out meanwhile, though nobody will hear it."""
        if self._started.acquire(blocking=False):  # once: it is never released
            threading.Thread(target=self._look, name="parley-bodies", daemon=True).start()
        body.until = body.until or time.monotonic() + self._seconds
        self._waiting.add(body)
        try:
            found = body.read_on(size)
        finally:
            self._waiting.discard(body)
        if body.over:
            raise ApiError(408, CODE, MESSAGE)
        return found

    def _look(self) -> None:
        while True:
            time.sleep(min(1.0, self._seconds / 4))
            now = time.monotonic()
            for body in tuple(self._waiting):
                if now >= body.until and not body.over:
                    body.over = True
                    if not hang_up(body.protocol, body.port, body.answer):
                        log.warning("a body did not arrive, and its connection was not found")


class _Body:
    """``wsgi.input`` with a time over it, for as much of a file as werkzeug uses."""

    def __init__(self, stream: Any, bodies: SlowBodies, protocol: Answering, port: int, answer: bytes) -> None:
        self._stream = stream
        self._bodies = bodies
        self.protocol = protocol
        self.port = port
        self.answer = answer
        self.until = 0.0
        self.over = False

    def read(self, size: int | None = None) -> bytes:
        return self._bodies.wait_for(self, None if size is not None and size < 0 else size)

    def read_on(self, size: int | None) -> bytes:
        return self._stream.read(size)  # type: ignore[no-any-return]


_OURS: Final = orjson.dumps({"success": False, "error": MESSAGE, "code": CODE})
_OPENAIS: Final = orjson.dumps({"error": {"message": MESSAGE, "type": openai_kind(408), "param": None, "code": CODE}})


def hang_up(protocol: Answering, port: int, answer: bytes, patience: float = 1.0) -> bool:
    """Answer 408 and end the connection that the answer left by; False where it was not found within ``patience`` s."""
    before = [(connection, _written(connection)) for connection in _connections(port)]
    try:
        length = secrets.choice(_LENGTHS)
        headers = [("content-type", "application/json"), ("connection", "close")]
        protocol.response_bytes(408, headers, answer.ljust(length))
        until = time.monotonic() + patience
        while time.monotonic() < until:
            grown = [each for each, had in before if length < _written(each) - had < length + _HEAD]
            if len(grown) == 1:
                with suppress(OSError):  # the client was quicker
                    grown[0].shutdown(socket.SHUT_RDWR)
                return True
            time.sleep(0.005)
        return False
    finally:
        for connection, _ in before:
            connection.close()


def _connections(port: int) -> Iterator[socket.socket]:
    """Handles of our own to all connections that this process has accepted at a port."""
    if sys.platform != "linux":
        return
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if not str(link.readlink()).startswith("socket:"):
                continue
            connection = socket.socket(fileno=os.dup(int(link.name)))
            listens = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if connection.family in _TCP and not listens and connection.getsockname()[1] == port:
                yield connection
            else:
                connection.close()


def _written(connection: socket.socket) -> int:
    """Bytes that were ever written to a connection: those that arrived, and those on their way."""
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        waiting = fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4)
    except OSError:
        return 0
    return int(struct.unpack_from("@Q", told, _ACKED)[0]) + int(struct.unpack("@i", waiting)[0])
