"""HTTP/1.1 on asyncio, as little of it as a stand-in for a server on the internet needs, and quick.

A thousand clients with slow answers cost it next to nothing, so that a measurement is of the server under test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """``headers`` by lower-case name; ``path`` without its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """One client. ``serve`` is awaited for one request after the other, and cancelled when the client hangs up."""

    def __init__(
        self, serve: Callable[[HTTPRequest, Connection], Awaitable[None]], connections: set[Connection]
    ) -> None:
        self._serve = serve
        self._connections = connections
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._take_request()

    def send(
        self,
        status: int,
        content_type: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        only: int | None = None,
    ) -> None:
        """A whole reply, or only the first bytes of its body."""
        self.write(_head(status, content_type, {**(headers or {}), "Content-Length": str(len(body))}) + body[:only])

    def begin(self, status: int, content_type: str) -> None:
        """The head of a reply whose pieces follow by ``write(chunk(piece))``, ended by ``write(chunk(b""))``."""
        self.write(_head(status, content_type, {"Transfer-Encoding": "chunked"}))

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def cut(self) -> None:
        """Close the connection, whatever was promised on it."""
        if self._transport is not None:
            self._transport.abort()

    def _take_request(self) -> None:
        request = self._parse()
        if request is not None:
            self._task = asyncio.ensure_future(self._serve(request, self))
            self._task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self.send(500, "text/plain", f"the test's own function failed: {error!r}".encode())
        self._take_request()

    def _parse(self) -> HTTPRequest | None:
        """The next request of the buffer, or None until it is complete."""
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        start = end + len(HEAD_END)
        stop = start + int(headers.get("content-length", "0"))
        if len(self._buffer) < stop:
            return None
        method, target, _ = first.split(" ", 2)
        body = bytes(self._buffer[start:stop])
        del self._buffer[:stop]
        return HTTPRequest(method, target.partition("?")[0], headers, body)


def chunk(piece: bytes) -> bytes:
    """One piece in chunked transfer encoding; the empty piece ends the reply."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _head(status: int, content_type: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {content_type}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
