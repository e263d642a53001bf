"""A bound on the whole reply of a Redis server, not only on the silence between two pieces of it.

``socket_timeout`` begins anew with every byte that arrives, so a server whose replies drip would hold a request for as
long as it likes. Here the time runs from the moment a command is sent.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any, TypeVar

Data = TypeVar("Data")


class BoundedSocket:
    """A connected socket on which everything that is sent must be answered within ``seconds``.

    Data that has arrived already is read even after that: whoever was kept from reading by a busy machine has it.
    A reader that asks for another time-out (a subscriber waiting for events) has that one instead.

    Where there is no TLS in between, the kernel keeps the time of sending and of the first read: Python would ask it
    before each whether the socket is ready, and give its lock away once more.
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds
        self._deadline = 0.0
        self._own = True
        self._fresh = False  # nothing was read since something was sent
        self._shortened = False
        self._in_kernel = not isinstance(sock, ssl.SSLSocket)
        if self._in_kernel:
            limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))  # struct timeval
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            sock.settimeout(None)

    def sendall(self, data: Any) -> None:
        self._deadline = time.monotonic() + self._seconds
        self._fresh = True
        if self._shortened:
            self.settimeout(self._seconds)
        if not self._in_kernel:
            self._sock.sendall(data)
            return
        try:
            sent = self._sock.send(data)
        except BlockingIOError as error:
            raise TimeoutError("the command could not be sent in time") from error
        if sent < len(data):  # the kernel's time would begin anew with every piece that the server takes
            self._shortened = True
            self._sock.settimeout(max(0.001, self._deadline - time.monotonic()))
            self._sock.sendall(memoryview(data)[sent:])

    def recv(self, size: int, flags: int = 0) -> bytes:
        return self._bounded(lambda: self._sock.recv(size, flags))

    def recv_into(self, buffer: Any) -> int:
        return self._bounded(lambda: self._sock.recv_into(buffer))

    def _bounded(self, read: Callable[[], Data]) -> Data:
        if not self._own:
            return read()
        if self._fresh:  # most replies come in one piece, and need not be timed again
            self._fresh = False
        else:
            self._shortened = True
            self._sock.settimeout(max(0.0, self._deadline - time.monotonic()))
        try:
            return read()
        except (BlockingIOError, ssl.SSLWantReadError) as error:
            raise TimeoutError("the reply took too long") from error

    def settimeout(self, seconds: float | None) -> None:
        self._own = seconds == self._seconds
        self._shortened = False
        self._sock.settimeout(None if self._own and self._in_kernel else seconds)

    def fileno(self) -> int:
        return self._sock.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def greet(connection: Any) -> None:
    """Bounds a redis-py connection that was just made, then introduces it to its server."""
    bind(connection)
    connection.on_connect()


def bind(connection: Any) -> None:
    """Bounds a redis-py connection. There is no public way to a connection's socket before it is used."""
    bounded = BoundedSocket(connection._sock, connection.socket_timeout)
    connection._sock = bounded
    if getattr(connection._parser, "_sock", None):
        connection._parser._sock = bounded
