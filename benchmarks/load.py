"""A load of many clients against a chat server: each talks, reads its reply to the end, and talks again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import orjson


@dataclass(slots=True)
class Load:
    """What the clients saw: seconds of each reply, of its first token, and how many went wrong."""

    took: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.took) / self.seconds if self.seconds else 0.0


async def run(port: int, clients: int, rounds: int, *, stream: bool, ramp: float = 1.0) -> Load:
    """``clients`` at once, each ``rounds`` times; they begin within ``ramp`` seconds."""
    load = Load()
    begun = time.perf_counter()
    await asyncio.gather(
        *(_client(port, number, rounds, stream, ramp * number / clients, load) for number in range(clients))
    )
    load.seconds = time.perf_counter() - begun
    return load


async def _client(port: int, number: int, rounds: int, stream: bool, wait: float, load: Load) -> None:
    await asyncio.sleep(wait)
    path = "/chat/stream" if stream else "/chat"
    reader: asyncio.StreamReader | None = None
    for turn in range(rounds):
        body = orjson.dumps({"message": f"Hello {turn}", "userId": f"user{number}"})
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        begun = time.perf_counter()
        try:
            if reader is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + body)
            first, whole, ok = await asyncio.wait_for(_reply(reader, stream), 60)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            load.errors += 1
            reader = None
            continue
        if not ok or (stream and b"done" not in whole):
            load.errors += 1
            continue
        load.took.append(time.perf_counter() - begun)
        load.first.append(first - begun)
    if reader is not None:
        writer.close()


async def _reply(reader: asyncio.StreamReader, stream: bool) -> tuple[float, bytes, bool]:
    """When the first token came, the body, and whether the status was 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    ok = head.startswith(b"http/1.1 200")
    if b"content-length:" in head:
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        return time.perf_counter(), await reader.readexactly(length), ok
    first, parts = 0.0, []
    while (size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)) > 0:
        piece = await reader.readexactly(size + 2)
        if not first and (not stream or b"session" not in piece[:40]):
            first = time.perf_counter()
        parts.append(piece[:-2])
    await reader.readexactly(2)
    return first or time.perf_counter(), b"".join(parts), ok
