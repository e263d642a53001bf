"""Many clients of a chat server, as light as Python allows: each talks, reads its reply to the end, and talks again.

The loop is closed: a client sends its next message when it has its reply, so a slower server is asked less.
"""

from __future__ import annotations

import array
import asyncio
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.model import HEAD_END, TOKEN
from tests.processes import LOOPBACK

PATIENCE: Final = 60.0
"""Seconds after which a reply is given up."""

SETTLE: Final = 20
"""Seconds."""

TURNS_OF_A_USER: Final = 10
"""Then the client is another user, so that the length of histories is the same however long a run is."""

_TOKEN: Final = TOKEN.encode()
_DONE: Final = b"event: done"
_LAST_CHUNK: Final = b"0\r\n\r\n"


def _times() -> array.array[float]:
    return array.array("d")


@dataclass(slots=True)
class Seen:
    """What the clients saw of replies that ended while ``counting``: seconds, tokens and errors.

    ``lost`` counts tokens by which a stream differed from ``tokens``; ``served`` are the clients that had a reply yet.
    """

    tokens: int
    counting: bool = False
    took: array.array[float] = field(default_factory=_times)
    first: array.array[float] = field(default_factory=_times)
    gaps: array.array[float] = field(default_factory=_times)
    lost: int = 0
    errors: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    over: bool = False
    served: set[int] = field(default_factory=set)

    def wrong(self, why: str) -> None:
        self.errors += 1
        self.reasons[why] = self.reasons.get(why, 0) + 1


class Client(asyncio.Protocol):
    """One client on one connection, which is made anew where it broke."""

    def __init__(self, number: int, address: tuple[str, int, bool], seen: Seen, name: str) -> None:
        self._host, self._port, self._stream = address
        self._seen = seen
        self._number, self._user = number, f"{name}-{number}"
        self._said = 0
        self._transport: asyncio.Transport | None = None
        self._took = self._whole_reply if not self._stream else self._stream_piece
        self._reset()
        self.begun = 0.0
        self.waiting = False

    def _reset(self) -> None:
        self._buffer = b""
        self._length = -1
        self._tokens = 0
        self._heard = 0.0
        self._ended = False
        self._refused = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.talk()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self.waiting:
            self.waiting = False
            self._seen.wrong("the connection broke")
        self._connect_later()

    def _connect_later(self) -> None:
        if not self._seen.over:
            asyncio.get_running_loop().call_later(0.5, lambda: asyncio.ensure_future(self.connect()))

    async def connect(self) -> None:
        """Connect and begin to talk; again and again until it is over."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, self._host, self._port)
        except OSError as error:
            self._seen.wrong(type(error).__name__)
            self._connect_later()

    def talk(self) -> None:
        """Say something, unless it is over."""
        if self._seen.over or self._transport is None:
            return
        self._reset()
        user = f"{self._user}-{self._said // TURNS_OF_A_USER}"
        self._said += 1
        body = b'{"message":"Weather in London?","userId":"%b"}' % user.encode()
        path = b"/chat/stream" if self._stream else b"/chat"
        self.begun, self.waiting = time.perf_counter(), True
        self._transport.write(
            b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (path, LOOPBACK.encode(), len(body), body)
        )

    def give_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._took(data)

    def _whole_reply(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if self._length < 0:
            end = self._buffer.find(HEAD_END)
            if end < 0:
                return
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            self._length = end + 4 + int(head[at + 15 :].split(b"\r", 1)[0])
        if len(self._buffer) >= self._length:
            self._end(self._buffer.count(_TOKEN) == self._seen.tokens)

    def _stream_piece(self, data: bytes) -> None:
        self._refused = self._refused or (not self._buffer and not data.startswith(b"HTTP/1.1 200"))
        if self._refused:
            self._whole_reply(data)  # it has a length
            return
        self._buffer = (self._buffer + data)[-16:]
        if not self._ended:
            end = data.find(_DONE)
            self._ended = end >= 0
            found = data.count(_TOKEN, 0, end if end >= 0 else len(data))
            if found:
                now, seen = time.perf_counter(), self._seen
                if seen.counting:
                    (seen.gaps if self._tokens else seen.first).append(now - (self._heard or self.begun))
                    seen.gaps.extend([0.0] * (found - 1))  # those that came together
                self._heard = now
                self._tokens += found
        if self._buffer.endswith(_LAST_CHUNK):
            if self._seen.counting:
                self._seen.lost += abs(self._seen.tokens - self._tokens)
            self._end(self._ended)

    def _end(self, ok: bool) -> None:
        self.waiting = False
        if not ok:
            self._seen.wrong(self._buffer[:120].decode("latin-1") if self._length >= 0 else "no end of the stream")
        self._seen.served.add(self._number)
        if ok and self._seen.counting:
            self._seen.took.append(time.perf_counter() - self.begun)
        self.talk()


async def run(
    port: int,
    clients: int,
    seconds: float,
    *,
    stream: bool,
    tokens: int,
    name: str,
    begin: Callable[[], None] = lambda: None,
    end: Callable[[], None] = lambda: None,
) -> Seen:
    """``clients`` at once, who come within a second or two. When each of them has had a reply, but after ``SETTLE`` at
    most, what they see counts for ``seconds``; ``begin`` and ``end`` are called at both ends of that time. Then those
    who wait have their replies, within ``PATIENCE`` at most."""
    seen = Seen(tokens)
    crowd = [Client(number, (LOOPBACK, port, stream), seen, name) for number in range(clients)]
    ramp = max(1.0, clients / 1_000)
    arriving: set[asyncio.Future[None]] = set()
    gc.collect()
    gc.disable()
    try:
        for client in crowd:
            arriving.add(asyncio.ensure_future(client.connect()))
            await asyncio.sleep(ramp / clients)
        await _watched(crowd, 2.0)
        for _ in range(SETTLE):
            if len(seen.served) < clients:
                await _watched(crowd, 1.0)
        seen.counting = True
        begin()
        await _watched(crowd, seconds)
        end()
        seen.counting, seen.over = False, True
        await _finished(crowd)
    finally:
        gc.enable()
    return seen


async def _watched(crowd: list[Client], seconds: float) -> None:
    """Sleep, and give up replies that never come."""
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        await asyncio.sleep(min(left, 1.0))
        for client in crowd:
            if client.waiting and time.perf_counter() - client.begun > PATIENCE:
                client.give_up()


async def _finished(crowd: list[Client]) -> None:
    for _ in range(round(PATIENCE * 10)):
        if not any(client.waiting for client in crowd):
            break
        await asyncio.sleep(0.1)
    for client in crowd:
        client.waiting = False
        client.give_up()
    await asyncio.sleep(0.1)
